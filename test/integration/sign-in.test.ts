import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { OidcClient } from '../../src/dashboard/oidc';
import { createRedisSessionStore } from '../../src/dashboard/redis-session-store';
import { ABSOLUTE_MS, createMemorySessionStore, IDLE_MS, MAX_SESSIONS } from '../../src/dashboard/session-store';
import { english } from '../../src/dashboard/texts-en';
import { createLog } from '../../src/ops/log';
import { parseEmail } from '../../src/people/email';
import { PasswordsBusyError } from '../../src/people/password';
import { createSignInLimiter } from '../../src/people/sign-in-limiter';
import { connectRedis, type RedisConnection } from '../../src/redis/redis-connection';
import { StoreError } from '../../src/redis/store-error';
import { onTestFinished } from '../support/on-test-finished';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';
import { moderator, screenRoster, startScreen, supervisor } from '../support/screen';

const TED = { name: 'Ted', password: 'open sesame' };

describe('a supervisor or an agent', () => {
  it.each([
    ['Ted', 'open sesame', 'supervisor', ['see', 'monitor', 'coach', 'barge']],
    ['Alice', 'let me in', 'moderator', []],
  ])('signs in with name and password: %s', async (name, password, role, rights) => {
    const screen = await startScreen();
    const { status, headers, cookies } = await screen.send('POST', '/sign-in', { form: { name, password } });
    expect([status, headers.location]).toEqual([303, '/']);
    expect(headers['set-cookie']).toEqual([
      expect.stringMatching(/^__Host-session=s%3A[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
    ]);
    expect(await screen.whoIs(cookies[0])).toBe(`${role} ${name}`);
    expect(screen.lastViewer()).toMatchObject({ role, name, actor: { name: `${role} ${name}`, rooms: 'all' } });
    expect([...(screen.lastViewer()?.actor.rights ?? [])]).toEqual(rights);
    expect(screen.facts).toEqual([{ kind: 'signed-in', method: 'password', [role]: name, ip: '127.0.0.1' }]);
  });

  it('gets a cookie without Secure if the server is reached by http', async () => {
    const screen = await startScreen({ publicUrl: 'http://localhost:3000' });
    const { headers, cookies } = await screen.send('POST', '/sign-in', { form: TED });
    expect(headers['set-cookie']).toEqual([expect.stringMatching(/^session=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/)]);
    expect(await screen.whoIs(cookies[0])).toBe('supervisor Ted');
  });

  it('gets a secure cookie though a proxy claims http, and none that is not though it claims https', async () => {
    const headers = { 'sec-fetch-site': 'same-origin', 'x-forwarded-proto': 'http' };
    const { headers: answer } = await (await startScreen()).send('POST', '/sign-in', { form: TED, headers });
    expect(answer['set-cookie']?.[0]).toContain('Secure');
    const plain = await startScreen({ publicUrl: 'http://localhost:3000' });
    const claimed = { ...headers, 'x-forwarded-proto': 'https' };
    const other = await plain.send('POST', '/sign-in', { form: TED, headers: claimed });
    expect(other.headers['set-cookie']?.[0]).not.toContain('Secure');
  });

  it.each([
    ['a wrong password', { name: 'Ted', password: 'open sesam' }, { supervisor: 'Ted' }],
    ['no password', { name: 'Ted', password: '' }, { supervisor: 'Ted' }],
    ["somebody else's password", { name: 'Alice', password: 'open sesame' }, { moderator: 'Alice' }],
    ['an unknown name', { name: 'Mallory', password: 'open sesame' }, {}],
    ['another letter case', { name: 'ted', password: 'open sesame' }, {}],
    ['the name of nothing', { name: '__proto__', password: 'open sesame' }, {}],
  ])('is refused with %s', async (_what, form, who) => {
    const screen = await startScreen();
    const { status, text, cookies } = await screen.send('POST', '/sign-in', { form });
    expect([status, cookies]).toEqual([403, []]);
    const { name } = form;
    expect(text).toBe(
      `sign in ${JSON.stringify({ problem: { code: 'wrong' }, name, hasPasswords: true, hasRosterFile: true, hasOidc: false })}`,
    );
    expect(screen.facts).toEqual([{ kind: 'sign-in-refused', reason: 'wrong-password', ...who, ip: '127.0.0.1' }]);
  });

  it('without a password cannot sign in, and a page without passwords says so', async () => {
    const screen = await startScreen();
    screen.roster.replace({ supervisors: [supervisor({ name: 'Ted' })], moderators: [] });
    const { status, text } = await screen.send('POST', '/sign-in', { form: { name: 'Ted', password: 'undefined' } });
    expect([status, text]).toEqual([
      403,
      'sign in {"problem":{"code":"wrong"},"name":"Ted","hasPasswords":false,"hasRosterFile":true,"hasOidc":false}',
    ]);
  });

  it('in both lists signs in as a supervisor', async () => {
    const screen = await startScreen();
    const carol = { name: 'Carol', password: 'both ways' };
    screen.roster.replace({ supervisors: [supervisor(carol)], moderators: [moderator(carol)] });
    expect(await screen.whoIs(await screen.enter('Carol', 'both ways'))).toBe('supervisor Carol');
    screen.roster.replace({ supervisors: [supervisor({ name: 'Carol' })], moderators: [moderator(carol)] });
    expect(await screen.whoIs(await screen.enter('Carol', 'both ways'))).toBe('moderator Carol');
  });

  it('is told if too many passwords are being checked, and uses no attempt', async () => {
    const screen = await startScreen({ checkPassword: () => Promise.reject(new PasswordsBusyError('too many')) });
    for (let n = 0; n < 12; n++) {
      const { status, text } = await screen.send('POST', '/sign-in', { form: TED });
      expect([status, text]).toEqual([
        503,
        'sign in {"problem":{"code":"busy"},"name":"Ted","hasPasswords":true,"hasRosterFile":true,"hasOidc":false}',
      ]);
    }
    expect([screen.facts, screen.log]).toEqual([[], []]);
  });

  it('is known, to the check of passwords, where they have signed in', async () => {
    const from: unknown[] = [];
    const screen = await startScreen({
      checkPassword: async (password, _hash, where) => {
        from.push(where);
        return password === TED.password;
      },
    });
    await screen.send('POST', '/sign-in', { form: { ...TED, password: 'wrong' } });
    await screen.enter(TED.name, TED.password);
    await screen.enter(TED.name, TED.password);
    expect(from).toEqual([false, false, true].map((isKnown) => ({ network: '127.0.0.1', isKnown })));
  });

  it('is as slow to be refused with an unknown name as with a known one', async () => {
    const asked: unknown[] = [];
    const screen = await startScreen({
      checkPassword: async (_password, hash) => {
        asked.push(hash);
        return false;
      },
    });
    await screen.send('POST', '/sign-in', { form: { name: 'Ted', password: 'a' } });
    await screen.send('POST', '/sign-in', { form: { name: 'Mallory', password: 'a' } });
    expect(asked).toEqual(['hash of open sesame', undefined]);
  });

  it('leaves neither password nor an unknown name nor a session id in the log', async () => {
    const screen = await startScreen();
    const cookie = await screen.enter('Ted', 'open sesame');
    await screen.send('POST', '/sign-in', { form: { name: 'hunter2', password: 'swordfish' } });
    const logged = [...screen.log, ...screen.facts.map((fact) => JSON.stringify(fact))].join('\n');
    expect(logged).not.toMatch(/hunter2|swordfish|sesame/);
    expect(logged).not.toContain(decodeURIComponent(cookie).split('.')[1]);
  });
});

describe('the page', () => {
  it('is shown to whoever is not signed in', async () => {
    const screen = await startScreen();
    const { status, text, headers, cookies } = await screen.send('GET', '/sign-in?next=/rooms/sales');
    expect([status, text]).toEqual([
      200,
      'sign in {"next":"/rooms/sales","isSignedOut":false,"hasPasswords":true,"hasRosterFile":true,"hasOidc":false}',
    ]);
    expect([headers['content-type'], cookies]).toEqual(['text/html; charset=utf-8', []]);
  });

  it('sends on whoever is signed in', async () => {
    const screen = await startScreen();
    const cookie = await screen.enter('Ted', 'open sesame');
    for (const [path, location] of [
      ['/sign-in', '/'],
      ['/sign-in?next=/rooms/sales', '/rooms/sales'],
      ['/sign-in?next=//evil.example', '/'],
    ] as const) {
      const { status, headers } = await screen.send('GET', path, { cookie });
      expect([status, headers.location]).toEqual([303, location]);
    }
  });

  it.each([
    ['/rooms/sales?tab=1', '/rooms/sales?tab=1'],
    ['//evil.example', '/'],
    ['/\\evil.example', '/'],
    ['/\t/evil.example', '/'],
    ['https://evil.example', '/'],
    ['', '/'],
  ])('leads on to %j only if it is here', async (next, location) => {
    const screen = await startScreen();
    const { headers } = await screen.send('POST', '/sign-in', { form: { ...TED, next } });
    expect(headers.location).toBe(location);
  });

  it('leads on below the path that a proxy takes off', async () => {
    const screen = await startScreen({ publicUrl: 'https://example.com/desk' });
    const { headers } = await screen.send('POST', '/sign-in', { form: { ...TED, next: '/rooms' } });
    expect(headers.location).toBe('/desk/rooms');
  });

  it.each([
    ['is too long', 400, `name=Ted&password=${'a'.repeat(3_000)}&name=b`],
    ['is far too long', 413, `name=Ted&password=${'a'.repeat(5_000)}`],
    ['lacks the password', 400, 'name=Ted'],
    ['has two passwords', 400, 'name=Ted&password=a&password=b'],
    ['has a very long name', 400, `name=${'a'.repeat(201)}&password=a`],
    ['has too many fields', 413, `${'a=1&'.repeat(20)}name=Ted&password=a`],
  ])('refuses a form that %s', async (_what, expected, form) => {
    const screen = await startScreen();
    const { status, text } = await screen.send('POST', '/sign-in', { form });
    expect([status, text]).toEqual([expected, `error: ${english.errors.unreadable}`]);
    expect(screen.facts).toEqual([]);
  });
});

describe('a form of another site', () => {
  it.each(['/sign-in', '/sign-out', '/sign-out-everywhere'])('is refused: %s', async (path) => {
    const screen = await startScreen();
    const cookie = await screen.enter('Ted', 'open sesame');
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'null' },
      { origin: 'https://evil.example' },
      { 'content-type': 'text/plain' },
    ]) {
      const { status, text, cookies } = await screen.send('POST', path, { cookie, headers, form: TED });
      expect([status, text, cookies]).toEqual([403, `error: ${english.errors.crossSite}`, []]);
    }
    expect(await screen.whoIs(cookie)).toBe('supervisor Ted');
  });

  it('is accepted from an older browser if its origin is ours', async () => {
    const screen = await startScreen();
    const headers = { origin: 'https://coach.example.com' };
    expect(await screen.send('POST', '/sign-in', { headers, form: TED })).toMatchObject({ status: 303 });
  });
});

describe('a session', () => {
  it('gets a new id at each sign-in, and ends the one before', async () => {
    const screen = await startScreen();
    const first = await screen.enter('Ted', 'open sesame');
    const { cookies } = await screen.send('POST', '/sign-in', { cookie: first, form: TED });
    expect(cookies).toEqual([expect.stringMatching(/^__Host-session=s/)]);
    expect(cookies).not.toEqual([first]);
    expect(await screen.whoIs(cookies[0])).toBe('supervisor Ted');
    expect(await screen.whoIs(first)).toBe('nobody');
    expect(screen.facts.slice(1)).toEqual([
      { kind: 'signed-out', reason: 'replaced', supervisor: 'Ted', ip: '127.0.0.1' },
      { kind: 'signed-in', method: 'password', supervisor: 'Ted', ip: '127.0.0.1' },
    ]);
  });

  it('is recorded as ended when somebody else signs in over it', async () => {
    const screen = await startScreen();
    const cookie = await screen.enter('Alice', 'let me in');
    await screen.send('POST', '/sign-in', { cookie, form: { ...TED, password: 'wrong' } });
    expect(await screen.whoIs(cookie)).toBe('moderator Alice');
    await screen.send('POST', '/sign-in', { cookie, form: TED });
    expect(await screen.whoIs(cookie)).toBe('nobody');
    expect(screen.facts.filter(({ kind }) => kind === 'signed-out')).toEqual([
      { kind: 'signed-out', reason: 'replaced', moderator: 'Alice', ip: '127.0.0.1' },
    ]);
  });

  it('cannot be chosen for somebody else before they sign in', async () => {
    const screen = await startScreen();
    const mine = await screen.enter('Alice', 'let me in');
    await screen.send('POST', '/sign-out', { cookie: mine });
    const { cookies } = await screen.send('POST', '/sign-in', { cookie: mine, form: TED });
    expect(cookies).not.toEqual([mine]);
    expect(await screen.whoIs(mine)).toBe('nobody');
  });

  it('is of nobody with a cookie that is forged, changed, or of another server', async () => {
    const screen = await startScreen();
    const other = await startScreen({ secrets: ['another secret, just as long as it'], store: screen.store });
    const cookie = await screen.enter('Ted', 'open sesame');
    const [, value = ''] = cookie.split('=');
    const unsigned = decodeURIComponent(value)
      .slice(2)
      .replace(/\.[^.]*$/, '');
    for (const forged of [
      `__Host-session=${unsigned}`,
      `__Host-session=s%3A${unsigned}`,
      `__Host-session=s%3A${unsigned}.AAAA`,
      `${cookie}A`,
      cookie.replace('s%3A', 's%3AA'),
      `session=${value}`,
      '__Host-session=',
      '__Host-session=j%3A%7B%7D',
    ]) {
      expect(await screen.whoIs(forged)).toBe('nobody');
    }
    expect(await other.whoIs(cookie)).toBe('nobody');
    expect(await screen.whoIs(cookie)).toBe('supervisor Ted');
  });

  it('stays valid with the secret before, and is signed with the new one', async () => {
    const [before, after] = ['the secret that was before the new one', 'the new secret after the one before'];
    const store = createMemorySessionStore();
    const old = await startScreen({ secrets: [before], store });
    const both = await startScreen({ secrets: [after, before], store });
    const fresh = await startScreen({ secrets: [after], store });
    expect(await both.whoIs(await old.enter('Ted', 'open sesame'))).toBe('supervisor Ted');
    expect(await fresh.whoIs(await both.enter('Ted', 'open sesame'))).toBe('supervisor Ted');
  });

  it('ends after 8 hours without use, and lives on with it', async () => {
    const screen = await startScreen();
    const cookie = await screen.enter('Ted', 'open sesame');
    screen.clock.now += IDLE_MS - 1;
    expect(await screen.whoIs(cookie)).toBe('supervisor Ted');
    screen.clock.now += IDLE_MS - 1;
    expect(await screen.whoIs(cookie)).toBe('supervisor Ted');
    screen.clock.now += IDLE_MS;
    expect(await screen.whoIs(cookie)).toBe('nobody');
    screen.clock.now -= IDLE_MS;
    expect(await screen.whoIs(cookie)).toBe('nobody');
  });

  it('ends after 24 hours, however it is used', async () => {
    const screen = await startScreen();
    const cookie = await screen.enter('Ted', 'open sesame');
    const start = screen.clock.now;
    while (screen.clock.now < start + ABSOLUTE_MS - 1) {
      screen.clock.now = Math.min(screen.clock.now + IDLE_MS / 2, start + ABSOLUTE_MS - 1);
      expect(await screen.whoIs(cookie)).toBe('supervisor Ted');
    }
    screen.clock.now += 1;
    expect(await screen.whoIs(cookie)).toBe('nobody');
  });

  it('is kept alive by an answer that stays open, which learns when it is over', async () => {
    const screen = await startScreen();
    const cookie = await screen.enter('Ted', 'open sesame');
    await screen.whoIs(cookie);
    const viewer = screen.lastViewer();
    if (viewer === undefined) {
      throw new Error('Nobody is signed in');
    }
    for (let hour = 0; hour < 20; hour++) {
      screen.clock.now += 3_600_000;
      expect(await screen.signIn.refresh(viewer)).toEqual(viewer);
    }
    expect(await screen.whoIs(cookie)).toBe('supervisor Ted');
    await screen.send('POST', '/sign-out', { cookie });
    expect(await screen.signIn.refresh(viewer)).toBeUndefined();
  });

  it('tells an answer that stays open the rights of now', async () => {
    const screen = await startScreen();
    await screen.whoIs(await screen.enter('Ted', 'open sesame'));
    const viewer = screen.lastViewer();
    const [ted] = screen.roster.supervisors.all;
    if (viewer === undefined || ted === undefined) {
      throw new Error('Ted is not signed in');
    }
    screen.roster.replace({ supervisors: [{ ...ted, rights: new Set(['see'] as const) }], moderators: [] });
    expect(screen.signIn.isStillInRoster(viewer)).toBe(true);
    expect(await screen.signIn.refresh(viewer)).toMatchObject({ actor: { rights: new Set(['see']) } });
    screen.roster.replace({ supervisors: [supervisor({ name: 'Ted', password: 'another' })], moderators: [] });
    expect(screen.signIn.isStillInRoster(viewer)).toBe(false);
    expect(await screen.signIn.refresh(viewer)).toBeUndefined();
  });

  it('ends an answer that stays open when its person is removed from the roster', async () => {
    const screen = await startScreen();
    await screen.whoIs(await screen.enter('Ted', 'open sesame'));
    const viewer = screen.lastViewer();
    screen.roster.replace({ supervisors: [], moderators: [] });
    expect(viewer && (await screen.signIn.refresh(viewer))).toBeUndefined();
  });

  it('is stored without its id', async () => {
    const keys: string[] = [];
    const memory = createMemorySessionStore();
    const screen = await startScreen({
      store: {
        ...memory,
        add(key, session) {
          keys.push(JSON.stringify([key, session]));
          return memory.add(key, session);
        },
      },
    });
    const cookie = await screen.enter('Ted', 'open sesame');
    const [owner = '', secret = ''] = decodeURIComponent(cookie).replace('__Host-session=s:', '').split('.');
    expect(secret).toHaveLength(43);
    expect(keys).toHaveLength(1);
    expect(keys[0]).toContain(owner);
    expect(keys[0]).not.toContain(secret);
    expect(keys[0]).not.toContain('sesame');
  });

  it('is not stored for anybody who is not signed in', async () => {
    const memory = createMemorySessionStore();
    const fail = () => Promise.reject(new StoreError('unavailable', 'not to be asked'));
    const screen = await startScreen({ store: { ...memory, add: fail, find: fail, remove: fail, replace: fail } });
    expect(await screen.send('GET', '/sign-in')).toMatchObject({ status: 200, cookies: [] });
    expect(await screen.whoIs(undefined)).toBe('nobody');
    expect(await screen.whoIs('__Host-session=s%3Anonsense.AAAA; other=1')).toBe('nobody');
    expect(await screen.send('POST', '/sign-in', { form: { name: 'Ted', password: 'wrong' } })).toMatchObject({
      status: 403,
    });
  });
});

describe('the roster', () => {
  const alice = moderator({ name: 'Alice' });

  it.each([
    ['was removed', []],
    ['has another password', [supervisor({ name: 'Ted', password: 'another one', email: 'ted@example.com' })]],
    ['has no password any more', [supervisor({ name: 'Ted', email: 'ted@example.com' })]],
  ])('signs out somebody who %s, at their next request', async (_what, supervisors) => {
    const screen = await startScreen();
    const cookie = await screen.enter('Ted', 'open sesame');
    const before = screen.roster.supervisors.all;
    screen.roster.replace({ supervisors, moderators: [alice] });
    const { text, headers } = await screen.send('GET', '/', { cookie });
    expect(text).toBe('nobody');
    expect(headers['set-cookie']).toEqual([
      expect.stringMatching(/^__Host-session=; Path=\/; Expires=Thu, 01 Jan 1970/),
    ]);
    expect(screen.facts.at(-1)).toEqual({
      kind: 'signed-out',
      reason: 'roster',
      supervisor: 'Ted',
      ip: '127.0.0.1',
    });
    // For good: what it was before does not bring the session back.
    screen.roster.replace({ supervisors: before, moderators: [alice] });
    expect(await screen.whoIs(cookie)).toBe('nobody');
  });

  it('does not sign out somebody whose other entries change, and tells rights and rooms as they are now', async () => {
    const screen = await startScreen();
    const cookie = await screen.enter('Ted', 'open sesame');
    const ted = supervisor({ name: 'Ted', password: 'open sesame', email: 'another@example.com' });
    screen.roster.replace({ supervisors: [{ ...ted, rights: new Set(['see']), rooms: new Set() }], moderators: [] });
    expect(await screen.whoIs(cookie)).toBe('supervisor Ted');
    const viewer = screen.lastViewer();
    expect(viewer?.actor).toEqual({ name: 'supervisor Ted', rights: new Set(['see']), rooms: new Set() });
    // Nor does it end an answer that stays open.
    const again = supervisor({ name: 'Ted', password: 'open sesame', email: 'ted@example.org' });
    screen.roster.replace({ supervisors: [again], moderators: [] });
    expect(viewer && screen.signIn.isStillInRoster(viewer)).toBe(true);
  });

  it('keeps a moderator out who had the name of a supervisor', async () => {
    const screen = await startScreen();
    const cookie = await screen.enter('Ted', 'open sesame');
    screen.roster.replace({ supervisors: [], moderators: [moderator({ name: 'Ted', password: 'open sesame' })] });
    expect(await screen.whoIs(cookie)).toBe('nobody');
  });
});

describe('signing out', () => {
  it('ends this session alone, and clears its cookie', async () => {
    const screen = await startScreen();
    const [one, other] = [await screen.enter('Ted', 'open sesame'), await screen.enter('Ted', 'open sesame')];
    const { status, headers } = await screen.send('POST', '/sign-out', { cookie: one });
    expect([status, headers.location]).toEqual([303, '/sign-in?signed-out']);
    expect(headers['set-cookie']).toEqual([
      '__Host-session=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax',
    ]);
    expect(await screen.whoIs(one)).toBe('nobody');
    expect(await screen.whoIs(other)).toBe('supervisor Ted');
    expect(screen.facts.at(-1)).toEqual({
      kind: 'signed-out',
      reason: 'signed-out',
      supervisor: 'Ted',
      ip: '127.0.0.1',
    });
  });

  it('does nothing for somebody who is not signed in', async () => {
    const screen = await startScreen();
    for (const path of ['/sign-out', '/sign-out-everywhere']) {
      expect(await screen.send('POST', path)).toMatchObject({ status: 303, cookies: [] });
    }
    expect(screen.facts).toEqual([]);
  });
});

describe('wrong passwords', () => {
  const wrong = { name: 'Ted', password: 'wrong' };

  it('lock a name out at this address after ten, and then even the right one', async () => {
    const screen = await startScreen({ trustProxy: 1 });
    const from = (ip: string) => ({ 'sec-fetch-site': 'same-origin', 'x-forwarded-for': ip });
    const send = (form: typeof wrong, ip = '192.0.2.1') => screen.send('POST', '/sign-in', { form, headers: from(ip) });
    for (let n = 0; n < 9; n++) {
      expect(await send(wrong)).toMatchObject({ status: 403 });
    }
    for (const form of [wrong, wrong, TED]) {
      const { status, text, headers, cookies } = await send(form);
      expect([status, headers['retry-after'], cookies]).toEqual([429, '900', []]);
      expect(text).toBe(
        'sign in {"problem":{"code":"locked-out","seconds":900},"name":"Ted","hasPasswords":true,"hasRosterFile":true,"hasOidc":false}',
      );
    }
    expect(screen.facts.filter(({ kind }) => kind === 'sign-in-refused')).toHaveLength(10);
    expect(screen.facts.filter(({ kind }) => kind === 'sign-in-locked-out')).toEqual([
      { kind: 'sign-in-locked-out', lockedOut: 'pair', supervisor: 'Ted', ip: '192.0.2.1' },
    ]);
    // Elsewhere nothing has happened.
    expect(await send(TED, '192.0.2.2')).toMatchObject({ status: 303 });
  });

  it('lock an unknown name out just so', async () => {
    const screen = await startScreen();
    const form = { name: 'Mallory', password: 'wrong' };
    const statuses = [];
    for (let n = 0; n < 11; n++) {
      statuses.push((await screen.send('POST', '/sign-in', { form })).status);
    }
    expect(statuses).toEqual([...Array(9).fill(403), 429, 429]);
    expect(screen.facts.at(-1)).toEqual({ kind: 'sign-in-locked-out', lockedOut: 'pair', ip: '127.0.0.1' });
  });

  it('of an agent count for no supervisor of the same name, nor do the addresses that are known', async () => {
    const known: boolean[] = [];
    const screen = await startScreen({
      checkPassword: async (password, _hash, { isKnown }) => {
        known.push(isKnown);
        return password === 'both ways';
      },
    });
    const agent = moderator({ name: 'Carol', password: 'both ways' });
    screen.roster.replace({ supervisors: [], moderators: [agent] });
    await screen.enter('Carol', 'both ways');
    for (let n = 0; n < 10; n++) {
      await screen.send('POST', '/sign-in', { form: { name: 'Carol', password: 'wrong' } });
    }
    const form = { name: 'Carol', password: 'both ways' };
    expect((await screen.send('POST', '/sign-in', { form })).status).toBe(429);
    screen.roster.replace({ supervisors: [supervisor(form)], moderators: [agent] });
    expect(await screen.whoIs(await screen.enter('Carol', 'both ways'))).toBe('supervisor Carol');
    expect(known).toEqual([false, ...Array(10).fill(true), false]);
  });

  it('are not checked during a lockout', async () => {
    let checked = 0;
    const screen = await startScreen({
      checkPassword: async () => {
        checked++;
        return false;
      },
    });
    for (let n = 0; n < 20; n++) {
      await screen.send('POST', '/sign-in', { form: wrong });
    }
    expect(checked).toBe(10);
  });

  it('cannot be tried in greater number at the same moment', async () => {
    let begun = 0;
    let open = () => {};
    const allBegun = new Promise<void>((resolve) => {
      open = resolve;
    });
    const screen = await startScreen({
      async checkPassword(password) {
        begun++;
        if (begun === 21) {
          open();
        }
        await allBegun;
        return password === 'open sesame';
      },
    });
    const send = (password: string) => screen.send('POST', '/sign-in', { form: { name: 'Ted', password } });
    const guesses = Array.from({ length: 20 }, () => send('wrong'));
    // The right one is checked last.
    const isChecked = eventually(() => expect(begun).toBe(20)).then(() => send('open sesame'));
    const statuses = (await Promise.all([...guesses, isChecked])).map(({ status }) => status);
    expect(statuses.filter((status) => status === 403)).toHaveLength(9);
    expect(statuses.at(-1)).toBe(429);
    expect(screen.facts.filter(({ kind }) => kind === 'sign-in-refused')).toHaveLength(10);
  });

  it('count apart if a proxy writes the ports of clients, and leave no forwarded text in the trail', async () => {
    const screen = await startScreen({ trustProxy: 1 });
    const send = (address: string) => {
      const headers = { 'sec-fetch-site': 'same-origin', 'x-forwarded-for': address };
      return screen.send('POST', '/sign-in', { form: wrong, headers });
    };
    for (let n = 0; n < 12; n++) {
      await send(`192.0.2.1:${5_000 + n}`);
    }
    expect((await send('192.0.2.1:80')).status).toBe(429);
    expect((await send('192.0.2.2:80')).status).toBe(403);
    expect((await send('<script>alert(1)</script>')).status).toBe(403);
    expect(screen.facts.at(-1)).toEqual({ kind: 'sign-in-refused', reason: 'wrong-password', supervisor: 'Ted' });
    expect(screen.facts.at(-2)).toMatchObject({ ip: '192.0.2.2' });
  });

  it('of a claimed address count for the real one', async () => {
    const screen = await startScreen();
    let locked = 0;
    for (let n = 0; n < 12; n++) {
      const headers = { 'sec-fetch-site': 'same-origin', 'x-forwarded-for': `192.0.2.${n}` };
      locked += Number((await screen.send('POST', '/sign-in', { form: wrong, headers })).status === 429);
    }
    expect(locked).toBe(3);
  });

  it('do not disturb whoever is signed in', async () => {
    const screen = await startScreen();
    const cookie = await screen.enter('Ted', 'open sesame');
    for (let n = 0; n < 11; n++) {
      await screen.send('POST', '/sign-in', { form: wrong });
    }
    expect(await screen.whoIs(cookie)).toBe('supervisor Ted');
  });
});

describe('an identity provider', () => {
  const PENDING = { state: 'the state', nonce: 'the nonce', verifier: 'the verifier' };
  const CALLBACK = '/sign-in/oidc/callback?code=a&state=b';

  /** A provider that signs in whoever has an address. */
  function providerOf(address: string): OidcClient & { finished: [string, object][] } {
    const finished: [string, object][] = [];
    return {
      finished,
      begin: async () => ({ url: 'https://login.example.com/authorize?a=b', pending: PENDING }),
      async finish(search, pending) {
        finished.push([search, pending]);
        return { email: parseEmail(address), isVerified: true };
      },
    };
  }

  it('gets the browser, which keeps the rest in a signed cookie of ten minutes', async () => {
    const oidc = providerOf('ted@example.com');
    const screen = await startScreen({ oidc });
    expect((await screen.send('GET', '/sign-in')).text).toBe(
      'sign in {"isSignedOut":false,"hasPasswords":true,"hasRosterFile":true,"hasOidc":true}',
    );
    const { status, headers, cookies } = await screen.send('GET', '/sign-in/oidc?next=/rooms');
    expect([status, headers.location]).toEqual([303, 'https://login.example.com/authorize?a=b']);
    expect(headers['set-cookie']).toEqual([
      expect.stringMatching(
        /^__Host-oidc=[\w-]+\.[\w-]{43}; Max-Age=600; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Lax$/,
      ),
    ]);
    const back = await screen.send('GET', CALLBACK, { cookie: `other=1; ${cookies[0]}`, headers: {} });
    expect([back.status, back.headers.location]).toEqual([303, '/rooms']);
    expect(oidc.finished).toEqual([['?code=a&state=b', expect.objectContaining(PENDING)]]);
    expect(back.cookies[0]).toBe('__Host-oidc=');
    expect(await screen.whoIs(back.cookies[1])).toBe('supervisor Ted');
  });

  it.each<[string, (cookie: string) => string, number]>([
    ['is too old', (cookie) => cookie, 600_000],
    ['was changed', (cookie) => cookie.replace('oidc=', 'oidc=e'), 0],
    ['is signed by nobody', (cookie) => cookie.replace(/\..*$/, '.AAAA'), 0],
    ['is missing', () => 'a=b', 0],
  ])('signs nobody in with a cookie that %s', async (_what, change, laterMs) => {
    const oidc = providerOf('ted@example.com');
    const screen = await startScreen({ oidc });
    const [cookie = ''] = (await screen.send('GET', '/sign-in/oidc')).cookies;
    screen.clock.now += laterMs;
    const { status, text } = await screen.send('GET', CALLBACK, { cookie: change(cookie) });
    expect([status, text]).toEqual([
      502,
      'sign in {"problem":{"code":"oidc-failed"},"hasPasswords":true,"hasRosterFile":true,"hasOidc":true}',
    ]);
    expect([oidc.finished, screen.log]).toEqual([[], []]);
  });

  it('leads to no other host afterwards', async () => {
    const screen = await startScreen({ oidc: providerOf('ted@example.com') });
    const { cookies } = await screen.send('GET', '/sign-in/oidc?next=//evil.example');
    expect((await screen.send('GET', CALLBACK, { cookie: cookies[0] })).headers.location).toBe('/');
  });

  it('signs out somebody who has another address in the roster now, not another password', async () => {
    const screen = await startScreen({ oidc: providerOf('ted@example.com') });
    const { cookies } = await screen.send('GET', '/sign-in/oidc');
    const [, cookie] = (await screen.send('GET', CALLBACK, { cookie: cookies[0] })).cookies;
    const become = (password: string, email: string) =>
      screen.roster.replace({ supervisors: [supervisor({ name: 'Ted', password, email })], moderators: [] });
    become('another', 'ted@example.com');
    expect(await screen.whoIs(cookie)).toBe('supervisor Ted');
    const viewer = screen.lastViewer();
    become('yet another', 'ted@example.com');
    expect(viewer && screen.signIn.isStillInRoster(viewer)).toBe(true);
    become('another', 'ted@example.org');
    expect(viewer && screen.signIn.isStillInRoster(viewer)).toBe(false);
    expect(await screen.whoIs(cookie)).toBe('nobody');
  });

  it('signs nobody in while the store is away', async () => {
    const memory = createMemorySessionStore();
    const add = () => Promise.reject(new StoreError('unavailable', 'away'));
    const screen = await startScreen({ oidc: providerOf('ted@example.com'), store: { ...memory, add } });
    const [cookie] = (await screen.send('GET', '/sign-in/oidc')).cookies;
    const { status, text, cookies } = await screen.send('GET', CALLBACK, { cookie });
    expect([status, text, cookies]).toEqual([
      503,
      'sign in {"problem":{"code":"store-away"},"hasPasswords":true,"hasRosterFile":true,"hasOidc":true}',
      ['__Host-oidc='],
    ]);
    expect(screen.facts).toEqual([]);
  });

  it('is nowhere without settings', async () => {
    const screen = await startScreen();
    for (const path of ['/sign-in/oidc', CALLBACK]) {
      expect(await screen.send('GET', path)).toMatchObject({ status: 404 });
    }
  });
});

describe('two servers with one Redis', () => {
  let redis: RedisServer;

  async function connected(): Promise<RedisConnection> {
    const connection = connectRedis({ urls: [redis.url], timeoutMs: 1_000, onConnection: () => {} });
    onTestFinished(() => connection.close());
    await eventually(() => connection.ping());
    return connection;
  }

  beforeAll(async () => {
    redis = await startRedis();
  });

  afterAll(() => redis?.dispose());

  beforeEach(async () => {
    await redis.restart();
  });

  async function start() {
    const connection = await connected();
    const log = createLog('silent', { write: () => {} });
    const limiter = createSignInLimiter({ secret: 'secret', redis: connection, log });
    const screen = await startScreen({ store: createRedisSessionStore(connection), limiter, roster: screenRoster() });
    return { ...screen, connection };
  }

  it('know each other’s sessions, and end them all', async () => {
    const [one, other] = [await start(), await start()];
    const cookies = [
      await one.enter('Ted', 'open sesame'),
      await other.enter('Ted', 'open sesame'),
      await other.enter('Alice', 'let me in'),
    ];
    const known = (screen: typeof one) => Promise.all(cookies.map((cookie) => screen.whoIs(cookie)));
    expect(await known(one)).toEqual(['supervisor Ted', 'supervisor Ted', 'moderator Alice']);
    expect(await known(other)).toEqual(['supervisor Ted', 'supervisor Ted', 'moderator Alice']);
    const viewer = other.lastViewer();
    const { status, headers } = await one.send('POST', '/sign-out-everywhere', { cookie: cookies[0] });
    expect([status, headers.location]).toEqual([303, '/sign-in?signed-out']);
    expect(headers['set-cookie']).toEqual([expect.stringMatching(/^__Host-session=;/)]);
    expect(await known(one)).toEqual(['nobody', 'nobody', 'moderator Alice']);
    expect(await known(other)).toEqual(['nobody', 'nobody', 'moderator Alice']);
    expect(viewer && (await one.signIn.refresh(viewer))).toEqual(viewer);
    expect(one.facts.at(-1)).toMatchObject({ kind: 'signed-out', reason: 'everywhere', supervisor: 'Ted' });
  });

  it('count wrong passwords together', async () => {
    const screens = [await start(), await start()];
    const statuses = [];
    for (let n = 0; n < 12; n++) {
      const form = { name: 'Ted', password: 'wrong' };
      statuses.push((await screens[n % 2]?.send('POST', '/sign-in', { form }))?.status);
    }
    expect(statuses).toEqual([...Array(9).fill(403), 429, 429, 429]);
  });

  it(`keep ${MAX_SESSIONS} sessions of a person, and the oldest goes`, async () => {
    const screen = await start();
    const cookies: string[] = [];
    for (let n = 0; n <= MAX_SESSIONS; n++) {
      screen.clock.now += 1;
      cookies.push(await screen.enter('Ted', 'open sesame'));
    }
    const known = await Promise.all(cookies.map((cookie) => screen.whoIs(cookie)));
    expect(known).toEqual(['nobody', ...Array(MAX_SESSIONS).fill('supervisor Ted')]);
  });

  it('keep no id and no password there, and no name in the key', async () => {
    const screen = await start();
    const cookie = await screen.enter('Ted', 'open sesame');
    const [, secret = ''] = decodeURIComponent(cookie).split('.');
    const [key = ''] = await screen.connection.client.keys('conference-coach:sessions:*');
    const stored = JSON.stringify([key, await screen.connection.client.hgetall(key)]);
    expect(key).not.toContain('Ted');
    expect(stored).not.toContain(secret);
    expect(stored).not.toContain('sesame');
  });

  it('say that nobody is known while it is away, and take nobody for signed out', async () => {
    const screen = await start();
    const cookie = await screen.enter('Ted', 'open sesame');
    await screen.whoIs(cookie);
    const viewer = screen.lastViewer();
    redis.freeze();
    onTestFinished(() => redis.thaw());
    const away = `error: ${english.errors.storeAway}`;
    const root = await screen.send('GET', '/', { cookie });
    expect(root).toMatchObject({ status: 503, text: away, cookies: [] });
    expect(await screen.send('GET', '/sign-in', { cookie })).toMatchObject({ status: 503, text: away, cookies: [] });
    for (const path of ['/sign-out', '/sign-out-everywhere']) {
      expect(await screen.send('POST', path, { cookie })).toMatchObject({ status: 503, text: away, cookies: [] });
    }
    await expect(viewer && screen.signIn.refresh(viewer)).rejects.toThrow(StoreError);
    const form = await screen.send('POST', '/sign-in', { form: TED });
    expect(form).toMatchObject({
      status: 503,
      text: 'sign in {"problem":{"code":"store-away"},"name":"Ted","hasPasswords":true,"hasRosterFile":true,"hasOidc":false}',
      cookies: [],
    });
    // The form is still shown to whoever has no session.
    expect(await screen.send('GET', '/sign-in')).toMatchObject({ status: 200 });
    redis.thaw();
    await eventually(async () => expect(await screen.whoIs(cookie)).toBe('supervisor Ted'));
    expect(screen.facts.map(({ kind }) => kind)).toEqual(['signed-in']);
  });

  it('still limit wrong passwords while it is away, each for itself', async () => {
    const screen = await start();
    await redis.kill();
    const statuses = [];
    for (let n = 0; n < 12; n++) {
      const form = { name: 'Ted', password: 'wrong' };
      statuses.push((await screen.send('POST', '/sign-in', { form })).status);
    }
    expect(statuses).toEqual([...Array(9).fill(403), 429, 429, 429]);
    await redis.restart();
  });
});
