import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Right } from '../../src/people/rights';
import { parseRoster } from '../../src/people/roster-file';
import { createMemoryStore } from '../../src/stores';
import { ALICE, startApp, TED, type TestApp } from '../support/app';
import { onTestFinished } from '../support/on-test-finished';
import { eventually } from '../support/redis-server';
import { type RosterContent, rosterSettings, rosterText } from '../support/roster';
import { PASSWORD, PASSWORD_HASH } from '../support/screen-bench';

const ALL: Right[] = ['see', 'monitor', 'coach', 'barge', 'control', 'record', 'audit'];
const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin' };
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const JSON_WANTED = { ...SAME_ORIGIN, accept: 'application/json' };

interface Given {
  rights?: Right[];
  rooms?: string[];
}

let app: TestApp;
let cookies: { ted: string; alice: string };

beforeAll(async () => {
  app = await startApp({
    people: people({}),
    env: { CALLER_ID: '+15550009999', ANNOUNCE_IS_PRIVATE: 'true' },
    // No action of these tests gets as far.
    space: {},
  });
  // Once, because a password takes long to check.
  cookies = { ted: await signIn('Ted'), alice: await signIn('Alice') };
});
afterAll(() => app.stop());

function people({ rights = ALL, rooms }: Given): RosterContent {
  return {
    moderators: [{ name: 'Alice', number: ALICE, password: PASSWORD_HASH }],
    supervisors: [{ name: 'Ted', number: TED, password: PASSWORD_HASH, rights, ...(rooms && { rooms }) }],
  };
}

/** Ted, who is signed in, has these rights. */
function start(given: Given = {}) {
  app.roster.replace(parseRoster(rosterText(people(given)), { file: 'roster.json', hasPinKey: true }));
  const cookie = cookies.ted;
  return {
    get: (path: string, headers: Record<string, string> = {}) => app.send('GET', path, { cookie, ...headers }),
    post: (path: string, headers: Record<string, string> = SAME_ORIGIN, form = '') =>
      app.send('POST', path, { cookie, ...FORM, ...headers }, form),
  };
}

async function signIn(name: string, to = app): Promise<string> {
  const form = new URLSearchParams({ name, password: PASSWORD }).toString();
  const { status, headers } = await to.send('POST', '/sign-in', { ...SAME_ORIGIN, ...FORM }, form);
  expect(status).toBe(303);
  return String(headers['set-cookie']).split(';')[0] ?? '';
}

let talking: Promise<void> | undefined;

/** Alice talks to Bob in sales, and Ted listens: from the first test that calls this on. */
function talk(): Promise<void> {
  talking ??= beginTalk();
  return talking;
}

async function beginTalk(at = app): Promise<void> {
  const event = (callSid: string, more: Record<string, string>) =>
    at.post('/events/conference/sales', {
      CallSid: callSid,
      ConferenceSid: 'cf-sales',
      StatusCallbackEvent: 'participant-join',
      Timestamp: new Date().toUTCString(),
      Muted: 'false',
      Hold: 'false',
      EndConferenceOnExit: 'false',
      ...more,
    });
  await at.post('/conference/sales', { CallSid: 'alice-1', From: ALICE });
  await event('alice-1', { EndConferenceOnExit: 'true' });
  await event('bob-1', {});
  await at.post('/coach/sales?mode=monitor', { CallSid: 'ted-1', From: TED });
  await event('ted-1', { Muted: 'true' });
}

describe('the rooms page', () => {
  it('asks whoever is not signed in to sign in, and comes back', async () => {
    const { status, headers } = await app.send('GET', '/?said=busy', { accept: 'text/html' });
    expect([status, headers.location]).toEqual([303, '/sign-in?next=%2F%3Fsaid%3Dbusy']);
    const asked = await app.send('GET', '/', { accept: 'application/json' });
    expect([asked.status, JSON.parse(asked.text)]).toEqual([401, { problem: 'You are signed out. Sign in again.' }]);
  });

  it('tells the first time which addresses to enter at SignalWire', async () => {
    const { get } = start();
    const { text } = await get('/');
    expect(text).toContain('<code>https://coach.example.com/conference</code>');
    expect(text).toContain('<code>https://coach.example.com/supervisor</code>');
  });

  it('shows nobody’s number in full', async () => {
    const { get } = start();
    await talk();
    await eventually(async () => expect((await get('/')).text).toContain('data-room="sales"'));
    const { text } = await get('/');
    expect(text.replace(/ data-id="[^"]*"/, '')).not.toMatch(/\+1555|\d{7}(?![\d"])/);
  });

  it('counts by the clock of the store, which dates what it shows', async () => {
    const now = () => Date.now() - 60_000;
    const behind = await startApp({
      people: people({}),
      store: createMemoryStore({ lifetimeMs: 3_600_000, monotonicNow: Date.now, now }),
    });
    onTestFinished(() => void behind.stop());
    const cookie = await signIn('Ted', behind);
    await behind.post('/events/conference/sales', {
      CallSid: 'bob-1',
      ConferenceSid: 'cf-sales',
      StatusCallbackEvent: 'participant-join',
    });
    const page = await eventually(async () => {
      const { text } = await behind.send('GET', '/', { cookie });
      expect(text).toContain('data-room="sales"');
      return text;
    });
    expect(page).not.toContain('data-kind="no-agent"');
    const shownAt = Number(/data-now="([0-9]+)"/.exec(page)?.[1]);
    expect(Math.abs(shownAt - now())).toBeLessThan(5_000);
  });

  it('says why there are no rooms for somebody who may see none', async () => {
    const { get } = start({ rights: ['monitor'] });
    await talk();
    // They see where they are themselves.
    await eventually(async () => expect((await get('/')).text).toContain('Nobody hears you'));
    const { text } = await get('/');
    expect(text).toContain('You may not see rooms.');
    expect(text).not.toContain('<article');
  });

  it('leaves out the rooms of others', async () => {
    const { get } = start({ rooms: ['support'] });
    await talk();
    expect((await get('/')).text).not.toContain('article');
  });

  it.each([
    ['busy', 'Another action is in the way.'],
    ['coach', 'Only the agent hears you now.'],
    ['constructor', undefined],
    ['<script>', undefined],
  ])('says what became of an action: %s', async (code, sentence) => {
    const { get } = start();
    const saidAt = async (at: number) => {
      const { text } = await get(`/?said=${encodeURIComponent(code)}&at=${at}`);
      return /<div id="news"[^>]*>(.*?)<\/div>/s.exec(text)?.[1];
    };
    expect((await saidAt(Date.now()))?.includes(sentence ?? '<p>')).toBe(sentence !== undefined);
    // At a reload it may not be so any more.
    expect(await saidAt(Date.now() - 10_000)).toBe('');
  });

  it.each([
    ['another number', '+15557788997', false],
    ['the same number', TED, true],
  ])('leads a supervisor who is an agent with %s to that page: %s', async (_what, number, isLed) => {
    const { get } = start();
    const { moderators = [], ...others } = people({});
    const content = { ...others, moderators: [...moderators, { name: 'Ted', number }] };
    app.roster.replace(parseRoster(rosterText(content), { file: 'roster.json', hasPinKey: true }));
    expect((await get('/')).text.includes('href="/mine"')).toBe(isLed);
    expect((await get('/mine')).status).toBe(isLed ? 200 : 403);
  });

  it('leads to a page that signs people out everywhere', async () => {
    const ted = start();
    const link = '<a class="button" href="/sign-out-everywhere">Sign out everywhere</a>';
    expect((await ted.get('/')).text).toContain(link);
    const { status, text } = await ted.get('/sign-out-everywhere');
    expect(status).toBe(200);
    expect(text).toContain('<form method="post" action="/sign-out-everywhere"');
    expect(text).toContain('Sign out in all your browsers, on all devices?');
    expect(text).not.toContain(link);
    expect(await app.send('GET', '/sign-out-everywhere', {})).toMatchObject({
      status: 303,
      headers: { location: '/sign-in?next=%2Fsign-out-everywhere' },
    });
  });

  it('sends agents to their own page', async () => {
    const { status, headers } = await app.send('GET', '/', { cookie: cookies.alice, accept: 'text/html' });
    expect([status, headers.location]).toEqual([303, '/mine']);
  });
});

it('an agent who may not see a page is led to their own', async () => {
  const { status, text } = await app.send('GET', '/recordings', { cookie: cookies.alice, accept: 'text/html' });
  expect(status).toBe(403);
  expect(text).toContain('Recordings are for supervisors.');
  expect(text).toContain('<a class="button" href="/mine">My calls</a>');
});

describe('an action', () => {
  it.each<[Right, string]>([
    ['coach', '/rooms/sales/mode?call=ted-1&mode=coach'],
    ['barge', '/rooms/sales/mode?call=ted-1&mode=barge'],
    ['coach', '/rooms/sales/note?call=alice-1'],
    ['control', '/rooms/sales/mute?call=bob-1'],
    ['control', '/rooms/sales/unmute?call=bob-1'],
    ['control', '/rooms/sales/hold?call=bob-1'],
    ['control', '/rooms/sales/unhold?call=bob-1'],
    ['control', '/rooms/sales/remove?call=bob-1&sure=yes'],
    ['control', '/rooms/sales/end?sure=yes'],
    ['record', '/rooms/sales/record'],
    ['record', '/rooms/sales/pause'],
    ['record', '/rooms/sales/resume'],
    ['record', '/rooms/sales/stop?recording=r-1&sure=yes'],
    ['monitor', '/rooms/support/listen'],
  ])('needs the right %s: %s', async (right, path) => {
    const { post, get } = start({ rights: ALL.filter((one) => one !== right) });
    await talk();
    const refused = await post(path, JSON_WANTED, 'text=hello');
    expect([refused.status, JSON.parse(refused.text)]).toEqual([403, { problem: 'You may not do that here.' }]);
    const { headers } = await post(path, { ...SAME_ORIGIN, accept: 'text/html' }, 'text=hello');
    expect(headers.location).toMatch(/^\/\?said=not_allowed&at=\d+$/);
    // Nor is it offered.
    expect((await get('/')).text).not.toContain(
      `${path.split('?')[0]}${right === 'barge' ? '?call=ted-1&amp;mode=barge' : right === 'coach' && path.includes('mode') ? '?call=ted-1&amp;mode=coach' : '"'}`,
    );
  });

  it.each([
    ['mode', '/rooms/sales/mode?call=bob-1&mode=barge', 403],
    ['mode of nobody', '/rooms/sales/mode?call=x&mode=barge', 404],
    ['leave', '/rooms/sales/leave?call=alice-1', 403],
    ['leave of nothing', '/rooms/sales/leave', 400],
  ])('on one’s own call is on no other: %s', async (_what, path, status) => {
    const { post } = start();
    await talk();
    expect((await post(path, JSON_WANTED)).status).toBe(status);
  });

  it.each(['/rooms/sales/nothing', '/rooms/sales/toString', '/rooms/%2e%2e/end', '/rooms/a%00b/end', '/rooms/sales'])(
    'that does not exist is not found: %s',
    async (path) => {
      const { post } = start();
      const { status, text } = await post(path, { ...SAME_ORIGIN, accept: 'text/html' });
      expect(status).toBe(404);
      expect(text).not.toContain('Error');
    },
  );

  it.each([
    ['remove', '?call=bob-1', 'Remove Customer from sales? Their call ends.'],
    ['end', '', 'End the call in sales for Alice, Ted and Customer?'],
    ['stop', '?recording=r-1', 'Stop recording Alice in sales?'],
  ])('that cannot be undone asks first, and names the people: %s', async (action, query, question) => {
    const { post } = start();
    await talk();
    await app.post('/events/recording/sales', {
      CallSid: 'alice-1',
      RecordingSid: 'r-1',
      RecordingStatus: 'in-progress',
    });
    const page = await post(`/rooms/sales/${action}${query}`, { ...SAME_ORIGIN, accept: 'text/html' });
    expect(page.status).toBe(200);
    expect(page.text).toContain(question);
    const asked = action === 'end' ? '?conference=cf-sales' : query;
    expect(page.text).toContain(`action="/rooms/sales/${action}${asked}&amp;sure=yes"`);
    const dialog = await post(`/rooms/sales/${action}${query}`, JSON_WANTED);
    expect(JSON.parse(dialog.text).confirm).toContain(question);
  });

  it('ends no other conversation than the one that was asked about', async () => {
    const { post } = start();
    await talk();
    const refused = { problem: 'The conversation has changed. Look again, then choose again.' };
    for (const asked of ['', '&conference=cf-before']) {
      const { status, text } = await post(`/rooms/sales/end?sure=yes${asked}`, JSON_WANTED);
      expect([status, JSON.parse(text)]).toEqual([409, refused]);
    }
    const { text } = await post('/rooms/sales/end?sure=yes&conference=cf-sales', JSON_WANTED);
    expect(JSON.parse(text)).not.toEqual(refused);
  });

  it('on the own call is not for an agent of the same name', async () => {
    const listed = {
      moderators: [{ name: 'Ted', number: ALICE, password: PASSWORD_HASH }],
      supervisors: [{ name: 'Ted', number: TED, rights: ALL }],
    };
    app.roster.replace(parseRoster(rosterText(listed), { file: 'roster.json', hasPinKey: true }));
    const cookie = await signIn('Ted');
    await talk();
    for (const action of ['leave', 'mode']) {
      const path = `/rooms/sales/${action}?call=ted-1&mode=barge`;
      const { status, text } = await app.send('POST', path, { cookie, ...FORM, ...JSON_WANTED }, '');
      expect([status, JSON.parse(text)]).toEqual([403, { problem: 'You may not do that here.' }]);
    }
  });

  it.each([
    ['cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['same-site', { 'sec-fetch-site': 'same-site' }],
    ['from the address bar', { 'sec-fetch-site': 'none' }],
    ['from a foreign origin', { origin: 'https://example.org' }],
    ['from nowhere', {}],
  ])('%s is refused', async (_what, headers) => {
    const { post } = start();
    await talk();
    const { status, text } = await post('/rooms/sales/end?sure=yes', { accept: 'text/html', ...headers });
    expect(status).toBe(403);
    expect(text).toContain('This request came from another site');
  });
});

describe('the sign-in', () => {
  it('keeps the name after a wrong password, and never the password', async () => {
    start();
    const form = 'name=%22Ted%22&password=swordfish';
    const { status, text } = await app.send('POST', '/sign-in', { ...SAME_ORIGIN, ...FORM }, form);
    expect(status).toBe(403);
    expect(text).toContain('value="&quot;Ted&quot;"');
    expect(text).not.toContain('swordfish');
  });

  it('says that somebody has signed out, once they have', async () => {
    start();
    const { headers } = await app.send('POST', '/sign-out', SAME_ORIGIN);
    const said = '<p role="status">You are signed out.</p>';
    expect((await app.send('GET', String(headers.location))).text).toContain(said);
    expect((await app.send('GET', '/sign-in')).text).not.toContain(said);
  });
});

describe('the sign-in of a server where nobody has a password', () => {
  const SET = 'npm run --silent roster -- set-password';

  it.each<[string, RosterContent | undefined, string[]]>([
    ['no roster', undefined, ['&quot;name&quot;: &quot;Ted&quot;', 'ROSTER_FILE=roster.json', `${SET} Ted`, 'Restart']],
    ['a roster', { supervisors: [{ name: 'Ted', number: TED }] }, [`${SET} NAME`, 'Reload this page.']],
  ])('shows the steps to one: %s', async (_what, roster, steps) => {
    const other = await startApp(roster === undefined ? {} : { env: rosterSettings(roster) });
    onTestFinished(() => other.stop());
    const { text } = await other.send('GET', '/sign-in');
    expect(text.match(/<li>/g)).toHaveLength(steps.length);
    for (const step of [...steps, 'docs/sign-in.md']) {
      expect(text).toContain(step);
    }
  });
});

describe('an address that does not exist', () => {
  const BROWSER = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };

  it('is a page for a browser, with the way back', async () => {
    const { get } = start();
    const { status, text, type } = await get('/nothing', BROWSER);
    expect([status, type]).toEqual([404, 'text/html; charset=utf-8']);
    expect(text).toContain('There is no such page.');
    expect(text).toContain('action="/sign-out"');
    const stranger = await app.send('GET', '/nothing', BROWSER);
    expect(stranger.status).toBe(404);
    expect(stranger.text).toContain('There is no such page.');
    expect(stranger.text).not.toContain('sign-out');
  });

  it('is the same below /wall, whatever the token', async () => {
    const [nothing, ...walls] = await Promise.all(
      ['/nothing', '/wall/x', `/wall/cc_${'a'.repeat(43)}`, '/wall/x/live', '/wall'].map((path) =>
        app.send('GET', path, BROWSER),
      ),
    );
    const pageOf = (reply = nothing) => ({
      status: reply?.status,
      text: reply?.text.replace(/data-now="\d+"/, ''),
      headers: { ...reply?.headers, date: '' },
    });
    expect(walls.map(pageOf)).toEqual(walls.map(() => pageOf()));
  });

  it.each<[string, string, Record<string, string>]>([
    ['a program', 'GET', {}],
    ['a program that takes anything', 'GET', { accept: '*/*' }],
    ['a stream', 'GET', { accept: 'text/event-stream' }],
    ['what is posted', 'POST', BROWSER],
  ])('is a line of text for %s', async (_what, method, headers) => {
    expect(await app.send(method, '/nothing', { cookie: cookies.ted, ...headers })).toMatchObject({
      status: 404,
      type: 'text/plain; charset=utf-8',
      text: 'Not found.\n',
    });
  });

  it('is a refusal in the log', async () => {
    await app.send('GET', '/nothing', BROWSER);
    expect(app.refused.at(-1)).toMatchObject({ code: 'not_found', path: '/nothing', status: 404 });
  });
});

describe('every answer', () => {
  it.each(['/', '/sign-in', '/rooms/x/y', '/nothing'])('forbids what the screen does not need: %s', async (path) => {
    const { get } = start();
    const { headers } = await get(path, { accept: 'text/html' });
    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; media-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'same-origin',
      'strict-transport-security': 'max-age=31536000',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
  });

  it('promises https only where browsers use it', async () => {
    const open = await startApp({ env: { PUBLIC_URL: 'http://localhost:3000' } });
    const { headers } = await open.send('GET', '/sign-in');
    await open.stop();
    expect(headers).not.toHaveProperty('strict-transport-security');
  });

  it('logs who asked, and no address', async () => {
    const { get } = start();
    await get('/?said=busy');
    const lines = app.log.map((line) => JSON.parse(line));
    expect(lines).toContainEqual(expect.objectContaining({ actor: 'supervisor Ted', route: '/', status: 200 }));
    expect(app.log.join('')).not.toContain('said=');
    expect(app.log.join('')).not.toContain(PASSWORD);
  });

  it('keeps its script, style and icon for a year, under names with their hashes', async () => {
    const { get } = start();
    const { text } = await get('/');
    const urls = [...text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, url = '']) => url);
    expect(urls).toHaveLength(3);
    const types: Record<string, string> = { js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };
    for (const url of urls) {
      const type = types[url.split('.').at(-1) ?? ''];
      const { status, headers } = await app.send('GET', url, { 'accept-encoding': 'gzip' });
      expect([status, headers['content-type'], headers['content-encoding']]).toEqual([
        200,
        `${type}; charset=utf-8`,
        'gzip',
      ]);
      expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
    }
    expect((await app.send('GET', '/assets/screen-000000000000.js')).status).toBe(404);
  });
});

it('speaks the language of the telephone', async () => {
  const inGerman = await startApp({ people: people({}), env: { PROMPT_LANGUAGE: 'de' }, space: {} });
  onTestFinished(() => inGerman.stop());
  const page = await inGerman.send('GET', '/sign-in');
  expect(page.text).toContain('<html lang="de">');
  expect(page.text).toContain('Anmelden · Conference Coach');
  const cookie = await signIn('Ted', inGerman);
  await beginTalk(inGerman);
  const headers = { cookie, ...FORM, ...JSON_WANTED };
  const { text } = await inGerman.send('POST', '/rooms/sales/end', headers, '');
  expect(JSON.parse(text).confirm).toContain('Gespräch in sales für Alice, Ted und Kunde beenden?');
});

// Last, because it ends the session.
describe('an action of somebody who was removed from the roster', () => {
  it('is refused', async () => {
    const { post } = start();
    await talk();
    app.roster.replace({ moderators: [], supervisors: [] });
    expect((await post('/rooms/sales/end?sure=yes', JSON_WANTED)).status).toBe(401);
  });
});
