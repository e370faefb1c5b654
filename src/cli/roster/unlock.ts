import type { Config } from '../../config';
import { sessionSecrets } from '../../dashboard/session-secrets';
import { UserError } from '../../ops/user-error';
import { parseAddress } from '../../people/address';
import { pinAttemptPatterns } from '../../people/pin-limiter';
import { readRosterFile } from '../../people/roster-file';
import { signInAttemptPatterns } from '../../people/sign-in-limiter';
import { deleteKeys } from '../../redis/delete-keys';
import { connectRedis } from '../../redis/redis-connection';
import { StoreError } from '../../redis/store-error';
import { askAboutMisspelling } from '../../settings/checks';
import { waitForStore } from '../../stores';
import { type CommandContext, parseArguments } from '../run-command';
import { readSettings } from '../settings';
import { rosterSourceOf, usageError } from './whom';

/** Deadline for the connection to Redis, and for each of its answers. */
const TIMEOUT_MS = 5_000;

/** `roster unlock`: forgets wrong PINs and passwords, and so ends lockouts. @throws UserError */
export async function unlockCommand({ args, env, stderr }: CommandContext): Promise<void> {
  const { values, positionals } = parseArguments({
    args,
    allowPositionals: true,
    options: { all: { type: 'boolean', default: false } },
  });
  const [whom, ...others] = positionals;
  if (others.length > 0 || values.all === (whom !== undefined)) {
    throw usageError('unlock NAME, unlock NUMBER, or unlock --all');
  }
  const config = readSettings(env);
  const patterns =
    whom === undefined ? [...pinAttemptPatterns(), ...signInAttemptPatterns()] : await patternsOf(whom, config, env);
  const count = await forget(patterns, config, env);
  const who = whom ?? 'everybody';
  stderr.write(
    count === 0 ? `roster: No wrong PIN or password of ${who} was counted.\n` : `roster: Unlocked ${who}.\n`,
  );
}

/** @param whom a number or address, or a name in the roster */
async function patternsOf(whom: string, config: Config, env: CommandContext['env']): Promise<string[]> {
  const address = parseAddress(whom);
  if (address !== undefined) {
    return pinAttemptPatterns(address);
  }
  const source = rosterSourceOf(env);
  const { moderators, supervisors } = await readRosterFile(source);
  const entries = [...moderators, ...supervisors].filter(({ name }) => name === whom);
  if (entries.length === 0) {
    throw new UserError([`${source.file} has nobody named ${whom}. Give a name, a number, or --all.`]);
  }
  const [secret] = sessionSecrets(config);
  return [
    ...new Set(entries.flatMap(({ address: known }) => (known === undefined ? [] : pinAttemptPatterns(known)))),
    ...signInAttemptPatterns({ secret, name: whom }),
  ];
}

async function forget(
  patterns: readonly string[],
  { redisUrls, redisTls }: Config,
  env: CommandContext['env'],
): Promise<number> {
  if (redisUrls.length === 0) {
    throw new UserError([
      `REDIS_URL is not set: without Redis, restart the server to unlock everybody.${askAboutMisspelling('REDIS_URL', env)}`,
    ]);
  }
  const redis = connectRedis({ urls: redisUrls, tls: redisTls, timeoutMs: TIMEOUT_MS, onConnection: () => {} });
  try {
    await waitForStore(redis, TIMEOUT_MS);
    return await deleteKeys(redis, patterns);
  } catch (error) {
    throw error instanceof StoreError ? new UserError([`Nobody was unlocked. ${error.message}`]) : error;
  } finally {
    redis.close();
  }
}
