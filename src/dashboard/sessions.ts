import { createHash, randomBytes } from 'node:crypto';
import { callbackify, promisify } from 'node:util';
import type { Request, Response } from 'express';
import session, { type SessionData, Store } from 'express-session';
import { ABSOLUTE_MS, IDLE_MS, type SessionKey, type SessionStore, type StoredSession } from './session-store';
import type { SignInMethod, ViewerRole } from './viewer';

declare module 'express-session' {
  interface SessionData {
    signedIn: StoredSession;
  }
}

/** Who signs in, and how they proved it. */
export type SignedIn = Pick<StoredSession, 'role' | 'name' | 'method' | 'proof'>;

/** A session that is open. */
export interface OpenSession {
  key: SessionKey;
  session: StoredSession;
}

/** The sessions of people, and the cookie that carries their ids. */
export interface Sessions {
  /** The session of a request; undefined if it has none. Counts as use. @throws StoreError */
  read(req: Request, res: Response): Promise<OpenSession | undefined>;
  /**
   * Starts a session with a new id, and ends the one of the request. Call it before anything is sent.
   *
   * @returns the session that it ended, if the request had one
   * @throws StoreError
   */
  start(req: Request, res: Response, who: SignedIn): Promise<StoredSession | undefined>;
  /** Ends the session of a request. Call it before anything is sent. @throws StoreError */
  end(req: Request, res: Response): Promise<void>;
  /** A session, for answers that take long; undefined if it is over. Counts as use. @throws StoreError */
  find(key: SessionKey): Promise<StoredSession | undefined>;
  /** Ends every session of a person. @throws StoreError */
  endAll(role: ViewerRole, name: string): Promise<void>;
}

export interface SessionsOptions {
  store: SessionStore;
  /** The first signs the cookie; all are accepted. */
  secrets: readonly string[];
  /** Whether browsers reach this server by https. */
  isSecure: boolean;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** How often the use of a session is written, in milliseconds. */
const SEEN_EVERY_MS = 60_000;

/** Identifies a person among the owners of sessions. */
export function ownerOf(role: ViewerRole, name: string): string {
  return digest(`${role} ${name}`);
}

/**
 * Sessions by express-session, which signs the cookie and renews the id. What it asks its store for goes to ours.
 *
 * An id is `owner.secret`, so that the sessions of one person are found by one key. Only sessions of people who have signed in
 * are stored.
 */
export function createSessions({ store, secrets, isSecure, now }: SessionsOptions): Sessions {
  const cookieName = isSecure ? '__Host-session' : 'session';
  const cookie = { httpOnly: true, secure: isSecure, sameSite: 'lax', path: '/' } as const;
  /** For whom a request gets its new session. */
  const owners = new WeakMap<Request, string>();

  async function find(key: SessionKey): Promise<StoredSession | undefined> {
    const found = await store.find(key);
    if (found === undefined) {
      return undefined;
    }
    const at = now();
    if (at - found.seenAt >= IDLE_MS || at - found.createdAt >= ABSOLUTE_MS) {
      await store.remove(key);
      return undefined;
    }
    if (at - found.seenAt < SEEN_EVERY_MS) {
      return found;
    }
    const seen = { ...found, seenAt: at };
    await store.replace(key, seen);
    return seen;
  }

  const get = callbackify(async (id: string): Promise<SessionData | null> => {
    const key = keyOf(id);
    const signedIn = key && (await find(key));
    return signedIn === undefined ? null : { cookie: { ...cookie, originalMaxAge: null }, signedIn };
  });
  const destroy = callbackify(async (id: string) => {
    const key = keyOf(id);
    await (key && store.remove(key));
  });
  const readCookie = session({
    store: new (class extends Store {
      override get = get;
      override destroy = (id: string, done?: (error?: unknown) => void) => destroy(id, (error) => done?.(error));
      // `start` alone writes a session, so that its failure is known before the answer.
      override set = (_id: string, _session: SessionData, done?: (error?: unknown) => void) => done?.();
    })(),
    name: cookieName,
    secret: [...secrets],
    cookie,
    genid(req) {
      const secret = randomBytes(32).toString('base64url');
      const owner = owners.get(req);
      return owner === undefined ? secret : `${owner}.${secret}`;
    },
    resave: false,
    saveUninitialized: false,
  });

  async function open(req: Request, res: Response): Promise<void> {
    // express-session sends a cookie only if the request is secure. What counts is how the browser reaches us.
    Object.defineProperty(req, 'secure', { value: isSecure, configurable: true });
    await promisify(readCookie)(req, res);
  }

  return {
    find,

    async read(req, res) {
      if (!req.headers.cookie?.includes(`${cookieName}=`)) {
        return undefined;
      }
      await open(req, res);
      const { signedIn } = req.session ?? {};
      const key = keyOf(req.sessionID);
      return key && signedIn && { key, session: signedIn };
    },

    async start(req, res, who) {
      await open(req, res);
      const { signedIn: replaced } = req.session;
      owners.set(req, ownerOf(who.role, who.name));
      try {
        await new Promise<void>((resolve, reject) => {
          req.session.regenerate((error) => (error ? reject(error) : resolve()));
        });
        const at = now();
        const signedIn = { ...who, createdAt: at, seenAt: at };
        await store.add(keyOf(req.sessionID) as SessionKey, signedIn);
        req.session.signedIn = signedIn;
        return replaced;
      } catch (error) {
        // Otherwise the answer would carry the cookie of a session that does not exist.
        Reflect.deleteProperty(req, 'session');
        throw error;
      }
    },

    async end(req, res) {
      await open(req, res);
      await new Promise<void>((resolve, reject) => {
        req.session.destroy((error) => (error ? reject(error) : resolve()));
      });
      res.clearCookie(cookieName, cookie);
    },

    endAll: (role, name) => store.removeAll(ownerOf(role, name)),
  };
}

/** Undefined for the id of a session that nobody has signed in to. */
function keyOf(id: string): SessionKey | undefined {
  const [owner = '', secret] = id.split('.');
  return secret === undefined ? undefined : { owner, hash: digest(id) };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/**
 * Identifies the password or the email address with which somebody signed in: a session ends when theirs is another one.
 *
 * @param secret the hash of the password, or the address; undefined if they have none
 */
export function proofOf(method: SignInMethod, secret: string | undefined): string | undefined {
  return secret === undefined ? undefined : digest(`${method} ${secret}`);
}
