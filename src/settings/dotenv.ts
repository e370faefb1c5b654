import { config as loadDotenv } from 'dotenv';
import { UserError } from '../ops/user-error';

/**
 * Reads `.env` in the working folder into the environment, if there is one. What is set already counts.
 *
 * @returns the names in the file
 * @throws UserError if there is one that cannot be read
 */
export function readDotenv(): string[] {
  const { error, parsed = {} } = loadDotenv({ quiet: true });
  const { code, message } = (error ?? {}) as NodeJS.ErrnoException;
  if (error !== undefined && code !== 'ENOENT') {
    const remedy = code === 'EACCES' ? ' Run this as its owner, or let your user read it.' : '';
    throw new UserError([`Cannot read .env: ${message}.${remedy}`]);
  }
  return Object.keys(parsed);
}
