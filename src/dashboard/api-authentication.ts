import type { ApiCaller, Authenticate } from '../api/authentication';
import { problem } from '../api/problem';
import type { Roster } from '../people/roster';
import { isSameOrigin } from './same-origin';
import type { SignIn } from './sign-in';
import { actorOfPerson, type Viewer } from './viewer';

/** How often a session is checked whose answer takes long, in milliseconds. */
const CHECK_EVERY_MS = 10_000;

/**
 * Lets programs in by their tokens, and people by their sessions. A request with an `Authorization` header costs no look at
 * the store.
 *
 * @param options.byToken answers whoever has neither
 * @param options.publicUrl as of {@link isSameOrigin}
 * @param options.monotonicNow milliseconds from any beginning, never going back
 */
export function createApiAuthentication(options: {
  byToken: Authenticate;
  signIn: Pick<SignIn, 'identify' | 'isStillInRoster' | 'refresh'>;
  roster: Roster;
  publicUrl: string | undefined;
  monotonicNow: () => number;
}): Authenticate {
  const { byToken, signIn, roster, publicUrl, monotonicNow } = options;

  function callerOf(viewer: Viewer): ApiCaller {
    let isSignedIn = true;
    let checkedAt = monotonicNow();

    /** Never rejects: while the store is away, nobody has signed out. */
    async function check(): Promise<void> {
      checkedAt = monotonicNow();
      isSignedIn = await signIn.refresh(viewer).then(
        (now) => now !== undefined,
        () => true,
      );
    }

    return {
      actor: viewer.actor,
      current() {
        if (isSignedIn && monotonicNow() - checkedAt >= CHECK_EVERY_MS) {
          void check();
        }
        return isSignedIn && signIn.isStillInRoster(viewer) ? actorOfPerson(roster, viewer.actor.name) : undefined;
      },
    };
  }

  return async (req, res) => {
    const viewer = req.headers.authorization === undefined ? await signIn.identify(req, res) : undefined;
    if (viewer === undefined) {
      return byToken(req, res);
    }
    if (!isSameOrigin(req, publicUrl)) {
      throw problem('cross_site', 'A page of this server must send this. Programs send a token.');
    }
    return callerOf(viewer);
  };
}
