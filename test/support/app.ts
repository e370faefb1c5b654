import { Agent, request as httpRequest } from 'node:http';
import { loadConfig } from '../../src/config';
import { listen } from '../../src/http/listener';
import { createRefusalLog, type Refusal } from '../../src/http/refusal-log';
import { compileTrust } from '../../src/http/trust-proxy';
import { createLog } from '../../src/ops/log';
import { createRoster, type Roster } from '../../src/people/roster';
import { parseRoster } from '../../src/people/roster-file';
import { createTokens, type TokenEntry } from '../../src/people/tokens';
import { createServer } from '../../src/server';
import type { ConferenceApi } from '../../src/signalwire/conference-api';
import { createMemoryStore, type Store } from '../../src/stores';
import { PIN_KEY, type RosterContent, rosterText } from './roster';
import { sign } from './sign';

/** The people of the tutorial. */
export const ALICE = '+15557788999';
export const BOB = '+15550001111';
export const TED = '+15550002222';

export const SIGNING_KEY = 'PSK_test';
export const PUBLIC_URL = 'https://coach.example.com';

export type Form = Record<string, string> | [string, string][];

export interface Reply {
  status: number;
  type: string | undefined;
  text: string;
  headers: Record<string, string | string[] | undefined>;
}

export interface TestApp {
  url: string;
  port: number;
  /** Every line logged so far. */
  log: string[];
  /** Every refusal so far, also those that the log only counts. */
  refused: Refusal[];
  store: Store;
  roster: Roster;
  /** Posts a form, signed as the Space would sign it. */
  post(path: string, form?: Form): Promise<Reply>;
  /** Asks with GET, signed as the Space would sign it. */
  get(path: string, query?: Form): Promise<Reply>;
  /** Sends anything, unsigned. */
  send(method: string, path: string, headers?: Record<string, string>, body?: string | Buffer): Promise<Reply>;
  /** Compares the rooms with the Space, which otherwise never happens. */
  sweep(): Promise<void>;
  /** Resolves when no supervisor is being corrected. */
  idle(): Promise<void>;
  /** Whether nothing was lost of what waited for the store, which has `timeoutMs` to take it. */
  stop(timeoutMs?: number): Promise<boolean>;
}

export interface TestAppOptions {
  store?: Store;
  space?: Partial<ConferenceApi>;
  env?: Record<string, string>;
  now?: () => number;
  roster?: Roster;
  /** Who is in the roster besides the settings' numbers. */
  people?: RosterContent;
  /** The tokens of the API. */
  tokens?: readonly TokenEntry[];
  /** Milliseconds until something that failed is tried again. */
  retryMs?: number;
}

/** The application with a signing key, on a port of the system's choice. */
export async function startApp(options: TestAppOptions = {}): Promise<TestApp> {
  const config = loadConfig({
    PUBLIC_URL,
    SIGNALWIRE_SIGNING_KEY: SIGNING_KEY,
    MODERATOR_NUMBERS: ALICE,
    SUPERVISOR_NUMBERS: TED,
    LOG_LEVEL: 'debug',
    PIN_KEY,
    ...options.env,
  });
  const now = options.now ?? Date.now;
  const lines: string[] = [];
  const log = createLog(config.logLevel, { write: (line) => void lines.push(line) });
  const lifetimeMs = config.maxCallSeconds * 1000;
  const store = options.store ?? createMemoryStore({ lifetimeMs, monotonicNow: now, now });
  const space = options.space as ConferenceApi | undefined;
  const roster = options.roster ?? createRoster(config);
  if (options.people !== undefined) {
    roster.replace(parseRoster(rosterText(options.people), { file: 'roster.json', hasPinKey: true }));
  }
  const tokens = createTokens({ now });
  tokens.replace(options.tokens ?? []);
  const refused: Refusal[] = [];
  const refusalLog = createRefusalLog(log);
  const refusals = {
    add(refusal: Refusal) {
      refused.push(refusal);
      refusalLog.add(refusal);
    },
  };
  const draining = new AbortController();
  const composed = createServer({
    config,
    publicUrl: config.publicUrl ?? PUBLIC_URL,
    roster,
    tokens,
    store,
    space,
    draining: draining.signal,
    refusals,
    log,
    sleep: async () => {},
    now,
    monotonicNow: now,
    retryMs: options.retryMs ?? 50,
    sweepIntervalMs: 0,
  });
  const isTrustedPeer = compileTrust(config.trustProxy);
  const server = await listen({ ...config, port: 0, host: '127.0.0.1', isTrustedPeer, refusals });
  server.serve(composed.handle);
  const agent = new Agent({ keepAlive: true });

  const send: TestApp['send'] = (method, path, headers = {}, body) =>
    new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
      const options = { agent, host: '127.0.0.1', port: server.port, method, path, headers: { ...length, ...headers } };
      const req = httpRequest(options, async (res) => {
        let text = '';
        for await (const chunk of res.setEncoding('utf8')) {
          text += chunk;
        }
        resolve({ status: res.statusCode ?? 0, type: res.headers['content-type'], text, headers: res.headers });
      });
      req.on('error', reject);
      req.end(body);
    });

  return {
    url: `http://127.0.0.1:${server.port}`,
    port: server.port,
    sweep: composed.sweep,
    idle: composed.idle,
    log: lines,
    refused,
    store,
    roster,
    send,
    post(path, form = {}) {
      const pairs = pairsOf(form);
      const signature = sign(SIGNING_KEY, PUBLIC_URL + path, pairs);
      const body = new URLSearchParams(pairs).toString();
      const type = 'application/x-www-form-urlencoded';
      return send('POST', path, { 'content-type': type, 'x-signalwire-signature': signature }, body);
    },
    get(path, query = {}) {
      const search = new URLSearchParams(pairsOf(query)).toString();
      const full = search === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${search}`;
      return send('GET', full, { 'x-signalwire-signature': sign(SIGNING_KEY, PUBLIC_URL + full) });
    },
    async stop(timeoutMs = 0) {
      agent.destroy();
      draining.abort();
      await server.stop({ drainMs: 0, deadlineMs: 1_000 });
      // What follows the rooms for the screen would go on for a while.
      draining.abort();
      return composed.close(timeoutMs);
    },
  };
}

function pairsOf(form: Form): [string, string][] {
  return Array.isArray(form) ? form : Object.entries(form);
}
