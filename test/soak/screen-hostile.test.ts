import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Router } from 'express';
import { pino } from 'pino';
import { loadConfig } from '../../src/config';
import { SCREEN_ACTIONS } from '../../src/dashboard/action-url';
import { english } from '../../src/dashboard/texts-en';
import { createRoster } from '../../src/people/roster';
import { createScreen, type ScreenOptions } from '../../src/screen';
import type { Call } from '../../src/simulator/call';
import type { RestRequest } from '../../src/simulator/rest-api';
import { startApp } from '../support/app';
import { openBrowser, type TestBrowser } from '../support/browser';
import { createPageClient, type PageClient, type PageReply, SAME_ORIGIN } from '../support/page-client';
import { eventually } from '../support/redis-server';
import { rosterSettings } from '../support/roster';
import { ALICE_LISTED, CALLER_ID, PASSWORD, startScreenBench, TED_LISTED } from '../support/screen-bench';
import { CAROL, startTestBench, type TestBench } from '../support/test-bench';

/** Every route of the screen, as its router has them. */
function routesOfScreen(): { method: string; path: string }[] {
  const config = loadConfig({ OIDC_ISSUER: '' });
  const unused = new Proxy({}, { get: () => () => {} });
  const options = {
    ...{ store: {}, rooms: unused, feed: unused, control: undefined, supervision: unused },
    ...{ config, publicUrl: 'http://localhost', framedBy: undefined, operations: [], roster: createRoster(config) },
    ...{ draining: new AbortController().signal, log: pino({ level: 'silent' }), now: Date.now },
  } as unknown as ScreenOptions;
  const list = ({ stack }: Router): { method: string; path: string }[] =>
    stack.flatMap(({ route, handle }) => {
      if (route !== undefined) {
        const methods = new Set(route.stack.map(({ method }) => method));
        return [...methods].map((method) => ({ method: method.toUpperCase(), path: route.path }));
      }
      return 'stack' in handle ? list(handle as unknown as Router) : [];
    });
  return list(createScreen(options).routes);
}

/** The paths that take a POST, with every action. */
const POST_PATHS = routesOfScreen()
  .filter(({ method }) => method === 'POST')
  .flatMap(({ path }) =>
    path.includes(':action') ? SCREEN_ACTIONS.map((action) => path.replace(':action', action)) : [path],
  )
  .map((path) => path.replace(':room', 'sales').replaceAll(/:\w+/g, 'x'));

/** The paths that show something. */
const GET_PATHS = routesOfScreen()
  .filter(({ method, path }) => method === 'GET' && path !== '/live' && path !== '/assets/:file')
  .map(({ path }) => path.replace(':room', 'sales').replaceAll(/:\w+/g, 'x'));

/** What an address says has become of an action. */
const saidIn = (location = '') => new URL(location, 'http://localhost').searchParams.get('said');

/** Where a request comes from that none of our pages sent. */
const FOREIGN: [string, Record<string, string>][] = [
  ['another site', { 'sec-fetch-site': 'cross-site' }],
  ['another host of the same site', { 'sec-fetch-site': 'same-site' }],
  ['nowhere', { 'sec-fetch-site': 'none' }],
  ['another site that names our origin', { 'sec-fetch-site': 'cross-site', origin: 'HERE' }],
  ['an older browser on another site', { origin: 'https://evil.example' }],
  ['an older browser in a frame without an origin', { origin: 'null' }],
  ['another port', { origin: 'http://localhost:1' }],
  ['a program', {}],
];

const CAROL_LISTED = { ...TED_LISTED, name: 'Carol', number: CAROL };

/** What must be in no page, stream or error: whole numbers, PINs, addresses that are secret, inner workings. */
const SECRETS =
  /24680|\+?1?555\d{7}|7788999|0001111|0002222|0003333|rejoin|[?&](?:pass|token)=|RecordingUrl|\.wav|\.mp3|scrypt|node_modules|\bat \S+ \(|\/src\/|\/dist\//;

describe('a hostile request to the screen', () => {
  let bench: TestBench;
  let client: PageClient;
  let carol: Call;
  let bob: Call;
  let changes: RestRequest[];
  let tedsCookie: string;

  // One server for all: none of these requests may change anything.
  async function start(): Promise<void> {
    changes = [];
    const people = rosterSettings({
      moderators: [ALICE_LISTED],
      supervisors: [{ ...TED_LISTED, rooms: ['sales'], pin: '24680' }, CAROL_LISTED],
    });
    bench = await startTestBench({
      withRest: true,
      sweepIntervalMs: 500,
      env: { ...people, CALLER_ID, ANNOUNCE_IS_PRIVATE: 'true', RECORD_CONFERENCES: 'true' },
      intercept(request) {
        if (request.method !== 'GET') {
          changes.push(request);
        }
        return undefined;
      },
    });
    client = createPageClient(bench.url);
    bob = await bench.call('Bob', '/conference/sales');
    await bench.call('Alice', '/conference/sales');
    await bench.call('Ted', '/coach/sales?mode=monitor');
    carol = await bench.call('Carol', '/coach/sales?mode=monitor');
    await bench.call('Bob', '/conference/support');
    tedsCookie = await client.enter('Ted');
    changes.length = 0;
  }

  beforeEach(start);

  /** Sends all of them; what each was answered, without those that were answered as they should be. */
  async function wrongAnswers(
    requests: readonly (readonly [string, Promise<PageReply>])[],
    isRight: (reply: PageReply) => boolean,
  ): Promise<string[]> {
    const answered = await Promise.all(requests.map(async ([what, reply]) => ({ what, reply: await reply })));
    return answered
      .filter(({ reply }) => !isRight(reply))
      .map(
        ({ what, reply: { status, headers, text } }) => `${what}: ${status} ${headers.location} ${text.slice(0, 200)}`,
      );
  }

  it('knows every route that changes something', () => {
    expect(POST_PATHS).toEqual(expect.arrayContaining(['/sign-in', '/sign-out', '/sign-out-everywhere']));
    expect(POST_PATHS).toContain('/rooms/sales/end');
    expect(routesOfScreen().filter(({ method }) => method !== 'GET' && method !== 'POST')).toEqual([]);
  });

  it.each(FOREIGN)('does nothing if it comes from %s', async (_from, headers) => {
    const given = headers.origin === 'HERE' ? { ...headers, origin: bench.url } : headers;
    const sent = POST_PATHS.map((path) => {
      const url = `${path}?call=${bob.sid}&mode=barge&sure=yes`;
      const form = path === '/sign-in' ? { name: 'Ted', password: PASSWORD } : { text: 'hello' };
      return [path, client.send('POST', url, { cookie: tedsCookie, headers: given, form })] as const;
    });
    const isRefused = ({ status, text, headers: got }: PageReply) =>
      status === 403 && text.includes(english.errors.crossSite) && got['set-cookie'] === undefined;
    expect(await wrongAnswers(sent, isRefused)).toEqual([]);
    expect(changes).toEqual([]);
    const { status } = await client.send('GET', '/', { cookie: tedsCookie });
    expect(status).toBe(200);
  });

  it('is what it was refused for: the same one of our own page is obeyed', async () => {
    const path = `/rooms/sales/mute?call=${bob.sid}`;
    const { status, headers } = await client.send('POST', path, { cookie: tedsCookie, form: {} });
    expect([status, saidIn(headers.location)]).toEqual([303, 'mute']);
    expect(changes).toMatchObject([{ form: { Muted: 'true' } }]);
  });

  it.each<[string, (cookie: string) => string | undefined | Promise<string>]>([
    ['no cookie', () => undefined],
    ['an empty one', () => 'session='],
    ['another signature', (cookie) => `${cookie.slice(0, -4)}AAAA`],
    ['no signature', (cookie) => cookie.replace('s%3A', '').replace(/\.[^.]*$/, '')],
    ['the session of somebody else’s making', () => 'session=s%3Aowner.secret.signature'],
    ['a cookie that is too long', () => `session=s%3A${'a'.repeat(8_000)}`],
    [
      'a cookie of another server',
      async () =>
        createPageClient((await startTestBench({ env: rosterSettings({ supervisors: [TED_LISTED] }) })).url).enter(
          'Ted',
        ),
    ],
    [
      'a cookie that was signed out',
      async (cookie) => {
        await client.send('POST', '/sign-out', { cookie, form: {} });
        return cookie;
      },
    ],
  ])('is from nobody with %s', async (_what, change) => {
    const cookie = await change(tedsCookie);
    const sent = [
      ...GET_PATHS.map((path) => ['GET', path] as const),
      ...POST_PATHS.filter((path) => path.startsWith('/rooms/')).map((path) => ['POST', path] as const),
    ].map(([method, path]) => {
      const url = method === 'GET' ? path : `${path}?call=${bob.sid}&mode=barge&sure=yes`;
      return [`${method} ${path}`, client.send(method, url, { cookie })] as const;
    });
    const isSentAway = ({ status, headers, text }: PageReply) =>
      status === 303
        ? (headers.location ?? '').startsWith('/sign-in')
        : [200, 404, 401].includes(status) && !text.includes('sales') && !text.includes('Alice');
    expect(await wrongAnswers(sent, isSentAway)).toEqual([]);
    expect(await client.listen('/live', cookie, 'signed-out')).toMatch(/^event: signed-out\n/);
    const asScript = { cookie, headers: { ...SAME_ORIGIN, accept: 'application/json' } };
    expect(await client.send('POST', '/rooms/sales/end?sure=yes', asScript)).toMatchObject({ status: 401 });
    expect(changes).toEqual([]);
  });

  it('is from nobody with a session that was not used for 8 hours', async () => {
    const clock = { now: Date.now() };
    const app = await startApp({
      env: { PUBLIC_URL: 'http://localhost' },
      now: () => clock.now,
      people: { supervisors: [TED_LISTED] },
    });
    try {
      const own = createPageClient(app.url);
      const cookie = await own.enter('Ted');
      expect((await own.send('GET', '/', { cookie })).status).toBe(200);
      clock.now += 8 * 3_600_000;
      expect((await own.send('GET', '/', { cookie })).headers.location).toBe('/sign-in');
    } finally {
      await app.stop();
    }
  });

  it('reaches no room that is not the supervisor’s, and shows none', async () => {
    const sent = SCREEN_ACTIONS.map((action) => {
      const path = `/rooms/support/${action}?call=${bob.sid}&mode=monitor&recording=RE1&sure=yes`;
      return [action, client.send('POST', path, { cookie: tedsCookie, form: { text: 'hello' } })] as const;
    });
    const isRefused = ({ status, headers }: PageReply) =>
      status === 303 && ['not_allowed', 'not_in_room'].includes(saidIn(headers.location) ?? '');
    expect(await wrongAnswers(sent, isRefused)).toEqual([]);
    expect(changes).toEqual([]);
    const page = await client.send('GET', '/', { cookie: tedsCookie });
    const stream = await client.listen('/live', tedsCookie, '"you"');
    for (const text of [page.text, stream]) {
      expect(text).toContain('sales');
      expect(text).not.toContain('support');
    }
  });

  it.each(['end', 'remove', 'stop'])(
    'asks no question about a room that is not the supervisor’s: %s',
    async (action) => {
      const path = `/rooms/support/${action}?call=${bob.sid}&recording=RE1`;
      const { text } = await client.send('POST', path, { cookie: tedsCookie, form: {} });
      expect(text).not.toContain('***1111');
    },
  );

  it.each<[string, () => string, string]>([
    ['another supervisor’s', () => carol.sid, 'not_allowed'],
    ['a customer’s', () => bob.sid, 'not_allowed'],
    ['nobody’s', () => 'CA-nobody', 'not_in_room'],
    ['no possible', () => '../../../Calls/x', 'other'],
    ['no', () => '', 'other'],
  ])('changes the mode of %s call for nobody, and ends it for nobody', async (_whose, callSid, said) => {
    const call = encodeURIComponent(callSid());
    const paths = [`/rooms/sales/mode?call=${call}&mode=barge`, `/rooms/sales/leave?call=${call}`];
    for (const path of paths) {
      const { headers } = await client.send('POST', path, { cookie: tedsCookie, form: {} });
      expect([path, saidIn(headers.location)]).toEqual([path, said]);
    }
    expect(changes).toEqual([]);
    expect(bench.hears()).toMatchObject({ Ted: ['Alice', 'Bob'], Carol: ['Alice', 'Bob'] });
  });

  it.each<[string, string, Parameters<PageClient['send']>[2], number]>([
    ['a body that is too large', '/rooms/sales/note', { form: { text: 'a'.repeat(100_000) } }, 413],
    ['a sign-in that is too large', '/sign-in', { form: { name: 'Ted', password: 'a'.repeat(100_000) } }, 413],
    ['more fields than any form has', '/rooms/sales/note', { form: 'a=1&'.repeat(50) }, 413],
    ['half a percent sign', '/rooms/sales/note', { form: 'text=%E0%A4%A' }, 303],
    ['a room of half a percent sign', '/rooms/%E0%A4%A/note', { form: {} }, 400],
    ['a room that cannot be', '/rooms/100%25/note', { form: {} }, 404],
    ['a room that climbs', '/rooms/..%2f..%2fsign-out/note', { form: {} }, 404],
    ['an action that is none', '/rooms/sales/constructor', { form: {} }, 404],
    ['another spelling', '/ROOMS/sales/mute', { form: {} }, 404],
    ['a page that is none', '/nothing', { form: {} }, 404],
  ])('gets a sentence, and no more: %s', async (_what, path, options, status) => {
    const reply = await client.send('POST', path, { cookie: tedsCookie, ...options });
    expect([path, reply.status, reply.text.slice(0, 300)]).toEqual([path, status, expect.anything()]);
    expect(reply.text).not.toMatch(SECRETS);
    expect(reply.text).not.toContain('Error');
    if (status >= 400) {
      expect(reply.text).toMatch(/(?:There is no such page|This request could not be read|Not found)\./);
    }
    expect(changes).toEqual([]);
  });

  it('does no more with repeated and unknown parameters than with the first known ones', async () => {
    const twice = `/rooms/sales/mute?call=${bob.sid}&call=${carol.sid}`;
    const { headers } = await client.send('POST', twice, { cookie: tedsCookie, form: {} });
    expect(saidIn(headers.location)).toBe('other');
    expect(changes).toEqual([]);
    const unknown = `/rooms/sales/mute?call=${bob.sid}&__proto__=x&constructor[a]=b&muted=false&actor=Alice`;
    await client.send('POST', unknown, { cookie: tedsCookie, form: 'muted=false&call=x&__proto__[a]=b' });
    expect(changes).toMatchObject([{ form: { Muted: 'true' } }]);
  });

  it.each([
    '<script>alert(1)</script>',
    '__proto__',
    'toString',
    'constructor',
    '%00',
    'other%0aSet-Cookie:x',
    'a'.repeat(200),
  ])('shows nothing of what it claims was said: %j', async (said) => {
    const path = `/?said=${encodeURIComponent(said)}&at=${Date.now()}`;
    const { status, text } = await client.send('GET', path, { cookie: tedsCookie });
    expect(status).toBe(200);
    expect(text).toMatch(/<div id="news" role="status" aria-live="polite" class><\/div>/);
  });

  it('gets no page into its answer that leads elsewhere', async () => {
    const next = '"><script>alert(1)</script>';
    const { text } = await client.send('GET', `/sign-in?${new URLSearchParams({ next: `/${next}` })}`);
    expect(text).not.toContain('<script>alert');
  });

  it('is answered with the policy, and nothing to be stored, also by every error', async () => {
    const html = [
      ...GET_PATHS.map((path) => client.send('GET', path, { cookie: tedsCookie })),
      ...GET_PATHS.map((path) => client.send('GET', path)),
      ...POST_PATHS.map((path) => client.send('POST', path, { cookie: tedsCookie, headers: {}, form: {} })),
      client.send('POST', '/sign-in', { form: { name: 'Ted', password: 'wrong' } }),
      client.send('POST', '/sign-in', { form: {} }),
      client.send('POST', '/sign-in', { form: { name: 'Ted', password: 'a'.repeat(100_000) } }),
      client.send('POST', `/rooms/sales/end`, { cookie: tedsCookie, form: {} }),
      client.send('POST', `/rooms/a%2fb/end`, { cookie: tedsCookie, form: {} }),
    ];
    const replies = await Promise.all(html);
    for (const { headers, text } of replies) {
      const policy = headers['content-security-policy'];
      expect([text.slice(0, 100), headers['cache-control']]).toEqual([text.slice(0, 100), 'no-store']);
      expect(policy).toMatch(/default-src 'none'; script-src 'self'; style-src 'self'/);
      expect(policy).not.toContain('unsafe');
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(text).not.toMatch(SECRETS);
      expect(text).not.toMatch(/ style=| on[a-z]+=/);
    }
    const types = replies.map(({ headers }) => String(headers['content-type'])).filter((type) => type.includes('html'));
    expect(types.length).toBeGreaterThan(POST_PATHS.length);
    const [asset = ''] = /\/assets\/[^"]+\.js/.exec((await client.send('GET', '/', { cookie: tedsCookie })).text) ?? [];
    const { headers } = await client.send('GET', asset);
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
  });

  it('finds no whole number, PIN or secret address in any page or stream', async () => {
    await client.send('POST', '/rooms/sales/record', { cookie: tedsCookie, form: {} });
    // The sweep has looked their numbers up.
    await eventually(async () => {
      expect((await client.send('GET', '/', { cookie: tedsCookie })).text).toContain('***1111');
    });
    const texts = await Promise.all([
      ...GET_PATHS.map(async (path) => (await client.send('GET', path, { cookie: tedsCookie })).text),
      client.listen('/live', tedsCookie, '"you"'),
    ]);
    for (const text of texts) {
      expect(text).not.toMatch(SECRETS);
    }
  });
});

describe('hostile names', () => {
  let browser: TestBrowser;
  beforeAll(async () => {
    browser = await openBrowser();
  });

  /** What makes the page wider than the window, or is cut off by it. It runs in the page. */
  const TOO_WIDE = `[...document.querySelectorAll('html, main *:not(.hidden)')]
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 || (one.tagName === 'HTML' && one.scrollWidth > innerWidth))
    .map((one) => one.outerHTML.slice(0, 120))`;

  /** As wide as a name may be, and without a place to break it. */
  const WIDE = 'W'.repeat(64);

  it('break neither page nor card, and their buttons work', async () => {
    const [hebrew, quoted] = [`אליס (${'ש'.repeat(40)})`, `O’Alice, 'the' (2nd)`];
    const numbers = { [WIDE]: '+15550005551', [hebrew]: '+15550005552', [quoted]: '+15550005553' };
    const { bench, signIn } = await startScreenBench(browser, {
      env: rosterSettings({
        moderators: [...Object.entries(numbers).map(([name, number]) => ({ name, number })), ALICE_LISTED],
        supervisors: [TED_LISTED],
      }),
    });
    const page = await signIn({ width: 375 });
    for (const [room, agent, from] of [
      ['sales', WIDE, 'sip:<img src=x onerror=alert(1)>@<b>evil.example'],
      [WIDE, hebrew, `sip:"' onfocus='alert(1)@evil.example`],
      ['sales . .. -_ x', quoted, 'sip:\u202e\u2066abc@evil.example'],
    ] as const) {
      const path = encodeURIComponent(room);
      await bench.call('Bob', `/conference/${path}`, { from });
      await bench.call('Alice', `/conference/${path}`, { from: numbers[agent] ?? '' });
      const ted = await bench.call('Ted', `/coach/${path}?mode=coach`);
      const card = page.locator(`article[data-room="${room}"]`);
      await card.locator('li.supervisor .hearing.coach:not(.open)').waitFor();
      await page.locator('#you .presence[data-heard="coach"]').waitFor();
      await card.locator('summary').click();
      expect(await card.locator('li.moderator .who').textContent()).toContain(agent);
      expect(await card.locator('img, b, [onerror], [onfocus]').count()).toBe(0);
      expect(await page.evaluate(TOO_WIDE)).toEqual([]);
      await card.getByRole('button', { name: 'Record' }).click();
      await card.locator('.recording.running').waitFor();
      await bench.hangUp(ted);
      // No card appears while somebody is about to use the others.
      await page.mouse.move(0, 0);
      await page.evaluate('document.activeElement.blur()');
    }
    expect(page.problems).toEqual([]);
  });
});
