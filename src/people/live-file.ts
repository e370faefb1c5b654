import { unwatchFile, watchFile } from 'node:fs';
import type { Logger } from 'pino';
import { UserError } from '../ops/user-error';

export interface LiveFileOptions {
  file: string;
  /**
   * Reads the file and uses what it says.
   *
   * @throws UserError if the file cannot be used
   */
  load: () => Promise<void>;
  /** Logged when a reload fails. */
  failure: string;
  log: Logger;
  /** How often to check the file; 1,000 by default. */
  intervalMs?: number;
}

/** A file that is loaded again when it changes. */
export interface LiveFile {
  /** Loads the file. If that fails, logs why. Never rejects. */
  reload(): Promise<void>;
  close(): void;
}

/**
 * Loads a file whenever it changes, appears or disappears, but not at the start. Polls it: editors and container mounts
 * replace it with another, which `fs.watch` does not notice.
 */
export function followFile({ file, load, failure, log, intervalMs = 1_000 }: LiveFileOptions): LiveFile {
  let loading = Promise.resolve();

  function reload(): Promise<void> {
    // One load at a time, so that the last read wins.
    loading = loading.then(load).catch((err) => {
      log.error(err instanceof UserError ? { problems: err.problems } : { err }, failure);
    });
    return loading;
  }

  const onChange = () => void reload();
  watchFile(file, { interval: intervalMs, persistent: false }, onChange);
  return { reload, close: () => unwatchFile(file, onChange) };
}
