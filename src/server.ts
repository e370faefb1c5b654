import type { RequestListener } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createApi } from './api/api';
import { createTokenAuthentication } from './api/authentication';
import { createMemoryIdempotencyStore } from './api/idempotency';
import { createLiveFeed } from './api/live-feed';
import { createOperations } from './api/operations';
import { createRecordingOperations } from './api/recording-operations';
import { createRedisIdempotencyStore } from './api/redis-idempotency';
import { comeBackMs } from './api/server-sent-events';
import { createTrailReader } from './api/trail-reader';
import { viewRoom } from './api/views';
import { createUrls, type Urls } from './calls/call-request';
import { createRender, type Render } from './calls/documents';
import { PROMPTS } from './calls/prompt-languages';
import { createRoutes } from './calls/routes';
import type { Config } from './config';
import { createApiAuthentication } from './dashboard/api-authentication';
import { actorOfPerson } from './dashboard/viewer';
import { createApp } from './http/app';
import type { RefusalLog } from './http/refusal-log';
import type { Metrics } from './metrics/metrics';
import { createAuthenticator } from './people/authenticator';
import { identifyParticipant } from './people/identify-participant';
import { createPinTokens } from './people/pin';
import { createPinLimiter } from './people/pin-limiter';
import { isAllowed } from './people/rights';
import type { Person, PersonIndex, Roster } from './people/roster';
import type { Tokens } from './people/tokens';
import type { Action } from './rooms/action';
import type { RoomName } from './rooms/room';
import { createRooms, type Rooms } from './rooms/rooms';
import { createSpaceObserver } from './rooms/space-observer';
import { createSweep } from './rooms/sweep';
import { createScreen } from './screen';
import type { ConferenceApi } from './signalwire/conference-api';
import type { Store } from './stores';
import { createActionRunner } from './supervision/action-runner';
import { createCallSupervisor, createJoinFollower } from './supervision/call-supervisor';
import { createEnforcer } from './supervision/enforcer';
import { createModeChange } from './supervision/mode-change';
import { createParticipantActions } from './supervision/participant-actions';
import { createRecordingActions } from './supervision/recordings';
import { createRedisClaim } from './supervision/redis-claims';
import { createSupervision, type Supervision } from './supervision/supervision';
import { createSupervisorNotice } from './supervision/supervisor-notice';
import { readFacts } from './supervision/trail';

/** For lookups that a call waits for. Together with 0.8 s for the store it is well below the 5 s that a Space waits. */
const LOOKUP_DEADLINE = { timeoutMs: 1_500 };

/** How much longer than its longest possible call a stay is remembered. */
const LIFETIME_MARGIN_MS = 300_000;

export interface ServerOptions {
  config: Config;
  /** The base of the addresses in its documents, without a slash at the end. */
  publicUrl: string;
  roster: Roster;
  /** The tokens of the API and of walls. */
  tokens: Pick<Tokens, 'find' | 'findWall' | 'actorNamed'>;
  store: Store;
  /** Undefined when the Space's REST API is not configured. */
  space: ConferenceApi | undefined;
  /** Aborted when the server stops. */
  draining: AbortSignal;
  /** Logs requests that our Space did not sign. */
  refusals: RefusalLog;
  log: Logger;
  /** Resolves after so many milliseconds; a call waits for it. */
  sleep: (ms: number) => Promise<void>;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Milliseconds from any beginning, never going back. */
  monotonicNow: () => number;
  /** Milliseconds until a retry, and between two sweeps; 0 for sweeps on request only. */
  retryMs?: number;
  sweepIntervalMs?: number;
  /** As of {@link createRooms}. */
  storeTimeoutMs?: number;
  lookUpTimeoutMs?: number;
  /** How long an action of the API may take, in milliseconds. */
  actionMs?: number;
  /** Counts what happens; undefined if nobody reads it. */
  metrics?: Pick<Metrics, 'timeRoute' | 'onCallback' | 'onStaleTarget' | 'onLockout'> | undefined;
  /** The one origin that may show the screen in a frame; none unless given. */
  framedBy?: string | undefined;
}

/** A server without its sockets, the store's connection and the roster's file. */
export interface Server {
  handle: RequestListener;
  rooms: Rooms;
  /** Compares the rooms with the Space now. Never rejects. */
  sweep(): Promise<void>;
  /** Resolves when no supervisor is being corrected. */
  idle(): Promise<void>;
  /** How many events of rooms, and how many refusals, wait for the store. */
  pendingEvents(): { rooms: number; refusals: number };
  /** Finishes corrections, flushes pending writes, stops within `timeoutMs`. False if one was lost. Never rejects. */
  close(timeoutMs: number): Promise<boolean>;
}

/** How long a call is remembered, in milliseconds: somewhat longer than it can last. */
export function lifetimeOf({ maxCallSeconds }: Pick<Config, 'maxCallSeconds'>): number {
  return maxCallSeconds * 1000 + LIFETIME_MARGIN_MS;
}

/**
 * The renderer of a server with these settings.
 *
 * @param publicUrl the base of the addresses in its documents, without a slash at the end
 */
export function createServerRender(config: Config, publicUrl: string): Render {
  return createRender(config, createUrls(publicUrl), PROMPTS[config.promptLanguage]);
}

/** Composes the server. */
export function createServer(options: ServerOptions): Server {
  const { config, publicUrl, roster, store, space, log, now, monotonicNow, metrics } = options;
  const { retryMs, sweepIntervalMs, storeTimeoutMs, lookUpTimeoutMs } = options;
  const urls = createUrls(publicUrl);
  const rooms = createRooms({
    store: store.rooms,
    space: space && createSpaceObserver({ space, deadline: LOOKUP_DEADLINE, now: monotonicNow }),
    lifetimeMs: lifetimeOf(config),
    log,
    now,
    monotonicNow,
    onChange(state) {
      enforcer?.check(state);
      followJoins?.(state);
      control?.recordings.pauseLate(state);
    },
    ...(retryMs !== undefined && { retryMs }),
    ...(storeTimeoutMs !== undefined && { storeTimeoutMs }),
    ...(lookUpTimeoutMs !== undefined && { lookUpTimeoutMs }),
  });
  const { draining, refusals, actionMs } = options;
  const control =
    space &&
    createControl({
      rooms,
      space,
      urls,
      config,
      draining,
      onChanged: (...change) => supervision.notifyOfMode(...change),
      log,
      monotonicNow,
      retryMs,
      actionMs,
    });
  const followJoins =
    control &&
    createJoinFollower({
      rooms,
      changeMode: control.changeMode,
      isAllowed: (...join) => isJoinAllowed(roster, options.tokens, ...join),
      log,
    });
  const enforcer =
    space &&
    createEnforcer({
      rooms,
      space,
      observe: createSpaceObserver({ space, now: monotonicNow }).observe,
      notify: createSupervisorNotice({
        space,
        noticeUrl: urls.notice('supervisor'),
        returnUrl: urls.coachReturn,
        announceIsPrivate: config.announceIsPrivate,
        claim: store.redis && createRedisClaim(store.redis),
        log,
      }),
      log,
      monotonicNow,
      ...(retryMs !== undefined && { retryMs }),
    });
  const sweep =
    space &&
    createSweep({
      rooms,
      space,
      lease: store.lease,
      identify: (call, isModerator) => identifyParticipant(roster, call, isModerator),
      requestsPerSecond: config.sweepRequestsPerSecond,
      log,
      monotonicNow,
      ...(sweepIntervalMs !== undefined && { intervalMs: sweepIntervalMs }),
    });
  const supervision = createSupervision({
    rooms,
    refusals: store.refusals,
    space,
    notices: {
      // Callers might hear it.
      policy: config.announceIsPrivate ? config.moderatorNotice : 'never',
      moderatorUrl: urls.notice('moderator'),
    },
    now,
    monotonicNow,
    log,
    ...(retryMs !== undefined && { retryMs }),
  });
  const settings = { ...config, publicUrl };
  const render = createServerRender(config, publicUrl);
  const routes = createRoutes({
    accountSid: config.space?.projectId,
    roster,
    authenticators: createAuthenticators(config, roster, store, metrics, log),
    urls,
    rooms,
    supervision,
    sleep: options.sleep,
    now,
    onCallback: metrics?.onCallback,
    onStaleTarget: metrics?.onStaleTarget,
    log,
  });
  const feed = createLiveFeed({ store: store.rooms, render: viewRoom, now, monotonicNow, log });
  // Readers go elsewhere before anything else stops.
  draining.addEventListener('abort', () => void feed.close(comeBackMs), { once: true });
  const trail = createTrailReader({
    facts: (from, room) => readFacts(store.rooms, from, room),
    refusals: store.refusals.read,
  });
  const operations = [
    ...createOperations({
      rooms,
      roster,
      feed,
      trail,
      control,
      now,
    }),
    ...createRecordingOperations({ recordings: control?.recordings, log }),
  ];
  const { framedBy } = options;
  const screen = createScreen({
    config,
    publicUrl,
    framedBy,
    roster,
    tokens: options.tokens,
    store,
    rooms,
    feed,
    operations,
    trail,
    control,
    supervision,
    draining,
    log,
    now,
    onLockout: metrics && ((who) => metrics.onLockout('sign-in', who)),
  });
  const api = createApi({
    operations,
    authenticate: createApiAuthentication({
      byToken: createTokenAuthentication(options.tokens),
      signIn: screen.signIn,
      roster,
      publicUrl: config.publicUrl,
      monotonicNow,
    }),
    keys: store.redis ? createRedisIdempotencyStore(store.redis) : createMemoryIdempotencyStore({ now: monotonicNow }),
    draining,
    log,
  });
  const handle = createApp({
    routes,
    render,
    settings,
    api,
    dashboard: screen.routes,
    pingStore: store.ping,
    draining,
    refusals,
    timeRoute: metrics?.timeRoute,
    log,
  });

  return {
    handle,
    rooms,
    sweep: async () => sweep?.round(),
    idle: async () => enforcer?.idle(),
    pendingEvents: () => ({ rooms: rooms.pendingEvents(), refusals: supervision.pendingRefusals() }),
    async close(timeoutMs) {
      const deadline = monotonicNow() + timeoutMs;
      enforcer?.close();
      await sweep?.close();
      // Finishes corrections in progress, but leaves half the time for pending events.
      await Promise.race([
        Promise.all([enforcer?.idle(), control?.idle()]),
        sleep(timeoutMs / 2, undefined, { ref: false }),
      ]);
      const timeLeftMs = Math.max(0, deadline - monotonicNow());
      const written = await Promise.all([rooms.close(timeLeftMs), supervision.close(timeLeftMs)]);
      return written.every(Boolean);
    },
  };
}

/**
 * Whether whoever called a supervisor, a program or a person, and the supervisor, still have the right of the mode that
 * follows. Nobody else who answered that telephone gets it.
 */
function isJoinAllowed(
  roster: Roster,
  tokens: Pick<Tokens, 'actorNamed'>,
  room: RoomName,
  { by, mode, person: called }: Action,
  name: string | undefined,
): boolean {
  const actor = tokens.actorNamed(by) ?? actorOfPerson(roster, by);
  const person = roster.supervisors.byName.get(called);
  return (
    mode !== undefined &&
    name === called &&
    [actor, person].every((one) => one !== undefined && isAllowed(one, mode, room))
  );
}

/** Everything that the API does to live participants. */
function createControl(options: {
  rooms: Rooms;
  space: ConferenceApi;
  urls: Urls;
  config: Pick<Config, 'announceIsPrivate' | 'callerId'>;
  draining: AbortSignal;
  onChanged: Supervision['notifyOfMode'];
  log: Logger;
  monotonicNow: () => number;
  retryMs: number | undefined;
  actionMs: number | undefined;
}) {
  const { rooms, space, urls, config, draining, onChanged, log, monotonicNow, retryMs, actionMs } = options;
  const runner = createActionRunner({
    rooms,
    space,
    draining,
    log,
    monotonicNow,
    ...(retryMs !== undefined && { retryMs }),
    ...(actionMs !== undefined && { actionMs }),
  });
  return {
    idle: runner.idle,
    callSupervisor:
      config.callerId === undefined
        ? undefined
        : createCallSupervisor({
            rooms,
            space,
            callerId: config.callerId,
            calloutUrl: urls.callout,
            callEndedUrl: urls.callEnded,
            log,
          }),
    changeMode: createModeChange({ runner, rooms, space, onChanged, monotonicNow }),
    participants: createParticipantActions({
      runner,
      rooms,
      space,
      announceIsPrivate: config.announceIsPrivate,
      noteUrl: urls.note,
      monotonicNow,
      log,
    }),
    recordings: createRecordingActions({ runner, rooms, space, callbackUrl: urls.recordingEvents, monotonicNow, log }),
  };
}

/** One authenticator for each role, by the addresses and PINs of the roster. */
function createAuthenticators(
  { pinKey: key }: Pick<Config, 'pinKey'>,
  roster: Roster,
  { redis }: Pick<Store, 'redis'>,
  metrics: Pick<Metrics, 'onLockout'> | undefined,
  log: Logger,
) {
  const createFor = <P extends Person>(role: 'moderator' | 'supervisor', people: PersonIndex<P>) =>
    createAuthenticator({
      people,
      limiter: createPinLimiter({
        role,
        redis,
        onLockout: metrics && ((who) => metrics.onLockout(`${role}-pin`, who)),
        log,
      }),
      pins: key === undefined ? undefined : { key, tokens: createPinTokens(key, role) },
    });
  return {
    moderators: createFor('moderator', roster.moderators),
    supervisors: createFor('supervisor', roster.supervisors),
  };
}
