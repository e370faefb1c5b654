import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import type { Logger } from 'pino';
import { networkOf } from '../ops/network';
import { PasswordsBusyError } from '../people/password';
import type { CheckPassword } from '../people/password-check';
import type { Roster } from '../people/roster';
import type { SignInLimiter } from '../people/sign-in-limiter';
import { StoreError } from '../redis/store-error';
import type { SignInFact, SignOutReason } from '../supervision/refusals';
import { parseLocalPath } from './local-path';
import { type OidcClient, OidcError, type OidcIdentity } from './oidc';
import type { PublicPageTools } from './page-tools';
import { SignInPage, type SignInPageProps, type SignInProblem } from './pages/small-pages';
import { createPendingCookie } from './pending-cookie';
import type { SessionStore, StoredSession } from './session-store';
import { createSessions, ownerOf, proofOf, type SignedIn } from './sessions';
import { agentEntryOf, personActor, personNamed, type RosterPerson, setViewer, type Viewer, viewerOf } from './viewer';

export interface SignInOptions {
  roster: Roster;
  /** Whether `ROSTER_FILE` is set. */
  hasRosterFile: boolean;
  store: SessionStore;
  /** Sign the session cookie: the first signs, all are accepted. */
  secrets: readonly string[];
  /** The address of this server for browsers, without a slash at the end. It decides about secure cookies. */
  publicUrl: string;
  /** Undefined if no identity provider is configured. */
  oidc: OidcClient | undefined;
  limiter: SignInLimiter;
  checkPassword: CheckPassword;
  /** Puts a fact into log and audit trail. */
  record: (fact: SignInFact) => void;
  tools: Pick<PublicPageTools, 'texts' | 'sendPage' | 'sendError' | 'goTo' | 'requireSameOrigin'>;
  /** The address of a request's client; undefined if it is not known. */
  addressOf: (req: Request) => string | undefined;
  log: Logger;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** Signing in to the screen, and knowing who has. */
export interface SignIn {
  /**
   * Reads the session of a request; afterwards `viewerOf(res)` has its person. Ends the session of somebody who is not
   * {@link SignIn.isStillInRoster} any more. Passes on a StoreError if the store is away.
   */
  readViewer: RequestHandler;
  /** As {@link SignIn.readViewer}, for the API. @throws StoreError */
  identify(req: Request, res: Response): Promise<Viewer | undefined>;
  /**
   * The viewer with their rights of now, for answers that take long; undefined if the session has ended, or its person may
   * not be here any more. Counts as use.
   *
   * @throws StoreError
   */
  refresh(viewer: Viewer): Promise<Viewer | undefined>;
  /** Whether the viewer's person is still in the roster, with the password or email address that they signed in with. */
  isStillInRoster(viewer: Viewer): boolean;
  /** `/sign-in` and below, `/sign-out` and `/sign-out-everywhere`. They leave errors to `createErrorAnswer`. */
  routes: Router;
}

/** Leads to the identity provider, and on from there to `next`. */
export const OIDC_PATH = '/sign-in/oidc';

/** Where the identity provider sends browsers back to, below the public url. */
export const OIDC_CALLBACK_PATH = '/sign-in/oidc/callback';

/** The sign-in of somebody who has just signed out. */
const SIGNED_OUT_PATH = '/sign-in?signed-out';

/** No form is larger. */
const MAX_FORM = '4kb';
const MAX_NAME_CHARACTERS = 200;

const PROBLEM_STATUS = {
  wrong: 403,
  'oidc-unknown': 403,
  'oidc-unverified': 403,
  'locked-out': 429,
  'oidc-failed': 502,
  busy: 503,
  'store-away': 503,
} as const satisfies Record<SignInProblem['code'], number>;

/** Creates what lets people sign in. */
export function createSignIn(options: SignInOptions): SignIn {
  const { roster, publicUrl, oidc, limiter, checkPassword, record, tools, addressOf, log, now } = options;
  const cookies = { secrets: options.secrets, isSecure: publicUrl.startsWith('https:'), now };
  const sessions = createSessions({ store: options.store, ...cookies });
  const pendingCookie = createPendingCookie(cookies);
  const { texts, sendPage, sendError, goTo, requireSameOrigin } = tools;

  /** The person who signed in; undefined if they may not be here any more. */
  function personOf({ role, name, method, proof }: SignedIn): RosterPerson | undefined {
    const found = personNamed(roster, role, name);
    const secret = method === 'password' ? found?.person.password : found?.person.email;
    return proofOf(method, secret) === proof ? found : undefined;
  }

  async function identify(req: Request, res: Response): Promise<Viewer | undefined> {
    const known = viewerOf(res);
    const open = known === undefined ? await sessions.read(req, res) : undefined;
    if (open === undefined) {
      return known;
    }
    const { key, session } = open;
    const found = personOf(session);
    if (found === undefined) {
      await sessions.end(req, res);
      recordSignOut(req, session, 'roster');
      return undefined;
    }
    const viewer = viewerFrom(found, session, key.hash);
    setViewer(res, viewer);
    return viewer;
  }

  function viewerFrom(found: RosterPerson, { name, method, proof }: SignedIn, sessionId: string): Viewer {
    const [actor, agent] = [personActor(name, found), agentEntryOf(roster, found, name)];
    return { ...found, name, actor, sessionId, method, proof, agent };
  }

  const readViewer: RequestHandler = async (req, res, next) => {
    await identify(req, res);
    next();
  };

  /** Who, and from where, as the audit trail has it. */
  function factOf(req: Request, who: Pick<StoredSession, 'role' | 'name'> | undefined) {
    const ip = addressOf(req);
    return { ...(who && { [who.role]: who.name }), ...(ip !== undefined && { ip }) };
  }

  function recordSignOut(req: Request, who: Pick<StoredSession, 'role' | 'name'>, reason: SignOutReason): void {
    record({ kind: 'signed-out', reason, ...factOf(req, who) });
  }

  /** @param reason for the log of refused requests */
  async function showSignIn(
    req: Request,
    res: Response,
    shown: Pick<SignInPageProps, 'next' | 'name' | 'isSignedOut'>,
    problem?: SignInProblem,
    reason = 'Not signed in.',
  ): Promise<void> {
    if (problem?.code === 'locked-out') {
      res.set('Retry-After', String(problem.seconds));
    }
    if (problem !== undefined) {
      res.locals.refusal = { code: problem.code.replaceAll('-', '_'), reason };
    }
    const { supervisors, moderators } = roster;
    const hasPasswords = [...supervisors.all, ...moderators.all].some(({ password }) => password !== undefined);
    const status = problem === undefined ? 200 : PROBLEM_STATUS[problem.code];
    const { hasRosterFile } = options;
    const model = { problem, ...shown, hasPasswords, hasRosterFile, hasOidc: oidc !== undefined };
    await sendPage(req, res, { title: texts.signIn.title, status, content: <SignInPage texts={texts} {...model} /> });
  }

  /** @throws StoreError */
  async function startSession(req: Request, res: Response, who: SignedIn): Promise<void> {
    const replaced = await sessions.start(req, res, who);
    if (replaced !== undefined) {
      recordSignOut(req, replaced, 'replaced');
    }
    record({ kind: 'signed-in', method: who.method, ...factOf(req, who) });
  }

  /** The person with this name. A name in both lists is the supervisor's, if they have a password. */
  function candidateNamed(name: string): RosterPerson | undefined {
    const both = (['supervisor', 'moderator'] as const).map((role) => personNamed(roster, role, name));
    return both.find((one) => one?.person.password !== undefined) ?? both.find((one) => one !== undefined);
  }

  /** Checks a name and a password, and starts a session if they are right. @throws StoreError */
  async function signIn(
    req: Request,
    res: Response,
    name: string,
    password: string,
  ): Promise<SignInProblem | undefined> {
    const candidate = candidateNamed(name);
    const attempt = { name, role: candidate?.role, ip: addressOf(req) };
    const lockedOut = await limiter.findLockout(attempt);
    if (lockedOut !== undefined) {
      return { code: 'locked-out', seconds: lockedOut.seconds };
    }
    const hash = candidate?.person.password;
    let isRight: boolean;
    try {
      const from = { network: networkOf(attempt.ip), isKnown: await limiter.isKnown(attempt) };
      isRight = await checkPassword(password, hash, from);
    } catch (error) {
      if (!(error instanceof PasswordsBusyError)) {
        throw error;
      }
      return { code: 'busy' };
    }
    const { isAllowed, lockout } = await limiter.consumeAttempt(attempt, { isRight });
    const known = candidate && { role: candidate.role, name };
    if (!isAllowed) {
      return { code: 'locked-out', seconds: lockout.seconds };
    }
    const proof = proofOf('password', hash);
    if (!isRight || known === undefined || proof === undefined) {
      record({ kind: 'sign-in-refused', reason: 'wrong-password', ...factOf(req, known) });
      if (lockout === undefined) {
        return { code: 'wrong' };
      }
      record({ kind: 'sign-in-locked-out', lockedOut: lockout.who, ...factOf(req, known) });
      return { code: 'locked-out', seconds: lockout.seconds };
    }
    await startSession(req, res, { ...known, method: 'password', proof });
    return undefined;
  }

  /** Sends on whoever signs in, and shows the others why not. */
  async function answer(
    req: Request,
    res: Response,
    { next, name }: { next: string | undefined; name?: string },
    work: () => Promise<SignInProblem | undefined>,
  ): Promise<void> {
    let reason: string | undefined;
    const problem = await work().catch((error): SignInProblem => {
      if (error instanceof OidcError) {
        reason = error.message;
        return { code: 'oidc-failed' };
      }
      if (error instanceof StoreError) {
        log.warn({ err: error }, 'Nobody can sign in: the store is away');
        return { code: 'store-away' };
      }
      throw error;
    });
    if (problem === undefined) {
      goTo(res, next ?? '/');
    } else {
      await showSignIn(req, res, { next, name }, problem, reason);
    }
  }

  /** Starts a session for whoever the identity provider names. @throws StoreError */
  async function signInByEmail(
    req: Request,
    res: Response,
    identity: OidcIdentity,
  ): Promise<SignInProblem | undefined> {
    const { email, isVerified } = identity;
    // First, so that an address which may be another one's does not show who is in the roster.
    if (!isVerified) {
      record({ kind: 'sign-in-refused', reason: 'unverified-email', ...factOf(req, undefined) });
      return { code: 'oidc-unverified' };
    }
    const supervisor = roster.supervisors.byEmail.get(email);
    const name = (supervisor ?? roster.moderators.byEmail.get(email))?.name;
    const proof = proofOf('oidc', email);
    if (name === undefined || proof === undefined) {
      record({ kind: 'sign-in-refused', reason: 'unknown-email', ...factOf(req, undefined) });
      return { code: 'oidc-unknown' };
    }
    const who = { role: supervisor === undefined ? ('moderator' as const) : ('supervisor' as const), name };
    await startSession(req, res, { ...who, method: 'oidc', proof });
    return undefined;
  }

  function addOidcRoutes(provider: OidcClient): void {
    routes.get(OIDC_PATH, readViewer, async (req, res) => {
      const next = parseLocalPath(req.query.next);
      if (viewerOf(res) !== undefined) {
        goTo(res, next ?? '/');
        return;
      }
      try {
        const { url, pending } = await provider.begin();
        pendingCookie.set(res, { ...pending, next });
        res.redirect(303, url);
      } catch (error) {
        await answer(req, res, { next }, () => Promise.reject(error));
      }
    });

    routes.get(OIDC_CALLBACK_PATH, readViewer, async (req, res) => {
      const pending = pendingCookie.read(req);
      const next = parseLocalPath(pending?.next);
      pendingCookie.clear(res);
      if (viewerOf(res) !== undefined) {
        goTo(res, next ?? '/');
        return;
      }
      await answer(req, res, { next }, async () => {
        if (pending === undefined) {
          throw new OidcError('no sign-in under way in this browser');
        }
        const { search } = new URL(req.originalUrl, options.publicUrl);
        return signInByEmail(req, res, await provider.finish(search, pending));
      });
    });
  }

  const routes = Router({ caseSensitive: true, strict: true });
  routes.get('/sign-in', readViewer, async (req, res) => {
    const next = parseLocalPath(req.query.next);
    if (viewerOf(res) === undefined) {
      await showSignIn(req, res, { next, isSignedOut: req.query['signed-out'] !== undefined });
    } else {
      goTo(res, next ?? '/');
    }
  });

  const readForm = express.urlencoded({ extended: false, limit: MAX_FORM, inflate: false, parameterLimit: 10 });
  routes.post('/sign-in', requireSameOrigin, readForm, async (req, res) => {
    const { name, password, next: path } = (req.body ?? {}) as Record<string, unknown>;
    if (typeof name !== 'string' || typeof password !== 'string' || name.length > MAX_NAME_CHARACTERS) {
      await sendError(req, res, 400, texts.errors.unreadable, 'unreadable_request');
      return;
    }
    await answer(req, res, { next: parseLocalPath(path), name }, () => signIn(req, res, name.trim(), password));
  });

  if (oidc !== undefined) {
    addOidcRoutes(oidc);
  }

  routes.post('/sign-out', requireSameOrigin, readViewer, async (req, res) => {
    const viewer = viewerOf(res);
    if (viewer !== undefined) {
      await sessions.end(req, res);
      recordSignOut(req, viewer, 'signed-out');
    }
    goTo(res, SIGNED_OUT_PATH);
  });

  routes.post('/sign-out-everywhere', requireSameOrigin, readViewer, async (req, res) => {
    const viewer = viewerOf(res);
    if (viewer !== undefined) {
      await sessions.endAll(viewer.role, viewer.name);
      await sessions.end(req, res);
      recordSignOut(req, viewer, 'everywhere');
    }
    goTo(res, SIGNED_OUT_PATH);
  });

  return {
    readViewer,
    identify,
    routes,
    async refresh({ role, name, sessionId }) {
      const session = await sessions.find({ owner: ownerOf(role, name), hash: sessionId });
      const found = session && personOf(session);
      return found && viewerFrom(found, session, sessionId);
    },
    isStillInRoster: (viewer) => personOf(viewer) !== undefined,
  };
}
