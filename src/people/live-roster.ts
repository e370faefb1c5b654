import { unwatchFile, watchFile } from 'node:fs';
import type { Logger } from 'pino';
import { UserError } from '../ops/user-error';
import type { Roster, RosterEntries } from './roster';

export interface LiveRosterOptions {
  roster: Roster;
  file: string;
  /** @throws UserError if the file cannot be used */
  read: () => Promise<RosterEntries>;
  log: Logger;
  /** How often to check the file; 1,000 by default. */
  intervalMs?: number;
}

/** A roster that is reloaded when its file changes. */
export interface LiveRoster {
  /** Reloads the file. If it cannot be used, logs why and keeps the previous roster. Never rejects. */
  reload(): Promise<void>;
  close(): void;
}

/**
 * Loads a roster from its file, and reloads it whenever the file changes. Polls the file: editors and container mounts
 * replace it with another, which `fs.watch` does not notice.
 *
 * @throws UserError if the file cannot be used at the start
 */
export async function followRoster(options: LiveRosterOptions): Promise<LiveRoster> {
  const { roster, file, read, log, intervalMs = 1_000 } = options;
  let reading = Promise.resolve();

  async function replace(): Promise<void> {
    const entries = await read();
    roster.replace(entries);
    const { moderators, supervisors } = entries;
    log.info({ moderators: moderators.length, supervisors: supervisors.length }, 'Roster loaded');
  }

  function reload(): Promise<void> {
    // One reload at a time, so that the last read wins.
    reading = reading.then(replace).catch((err) => {
      const problems = err instanceof UserError ? { problems: err.problems } : { err };
      log.error(problems, 'Roster not usable; keeping the previous one');
    });
    return reading;
  }

  // Start watching before the first read, so that no edit in between is missed.
  const onChange = () => void reload();
  watchFile(file, { interval: intervalMs, persistent: false }, onChange);
  const close = () => unwatchFile(file, onChange);
  try {
    await replace();
  } catch (error) {
    close();
    throw error;
  }
  return { reload, close };
}
