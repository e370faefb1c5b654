import type { RedisClient } from './redis-connection';

/** Deletes the key KEYS[1] if its value is ARGV[1]. */
const SCRIPT = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
`;

/** Deletes a key if it still has this value, which somebody else may have replaced. */
export type DeleteIf = (key: string, value: string) => Promise<unknown>;

export function createDeleteIf(client: RedisClient): DeleteIf {
  client.defineCommand('deleteIf', { numberOfKeys: 1, lua: SCRIPT });
  return (client as unknown as { deleteIf: DeleteIf }).deleteIf.bind(client);
}
