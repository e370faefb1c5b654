import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import express from 'express';
import { createApi } from '../../src/api/api';
import { createTokenAuthentication } from '../../src/api/authentication';
import { createMemoryIdempotencyStore } from '../../src/api/idempotency';
import { operation } from '../../src/api/operation';
import { createApiAuthentication } from '../../src/dashboard/api-authentication';
import { createMemorySessionStore } from '../../src/dashboard/session-store';
import { createLog } from '../../src/ops/log';
import { createTokens } from '../../src/people/tokens';
import { StoreError } from '../../src/redis/store-error';
import { tokenFor } from '../support/api-client';
import { startApp } from '../support/app';
import { onTestFinished } from '../support/on-test-finished';
import { SCREEN_URL, screenRoster, startScreen } from '../support/screen';
import { ALICE_LISTED, PASSWORD, TED_LISTED } from '../support/screen-bench';

const TOKEN = tokenFor('wallboard', ['see']);
const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin' };

async function start() {
  const memory = createMemorySessionStore();
  const asked = { times: 0, isAway: false };
  const store = {
    ...memory,
    find(key: Parameters<typeof memory.find>[0]) {
      asked.times++;
      return asked.isAway ? Promise.reject(new StoreError('unavailable', 'away')) : memory.find(key);
    },
  };
  const roster = screenRoster();
  const screen = await startScreen({ store, roster });
  const tokens = createTokens({ now: Date.now });
  tokens.replace([TOKEN.entry]);
  const clock = { now: 0 };
  const held: { isStillAllowed: () => boolean }[] = [];
  const response = { status: 200, description: 'Done' };
  const common = { tag: 'Rooms', summary: '', response, problems: [] } as const;
  const api = createApi({
    operations: [
      operation({
        ...common,
        id: 'who',
        method: 'get',
        path: '/who',
        right: 'see',
        isAction: false,
        async handle({ actor, isStillAllowed }) {
          held.push({ isStillAllowed });
          return { status: 200, body: { name: actor.name } };
        },
      }),
      operation({
        ...common,
        id: 'act',
        method: 'post',
        path: '/act',
        right: 'coach',
        isAction: true,
        handle: async ({ actor }) => ({ status: 200, body: { name: actor.name } }),
      }),
    ],
    authenticate: createApiAuthentication({
      byToken: createTokenAuthentication(tokens),
      signIn: screen.signIn,
      roster,
      publicUrl: SCREEN_URL,
      monotonicNow: () => clock.now,
    }),
    keys: createMemoryIdempotencyStore({ now: () => 0 }),
    draining: new AbortController().signal,
    log: createLog('silent', { write: () => {} }),
  });
  const server = createServer(express().use('/api/v1', api)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => server.close());
  const { port } = server.address() as AddressInfo;
  const ask = (method: string, path: string, headers: Record<string, string>) =>
    new Promise<{ status: number | undefined; body: Record<string, string> }>((resolve, reject) => {
      const req = request({ host: '127.0.0.1', port, method, path: `/api/v1${path}`, agent: false, headers });
      req.on('response', async (res) => {
        const text = (await res.setEncoding('utf8').toArray()).join('');
        resolve({ status: res.statusCode, body: JSON.parse(text) });
      });
      req.on('error', reject).end();
    });
  return { screen, roster, asked, clock, held, ask };
}

describe('the API', () => {
  it('lets in whoever is signed in, with their rights', async () => {
    const { screen, ask } = await start();
    const ted = { cookie: await screen.enter('Ted', 'open sesame') };
    expect(await ask('GET', '/who', ted)).toMatchObject({ status: 200, body: { name: 'supervisor Ted' } });
    expect(await ask('POST', '/act', { ...ted, ...SAME_ORIGIN })).toMatchObject({ status: 200 });
    const alice = { cookie: await screen.enter('Alice', 'let me in') };
    expect(await ask('GET', '/who', alice)).toMatchObject({
      status: 403,
      body: { code: 'not_allowed', detail: 'You lack the right see.' },
    });
  });

  it.each([
    ['of another site', { 'sec-fetch-site': 'cross-site' }],
    ['without a sign of where it comes from', {}],
    ['of no origin', { origin: 'null' }],
  ])('refuses an action %s', async (_what, headers) => {
    const { screen, ask } = await start();
    const cookie = await screen.enter('Ted', 'open sesame');
    expect(await ask('POST', '/act', { cookie, ...headers })).toMatchObject({
      status: 403,
      body: { code: 'cross_site' },
    });
  });

  it('lets a token in without a look at the session', async () => {
    const { screen, asked, ask } = await start();
    const cookie = await screen.enter('Ted', 'open sesame');
    const before = asked.times;
    const authorization = `Bearer ${TOKEN.secret}`;
    expect(await ask('GET', '/who', { cookie, authorization })).toMatchObject({ body: { name: 'token wallboard' } });
    expect(await ask('GET', '/who', { cookie, authorization: 'Bearer cc_wrong' })).toMatchObject({
      status: 401,
      body: { code: 'wrong_token' },
    });
    expect(asked.times).toBe(before);
  });

  it('asks for a token if nobody is signed in', async () => {
    const { screen, ask } = await start();
    const cookie = await screen.enter('Ted', 'open sesame');
    await screen.send('POST', '/sign-out', { cookie });
    for (const headers of [{}, { cookie }, { cookie, ...SAME_ORIGIN }]) {
      expect(await ask('POST', '/act', headers)).toMatchObject({
        status: 401,
        body: { code: 'no_token', detail: 'Send a token: Authorization: Bearer cc_...' },
      });
    }
  });

  it('says so while the store is away', async () => {
    const { screen, asked, ask } = await start();
    const cookie = await screen.enter('Ted', 'open sesame');
    asked.isAway = true;
    expect(await ask('GET', '/who', { cookie })).toMatchObject({ status: 503, body: { code: 'store_away' } });
  });

  it('ends long answers when their person signs out or loses a right, not while the store is away', async () => {
    const { screen, roster, asked, clock, held, ask } = await start();
    const cookie = await screen.enter('Ted', 'open sesame');
    await ask('GET', '/who', { cookie });
    await ask('GET', '/who', { cookie });
    const [one, other] = held;
    /** As a heartbeat does, some time later. */
    const isAllowedAt = async (at: number, answer = one) => {
      clock.now = at;
      answer?.isStillAllowed();
      await new Promise(setImmediate);
      return answer?.isStillAllowed();
    };
    expect(await isAllowedAt(20_000)).toBe(true);
    asked.isAway = true;
    expect(await isAllowedAt(40_000)).toBe(true);
    asked.isAway = false;
    await screen.send('POST', '/sign-out', { cookie });
    expect(await isAllowedAt(45_000)).toBe(true);
    expect(await isAllowedAt(60_000)).toBe(false);
    const [ted] = roster.supervisors.all;
    roster.replace({ supervisors: ted === undefined ? [] : [{ ...ted, rights: new Set(['see']) }], moderators: [] });
    expect(other?.isStillAllowed()).toBe(false);
  });
});

it('the whole server lets in whoever is signed in to its screen', async () => {
  const app = await startApp({ people: { supervisors: [TED_LISTED], moderators: [ALICE_LISTED] } });
  onTestFinished(() => app.stop());
  const form = new URLSearchParams({ name: 'Ted', password: PASSWORD }).toString();
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  const { headers } = await app.send('POST', '/sign-in', { ...type, ...SAME_ORIGIN }, form);
  const cookie = String(headers['set-cookie']).split(';')[0] ?? '';
  expect(await app.send('GET', '/api/v1/rooms', { cookie })).toMatchObject({ status: 200 });
  expect(await app.send('GET', '/api/v1/rooms')).toMatchObject({ status: 401 });
});
