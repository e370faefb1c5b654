import { createTurns } from '../ops/turns';
import { type PasswordHash, PasswordsBusyError, type verifyPassword } from './password';

/**
 * Checks a password that was entered; otherwise as {@link verifyPassword}.
 *
 * @param from.network as of `networkOf`
 * @param from.isKnown whether the person has signed in there lately
 * @throws PasswordsBusyError
 */
export type CheckPassword = (
  password: string,
  hash: PasswordHash | undefined,
  from: { network: string; isKnown: boolean },
) => Promise<boolean>;

const MAX_NEWCOMERS = 10;
const MAX_NEWCOMERS_OF_NETWORK = 3;

/**
 * Checks the passwords of newcomers one at a time. At most ten are in that queue, three of one network. So a flood of newcomers
 * cannot keep known people out.
 */
export function createPasswordCheck(verify: typeof verifyPassword): CheckPassword {
  const refuse = () => new PasswordsBusyError('Too many passwords of newcomers');
  const newcomers = createTurns({ width: 1, maxWaiting: MAX_NEWCOMERS - 1, refuse });
  const counts = new Map<string, number>();
  return async (password, hash, { network, isKnown }) => {
    if (isKnown) {
      return verify(password, hash);
    }
    const others = counts.get(network) ?? 0;
    if (others >= MAX_NEWCOMERS_OF_NETWORK) {
      throw refuse();
    }
    counts.set(network, others + 1);
    try {
      return await newcomers.run(() => verify(password, hash));
    } finally {
      const left = (counts.get(network) ?? 1) - 1;
      if (left === 0) {
        counts.delete(network);
      } else {
        counts.set(network, left);
      }
    }
  };
}
