import { type Config, loadConfig } from '../config';

/**
 * The server's settings. Those that only a server needs in production may be missing: PINs are hashed before the first
 * start, and the audit trail may be read on another machine.
 *
 * @throws UserError if they cannot be used
 */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Config {
  return loadConfig({ ...env, NODE_ENV: 'development' });
}
