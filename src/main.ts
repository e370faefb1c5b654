import { isatty } from 'node:tty';
import type { Logger } from 'pino';
import { runCommand } from './cli/run-command';
import { readServerSettings } from './cli/settings';
import { startConferenceCoach } from './conference-coach';
import { createLog } from './ops/log';
import { createLogDestination, openNonBlocking } from './ops/log-destination';
import { createTextLog } from './ops/text-log';
import { UserError } from './ops/user-error';
import { findMisspellings, findMisspelt } from './settings/checks';
import { readDotenv } from './settings/dotenv';
import { COMPOSE_NAMES, SETTING_NAMES } from './settings/table';

/** Deadline for writing the last log lines. */
const LOG_CLOSE_MS = 500;

const destination = createLogDestination({
  fd: openNonBlocking(1),
  onLoss: (dropped) => log?.warn({ dropped }, 'Log lines dropped: the log could not be written'),
});
let log: Logger | undefined;
let exitCode = 0;

/** Writes the log and ends the process. Of several codes the highest wins: a crash during a stop is a crash. */
async function exit(code: number): Promise<void> {
  exitCode = Math.max(exitCode, code);
  await destination.close(LOG_CLOSE_MS);
  process.exit(exitCode);
}

let hasCrashed = false;
function crash(err: unknown): void {
  if (hasCrashed) {
    return;
  }
  hasCrashed = true;
  log?.fatal({ err }, 'Unexpected error; stopping because the state is unknown');
  if (log === undefined) {
    process.stderr.write(`conference-coach: ${err instanceof Error ? err.stack : err}\n`);
  }
  void exit(1);
}

async function main(): Promise<void> {
  // Before there is a server to stop, a signal just ends the process.
  let stop = (_signal: string): Promise<void> => exit(0);
  process.on('SIGTERM', (signal) => stop(signal));
  process.on('SIGINT', (signal) => stop(signal));
  // Without a listener, SIGHUP would end the process, even during the start.
  let reload = async (): Promise<void> => {};
  process.on('SIGHUP', () => reload());

  const unknownSettings = readSettingsFile();
  const config = await readServerSettings(process.env);
  const isTerminal = isatty(1);
  const isText = config.logFormat === undefined ? isTerminal : config.logFormat === 'text';
  const hasColours = isTerminal && !process.env.NO_COLOR;
  const logger = createLog(config.logLevel, isText ? createTextLog(destination, { hasColours }) : destination);
  log = logger;
  const conferenceCoach = await startConferenceCoach(config, logger, { droppedLines: destination.droppedLines }).catch(
    (error) => {
      throw error instanceof UserError ? withMisspellings(error) : error;
    },
  );
  reload = conferenceCoach.reloadRoster;
  for (const sentence of unknownSettings) {
    logger.warn(sentence);
  }

  let isStopping = false;
  stop = async (signal) => {
    if (isStopping) {
      return;
    }
    isStopping = true;
    logger.info({ signal }, 'Stopping; finishing requests in progress');
    if (await conferenceCoach.stop()) {
      logger.info('Stopped');
    }
    await exit(0);
  };
}

/** Why the server cannot start, and the misspelt names that may be the reason. */
function withMisspellings({ problems }: UserError): UserError {
  return new UserError([...problems, ...findMisspellings(process.env, problems)]);
}

/**
 * Reads `.env` into the environment.
 *
 * @returns a sentence for each unknown setting. Those that resemble a setting are in the config's warnings instead
 */
function readSettingsFile(): string[] {
  const names = readDotenv();
  const misspelt = new Set(findMisspelt(process.env).map(({ name }) => name));
  return names
    .filter((name) => !SETTING_NAMES.has(name) && !COMPOSE_NAMES.has(name) && !misspelt.has(name))
    .map((name) => `.env sets ${name}, which is not a setting of this server and has no effect.`);
}

process.stderr.on('error', () => {});
// Node prints warnings to standard error, which may block, and they may quote an address with a telephone number.
process.removeAllListeners('warning');
process.on('warning', ({ name, code }: NodeJS.ErrnoException) => log?.warn({ name, code }, 'Warning from Node.js'));
process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);
void runCommand('conference-coach', main, { failureCode: 1, exit });
