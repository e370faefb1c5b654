import { followFile, type LiveFile, type LiveFileOptions } from './live-file';
import type { Roster, RosterEntries } from './roster';

export interface LiveRosterOptions extends Pick<LiveFileOptions, 'file' | 'log' | 'intervalMs'> {
  roster: Roster;
  /** @throws UserError if the file cannot be used */
  read: () => Promise<RosterEntries>;
}

/**
 * Loads a roster from its file, and reloads it whenever the file changes. If the new file cannot be used, logs why and
 * keeps the previous roster.
 *
 * @throws UserError if the file cannot be used at the start
 */
export async function followRoster({ roster, read, ...options }: LiveRosterOptions): Promise<LiveFile> {
  async function load(): Promise<void> {
    const entries = await read();
    roster.replace(entries);
    const { moderators, supervisors } = entries;
    options.log.info({ moderators: moderators.length, supervisors: supervisors.length }, 'Roster loaded');
  }

  // Start watching before the first read, so that no edit in between is missed.
  const live = followFile({ ...options, load, failure: 'Roster not usable; keeping the previous one' });
  try {
    await load();
  } catch (error) {
    live.close();
    throw error;
  }
  return live;
}
