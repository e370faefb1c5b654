import { printable } from '../../ops/printable';
import type { Call } from '../call';
import { dialSettings, TELEPHONES, type Telephone } from '../phones/telephones';
import { type CallProgress, NO_PROGRESS, progressOf, type Row, rowsOf } from '../play-story';
import { type Paint, renderMatrix } from '../report';
import type { Space } from '../space';
import { TUTORIAL_CAST } from '../tutorial';
import { nameOf } from './cast';
import type { Person, PhoneCommand } from './command';

const INDENT = '    ';

/** The calls of the demo, as they go on. */
export interface LiveCalls {
  /**
   * Does what a command says, and runs simulated time until it is people's turn again: nobody has to wait for prompts.
   *
   * @returns a sentence that says why it cannot be done
   */
  act(command: PhoneCommand): Promise<string | undefined>;
  /**
   * What has happened since it was last asked, as lines: texts that were spoken, failed calls, and the table of who hears
   * whom if it has changed.
   *
   * @param columns how long a line may be: of longer texts it has the first sentences; by default every line is whole
   */
  news(columns?: number): string[];
  /** Who hears whom now, as lines. */
  table(): string[];
}

/**
 * Follows the calls at `space` from now on.
 *
 * @param serverUrl of the server whose numbers are dialled, without a trailing slash
 */
export function createLiveCalls(options: { space: Space; serverUrl: string; paint: Paint }): LiveCalls {
  const { space, serverUrl, paint } = options;
  const seen = new Map(space.calls.map((call) => [call, progressOf(call)]));
  let shown = renderTable();

  function renderTable(): string {
    return renderMatrix(rowsOf(space, nameOf).map(withoutBriefSounds), paint);
  }

  /** Presses keys one after the other, each when the one before has had its effect. It cuts short what that one led to. */
  async function press(call: Call, keys: string): Promise<boolean> {
    for (const [index, key] of [...keys].entries()) {
      await space.clock.settle();
      const { told } = progressOf(call);
      if (!call.press(key)) {
        return false;
      }
      if (index > 0) {
        seen.set(call, { ...(seen.get(call) ?? NO_PROGRESS), told });
      }
    }
    return true;
  }

  /** Returns why it cannot be done. */
  async function attempt(command: PhoneCommand): Promise<string | undefined> {
    const { who } = command;
    const name = capitalized(who);
    const call = space.calls.findLast((one) => nameOf(one) === name && !one.isOver);
    const isRinging = call?.status === 'ringing';
    switch (command.kind) {
      case 'call':
        if (call === undefined) {
          space.call(dialSettings(telephoneOf(who), serverUrl, TUTORIAL_CAST[who]));
          return undefined;
        }
        return isRinging
          ? `${name}'s telephone is ringing: type ${who} answers.`
          : `${name} is on the line already: type ${who} hangs up.`;
      case 'answer':
        call?.answer();
        return isRinging ? undefined : `${name}'s telephone is not ringing.`;
      case 'hangUp':
        call?.hangUp();
        break;
      case 'press':
        if (call !== undefined && !(await press(call, command.keys))) {
          return `${name}'s telephone is not asking for a key.`;
        }
    }
    return call === undefined ? `${name} is not on the line: type ${who} calls.` : undefined;
  }

  return {
    async act(command) {
      const problem = await attempt(command);
      await space.runUntilIdle();
      return problem;
    },

    news(columns) {
      const lines = space.calls.flatMap((call) => {
        const since = seen.get(call);
        seen.set(call, progressOf(call));
        return changesOf(call, since, columns).map((line) => INDENT + paint('yellow', printable(line)));
      });
      const table = renderTable();
      if (table === shown) {
        return lines;
      }
      shown = table;
      return [...lines, ...table.split('\n')];
    },

    table() {
      shown = renderTable();
      return shown.split('\n');
    },
  };
}

/** A beep or an announcement would change the table twice. */
function withoutBriefSounds(row: Row): Row {
  return { ...row, sounds: row.sounds.filter((sound) => sound === 'music') };
}

/** Carol dials what Bob dials. */
function telephoneOf(who: Person): Telephone {
  return TELEPHONES.find(({ id }) => id === (who === 'carol' ? 'bob' : who)) as Telephone;
}

function changesOf(call: Call, since: CallProgress = NO_PROGRESS, columns = Number.POSITIVE_INFINITY): string[] {
  const { told, errors } = call;
  const name = nameOf(call);
  return [
    ...told.slice(since.told).map((text) => {
      const frame = `${INDENT}${name} is told: ""`;
      return `${name} is told: "${shortened(text, columns - frame.length)}"`;
    }),
    ...errors.slice(since.errors).map(({ code, message }) => `${name}'s call failed with ${code}: ${message}`),
  ];
}

/** The first sentences of a text, as many as fit. */
function shortened(text: string, columns: number): string {
  if (text.length <= columns) {
    return text;
  }
  let short = '';
  for (const sentence of text.split(/(?<=[.!?]) /)) {
    const longer = `${short}${sentence} `;
    if (`${longer}…`.length > columns) {
      break;
    }
    short = longer;
  }
  return `${short}…`;
}

function capitalized(who: Person): string {
  return who.charAt(0).toUpperCase() + who.slice(1);
}
