import type { Router } from 'express';
import type { Logger } from 'pino';
import type { LiveFeed } from './api/live-feed';
import type { Operation } from './api/operation';
import type { TrailReader } from './api/trail-reader';
import type { Config } from './config';
import { readAssets } from './dashboard/assets';
import { basePathOf } from './dashboard/base-path';
import { createDashboard } from './dashboard/dashboard';
import { createOidcClient } from './dashboard/oidc';
import { createPublicPageTools } from './dashboard/page-tools';
import { createRedisSessionStore } from './dashboard/redis-session-store';
import { createSendPage } from './dashboard/send-page';
import { sessionSecrets } from './dashboard/session-secrets';
import { createMemorySessionStore } from './dashboard/session-store';
import { createSignIn, OIDC_CALLBACK_PATH, type SignIn } from './dashboard/sign-in';
import { german } from './dashboard/texts-de';
import { english } from './dashboard/texts-en';
import { clientAddress, compileTrust } from './http/trust-proxy';
import { verifyPassword } from './people/password';
import { createPasswordCheck } from './people/password-check';
import type { Roster } from './people/roster';
import { createSignInLimiter, type SignInLimiterOptions } from './people/sign-in-limiter';
import type { Tokens } from './people/tokens';
import type { Rooms } from './rooms/rooms';
import type { Store } from './stores';
import type { ParticipantActions } from './supervision/participant-actions';
import type { Supervision } from './supervision/supervision';

export interface ScreenOptions {
  config: Config;
  /** The address of this server, without a slash at the end. */
  publicUrl: string;
  /** The one origin that may show the screen in a frame; undefined for none. */
  framedBy: string | undefined;
  roster: Roster;
  tokens: Pick<Tokens, 'findWall'>;
  store: Pick<Store, 'redis'> & { rooms: Pick<Store['rooms'], 'now'> };
  rooms: Pick<Rooms, 'read'>;
  feed: Pick<LiveFeed, 'subscribe'>;
  operations: readonly Operation[];
  trail: TrailReader;
  /** Undefined when the Space's REST API is not configured. */
  control: { participants: ParticipantActions; callSupervisor: unknown } | undefined;
  supervision: Pick<Supervision, 'recordSignIn'>;
  /** Aborted when the server stops. */
  draining: AbortSignal;
  log: Logger;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Called when wrong passwords start a lockout. */
  onLockout?: SignInLimiterOptions['onLockout'];
}

/** The supervisors' screen: its pages, and who is signed in to it. */
export interface Screen {
  routes: Router;
  signIn: SignIn;
}

/** The texts, by `PROMPT_LANGUAGE`. */
const TEXTS = { en: english, de: german };

/** Composes the supervisors' screen. */
export function createScreen(options: ScreenOptions): Screen {
  const { config, publicUrl, framedBy, roster, store, rooms, feed, operations, trail, control, draining, log, now } =
    options;
  const texts = TEXTS[config.promptLanguage];
  const assets = readAssets();
  const basePath = basePathOf(publicUrl);
  // What happened in rooms is dated by the store's clock, which may differ from this server's.
  const storeNow = () => Math.floor(store.rooms.now() ?? now());
  const sendPage = createSendPage({ texts, assets: assets.urls, basePath, now: storeNow });
  const tools = createPublicPageTools({ texts, sendPage, basePath, publicUrl: config.publicUrl, now: storeNow });
  const secrets = sessionSecrets(config);
  const trust = compileTrust(config.trustProxy);
  const signIn = createSignIn({
    roster,
    hasRosterFile: config.roster !== undefined,
    store: store.redis ? createRedisSessionStore(store.redis) : createMemorySessionStore(),
    secrets,
    publicUrl,
    oidc: config.oidc && createOidcClient({ ...config.oidc, redirectUri: publicUrl + OIDC_CALLBACK_PATH }),
    limiter: createSignInLimiter({ secret: secrets[0], redis: store.redis, onLockout: options.onLockout, log }),
    checkPassword: createPasswordCheck(verifyPassword),
    record: options.supervision.recordSignIn,
    tools,
    addressOf: (req) => clientAddress(req, trust),
    log,
    now,
  });
  const routes = createDashboard({
    feed,
    rooms,
    operations,
    trail,
    longestCallMs: config.maxCallSeconds * 1_000,
    participants: control?.participants,
    can: {
      control: control !== undefined,
      callout: control?.callSupervisor !== undefined,
      privateNotes: config.announceIsPrivate,
    },
    signIn,
    tokens: options.tokens,
    tools,
    assets,
    basePath,
    webhooks: { conferenceUrl: `${publicUrl}/conference`, supervisorUrl: `${publicUrl}/supervisor` },
    isSecure: publicUrl.startsWith('https:'),
    framedBy,
    draining,
    log,
  });
  return { routes, signIn };
}
