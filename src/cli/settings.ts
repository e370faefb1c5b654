import { config as loadDotenv } from 'dotenv';
import { type Config, ConfigError, loadConfig } from '../config';

/** Why a command cannot do its work: sentences for the person who gave it. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly sentences: readonly string[];

  constructor(...sentences: string[]) {
    super(sentences.join('\n'));
    this.sentences = sentences;
  }
}

/**
 * The server's settings, from the environment and `.env` as it reads them itself. What only a server needs in production
 * may be missing: PINs are hashed before the first start, and the audit trail is read elsewhere.
 *
 * @throws CommandError when they cannot be used
 */
export function readSettings(): Config {
  loadDotenv({ quiet: true });
  try {
    return loadConfig({ ...process.env, NODE_ENV: 'development' });
  } catch (error) {
    throw error instanceof ConfigError ? new CommandError(...error.problems) : error;
  }
}

/**
 * Runs a command to its end. One that cannot do its work says why on standard error, each sentence behind the command's
 * name, and ends with code 2.
 */
export function runCommand(name: string, command: () => Promise<void>): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever reads has gone, as `head` does.
    if (error.code === 'EPIPE') {
      process.exit(0);
    }
    process.stderr.write(`${name}: The output cannot be written: ${error.message}.\n`);
    process.exit(2);
  });
  command().catch((error) => {
    for (const sentence of error instanceof CommandError ? error.sentences : [error.stack]) {
      process.stderr.write(`${name}: ${sentence}\n`);
    }
    process.exit(2);
  });
}
