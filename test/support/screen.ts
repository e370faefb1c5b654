import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import type { VNode } from 'preact';
import { basePathOf } from '../../src/dashboard/base-path';
import { createErrorAnswer, createPublicPageTools } from '../../src/dashboard/page-tools';
import { ErrorPage } from '../../src/dashboard/pages/small-pages';
import { createMemorySessionStore, type SessionStore } from '../../src/dashboard/session-store';
import { createSignIn, type SignIn, type SignInOptions } from '../../src/dashboard/sign-in';
import { english } from '../../src/dashboard/texts-en';
import { type Viewer, viewerOf } from '../../src/dashboard/viewer';
import { clientAddress, compileTrust } from '../../src/http/trust-proxy';
import { createLog } from '../../src/ops/log';
import { parseEmail } from '../../src/people/email';
import type { PasswordHash } from '../../src/people/password';
import { SUPERVISOR_RIGHTS } from '../../src/people/rights';
import { createRoster, type ModeratorEntry, type Roster, type SupervisorEntry } from '../../src/people/roster';
import { createSignInLimiter } from '../../src/people/sign-in-limiter';
import type { SignInFact } from '../../src/supervision/refusals';
import { onTestFinished } from './on-test-finished';

export const SCREEN_URL = 'https://coach.example.com';

/** Somebody who may sign in to the screen. */
interface ScreenPerson {
  name: string;
  password?: string;
  email?: string;
}

/** How this test's stand-in for scrypt hashes a password. */
const hashOf = (password: string) => `hash of ${password}` as PasswordHash;

function personOf({ name, password, email }: ScreenPerson) {
  const common = {
    name,
    email: parseEmail(email ?? ''),
    address: undefined,
    pin: undefined,
    requirePin: false,
    rooms: 'all' as const,
  };
  return { ...common, password: password === undefined ? undefined : hashOf(password) };
}

export function supervisor(person: ScreenPerson): SupervisorEntry {
  return { ...personOf(person), mode: undefined, rights: SUPERVISOR_RIGHTS };
}

export function moderator(person: ScreenPerson): ModeratorEntry {
  return { ...personOf(person), extension: undefined };
}

/** A roster with Ted, a supervisor, and Alice, an agent; `replace` changes it. */
export function screenRoster(): Roster {
  const roster = createRoster({ moderatorNumbers: [], supervisorNumbers: [] });
  roster.replace({
    supervisors: [supervisor({ name: 'Ted', password: 'open sesame', email: 'ted@example.com' })],
    moderators: [moderator({ name: 'Alice', password: 'let me in', email: 'alice@example.com' })],
  });
  return roster;
}

export interface ScreenReply {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** What it sets, as `name=value`; without a value if it clears the cookie. */
  cookies: string[];
}

export interface Screen {
  signIn: SignIn;
  roster: Roster;
  store: SessionStore;
  /** What went into the audit trail so far. */
  facts: SignInFact[];
  /** Every line logged so far. */
  log: string[];
  /** Milliseconds since 1970, which the test may change. */
  clock: { now: number };
  /** The latest viewer that `/` was shown to. */
  lastViewer: () => Viewer | undefined;
  send(method: string, path: string, options?: SendOptions): Promise<ScreenReply>;
  /** Signs in with a form; returns the cookie. Fails if it does not succeed. */
  enter(name: string, password: string): Promise<string>;
  /** Who `/` says they are: `supervisor Ted`, or `nobody`; the status if it is an error. */
  whoIs(cookie: string | undefined): Promise<string>;
}

interface SendOptions {
  cookie?: string | undefined;
  headers?: Record<string, string>;
  /** Sent as a form. Adds `Sec-Fetch-Site: same-origin` unless headers are given. */
  form?: Record<string, string> | string;
}

/** A server with nothing but the sign-in, and `/`, which says who is there. It stops when the test is over. */
export async function startScreen(options: Partial<SignInOptions> & { trustProxy?: number } = {}): Promise<Screen> {
  const { trustProxy = 0, ...given } = options;
  const roster = given.roster ?? screenRoster();
  const store = given.store ?? createMemorySessionStore();
  const clock = { now: Date.parse('2026-11-25T08:00:00Z') };
  const facts: SignInFact[] = [];
  const lines: string[] = [];
  const log = createLog('debug', { write: (line) => void lines.push(line) });
  let viewer: Viewer | undefined;
  const tools = createPublicPageTools({
    texts: english,
    async sendPage(_req, res, { status = 200, content }) {
      const { type, props } = content as VNode<{ texts: object; sentence?: string }>;
      const { texts: _texts, ...model } = props;
      res.status(status).type('html');
      res.send(type === ErrorPage ? `error: ${props.sentence}` : `sign in ${JSON.stringify(model)}`);
    },
    basePath: basePathOf(given.publicUrl ?? SCREEN_URL),
    publicUrl: given.publicUrl ?? SCREEN_URL,
    now: () => clock.now,
  });
  const signIn = createSignIn({
    roster,
    hasRosterFile: true,
    store,
    secrets: ['the secret of this test, long enough'],
    publicUrl: SCREEN_URL,
    oidc: undefined,
    limiter: createSignInLimiter({ secret: 'secret', redis: undefined, log }),
    checkPassword: async (password, hash) => hash === hashOf(password),
    record: (fact) => void facts.push(fact),
    tools,
    addressOf: (req) => clientAddress(req, compileTrust(trustProxy)),
    log,
    now: () => clock.now,
    ...given,
  });
  const app = express();
  app.use(signIn.routes);
  app.get('/', signIn.readViewer, (_req, res) => {
    viewer = viewerOf(res);
    res.send(viewer === undefined ? 'nobody' : viewer.actor.name);
  });
  app.use(createErrorAnswer(tools, log));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;

  const send: Screen['send'] = (method, path, { cookie, headers, form } = {}) =>
    new Promise((resolve, reject) => {
      const body = typeof form === 'object' ? new URLSearchParams(form).toString() : form;
      const req = httpRequest(
        {
          host: '127.0.0.1',
          port,
          method,
          path,
          agent: false,
          headers: {
            ...(cookie !== undefined && { cookie }),
            ...(body !== undefined && {
              'content-type': 'application/x-www-form-urlencoded',
              'content-length': String(Buffer.byteLength(body)),
            }),
            ...(headers ?? { 'sec-fetch-site': 'same-origin' }),
          },
        },
        async (res) => {
          let text = '';
          for await (const chunk of res.setEncoding('utf8')) {
            text += chunk;
          }
          const cookies = (res.headers['set-cookie'] ?? []).map((line) => line.split(';')[0] ?? '');
          resolve({ status: res.statusCode ?? 0, headers: res.headers, text, cookies });
        },
      );
      req.on('error', reject);
      req.end(body);
    });

  return {
    signIn,
    roster,
    store,
    facts,
    log: lines,
    clock,
    lastViewer: () => viewer,
    send,
    async enter(name, password) {
      const { status, text, cookies } = await send('POST', '/sign-in', { form: { name, password } });
      const [cookie] = cookies;
      if (status !== 303 || cookie === undefined) {
        throw new Error(`${name} could not sign in: ${status} ${text}`);
      }
      return cookie;
    },
    async whoIs(cookie) {
      const { status, text } = await send('GET', '/', { cookie });
      return status === 200 ? text : `${status} ${text}`;
    },
  };
}
