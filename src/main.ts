import { config as loadDotenv } from 'dotenv';
import { explainStartFailure, StartError, startConferenceCoach } from './conference-coach';
import { findMisspelt, loadConfig, SETTING_NAMES } from './config';
import { createLog } from './ops/log';
import { createLogDestination, openNonBlocking } from './ops/log-destination';

/** How long the process waits for its last log lines to be written. */
const LOG_CLOSE_MS = 500;

async function main(): Promise<void> {
  // Node prints its warnings there; a reader that has gone must not end the process.
  process.stderr.on('error', () => {});
  const strangers = readDotenv();
  const config = loadConfig(process.env);
  const destination = createLogDestination({
    fd: openNonBlocking(1),
    onLoss: (dropped) => log.warn({ dropped }, 'Log lines dropped: the log could not be written'),
  });
  const log = createLog(config.logLevel, destination);
  async function exit(code: number): Promise<void> {
    await destination.close(LOG_CLOSE_MS);
    process.exit(code);
  }
  // Until there is something to stop, a signal just ends the process.
  let stop = async (_signal: string): Promise<void> => process.exit(0);
  process.on('SIGTERM', (signal) => stop(signal));
  process.on('SIGINT', (signal) => stop(signal));

  // Without a listener it would end the process, also while it starts.
  let reload = async (): Promise<void> => {};
  process.on('SIGHUP', () => reload());

  const conferenceCoach = await startConferenceCoach(config, log);
  reload = conferenceCoach.reloadRoster;
  for (const stranger of strangers) {
    log.warn(stranger);
  }

  let stopping = false;
  stop = async (signal) => {
    if (stopping) {
      return;
    }
    stopping = true;
    log.info({ signal }, 'Stopping: no new calls are taken, those in flight are answered');
    if (await conferenceCoach.stop()) {
      log.info('Stopped');
    }
    await exit(0);
  };
  let crashed = false;
  const crash = (err: unknown) => {
    if (crashed) {
      return;
    }
    crashed = true;
    log.fatal({ err }, 'A fault in this program; it stops rather than go on in an unknown state');
    void exit(1);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
}

/**
 * Reads `.env` into the environment.
 *
 * @returns a sentence for each name in it that is no setting and resembles none; about the others the settings ask
 */
function readDotenv(): string[] {
  const { error, parsed = {} } = loadDotenv({ quiet: true });
  if (error && (error as NodeJS.ErrnoException).code !== 'ENOENT') {
    throw new StartError(`The file .env cannot be read: ${error.message}.`);
  }
  const askedAbout = new Set(findMisspelt(process.env).map(({ name }) => name));
  return Object.keys(parsed)
    .filter((name) => !SETTING_NAMES.has(name) && !askedAbout.has(name))
    .map((name) => `.env has ${name}, which is no setting of this server: it has no effect.`);
}

main().catch(async (error) => {
  for (const sentence of await explainStartFailure(error)) {
    process.stderr.write(`conference-coach: ${sentence}\n`);
  }
  process.exit(1);
});
