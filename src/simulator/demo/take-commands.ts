import type { Space } from '../space';
import { type Command, parseCommand } from './command';
import type { LiveCalls } from './live-calls';
import type { Prompt } from './prompt';

/** How often simulated time is moved while people try things, in milliseconds. */
const LIVE_STEP_MS = 200;

const HELP = [
  '    bob calls         or alice (the agent), carol (a customer too) or ted (the supervisor)',
  '    ted *2            keys on his telephone: * and then 1 to listen, 2 to coach,',
  '                      3 to talk to everyone, 4 for another conversation, 9 to end',
  '    ted answers       if his telephone is ringing',
  '    alice hangs up    or anybody else who is on the line',
  '    who hears whom    prints the table again',
  '    commands          prints curl commands for another terminal, which use both APIs',
  '    quit              or Ctrl-C',
];

const NO_CHANGE = ['    Nothing has changed.'];

const NOT_UNDERSTOOD = '    Type, for example: bob calls, ted *2, alice hangs up, who hears whom, help or quit.';

/**
 * Runs simulated time at the speed of real time, does what is typed, and prints what happens. Resolves at `quit`.
 *
 * @param options.curl commands for a shell, as lines
 */
export async function takeCommands(options: {
  prompt: Prompt;
  calls: LiveCalls;
  space: Space;
  curl: readonly string[];
}): Promise<void> {
  const { prompt, calls, space, curl } = options;
  for (;;) {
    const line = await prompt.nextLine(LIVE_STEP_MS);
    const command = parseCommand(line ?? '');
    if (command?.kind === 'quit') {
      return;
    }
    const lines = command === undefined ? await passTime(line) : await answerTo(command);
    if (lines.length > 0) {
      prompt.print(lines);
    }
  }

  async function passTime(line = ''): Promise<string[]> {
    await space.clock.advance(LIVE_STEP_MS);
    return [...calls.news(), ...(line.trim() === '' ? [] : [NOT_UNDERSTOOD])];
  }

  async function answerTo(command: Command): Promise<readonly string[]> {
    if ('who' in command) {
      const problem = await calls.act(command);
      const news = calls.news();
      return problem === undefined ? (news.length === 0 ? NO_CHANGE : news) : [`    ${problem}`, ...news];
    }
    switch (command.kind) {
      case 'show':
        return calls.table();
      case 'commands':
        return curl;
      default:
        return HELP;
    }
  }
}
