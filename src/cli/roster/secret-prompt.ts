import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { CommandContext } from '../run-command';

/** Reads secrets from standard input, a line each. */
export interface SecretPrompt {
  /** The next line; empty at the end of the input. A terminal is asked, and does not show what is typed. */
  ask(question: string): Promise<string>;
  /** Stops reading. An open terminal would keep the process running. */
  close(): void;
}

/**
 * Starts reading. Call `close` at the end.
 *
 * @param interrupt called on Ctrl-C, which a terminal that shows nothing takes for a key; interrupts this process by default
 */
export function createSecretPrompt(
  { stdin, stderr }: Pick<CommandContext, 'stdin' | 'stderr'>,
  interrupt: () => void = () => process.kill(process.pid, 'SIGINT'),
): SecretPrompt {
  const hidden = stdin.isTTY
    ? { terminal: true, output: new Writable({ write: (_text, _encoding, done) => done() }) }
    : {};
  const reader = createInterface({ input: stdin, ...hidden });
  reader.on('SIGINT', () => {
    reader.close();
    interrupt();
  });
  const lines = reader[Symbol.asyncIterator]();
  return {
    async ask(question) {
      if (stdin.isTTY) {
        stderr.write(question);
      }
      const { value, done } = await lines.next();
      if (stdin.isTTY) {
        stderr.write('\n');
      }
      return done ? '' : value;
    },
    close() {
      reader.close();
      stdin.destroy();
    },
  };
}
