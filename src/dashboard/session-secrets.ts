import { hkdfSync, randomBytes } from 'node:crypto';

/**
 * The secrets that sign the session cookie: the first signs, all are accepted.
 *
 * `SESSION_SECRET` if it is set. Otherwise they are derived from the signing keys by HKDF, so that servers which share calls
 * share sessions too, and a new key that comes with the old one signs nobody out. Without both, a random one: a restart then
 * ends every session.
 */
export function sessionSecrets(settings: {
  sessionSecret: string | undefined;
  signingKeys: readonly string[];
}): readonly [string, ...string[]] {
  const { sessionSecret, signingKeys } = settings;
  const [first, ...others] = sessionSecret === undefined ? signingKeys.map(deriveSecret) : [sessionSecret];
  return [first ?? randomBytes(32).toString('base64url'), ...others];
}

function deriveSecret(signingKey: string): string {
  return Buffer.from(hkdfSync('sha256', signingKey, '', 'conference-coach session', 32)).toString('base64url');
}
