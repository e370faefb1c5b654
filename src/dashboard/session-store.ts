import type { SignInMethod, ViewerRole } from './viewer';

/** What is stored of a session. */
export interface StoredSession {
  role: ViewerRole;
  name: string;
  method: SignInMethod;
  /** Identifies the password or the email address that they signed in with; see `proofOf`. */
  proof: string;
  /** Milliseconds since 1970. */
  createdAt: number;
  /** When it was last used, to the minute, in milliseconds since 1970. */
  seenAt: number;
}

/** Where a session is stored. */
export interface SessionKey {
  /** Identifies the person. */
  owner: string;
  /** Of the session's id, which is stored nowhere. */
  hash: string;
}

/** Keeps the sessions of each person. It does not know when a session is over. */
export interface SessionStore {
  /**
   * Adds a session. If the person then has more than {@link MAX_SESSIONS}, their oldest ends.
   *
   * @throws StoreError
   */
  add(key: SessionKey, session: StoredSession): Promise<void>;
  /** @throws StoreError */
  find(key: SessionKey): Promise<StoredSession | undefined>;
  /** Changes a session unless it has ended. @throws StoreError */
  replace(key: SessionKey, session: StoredSession): Promise<void>;
  /** @throws StoreError */
  remove(key: SessionKey): Promise<void>;
  /** Ends every session of a person. @throws StoreError */
  removeAll(owner: string): Promise<void>;
}

/** How many sessions a person may have at once. */
export const MAX_SESSIONS = 20;

/** A session ends when it was not used for this long, in milliseconds. */
export const IDLE_MS = 8 * 3_600_000;

/** A session ends this long after the sign-in, in milliseconds. */
export const ABSOLUTE_MS = 24 * 3_600_000;

/** Sessions in this process's memory: a restart ends them. */
export function createMemorySessionStore(): SessionStore {
  const owners = new Map<string, Map<string, StoredSession>>();
  return {
    async add({ owner, hash }, session) {
      const sessions = owners.get(owner) ?? new Map<string, StoredSession>();
      owners.set(owner, sessions);
      if (sessions.size >= MAX_SESSIONS) {
        const [oldest] = [...sessions].sort(([, one], [, other]) => one.createdAt - other.createdAt);
        sessions.delete(oldest?.[0] ?? '');
      }
      sessions.set(hash, session);
    },
    find: async ({ owner, hash }) => owners.get(owner)?.get(hash),
    async replace({ owner, hash }, session) {
      const sessions = owners.get(owner);
      if (sessions?.has(hash)) {
        sessions.set(hash, session);
      }
    },
    async remove({ owner, hash }) {
      owners.get(owner)?.delete(hash);
    },
    async removeAll(owner) {
      owners.delete(owner);
    },
  };
}
