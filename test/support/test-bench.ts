import { pino } from 'pino';
import { type ConferenceCoach, startConferenceCoach } from '../../src/conference-coach';
import { loadConfig } from '../../src/config';
import { createLog } from '../../src/ops/log';
import type { Call, CallSettings } from '../../src/simulator/call';
import { rowsOf } from '../../src/simulator/play-story';
import { type RestApiOptions, serveRestApi } from '../../src/simulator/rest-api';
import { createSpace, type Space, type SpaceOptions } from '../../src/simulator/space';
import type { Timeouts } from '../../src/simulator/web-client';
import { ALICE, BOB, SIGNING_KEY, TED } from './app';
import { onTestFinished } from './on-test-finished';

/** Long enough that a busy machine is not taken for a slow server. */
export const LONG_TIMEOUTS: Timeouts = { connectMs: 30_000, readMs: 30_000 };

/** What each person on the line hears, by name: people, music, notices. Beeps are left out. */
export type Matrix = Record<string, string[]>;

/** The whole server as it runs, and a simulated Space that calls it. */
export interface TestBench {
  space: Space;
  server: ConferenceCoach;
  url: string;
  /** Somebody dials a number whose webhook is this path; what follows from it has happened. */
  call(who: keyof typeof NUMBERS, path: string, more?: Partial<CallSettings>): Promise<Call>;
  hangUp(call: Call): Promise<void>;
  /** Presses keys; what follows from them has happened, and what was told to this call since is returned. */
  press(call: Call, keys: string): Promise<string>;
  /** Stops the server; what is called `meanwhile` finds none. Then it starts anew at its address. */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
  hears(): Matrix;
}

export const CAROL = '+15550003333';
const NUMBERS = { Alice: ALICE, Bob: BOB, Carol: CAROL, Ted: TED };

export interface TestBenchOptions {
  env?: Record<string, string>;
  space?: Partial<SpaceOptions>;
  /** A Space that calls another server too. */
  shared?: Space;
  /** Whether the server may ask the Space's REST API. */
  withRest?: boolean;
  /** What becomes of its requests. */
  intercept?: RestApiOptions['intercept'];
  /** Milliseconds between two rounds of the sweep; the server's own unless given. */
  sweepIntervalMs?: number;
  /** Takes every line that the server logs; they are dropped unless given. */
  onLog?: (line: string) => void;
  /** How long an action of the API may take, in milliseconds; the server's own unless given. */
  actionMs?: number;
}

/** Starts both; they are stopped when the test is over. */
export async function startTestBench(options: TestBenchOptions = {}): Promise<TestBench> {
  const { env = {}, withRest = false, intercept, shared, sweepIntervalMs, actionMs, onLog } = options;
  const log = onLog === undefined ? pino({ level: 'silent' }) : createLog('debug', { write: onLog });
  const space = shared ?? createSpace({ signingKey: SIGNING_KEY, timeouts: LONG_TIMEOUTS, ...options.space });
  const rest = withRest ? await serveRest(space, intercept === undefined ? {} : { intercept }) : {};
  const settings = {
    SIGNALWIRE_SIGNING_KEY: SIGNING_KEY,
    ...(env.ROSTER_FILE === undefined && { MODERATOR_NUMBERS: ALICE, SUPERVISOR_NUMBERS: TED }),
    ...rest,
    ...env,
  };
  const start = (port: number) =>
    startConferenceCoach(loadConfig({ ...settings, PORT: String(port) }), log, {
      ...(sweepIntervalMs !== undefined && { sweepIntervalMs }),
      ...(actionMs !== undefined && { actionMs }),
    });
  let server = await start(0);
  const url = server.publicUrl;
  onTestFinished(() => {
    // First, so that the server need not wait for the Space to close its idle connections.
    space.close();
    return server.stop(0);
  });
  const names = new Map<Call, string>();
  return {
    space,
    get server() {
      return server;
    },
    url,
    async call(who, path, more = {}) {
      const call = space.call({ from: NUMBERS[who], url: url + path, ...more });
      names.set(call, who);
      await space.runUntilIdle();
      return call;
    },
    async hangUp(call) {
      call.hangUp();
      await space.runUntilIdle();
    },
    async press(call, keys) {
      const before = call.told.length;
      call.press(keys);
      await space.runUntilIdle();
      return call.told.slice(before).join(' ');
    },
    async restart(meanwhile = async () => {}) {
      await server.stop(0);
      await meanwhile();
      server = await start(server.port);
    },
    hears() {
      const rows = rowsOf(space, (call) => names.get(call) ?? personAt(call.to));
      return Object.fromEntries(
        rows.map(({ who, voices, sounds }) => [who, [...voices.sort(), ...sounds.filter((sound) => sound !== 'beep')]]),
      );
    },
  };
}

/** Whom the server called. */
function personAt(number: string | undefined): string {
  return Object.entries(NUMBERS).find(([, own]) => own === number)?.[0] ?? '';
}

async function serveRest(space: Space, options: RestApiOptions): Promise<Record<string, string>> {
  const api = await serveRestApi(space, options);
  onTestFinished(() => api.close());
  return {
    SIGNALWIRE_SPACE_URL: api.url,
    SIGNALWIRE_PROJECT_ID: space.accountSid,
    SIGNALWIRE_API_TOKEN: space.apiToken,
  };
}
