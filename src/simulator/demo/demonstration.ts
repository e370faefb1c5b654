import type { Paint } from '../report';
import { type PhoneCommand, parseCommand } from './command';
import type { LiveCalls } from './live-calls';

/** Commands as they can be typed, each with what it shows. */
const STEPS = [
  ['bob calls', 'Bob, a customer, hears music until an agent is in.'],
  ['alice calls', 'Alice is the agent. They hear each other.'],
  ['ted calls', 'Ted, a supervisor, listens: nobody hears him.'],
  ['ted *2', 'He coaches: only Alice hears him.'],
  ['ted *3', 'He steps in: everyone hears him.'],
  ['alice hangs up', 'That ends the conversation. Ted waits for the next one.'],
  ['ted hangs up', ''],
] as const;

/** No line is longer than a narrow terminal. */
const COLUMNS = 80;
const COMMAND_COLUMNS = 18;

/**
 * Lets Bob, Alice and Ted call, as if somebody had typed commands, and prints who hears whom when it changes. At the end
 * nobody is on the line.
 *
 * @param options.pause waits between two steps, until the first one has been read
 */
export async function demonstrate(options: {
  calls: LiveCalls;
  write: (text: string) => void;
  paint: Paint;
  pause: () => Promise<void>;
}): Promise<void> {
  const { calls, write, paint, pause } = options;
  for (const [index, [line, note]] of STEPS.entries()) {
    await (index > 0 ? pause() : undefined);
    write(`> ${paint('bold', line)}${note && `${''.padEnd(COMMAND_COLUMNS - line.length)}${note}`}`);
    const problem = await calls.act(parseCommand(line) as PhoneCommand);
    for (const text of [...(problem === undefined ? [] : [problem]), ...calls.news(COLUMNS)]) {
      write(text);
    }
  }
}
