import { unwatchFile, watchFile } from 'node:fs';
import type { Logger } from 'pino';
import { UserError } from '../ops/user-error';
import type { Roster, RosterEntries } from './roster';

export interface LiveRosterOptions {
  roster: Roster;
  file: string;
  /** @throws UserError */
  read: () => Promise<RosterEntries>;
  log: Logger;
  /** Milliseconds between two looks at the file. */
  intervalMs?: number;
}

/** A roster that follows its file. */
export interface LiveRoster {
  /** Reads the file again; one that cannot be used leaves the roster as it is, and is told in the log. Never rejects. */
  reload(): Promise<void>;
  close(): void;
}

/**
 * Reads a roster's file, and again whenever it changes. The file is looked at, not listened to: editors and container
 * mounts put another file in its place, which listening misses.
 *
 * @throws UserError when it cannot be used at the start
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
    // One after the other, so that the last to be read is the last to hold.
    reading = reading.then(replace).catch((err) => {
      const problems = err instanceof UserError ? { problems: err.problems } : { err };
      log.error(problems, 'Roster not usable; keeping the previous one');
    });
    return reading;
  }

  // Looked at from before it is first read, so that no edit falls between.
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
