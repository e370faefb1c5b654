import { clearScreenDown, createInterface, cursorTo, moveCursor } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { printable } from '../../ops/printable';

/** A prompt for commands, on a terminal or on anything else that lines come from. */
export interface Prompt {
  /**
   * The next line that was typed, or undefined if none was within `ms`. At the end of what can be typed, a terminal's
   * Ctrl-D, it is `quit`; at the end of any other input there are no more lines.
   */
  nextLine(ms: number): Promise<string | undefined>;
  /** Prints lines above what is being typed. */
  print(lines: readonly string[]): void;
  /** Gives the terminal back. */
  close(): void;
}

export interface PromptOptions {
  stdin: Readable & { isTTY?: boolean };
  stdout: Writable & { isTTY?: boolean };
  /** Called at Ctrl-C, which the terminal does not turn into a signal meanwhile. */
  interrupt: () => void;
}

const SIGN = '> ';

/** Opens a prompt. Its first {@link Prompt.nextLine} shows it. */
export function openPrompt({ stdin, stdout, interrupt }: PromptOptions): Prompt {
  const isTerminal = stdin.isTTY === true && stdout.isTTY === true;
  const editor = createInterface({
    input: stdin,
    ...(isTerminal && { output: stdout }),
    terminal: isTerminal,
    prompt: SIGN,
  });
  const lines: string[] = [];
  let isShown = false;
  let wake = () => {};
  const add = (line: string) => {
    lines.push(line);
    wake();
  };
  editor.on('line', (line) => {
    isShown = false;
    add(line);
  });
  editor.on('SIGINT', interrupt);
  editor.on('close', () => {
    if (isShown) {
      stdout.write('\n');
    }
    isShown = false;
    if (stdin.isTTY) {
      add('quit');
    }
  });

  function print(texts: readonly string[]): void {
    if (isShown) {
      moveCursor(stdout, 0, -editor.getCursorPos().rows);
      cursorTo(stdout, 0);
      clearScreenDown(stdout);
      // Undocumented: how many rows readline goes back before it draws the line. The cursor is on the first row now.
      Object.assign(editor, { prevRows: 0 });
    }
    stdout.write(`${texts.join('\n')}\n`);
    if (isShown) {
      editor.prompt(true);
    }
  }

  return {
    async nextLine(ms) {
      if (lines.length === 0) {
        if (isTerminal && !isShown) {
          isShown = true;
          editor.prompt();
        }
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      const line = lines.shift();
      if (line !== undefined && !isTerminal) {
        print([SIGN + printable(line)]);
      }
      return line;
    },
    print,
    close: () => editor.close(),
  };
}
