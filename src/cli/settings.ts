import { config as loadDotenv } from 'dotenv';
import { type Config, loadConfig } from '../config';

/**
 * The server's settings, from the environment and `.env`. Settings that only a server needs in production may be
 * missing: PINs are hashed before the first start, and the audit trail may be read on another machine.
 *
 * @throws UserError if they cannot be used
 */
export function readSettings(): Config {
  loadDotenv({ quiet: true });
  return loadConfig({ ...process.env, NODE_ENV: 'development' });
}
