import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { openPrompt, type Prompt } from '../../../../src/simulator/demo/prompt';
import { onTestFinished } from '../../../support/on-test-finished';
import { eventually } from '../../../support/redis-server';

const COLUMNS = 20;

/** Opens a prompt on streams that are a terminal, or not. */
function open({ isTerminal }: { isTerminal: boolean }) {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const terminal = { isTTY: isTerminal, columns: COLUMNS };
  let written = '';
  let interruptions = 0;
  stdout.setEncoding('utf8').on('data', (text) => {
    written += text;
  });
  const prompt = openPrompt({
    stdin: Object.assign(stdin, terminal),
    stdout: Object.assign(stdout, terminal),
    interrupt: () => {
      interruptions += 1;
    },
  });
  onTestFinished(() => prompt.close());
  const screen = () => drawn(written);
  return {
    prompt,
    stdin,
    screen,
    written: () => written,
    interruptions: () => interruptions,
    shows: (...rows: string[]) => eventually(() => expect(screen()).toEqual(rows)),
  };
}

/** The rows of a terminal after this output. */
function drawn(output: string): string[] {
  const rows = [''];
  let [row, column] = [0, 0];
  for (const [part, count = '', code] of output.matchAll(/\p{Cc}\[(\d*)([A-Z])|./gsu)) {
    if (part === '\r' || code === 'G') {
      column = code === 'G' ? Number(count) - 1 : 0;
    } else if (part === '\n') {
      row += 1;
      column = 0;
    } else if (code === 'A') {
      row -= Number(count || 1);
    } else if (code === 'J') {
      rows.splice(row + 1);
      rows[row] = rows[row]?.slice(0, column) ?? '';
    } else if (code !== undefined) {
      throw new Error(`The terminal does not know ${JSON.stringify(part)}.`);
    } else {
      if (column === COLUMNS) {
        row += 1;
        column = 0;
      }
      rows[row] = (rows[row] ?? '').slice(0, column).padEnd(column) + part + (rows[row] ?? '').slice(column + 1);
      column += 1;
    }
    while (rows.length <= row) {
      rows.push('');
    }
  }
  return rows;
}

/** Long enough to be cut short by a line. */
const next = (prompt: Prompt) => prompt.nextLine(30_000);

describe('a prompt on a terminal', () => {
  it('takes lines as they are typed', async () => {
    const { prompt, stdin, shows } = open({ isTerminal: true });
    const line = next(prompt);
    await shows('> ');
    stdin.write('bob calls\r');
    expect(await line).toBe('bob calls');
    prompt.print(['Bob hears music.']);
    await shows('> bob calls', 'Bob hears music.', '');
    const another = next(prompt);
    await shows('> bob calls', 'Bob hears music.', '> ');
    stdin.write('quit\r');
    expect(await another).toBe('quit');
  });

  it.each([
    ['a line', 'ted *', ['> ted *']],
    ['several rows', 'carol hangs up whatever', ['> carol hangs up wha', 'tever']],
  ])('prints above %s that is being typed', async (_what, typed, rows) => {
    const { prompt, stdin, shows } = open({ isTerminal: true });
    const line = next(prompt);
    stdin.write(typed);
    await shows(...rows);
    prompt.print(['Alice hears Bob.', 'Bob hears Alice.']);
    await shows('Alice hears Bob.', 'Bob hears Alice.', ...rows);
    prompt.print(['Nobody is there.']);
    await shows('Alice hears Bob.', 'Bob hears Alice.', 'Nobody is there.', ...rows);
    stdin.write('!\r');
    expect(await line).toBe(`${typed}!`);
  });

  it('is shown again only when there is nothing left to do', async () => {
    const { prompt, stdin, written } = open({ isTerminal: true });
    const first = next(prompt);
    stdin.write('bob calls\ralice calls\r');
    expect([await first, await next(prompt)]).toEqual(['bob calls', 'alice calls']);
    expect(written().split('> ')).toHaveLength(2);
  });

  it('waits only as long as it is told to, and keeps what is typed meanwhile', async () => {
    const { prompt, stdin, shows } = open({ isTerminal: true });
    expect(await prompt.nextLine(1)).toBeUndefined();
    stdin.write('bob c');
    await shows('> bob c');
    const line = next(prompt);
    for (const key of 'alls\r') {
      stdin.write(key);
    }
    expect(await line).toBe('bob calls');
  });

  it('ends with quit at Ctrl-D, on a row of its own', async () => {
    const { prompt, stdin, shows } = open({ isTerminal: true });
    const line = next(prompt);
    stdin.write('\x04');
    expect(await line).toBe('quit');
    await shows('> ', '');
  });

  it('hands on Ctrl-C', async () => {
    const { prompt, stdin, interruptions } = open({ isTerminal: true });
    void prompt.nextLine(1);
    stdin.write('\x03');
    await eventually(() => expect(interruptions()).toBe(1));
  });
});

describe('a prompt on something else', () => {
  it('prints each line as if it had been typed, without what could control a terminal', async () => {
    const { prompt, stdin, shows } = open({ isTerminal: false });
    stdin.write('bob calls\nted \x1b[2J*2\n');
    expect(await next(prompt)).toBe('bob calls');
    prompt.print(['Bob hears music.']);
    await next(prompt);
    await shows('> bob calls', 'Bob hears music.', '> ted \u{fffd}[2J*2', '');
  });

  it('has no more lines at the end of the input', async () => {
    const { prompt, stdin } = open({ isTerminal: false });
    stdin.end('bob calls');
    expect(await next(prompt)).toBe('bob calls');
    expect(await prompt.nextLine(1)).toBeUndefined();
  });
});
