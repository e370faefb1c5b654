import type * as PromClient from 'prom-client';
import type { RecordedCallback } from '../calls/status-callbacks';
import { WEBHOOK_OUTCOMES, type WebhookOutcome } from '../http/webhook-outcome';
import { withDeadline } from '../ops/deadline';
import { PIN_BUDGETS } from '../people/pin-limiter';
import { SIGN_IN_BUDGETS } from '../people/sign-in-limiter';
import type { RoomStore } from '../rooms/room-store';
import { createRoomCensus, type RoomCensus } from './room-census';
import { REST_OUTCOMES, type RestOutcome } from './timed-space';
import { STORE_FAILURES, type StoreFailure, type StoreOperation } from './timed-storage';

/** Sources of the figures that a scrape computes. */
export interface MetricsSources {
  store: Pick<RoomStore, 'changes' | 'list' | 'read'>;
  /** How many events wait for the store, by queue. */
  pendingEvents: () => Readonly<Record<'rooms' | 'refusals', number>>;
  /** How many lines of the log have been dropped so far. */
  droppedLines: () => number;
}

/** The kinds of lockouts: after wrong PINs of a role, or wrong passwords of the screen. */
export type LockoutOf = 'moderator-pin' | 'supervisor-pin' | 'sign-in';

/** Counts what happens in one server. Nothing here throws or waits, but for `scrape`. */
export interface Metrics {
  /** Call it once for each route; the result reports a webhook that is over. */
  timeRoute(route: string): (outcome: WebhookOutcome, ms: number) => void;
  timeStore(operation: StoreOperation, ms: number, failure?: StoreFailure): void;
  /** Call it once for each operation; the result reports a request that is over. */
  timeRest(operation: string): (outcome: RestOutcome, ms: number) => void;
  onCallback(callback: RecordedCallback): void;
  onStaleTarget(): void;
  /** A lockout has begun. @param who whose budget was used up */
  onLockout(of: LockoutOf, who: string): void;
  /** Call it once the server is there. */
  watch(sources: MetricsSources): void;
  /** Everything in the text format of Prometheus. Without what the store does not tell in time. Never rejects. */
  scrape(): Promise<{ type: string; text: string }>;
}

/** A callback that is older is late, in milliseconds. */
const LATE_MS = 5_000;

/** How long a scrape waits for the store, in milliseconds. Prometheus waits 10 s. */
const CENSUS_MS = 3_000;

const WEBHOOK_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5, 5];
const STORE_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.8];
const REST_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const LOCKOUTS: readonly [LockoutOf, readonly string[]][] = [
  ['moderator-pin', Object.keys(PIN_BUDGETS)],
  ['supervisor-pin', Object.keys(PIN_BUDGETS)],
  ['sign-in', Object.keys(SIGN_IN_BUDGETS)],
];

const ALL_SERVERS = 'In the whole store: every server that shares it reports the same, so take the max over servers.';

/** Creates the metrics of one server. Every counter that an alert uses starts at 0, so that its first step counts as one. */
export function createMetrics(): Metrics {
  // Loaded only here, because a server without metrics does not need it.
  const { Counter, Gauge, Histogram, Registry, collectDefaultMetrics }: typeof PromClient = require('prom-client');
  const registry = new Registry();
  const registers = [registry];
  const named = <N extends string>(name: string, help: string, ...labelNames: N[]) => ({
    name: `conference_coach_${name}`,
    help,
    labelNames,
    registers,
  });
  let sources: MetricsSources | undefined;
  let census: RoomCensus | undefined;

  const webhooks = new Counter(
    named(
      'webhooks_total',
      'Requests to the routes of the Space. answered: as intended; fallback: the handler failed, and the call got a substitute; refused: signed but invalid; unverified: without the signature of our Space; failed: status 5xx; aborted: the client was gone before its answer.',
      'route',
      'outcome',
    ),
  );
  const webhookSeconds = new Histogram({
    ...named(
      'webhook_duration_seconds',
      'How long such a request took, to the end of its answer; unverified ones excepted.',
      'route',
    ),
    buckets: WEBHOOK_BUCKETS,
  });
  const storeSeconds = new Histogram({
    ...named(
      'store_duration_seconds',
      'How long Redis took for an operation on rooms, failures included.',
      'operation',
    ),
    buckets: STORE_BUCKETS,
  });
  const storeFailures = new Counter(
    named('store_failures_total', 'Operations on rooms that Redis did not carry out.', 'reason'),
  );
  const restRequests = new Counter(
    named(
      'rest_requests_total',
      "Questions and changes by SignalWire's REST API. ok: answered, also that the subject is gone; refused: an error status; timeout, unreachable, unreadable: no usable answer.",
      'operation',
      'outcome',
    ),
  );
  const restSeconds = new Histogram({
    ...named(
      'rest_duration_seconds',
      'How long such a question or change took: all its pages, and its wait for a free place.',
      'operation',
    ),
    buckets: REST_BUCKETS,
  });
  const callbacks = new Counter(
    named(
      'callbacks_total',
      'Status callbacks of conferences. Without speech, and without those of other accounts.',
      'kind',
    ),
  );
  const lateCallbacks = new Counter(
    named('late_callbacks_total', 'Of these, those that report what happened more than 5 s ago by their Timestamp.'),
  );
  const repeatedCallbacks = new Counter(
    named(
      'repeated_callbacks_total',
      'Of these, those that changed nothing: they came again, or the room knew it from elsewhere.',
    ),
  );
  const staleTargets = new Counter(
    named(
      'stale_targets_total',
      "Supervisors' calls that the Space did not connect to their target, as by error 13240.",
    ),
  );
  const lockouts = new Counter(
    named(
      'lockouts_total',
      'Lockouts that began after too many wrong PINs or passwords, and whose: a number, everybody; a name at an address (pair), an address, a name.',
      'of',
      'who',
    ),
  );
  const storeUp = new Gauge(
    named('store_up', '1 if the store told the rooms for this scrape, and could be written a second ago; else 0.'),
  );
  const rooms = new Gauge(named('rooms', `Rooms with somebody in the conference. ${ALL_SERVERS}`));
  const participants = new Gauge(named('participants', `Participants in conferences. ${ALL_SERVERS}`, 'role'));
  const supervisors = new Gauge(
    named(
      'supervisors',
      `Supervisors in conferences, by how they are surely heard, and whether that is what was requested last. ${ALL_SERVERS}`,
      'mode',
      'confirmed',
    ),
  );
  new Gauge({
    ...named('pending_events', 'Events of rooms, and refusals, that wait for the store.', 'queue'),
    collect() {
      for (const [queue, size] of Object.entries(sources?.pendingEvents() ?? {})) {
        this.set({ queue }, size);
      }
    },
  });
  new Counter({
    ...named('dropped_log_lines_total', 'Lines of the log that were dropped because it could not be written.'),
    collect() {
      this.reset();
      this.inc(sources?.droppedLines() ?? 0);
    },
  });
  collectDefaultMetrics({ register: registry });

  for (const reason of STORE_FAILURES) {
    storeFailures.inc({ reason }, 0);
  }
  for (const [of, everyone] of LOCKOUTS) {
    for (const who of everyone) {
      lockouts.inc({ of, who }, 0);
    }
  }

  async function countRooms(): Promise<void> {
    const counted = census && (await withDeadline(census.count(), CENSUS_MS).catch(() => undefined));
    storeUp.set(counted?.isWritable ? 1 : 0);
    if (counted === undefined) {
      // Unknown counts are left out. `reset` would set the gauge without labels to 0.
      rooms.remove();
      participants.reset();
      supervisors.reset();
      return;
    }
    rooms.set(counted.rooms);
    for (const [role, count] of Object.entries(counted.participants)) {
      participants.set({ role }, count);
    }
    for (const { mode, confirmed, count } of counted.supervisors) {
      supervisors.set({ mode, confirmed: confirmed ? 'yes' : 'no' }, count);
    }
  }

  return {
    timeRoute(route) {
      const seconds = webhookSeconds.labels(route);
      const counters = new Map(WEBHOOK_OUTCOMES.map((outcome) => [outcome, webhooks.labels(route, outcome)]));
      for (const counter of counters.values()) {
        counter.inc(0);
      }
      return (outcome, ms) => {
        counters.get(outcome)?.inc();
        // Anybody can send those, and they are fast: they would hide that the Space's are slow.
        if (outcome !== 'unverified') {
          seconds.observe(ms / 1000);
        }
      };
    },

    timeStore(operation, ms, failure) {
      storeSeconds.observe({ operation }, ms / 1000);
      if (failure !== undefined) {
        storeFailures.inc({ reason: failure });
      }
    },

    timeRest(operation) {
      for (const outcome of REST_OUTCOMES) {
        restRequests.inc({ operation, outcome }, 0);
      }
      return (outcome, ms) => {
        restSeconds.observe({ operation }, ms / 1000);
        restRequests.inc({ operation, outcome });
      };
    },

    onCallback({ kind, ageMs, hasChanged }) {
      callbacks.inc({ kind });
      lateCallbacks.inc(ageMs > LATE_MS ? 1 : 0);
      repeatedCallbacks.inc(hasChanged === false ? 1 : 0);
    },

    onStaleTarget: () => staleTargets.inc(),
    onLockout: (of, who) => lockouts.inc({ of, who }),

    watch(given) {
      sources = given;
      census = createRoomCensus({ store: given.store, monotonicNow: () => performance.now() });
    },

    async scrape() {
      await countRooms();
      return { type: registry.contentType, text: await registry.metrics() };
    },
  };
}
