import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { RIGHTS, type Right } from '../../src/people/rights';
import { StoreError } from '../../src/redis/store-error';
import { createMemoryStore } from '../../src/stores';
import { createApiClient, tokenFor } from '../support/api-client';
import { ALICE, BOB, startApp, TED, type TestApp } from '../support/app';
import { onTestFinished } from '../support/on-test-finished';
import { openSocket } from '../support/raw-socket';
import { eventually } from '../support/redis-server';
import { roomNamed, sid } from '../support/room-stores';

const sales = roomNamed('sales');
const ALL = tokenFor('all', RIGHTS);
const PASSWORD = `$scrypt$ln=15,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`;
const PEOPLE = {
  moderators: [{ name: 'Alice', number: ALICE }],
  supervisors: [
    { name: 'Ted', number: TED, pin: '48213', password: PASSWORD, email: 'ted@example.com', rooms: ['sales'] },
    { name: 'Carol', number: '+15550003333', rights: ['see'], rooms: ['support'] },
  ],
};

async function start(tokens = [ALL], env: Record<string, string> = {}, options: Parameters<typeof startApp>[0] = {}) {
  const app = await startApp({
    people: PEOPLE,
    tokens: tokens.map(({ entry }) => entry),
    // The file's entries count.
    env: { MODERATOR_NUMBERS: ALICE, SUPERVISOR_NUMBERS: TED, ...env },
    ...options,
  });
  onTestFinished(() => app.stop());
  const client = await createApiClient(app.port);
  return { app, ...client };
}

/** Alice is in the conference with Bob; Ted listens. */
async function talk(app: TestApp, room = 'sales') {
  const event = (callSid: string, more: Record<string, string>) =>
    app.post(`/events/conference/${room}`, {
      CallSid: callSid,
      ConferenceSid: `cf-${room}`,
      StatusCallbackEvent: 'participant-join',
      Timestamp: new Date().toUTCString(),
      Muted: 'false',
      Hold: 'false',
      ...more,
    });
  await app.post(`/conference/${room}`, { CallSid: 'alice-1', From: ALICE });
  await event('alice-1', { EndConferenceOnExit: 'true' });
  await event('bob-1', { EndConferenceOnExit: 'false' });
  await app.post(`/coach/${room}?mode=monitor`, { CallSid: 'ted-1', From: TED });
  await event('ted-1', { EndConferenceOnExit: 'false', Muted: 'true' });
}

describe('the description', () => {
  it('is the file in docs', async () => {
    const { description } = await start();
    const file = readFileSync(join(__dirname, '../../docs/openapi.json'), 'utf8');
    // npm run openapi writes it.
    expect(JSON.parse(file)).toEqual(description);
  });

  it('describes every field and parameter, and groups the operations', async () => {
    const { description } = await start();
    const undescribed: string[] = [];
    const look = (schema: Record<string, unknown>, path: string) => {
      for (const [name, value] of Object.entries(schema)) {
        if (typeof value !== 'object' || value === null) {
          continue;
        }
        if (name === 'properties') {
          for (const [key, property] of Object.entries(value)) {
            if (!('description' in property || '$ref' in property)) {
              undescribed.push(`${path}.${key}`);
            }
          }
        }
        look(value as Record<string, unknown>, `${path}.${name}`);
      }
    };
    look(description.components.schemas, '');
    expect(undescribed).toEqual([]);
    const operations = Object.values(description.paths).flatMap((one) => Object.values(one));
    expect(operations.length).toBeGreaterThan(15);
    for (const operation of operations) {
      expect(operation).toMatchObject({ tags: [expect.any(String)] });
      for (const parameter of (operation as { parameters?: object[] }).parameters ?? []) {
        expect(parameter).toHaveProperty('description');
      }
    }
    expect(JSON.stringify(description)).not.toMatch(/"format":"date-time","pattern"/);
  });

  it.each(['Room', 'ActionReport', 'Problem'])('has an example of %s that fits it', async (name) => {
    const { description, mistakeIn } = await start();
    const { examples } = description.components.schemas[name] as { examples: object[] };
    expect(examples.map((example) => mistakeIn(name, example))).toEqual([undefined]);
    expect(mistakeIn(name, { ...examples[0], at: 'now', participant: 1, status: 'x' })).toEqual(expect.any(String));
  });

  it('names the fields of the trail and of refusals', async () => {
    const { description } = await start();
    const { AuditRecord, Refusal } = description.components.schemas;
    expect(AuditRecord).toMatchObject({ required: ['at', 'kind'], additionalProperties: false });
    expect(AuditRecord).toHaveProperty('properties.heard.enum', ['monitor', 'coach', 'barge', 'unknown']);
    expect(Refusal).toMatchObject({ required: ['id', 'at', 'kind'], additionalProperties: false });
  });

  it('needs no token', async () => {
    const { ask } = await start([]);
    await expect(ask('GET', '/rooms')).resolves.toMatchObject({ status: 401 });
  });
});

describe('rooms', () => {
  it('are listed with their agent, and shown with everybody in them', async () => {
    const { app, ask } = await start();
    await talk(app);
    const { body: list } = await ask('GET', '/rooms', { token: ALL.secret });
    expect(list.rooms).toMatchObject([
      {
        room: 'sales',
        target: { callSid: 'alice-1', name: 'Alice', hasJoined: true },
        hasCaller: true,
        supervisors: 1,
      },
    ]);
    const { body } = await ask('GET', '/rooms/sales', { token: ALL.secret });
    expect(body).toMatchObject({ room: 'sales', conferenceSid: 'cf-sales', target: 'alice-1' });
    expect(body.participants).toMatchObject([
      { callSid: 'alice-1', role: 'moderator', name: 'Alice', muted: false, supervision: null },
      { callSid: 'bob-1', role: 'caller', name: null, muted: false, onHold: false },
      {
        callSid: 'ted-1',
        role: 'supervisor',
        name: 'Ted',
        number: '***2222',
        supervision: {
          requestedMode: 'monitor',
          heardAs: 'monitor',
          confirmed: true,
          target: 'alice-1',
          moderator: 'Alice',
        },
      },
    ]);
    expect(JSON.stringify(body)).not.toMatch(/\+1555|rejoin|48213/);
  });

  it('show since when somebody is on hold', async () => {
    const { app, ask } = await start();
    await talk(app);
    const report = { CallSid: 'bob-1', ConferenceSid: 'cf-sales', Timestamp: new Date().toUTCString() };
    await app.post('/events/conference/sales', { ...report, StatusCallbackEvent: 'participant-hold', Hold: 'true' });
    const { body } = await ask('GET', '/rooms/sales', { token: ALL.secret });
    expect(body.participants).toMatchObject([
      { callSid: 'alice-1', onHold: false, onHoldSince: null },
      { callSid: 'bob-1', onHold: true, onHoldSince: expect.stringMatching(/^20..-..-..T/) },
      {},
    ]);
  });

  it('are shown with what is recorded in them, without its address', async () => {
    const { app, ask } = await start();
    await talk(app);
    const report = { CallSid: 'alice-1', RecordingSid: 'r-1', RecordingUrl: 'https://files.example.com/secret.wav' };
    await app.post('/events/recording/sales', { ...report, RecordingStatus: 'in-progress' });
    const { body } = await ask('GET', '/rooms/sales', { token: ALL.secret });
    expect(body.recordings).toEqual([
      {
        recordingSid: 'r-1',
        status: 'in-progress',
        callSid: 'alice-1',
        conferenceSid: null,
        changedAt: expect.any(String),
        pausedByUs: false,
      },
    ]);
    expect(JSON.stringify(body)).not.toMatch(/files\.example|secret/);
  });

  it('that nobody has been in are empty, and have no date', async () => {
    const { ask } = await start();
    const { status, body } = await ask('GET', '/rooms/nowhere', { token: ALL.secret });
    expect([status, body]).toEqual([
      200,
      {
        room: 'nowhere',
        at: null,
        conferenceSid: null,
        target: null,
        moderatorLeftAt: null,
        participants: [],
        recordings: [],
        actions: [],
      },
    ]);
  });

  it.each([200])('%i at once are listed, and each is shown to those who may see it', async (count) => {
    const one = tokenFor('one', ['see'], { rooms: [roomNamed('room-7')] });
    const { app, ask } = await start([ALL, one]);
    for (let index = 0; index < count; index++) {
      await app.post(`/conference/room-${index}`, { CallSid: `alice-${index}`, From: ALICE });
    }
    expect((await ask('GET', '/rooms', { token: ALL.secret })).body.rooms).toHaveLength(count);
    expect((await ask('GET', '/rooms', { token: one.secret })).body.rooms).toMatchObject([{ room: 'room-7' }]);
  });

  it('are unknown while the store does not answer', async () => {
    const store = createMemoryStore({ lifetimeMs: 3_600_000, monotonicNow: Date.now, now: Date.now });
    const fail = async () => {
      throw new StoreError('unavailable', 'down');
    };
    // biome-ignore lint/correctness/useYield: it fails before
    async function* failingFeed(): AsyncGenerator<never> {
      throw new StoreError('unavailable', 'down');
    }
    const { ask } = await start(
      [ALL],
      {},
      { store: { ...store, rooms: { ...store.rooms, list: fail, read: fail, feed: failingFeed } } },
    );
    for (const path of ['/rooms', '/rooms/sales', '/audit', '/rooms/sales/audit']) {
      expect(await ask('GET', path, { token: ALL.secret })).toMatchObject({
        status: 503,
        body: { code: 'store_away' },
      });
    }
  });
});

describe('people', () => {
  it('are listed without secrets, to those who may see one of their rooms', async () => {
    const one = tokenFor('one', ['see'], { rooms: [sales] });
    const { ask } = await start([ALL, one]);
    const { body } = await ask('GET', '/people', { token: ALL.secret });
    expect(body.people).toEqual([
      { name: 'Alice', role: 'moderator', number: '***8999', rooms: null, rights: [], hasPin: false },
      {
        name: 'Ted',
        role: 'supervisor',
        number: '***2222',
        rooms: ['sales'],
        rights: ['see', 'monitor', 'coach', 'barge'],
        hasPin: true,
      },
      { name: 'Carol', role: 'supervisor', number: '***3333', rooms: ['support'], rights: ['see'], hasPin: false },
    ]);
    const seen = await ask('GET', '/people', { token: one.secret });
    expect(seen.body.people.map(({ name }: { name: string }) => name)).toEqual(['Alice', 'Ted']);
  });
});

describe('the trail', () => {
  it('is read by room, and as a whole by a token for all rooms', async () => {
    const one = tokenFor('one', ['audit'], { rooms: [sales] });
    const { app, ask } = await start([ALL, one]);
    await talk(app);
    await app.post('/coach/sales', { CallSid: 'bob-2', From: BOB });
    await app.post('/supervisor', { CallSid: 'bob-3', From: '+15550009999' });
    const linesOf = async (path: string, token: string) =>
      (await ask('GET', path, { token })).body.records.map(
        ({ kind, callSid }: Record<string, string>) => `${kind} ${callSid}`,
      );
    const ofSales = ['joined alice-1', 'arrived ted-1', 'joined ted-1'];
    expect((await linesOf('/rooms/sales/audit', one.secret)).sort()).toEqual([...ofSales].sort());
    expect((await linesOf('/audit', one.secret)).sort()).toEqual([...ofSales].sort());
    expect(await linesOf('/audit', ALL.secret)).toEqual(expect.arrayContaining(ofSales));
    expect(await linesOf('/refusals', one.secret)).toEqual(['refused bob-2']);
    expect(await linesOf('/refusals', ALL.secret)).toEqual(['refused bob-2']);
  });

  it('comes in pages, and from an instant on', async () => {
    const { app, ask } = await start();
    await talk(app);
    const page = async (query: string) => (await ask('GET', `/audit?${query}`, { token: ALL.secret })).body;
    const lines: string[] = [];
    let query = 'limit=1';
    for (let pages = 0; pages < 10 && query !== ''; pages++) {
      const { records, next } = await page(query);
      lines.push(...records.map(({ kind, callSid }: Record<string, string>) => `${kind} ${callSid}`));
      query = next === null ? '' : `limit=1&after=${encodeURIComponent(next)}`;
    }
    expect(lines).toEqual(['joined alice-1', 'arrived ted-1', 'joined ted-1']);
    expect(await page('since=2100-01-01T00:00:00Z')).toEqual({ next: null, records: [] });
    const past = 'until=2000-01-01T00:00:00%2B01:00&since=1999-01-01T00:00:00Z';
    expect(await page(past)).toEqual({ next: null, records: [] });
  });

  it('is asked for with dates and ages, as by npm run audit', async () => {
    const today = new Date().toISOString().slice(0, 10);
    const { app, ask } = await start();
    await talk(app);
    const count = async (query: string) =>
      (await ask('GET', `/audit?${query}`, { token: ALL.secret })).body.records.length;
    expect(await count('since=7d')).toBe(3);
    expect(await count(`since=${today}`)).toBe(3);
    expect(await count(`since=${today}T00:00:00.123456Z`)).toBe(3);
    expect(await count(`until=${today}`)).toBe(0);
    expect(await count('until=90m')).toBe(0);
    expect(await count('limit=1000')).toBe(3);
  });

  const MOMENT = 'a date such as 2026-11-25 or 2026-11-25T08:00:00Z, or how long ago, such as 90m, 24h or 7d';
  it.each([
    ['since=yesterday', `since: must be ${MOMENT}`],
    ['since=2026-13-01T00:00:00Z', `since: must be ${MOMENT}`],
    ['until=', `until: must be ${MOMENT}`],
    ['after=zzz', 'after: send `next` of the previous page'],
    ['after=1-18446744073709551616', 'after: send `next` of the previous page'],
    ['after=1-1;2', 'after: send `next` of the previous page'],
    ['limit=0', 'limit: must be a whole number from 1 to 1000'],
    ['limit=1001', 'limit: must be a whole number from 1 to 1000'],
    ['limit=1.5', 'limit: must be a whole number from 1 to 1000'],
    ['limit=all', 'limit: must be a whole number from 1 to 1000'],
    ['limit=1&limit=2', 'limit: must be a whole number from 1 to 1000'],
  ])('says what to send instead of %s', async (query, detail) => {
    const { ask } = await start();
    const reply = await ask('GET', `/audit?${query}`, { token: ALL.secret });
    expect(reply).toMatchObject({ status: 400, body: { code: 'invalid_parameter', detail } });
  });
});

it('a supervisor who left before the server knew their document is in no room', async () => {
  const store = createMemoryStore({ lifetimeMs: 3_600_000, monotonicNow: Date.now, now: Date.now });
  const { app, ask } = await start([ALL], {}, { store, space: {} });
  await talk(app);
  const left = { callSid: sid('carol-1'), stayNumber: 1, coachingFailed: false, ageMs: 0 };
  await store.rooms.apply(sales, { kind: 'dial-ended', ...left });
  const change = { token: ALL.secret, body: { mode: 'coach' } };
  const reply = await ask('PUT', '/rooms/sales/supervisors/carol-1/mode', change);
  expect(reply).toMatchObject({ status: 404, body: { code: 'not_in_room' } });
});

describe('a request', () => {
  const expired = tokenFor('expired', RIGHTS, { expires: 1 });
  const elsewhere = tokenFor('elsewhere', RIGHTS, { rooms: [roomNamed('support')] });
  const stranger = tokenFor('stranger', RIGHTS);

  it.each<[string, string, string, Parameters<Awaited<ReturnType<typeof start>>['ask']>[2], number, string]>([
    ['no token', 'GET', '/rooms', {}, 401, 'no_token'],
    ['another scheme', 'GET', '/rooms', { headers: { authorization: 'Basic YTpi' } }, 401, 'no_token'],
    ['an unknown token', 'GET', '/rooms', { token: stranger.secret }, 401, 'wrong_token'],
    ['an expired token', 'GET', '/rooms', { token: expired.secret }, 401, 'wrong_token'],
    ['no secret', 'GET', '/rooms', { token: 'cc_short' }, 401, 'wrong_token'],
    ['a token for another room', 'GET', '/rooms/sales', { token: elsewhere.secret }, 403, 'not_allowed'],
    ['a room that cannot be', 'GET', '/rooms/a%2Fb', { token: ALL.secret }, 404, 'no_such_room'],
    ['a path that cannot be', 'GET', '/rooms/%ff', { token: ALL.secret }, 400, 'invalid_parameter'],
    [
      'a SID that cannot be',
      'DELETE',
      '/rooms/sales/participants/a.b',
      { token: ALL.secret },
      400,
      'invalid_parameter',
    ],
    ['no such path', 'GET', '/nowhere', { token: ALL.secret }, 404, 'not_found'],
    ['another method', 'POST', '/rooms', { token: ALL.secret }, 405, 'method_not_allowed'],
    ['no body', 'PUT', '/rooms/sales/supervisors/ted-1/mode', { token: ALL.secret }, 415, 'not_json'],
    [
      'a form',
      'PUT',
      '/rooms/sales/supervisors/ted-1/mode',
      { token: ALL.secret, body: 'mode=coach', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      415,
      'not_json',
    ],
    [
      'broken JSON',
      'PUT',
      '/rooms/sales/supervisors/ted-1/mode',
      { token: ALL.secret, body: '{"mode":' },
      400,
      'invalid_json',
    ],
    [
      'a megabyte',
      'PUT',
      '/rooms/sales/supervisors/ted-1/mode',
      { token: ALL.secret, body: `"${'x'.repeat(1_000_000)}"` },
      413,
      'body_too_large',
    ],
    [
      'another mode',
      'PUT',
      '/rooms/sales/supervisors/ted-1/mode',
      { token: ALL.secret, body: { mode: 'shout' } },
      422,
      'invalid_body',
    ],
    [
      'one field too many',
      'PUT',
      '/rooms/sales/supervisors/ted-1/mode',
      { token: ALL.secret, body: { mode: 'coach', x: 1 } },
      422,
      'invalid_body',
    ],
    [
      'nothing to change',
      'PATCH',
      '/rooms/sales/participants/bob-1',
      { token: ALL.secret, body: {} },
      422,
      'invalid_body',
    ],
    [
      'two changes',
      'PATCH',
      '/rooms/sales/participants/bob-1',
      { token: ALL.secret, body: { muted: true, onHold: true } },
      422,
      'invalid_body',
    ],
    [
      'a note of two lines',
      'POST',
      '/rooms/sales/participants/alice-1/notes',
      { token: ALL.secret, body: { text: 'a\nb' } },
      422,
      'invalid_body',
    ],
    [
      'another status of recordings',
      'PATCH',
      '/rooms/sales/recordings',
      { token: ALL.secret, body: { status: 'stopped' } },
      422,
      'invalid_body',
    ],
    [
      'a SID of a recording that cannot be',
      'POST',
      '/rooms/sales/recordings/a.b/stop',
      { token: ALL.secret },
      400,
      'invalid_parameter',
    ],
    ['no REST for recordings', 'GET', '/rooms/sales/recordings', { token: ALL.secret }, 503, 'rest_not_configured'],
    ['no REST to record', 'POST', '/rooms/sales/recordings', { token: ALL.secret }, 503, 'rest_not_configured'],
    ['no REST', 'DELETE', '/rooms/sales/conference', { token: ALL.secret }, 503, 'rest_not_configured'],
  ])('with %s is refused: %s %s', async (_what, method, path, options, status, code) => {
    const { ask } = await start([ALL, expired, elsewhere]);
    const reply = await ask(method, path, options);
    expect(reply).toMatchObject({ status, body: { type: 'about:blank', status, code, detail: expect.any(String) } });
    expect(reply.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(reply.headers['www-authenticate']).toBe(status === 401 ? 'Bearer' : undefined);
  });

  it.each<[string, string, unknown, string]>([
    ['PATCH', '/rooms/sales/participants/bob-1', {}, 'Send either muted or onHold, as true or false.'],
    ['PATCH', '/rooms/sales/participants/bob-1', { muted: 'yes' }, 'Send either muted or onHold, as true or false.'],
    [
      'PATCH',
      '/rooms/sales/participants/bob-1',
      { muted: true, onHold: true },
      'Send either muted or onHold, as true or false.',
    ],
    ['PATCH', '/rooms/sales/participants/bob-1', { muted: true, x: 1 }, 'Unrecognized key: "x"'],
    [
      'PUT',
      '/rooms/sales/supervisors/ted-1/mode',
      { mode: 'coach', target: 'a.b' },
      'target: must be a Call SID: 1 to 64 letters, digits, - or _',
    ],
  ])('with an invalid body is told what to send: %s %s %j', async (method, path, body, error) => {
    const { ask } = await start();
    expect((await ask(method, path, { token: ALL.secret, body })).body.errors).toEqual([error]);
  });

  it.each([
    ['PATCH', '/api/v1/rooms/sales/recordings', 'Host: a\r\nTransfer-Encoding: chunked\r\n', 411, 'length_required'],
    ['GET', '/api/v1/rooms', '', 400, 'malformed_request'],
    ['GET', '/api/v2', 'Host: a\r\nConnection: close\r\n', 404, 'not_found'],
  ])(
    'that does not reach the API is refused with a problem, too: %s %s %j',
    async (method, path, headers, status, code) => {
      const { app } = await start([]);
      const { received, isGone } = await openSocket(app.port, `${method} ${path} HTTP/1.1\r\n${headers}\r\n`);
      await eventually(() => expect(isGone()).toBe(true));
      const [head = '', body = ''] = received().split('\r\n\r\n');
      expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(head).toContain('Content-Type: application/problem+json; charset=utf-8\r\n');
      expect(JSON.parse(body)).toMatchObject({ type: 'about:blank', title: expect.any(String), status, code });
    },
  );

  it.each([
    ['GET', '/rooms?rooms=sales', ['rooms: unknown parameter']],
    ['GET', '/audit?sinze=7d&limit=1&__proto__=1', ['sinze: unknown parameter', '__proto__: unknown parameter']],
    ['DELETE', '/rooms/sales/conference?force=true', ['force: unknown parameter']],
  ])('with an unknown parameter is refused: %s %s', async (method, path, errors) => {
    const { app, ask } = await start();
    const reply = await ask(method, path, { token: ALL.secret });
    expect(reply).toMatchObject({ status: 400, body: { code: 'invalid_parameter', errors } });
    expect(app.log.join('')).not.toContain('unknown parameter');
  });

  it('is logged with its actor; one without a token with the refusals', async () => {
    const { app, ask } = await start();
    await ask('GET', '/rooms/sales', { token: ALL.secret });
    await ask('GET', '/rooms', {});
    const lines = app.log.map((line) => JSON.parse(line));
    await eventually(() => expect(app.refused).toMatchObject([{ code: 'no_token' }]));
    expect(lines.filter(({ actor }) => actor !== undefined)).toMatchObject([
      { msg: 'API request', actor: 'token all', route: '/api/v1/rooms/:room', status: 200 },
    ]);
    expect(app.log.join('')).not.toContain(ALL.secret);
  });
});

describe('rights', () => {
  /** What each right opens. */
  const OPENS: Readonly<Record<string, readonly [method: string, path: string, body?: object]>> = {
    see: ['GET', '/rooms/ROOM'],
    monitor: ['PUT', '/rooms/ROOM/supervisors/ted-1/mode', { mode: 'monitor' }],
    coach: ['PUT', '/rooms/ROOM/supervisors/ted-1/mode', { mode: 'coach' }],
    barge: ['PUT', '/rooms/ROOM/supervisors/ted-1/mode', { mode: 'barge' }],
    'coach (note)': ['POST', '/rooms/ROOM/participants/alice-1/notes', { text: 'Hello' }],
    'control (mute)': ['PATCH', '/rooms/ROOM/participants/bob-1', { muted: true }],
    'control (hold)': ['PATCH', '/rooms/ROOM/participants/bob-1', { onHold: true }],
    'control (remove)': ['DELETE', '/rooms/ROOM/participants/bob-1'],
    'control (end)': ['DELETE', '/rooms/ROOM/conference'],
    'record (list)': ['GET', '/rooms/ROOM/recordings'],
    'record (start)': ['POST', '/rooms/ROOM/recordings'],
    'record (pause)': ['PATCH', '/rooms/ROOM/recordings', { status: 'paused' }],
    'record (resume)': ['PATCH', '/rooms/ROOM/recordings', { status: 'in-progress' }],
    'record (stop)': ['POST', '/rooms/ROOM/recordings/r-1/stop'],
    audit: ['GET', '/rooms/ROOM/audit'],
  };
  const matrix = RIGHTS.flatMap((right) =>
    (['sales', 'support'] as const).flatMap((room) => Object.keys(OPENS).map((what) => [right, room, what] as const)),
  );

  it('open what they name, in their rooms, and nothing else', async () => {
    const tokens = Object.fromEntries(RIGHTS.map((right) => [right, tokenFor(right, [right], { rooms: [sales] })]));
    const { ask } = await start(Object.values(tokens));
    const opened: string[] = [];
    const expected: string[] = [];
    for (const [right, room, what] of matrix) {
      const [method, path, body] = OPENS[what] as (typeof OPENS)[string];
      const reply = await ask(method, path.replace('ROOM', room), { token: tokens[right]?.secret, body });
      if (reply.status !== 403) {
        opened.push(`${right} ${room} ${what}`);
      }
      if (room === 'sales' && what.split(' ')[0] === right) {
        expected.push(`${right} ${room} ${what}`);
      }
    }
    expect(opened).toEqual(expected);
    expect(matrix.length).toBe(RIGHTS.length * 2 * Object.keys(OPENS).length);
  });

  it.each<[Right, string]>([
    ['see', '/rooms'],
    ['see', '/people'],
    ['audit', '/audit'],
    ['audit', '/refusals'],
  ])('%s opens %s', async (right, path) => {
    const others = tokenFor(
      'others',
      RIGHTS.filter((one) => one !== right),
    );
    const only = tokenFor('only', [right]);
    const { ask } = await start([others, only]);
    expect((await ask('GET', path, { token: others.secret })).status).toBe(403);
    expect((await ask('GET', path, { token: only.secret })).status).toBe(200);
  });
});

describe('the live feed', () => {
  /** Reads a stream until `isEnough`. */
  function read(
    port: number,
    token: string,
    isEnough: (text: string) => boolean,
    headers: object = {},
  ): Promise<string> {
    return new Promise((resolve, reject) => {
      const req = httpRequest(
        {
          host: '127.0.0.1',
          port,
          path: '/api/v1/events',
          agent: false,
          headers: { authorization: `Bearer ${token}`, ...headers },
        },
        (res) => {
          let text = '';
          res.setEncoding('utf8').on('data', (chunk) => {
            text += chunk;
            if (isEnough(text)) {
              req.destroy();
              resolve(text);
            }
          });
          res.on('end', () => resolve(text));
          res.on('error', reject);
        },
      );
      req.on('error', reject);
      req.end();
    });
  }

  it('begins with a snapshot of the rooms that the token may see, then sends their changes', async () => {
    const one = tokenFor('one', ['see'], { rooms: [sales] });
    const { app, mistakeIn } = await start([one]);
    await talk(app, 'support');
    await talk(app);
    const reading = read(app.port, one.secret, (text) => text.includes('event: room') && text.includes('alice-9'));
    await eventually(async () => {
      await app.post('/conference/sales', { CallSid: 'alice-9', From: ALICE });
      await app.post('/conference/support', { CallSid: 'alice-8', From: ALICE });
      expect(await Promise.race([reading, Promise.resolve('')])).not.toBe('');
    });
    const text = await reading;
    expect(text).toMatch(/^event: snapshot\nid: [A-Za-z0-9,._-]+\ndata: \{"rooms":\[\{"room":"sales"/);
    expect(text).not.toMatch(/support|\+1555/);
    const events = [...text.matchAll(/^event: (.*)\n(?:id: (.*)\n)?data: (.*)\n\n/gm)].map(
      ([, event, id, data = '']) => ({
        event,
        ...(id !== undefined && { id }),
        data: JSON.parse(data),
      }),
    );
    expect(events.map(({ event }) => event)).toEqual(expect.arrayContaining(['snapshot', 'room']));
    expect(events.flatMap((event) => mistakeIn('LiveEvent', event) ?? [])).toEqual([]);
    expect(mistakeIn('LiveEvent', { ...events[0], event: 'room' })).toEqual(expect.any(String));
  });

  it('has at most 250 streams of a token, whatever other tokens have', async () => {
    const [one, other] = [tokenFor('one', ['see']), tokenFor('other', ['see'])];
    const { app, ask } = await start([one, other]);
    const open = (token: string) =>
      new Promise<IncomingMessage>((resolve, reject) => {
        const headers = { authorization: `Bearer ${token}` };
        const req = httpRequest({ port: app.port, path: '/api/v1/events', agent: false, headers }, resolve);
        req.on('error', reject).end();
        onTestFinished(() => void req.destroy());
      });
    const streams = await Promise.all(Array.from({ length: 250 }, () => open(one.secret)));
    expect(new Set(streams.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
    expect(await open(one.secret)).toMatchObject({ statusCode: 503 });
    const refused = await ask('GET', '/events', { token: one.secret });
    expect(refused).toMatchObject({ status: 503, body: { code: 'too_many_readers' } });
    expect(await open(other.secret)).toMatchObject({ statusCode: 200 });
  });

  it('needs the right to see', async () => {
    const blind = tokenFor('blind', ['audit']);
    const { ask } = await start([blind]);
    expect(await ask('GET', '/events', { token: blind.secret })).toMatchObject({ status: 403 });
  });
});
