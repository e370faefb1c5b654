import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import express from 'express';
import { pino } from 'pino';
import { h } from 'preact';
import { renderToStaticMarkup } from 'preact-render-to-string';
import { createTrailReader, type TrailLine } from '../../src/api/trail-reader';
import { english } from '../../src/dashboard/texts-en';
import { createTrailPages } from '../../src/dashboard/trail-pages';
import { setViewer, type Viewer } from '../../src/dashboard/viewer';
import type { Right } from '../../src/people/rights';
import { StoreError } from '../../src/redis/store-error';
import type { Fact } from '../../src/rooms/fact';
import type { RoomName } from '../../src/rooms/room';
import type { FeedStart } from '../../src/rooms/room-storage';
import type { RefusalEvent } from '../../src/supervision/refusals';
import { type AuditRecord, toRecord } from '../../src/supervision/trail';
import { onTestFinished } from '../support/on-test-finished';
import { roomNamed, sid } from '../support/room-stores';
import { moderator } from '../support/screen';

const START = Date.parse('2026-11-25T10:40:00.000Z');
const NOW = START + 3_600_000;
const LONGEST_CALL_MS = 14_400_000;
const [alice, bob, ted, conference] = [sid('alice-1'), sid('bob-1'), sid('ted-1'), sid('conference-1')];

const lineOf = (kind: Fact['kind'], seconds: number, given: Partial<Fact>): AuditRecord =>
  toRecord({
    kind,
    at: START + seconds * 1_000,
    source: 'callback',
    room: roomNamed('sales'),
    conferenceSid: conference,
    ...given,
  });
const agentLine = (kind: Fact['kind'], seconds: number, given: Partial<Fact> = {}) =>
  lineOf(kind, seconds, { role: 'moderator', callSid: alice, name: 'Alice', ...given });
const line = (kind: Fact['kind'], seconds: number, given: Partial<Fact> = {}) =>
  lineOf(kind, seconds, {
    role: 'supervisor',
    callSid: ted,
    stayNumber: 1,
    name: 'Ted',
    address: '***2222',
    mode: 'coach',
    heard: 'coach',
    target: alice,
    moderatorName: 'Alice',
    callers: [bob],
    ...given,
  });

/** Ted coached Alice from 10:41 to 10:43, and talked to everyone from 10:43 to 10:44. */
const CALL = [
  agentLine('joined', 0),
  line('arrived', 59, { source: 'webhook', heard: 'unknown' }),
  line('joined', 60),
  line('told', 62, { source: 'rest' }),
  lineOf('action', 90, { role: 'caller', callSid: bob, action: 'hold', by: 'supervisor Carol', status: 'confirmed' }),
  line('mode', 180, { source: 'api', mode: 'barge', by: 'supervisor Ted' }),
  line('mode', 183, { mode: 'barge', heard: 'barge' }),
  line('left', 240, { mode: 'barge', heard: 'barge', since: START + 60_000 }),
  agentLine('left', 600, { since: START }),
];

interface Options {
  lines?: readonly AuditRecord[];
  refusals?: readonly RefusalEvent[];
  rights?: Right[];
  rooms?: string[];
  role?: 'supervisor' | 'moderator';
  name?: string;
  longestCallMs?: number;
  /** Called for each line that is read. */
  onRead?: () => Promise<void>;
}

/** The pages of a server whose trail has these lines; `get` answers what a page says. */
async function start({ lines = CALL, refusals = [], role = 'supervisor', onRead, ...options }: Options = {}) {
  const reads: { from: FeedStart; room: RoomName | undefined; lines: number }[] = [];
  const trail = createTrailReader({
    async *facts(from, room): AsyncGenerator<TrailLine> {
      const reading = { from, room, lines: 0 };
      reads.push(reading);
      for (const [index, record] of lines.entries()) {
        const isMeant = 'after' in from ? index >= Number(from.after) : Date.parse(record.at) >= from.since;
        if (isMeant) {
          await onRead?.();
          reading.lines++;
          yield { record, position: String(index + 1) };
        }
      }
    },
    async *refusals() {
      yield* refusals;
    },
  });
  const { name = role === 'supervisor' ? 'Ted' : 'Alice' } = options;
  const rooms = options.rooms === undefined ? ('all' as const) : new Set(options.rooms as RoomName[]);
  const agent = role === 'moderator' ? { ...moderator({ name }), rooms } : undefined;
  const rights: ReadonlySet<Right> = new Set(role === 'moderator' ? [] : (options.rights ?? ['audit']));
  const actor = { name: `${role} ${name}`, rights, rooms };
  const app = express();
  app.use(
    createTrailPages({
      trail,
      longestCallMs: options.longestCallMs ?? LONGEST_CALL_MS,
      texts: english,
      log: pino({ level: 'silent' }),
      now: () => NOW,
      sendPage: async (_req, res, { content, status = 200 }) => {
        res
          .status(status)
          .type('html')
          .send(renderToStaticMarkup(h('main', null, content)));
      },
      sendError: async (_req, res, status, sentence) => void res.status(status).send(sentence),
      goTo: () => {},
      requireSameOrigin: (_req, _res, next) => next(),
      requireViewer(_req, res, next) {
        setViewer(res, { role, name, actor, sessionId: 'id', agent } as Viewer);
        next();
      },
    }),
  );
  const server = createServer(app).listen(0);
  await once(server, 'listening');
  onTestFinished(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  const get = async (path: string) => {
    const reply = await fetch(`http://localhost:${port}${path}`);
    const html = await reply.text();
    const text = html.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');
    return { status: reply.status, headers: reply.headers, html, text };
  };
  return { get, reads };
}

const at = (seconds: number) => new Date(START + seconds * 1_000).toISOString().slice(0, 19);
const flight = (query: string) => `/rooms/sales/flight?from=2026-11-25T10:40:00&until=2026-11-25T11:00:00&${query}`;

describe('the flight recorder', () => {
  it.each([
    [
      'call=bob-1',
      137,
      'At 2026-11-25 10:42:17 UTC the customer could not hear Ted: the Space had confirmed that only Alice heard Ted.',
    ],
    [
      'call=bob-1',
      200,
      'At 2026-11-25 10:43:20 UTC the customer could hear Ted: the Space had confirmed that everyone heard Ted.',
    ],
    [
      'call=bob-1',
      181,
      'It is not known whether the customer could hear Ted at 2026-11-25 10:43:01 UTC : a mode was requested',
    ],
    ['call=bob-1', 30, 'At 2026-11-25 10:40:30 UTC the customer could not hear Ted: Ted was not in the conference.'],
    ['call=bob-1', 300, 'At 2026-11-25 10:45:00 UTC the customer could not hear Ted: Ted had left.'],
    [
      'call=alice-1',
      137,
      'At 2026-11-25 10:42:17 UTC Alice could hear Ted: the Space had confirmed that only Alice heard Ted.',
    ],
    ['call=ted-1', 137, 'At 2026-11-25 10:42:17 UTC only Alice could hear Ted: the Space had confirmed'],
    ['conference=conference-1', 200, 'At 2026-11-25 10:43:20 UTC everyone could hear Ted: the Space had confirmed'],
    [
      'call=other-1',
      137,
      'No record of this call or conference in this room and time. Try other times; this says nothing about who was heard.',
    ],
    ['call=bob-1', 3_000, '2026-11-25 11:30:00 UTC is outside of the time that is shown.'],
    ['call=bob-1', 7_200, '2026-11-25 12:40:00 UTC is outside of the time that is shown.'],
  ])('of %s says in words who could hear whom %i s after the start', async (subject, seconds, sentence) => {
    const { get } = await start();
    const { status, text } = await get(flight(`${subject}&at=${at(seconds)}`));
    expect(status).toBe(200);
    expect(text).toContain(sentence);
  });

  it('of a call without a record answers nothing about anybody', async () => {
    const { get } = await start();
    const { text } = await get(flight(`call=other-1&at=${at(137)}`));
    expect(text).not.toContain('Ted');
  });

  it('of a mode that was too short to be dated tells when it was reported', async () => {
    const lines = [
      ...CALL.slice(0, 5),
      line('mode', 180, { source: 'api', mode: 'barge', by: 'supervisor Ted' }),
      line('mode', 180, { mode: 'barge', heard: 'barge', by: 'supervisor Ted' }),
      line('mode', 181, { source: 'api', heard: 'barge', by: 'supervisor Ted' }),
      line('mode', 181),
      line('left', 240, { since: START + 60_000 }),
      ...CALL.slice(8),
    ];
    const { text } = await (await start({ lines })).get(flight('call=bob-1'));
    expect(text).not.toContain('● EVERYONE');
    expect(text).toContain('Shorter modes are listed only under “What was done”.');
    expect(text).toContain('2026-11-25 10:43:00 UTC – SignalWire reported: heard by EVERYONE Ted');
    const { text: audit } = await (await start({ lines })).get(`/audit?person=Ted`);
    expect(audit).toContain('● at times heard by EVERYONE confirmed');
  });

  it('leads back to the audit page that it came from, through its own form and links', async () => {
    const { get } = await start();
    const back = `/audit?person=Ted&room=sales&from=${encodeURIComponent(at(0))}&cursor=0%7Esince%7E1`;
    const links = async (path: string) =>
      [...(await get(path)).html.matchAll(/href="([^"]*)"/g)].map(([, link = '']) => link.replaceAll('&amp;', '&'));
    const [recorder = ''] = (await links(back)).filter((link) => link.includes('/flight?'));
    const [audit, customer = ''] = await links(recorder);
    expect(audit).toBe(back);
    expect((await links(customer))[0]).toBe(back);
    expect((await get(recorder)).html).toContain(
      `name="audit" value="${back.slice('/audit?'.length).replaceAll('&', '&amp;')}"`,
    );
    expect((await links(flight('call=bob-1&audit=next%3D//example.com%26room%3Dsales')))[0]).toBe('/audit?room=sales');
    expect((await links(flight('call=bob-1')))[0]).toMatch(/^\/audit\?room=sales&from=2026-11-25T10%3A40%3A00&until=/);
  });

  it('says nothing of the last seconds, about which lines may still come', async () => {
    const { get } = await start();
    const recent = new Date(NOW - 2_000).toISOString();
    expect((await get(`/rooms/sales/flight?call=bob-1&at=${recent}`)).text).toContain('is too recent');
  });

  it('shows periods as a picture without styles and as a table, and what was done by whom', async () => {
    const { get } = await start();
    const { html, text } = await get(flight('call=bob-1'));
    expect(html).toMatch(/<svg x="[\d.]+%" width="[\d.]+%"/);
    expect(html).not.toContain('style=');
    expect(text).toContain(
      '2026-11-25 10:41:01 UTC 2026-11-25 10:43:00 UTC ◐ only Alice confirmed the Space reported it',
    );
    expect(text).toContain('supervisor Carol hold, confirmed Customer 1');
    expect(text).toContain('Customer 1 bob-1 (this call)');
    expect(text).toMatch(/Ted 2026-11-25 10:44:\d\d UTC – left confirmed –/);
    expect((await get(flight('call=ted-1'))).text).toContain('Ted, supervisor 2026-11-25 10:41:00 UTC (this call)');
    expect(text).toContain('supervisor Ted Talk to everyone requested Ted');
    expect(text).toContain('the agent was told of this supervisor Ted');
  });

  it('says why an action failed in the words of the audit trail', async () => {
    const failed = { action: 'mute', by: 'supervisor Ted', status: 'failed', reason: 'timeout' } as const;
    const { get } = await start({ lines: [...CALL, lineOf('action', 200, { callSid: bob, ...failed })] });
    for (const path of ['/audit', flight('call=bob-1')]) {
      expect((await get(path)).text).toContain('mute, failed: SignalWire did not answer in time');
    }
  });

  it('reads a bounded number of lines, and says after which time nothing is known', async () => {
    const many = Array.from({ length: 21_000 }, () =>
      lineOf('action', 100, { room: roomNamed('other'), action: 'end' }),
    );
    const { get, reads } = await start({ lines: [...CALL.slice(0, 5), ...many, ...CALL.slice(5)] });
    const { text } = await get(flight(`call=bob-1&at=${at(137)}`));
    expect(reads.map(({ lines }) => lines)).toEqual([20_001, 20_001, 20_001]);
    expect(text).toContain('nothing after 2026-11-25 10:41:40 UTC is shown');
    expect(text).toContain('It is not known who could hear whom at 2026-11-25 10:42:17 UTC');
    expect(text).not.toContain('could not hear');
  });

  const LONG = [
    agentLine('joined', -3_700),
    line('arrived', -3_610, { source: 'webhook', mode: 'barge', heard: 'unknown' }),
    line('joined', -3_600, { mode: 'barge', heard: 'barge' }),
  ];

  it('names who came long before the time and is still there', async () => {
    const { get, reads } = await start({ lines: LONG });
    const { text } = await get(`/rooms/sales/flight?call=bob-1&from=${at(300)}&until=${at(900)}&at=${at(400)}`);
    expect(text).toContain('At 2026-11-25 10:46:40 UTC the customer could hear Ted');
    expect(text).not.toContain('was read');
    expect(reads).toMatchObject([{ from: { since: START + 300_000 - LONGEST_CALL_MS } }]);
  });

  it('looks back less if there is too much to read, and says from when', async () => {
    const old = Array.from({ length: 21_000 }, () =>
      lineOf('action', -7_200, { room: roomNamed('other'), action: 'end' }),
    );
    const { get } = await start({ lines: [...old, ...LONG, ...CALL] });
    const { text } = await get(flight(`call=bob-1&at=${at(200)}`));
    expect(text).toContain('supervisors who came before 2026-11-25 09:40:00 UTC may be missing');
    expect(text).toContain('At 2026-11-25 10:43:20 UTC the customer could hear Ted');
    expect(text).not.toContain('is shown. Choose');
  });

  it('does not say that somebody is still there whose end was not read', async () => {
    const many = Array.from({ length: 21_000 }, () =>
      lineOf('action', 1_300, { room: roomNamed('other'), action: 'end' }),
    );
    const { get } = await start({ lines: [...LONG, ...many] });
    const { text } = await get(flight('call=bob-1'));
    expect(text).toContain('Ted 2026-11-25 09:40:01 UTC not known ● EVERYONE inferred');
    expect(text).not.toContain('There are more lines');
    expect((await (await start({ lines: LONG })).get(flight('call=bob-1'))).text).toContain('09:40:01 UTC still ●');
  });

  it.each(['', 'call=a b', 'call=bob-1&conference=conference-1', 'call=bob-1&at=soon', 'call=bob-1&from=1h&until=2h'])(
    'refuses the query %j',
    async (query) => {
      const { get } = await start();
      expect((await get(`/rooms/sales/flight?${query}`)).status).toBe(400);
    },
  );

  it.each<[string, Options]>([
    ['somebody without the right', { rights: ['see'] }],
    ['an agent', { role: 'moderator' }],
    ['somebody with other rooms', { rooms: ['support'] }],
  ])('is closed to %s, and nothing is read', async (_who, options) => {
    const { get, reads } = await start(options);
    const { status, text } = await get(flight('call=bob-1'));
    expect(status).toBe(403);
    expect(text).not.toContain('Alice');
    expect(reads).toEqual([]);
  });
});

describe('an agent’s page', () => {
  it('tells who listened, how, for how long, and of notices', async () => {
    const { get } = await start({ role: 'moderator' });
    const { text } = await get('/mine');
    expect(text).toMatch(/Ted 2026-11-25 10:41:00 UTC 3:00 sales ● everyone heard them 0:5\d ◐ you heard them 1:5\d/);
    expect(text).toContain('not all of it is confirmed');
    expect(text).toContain('yes, at 2026-11-25 10:41:02 UTC');
    expect(text).toContain('What this page does not know');
    expect(text).not.toMatch(/\*\*\*|bob-1|ted-1/);
  });

  it('has nothing of other agents', async () => {
    const { get } = await start({ role: 'moderator', name: 'Carol' });
    const { text } = await get('/mine');
    expect(text).toContain('The trail has no supervisor in your calls in this time.');
    expect(text).not.toMatch(/Ted|Alice/);
  });

  it('reads only the parts of the store that have the agent’s rooms', async () => {
    const { get, reads } = await start({ role: 'moderator', rooms: ['support', 'sales'] });
    expect((await get('/mine')).text).toContain('Ted');
    expect(reads.map(({ room }) => room)).toEqual(['support', 'sales']);
  });

  it('is shorter if there is too much to read, has the latest, and leads to what was earlier', async () => {
    const old = Array.from({ length: 11_000 }, () =>
      lineOf('action', -7_200, { room: roomNamed('other'), action: 'end' }),
    );
    const { get } = await start({ role: 'moderator', lines: [...old, ...CALL] });
    const { text, html } = await get('/mine');
    expect(text).not.toContain('There were more lines');
    const [, next = ''] = /href="(\/mine[^"]*)"/.exec(html) ?? [];
    expect(text + (await get(next)).text).toContain('Ted');
  });

  it('follows stays to their ends, also on older pages', async () => {
    const [joined, left] = [-200_000, -178_400];
    const given = { mode: 'monitor', heard: 'monitor' } as const;
    const lines = [
      line('arrived', joined, { source: 'webhook', ...given }),
      line('joined', joined, given),
      line('left', left, { ...given, since: START + joined * 1_000 }),
      ...CALL,
    ];
    const { get } = await start({ role: 'moderator', lines, longestCallMs: 8 * 3_600_000 });
    const { text } = await get(`/mine?until=${at(joined + 60)}`);
    expect(text).toMatch(/Ted 2026-11-23 03:06:40 UTC 6:00:00 sales ○ nobody heard them 6:00:00 confirmed by/);
    const { text: open } = await (await start({ role: 'moderator', lines: lines.slice(0, 2) })).get('/mine');
    expect(open).toMatch(
      /since 2026-11-23 \S+ UTC , not known until when sales ○ nobody heard them 4:00:0\d not all of it is confirmed/,
    );
  });

  it('is not for supervisors who are no agents', async () => {
    const { get } = await start();
    const { status, text } = await get('/mine');
    expect([status, text]).toEqual([403, expect.stringContaining('This page is for agents.')]);
  });

  it.each(['until=soon', 'until=1h&until=2h'])('refuses %s', async (query) => {
    const { get } = await start({ role: 'moderator' });
    expect((await get(`/mine?${query}`)).status).toBe(400);
  });
});

describe('the audit page', () => {
  const stays = Array.from({ length: 250 }, (_, index) => {
    const given = { callSid: sid(`ted-${index}`), stayNumber: 1 };
    return [line('joined', index, given), line('left', index, { ...given, since: START })];
  }).flat();

  it('has a hundred rows, and a link to more until all were shown', async () => {
    const { get, reads } = await start({ lines: stays });
    const shown: string[] = [];
    let path: string | undefined = '/audit?person=Ted';
    while (path !== undefined) {
      const { html } = await get(path);
      shown.push(...(html.match(/call=ted-\d+/g) ?? []));
      path = /href="([^"]*)" rel="next"/.exec(html)?.[1]?.replaceAll('&amp;', '&');
    }
    expect(new Set(shown).size).toBe(250);
    expect(shown).toHaveLength(250);
    expect(reads).toHaveLength(3);
  });

  it.each(['/audit', '/audit.csv'])('has who came earlier and is still there, or was: %s', async (path) => {
    const { get, reads } = await start({ lines: CALL.filter(({ kind }) => kind !== 'left') });
    expect((await get(`${path}?from=${at(1_800)}&person=Ted`)).html).toContain('ted-1');
    expect(reads).toMatchObject([{ from: { since: START + 1_800_000 - LONGEST_CALL_MS } }]);
    const { get: getAfter } = await start();
    expect((await getAfter(`${path}?from=${at(230)}&person=Ted`)).html).toContain('ted-1');
    expect((await getAfter(`${path}?from=${at(250)}&person=Ted`)).html).not.toContain('ted-1');
  });

  it('reads on while it has no row, a bounded number of lines', async () => {
    const others = (count: number) =>
      Array.from({ length: count }, () => lineOf('action', 0, { room: roomNamed('other'), action: 'end' }));
    const { get, reads } = await start({ lines: [...others(19_000), ...CALL], rooms: ['sales'] });
    expect((await get(`/audit?from=${at(0)}`)).html).toContain('ted-1');
    expect(reads.map(({ lines }) => lines)).toEqual([5_000, 5_000, 5_000, 4_000 + CALL.length]);
    const { get: getMore, reads: moreReads } = await start({ lines: [...others(25_000), ...CALL], rooms: ['sales'] });
    const { html, text } = await getMore(`/audit?from=${at(0)}`);
    expect(text).toContain(english.trail.audit.noneYet);
    expect(moreReads).toHaveLength(4);
    const [, next = ''] = /href="([^"]*)" rel="next"/.exec(html) ?? [];
    expect((await getMore(next.replaceAll('&amp;', '&'))).html).toContain('ted-1');
  });

  it.each(['/audit', '/audit.csv'])('has nobody who left before, however much happened since: %s', async (path) => {
    const others = Array.from({ length: 6_000 }, () =>
      lineOf('action', 200, { room: roomNamed('other'), action: 'end' }),
    );
    const { get } = await start({ lines: [...CALL.slice(0, 7), ...others, ...CALL.slice(7)] });
    expect((await get(`${path}?from=${at(230)}&person=Ted`)).html).toContain('ted-1');
    expect((await get(`${path}?from=${at(250)}&person=Ted`)).html).not.toContain('ted-1');
  });

  it('leads to the last hour, with the same filters', async () => {
    const { get } = await start({ lines: stays });
    const { html } = await get(`/audit?person=Ted&until=${at(60)}`);
    const [, link = ''] = /href="([^"]*)">The last hour/.exec(html) ?? [];
    expect(link.replaceAll('&amp;', '&')).toBe('/audit?person=Ted&from=1h');
    expect((await get(link.replaceAll('&amp;', '&'))).status).toBe(200);
  });

  it.each<[string, Partial<Fact>, string]>([
    [
      'their own call',
      { by: 'supervisor Ted', action: 'remove' },
      'Ted, ***2222 sales – pressed Leave, confirmed Open',
    ],
    [
      'another call',
      { by: 'supervisor Carol', action: 'remove' },
      'supervisor Carol sales – remove, confirmed about Ted, ***2222',
    ],
    [
      'a call, by a program',
      { by: 'token Ted', action: 'remove' },
      'token Ted sales – remove, confirmed about Ted, ***2222',
    ],
    [
      'a customer',
      { by: 'supervisor Ted', action: 'mute', role: 'caller', address: '***1111' },
      'supervisor Ted sales – mute, confirmed about ***1111',
    ],
  ])('say who did something to %s', async (_what, given, row) => {
    const { get } = await start({ lines: [line('action', 60, { status: 'confirmed', ...given })] });
    expect((await get('/audit')).text).toContain(row);
  });

  it.each<[string, Options, string]>([
    ['a supervisor without the right', { rights: ['see'] }, english.trail.mayNotAudit],
    ['a supervisor of other rooms', { rooms: ['support'] }, english.trail.mayNotAuditRoom('sales')],
    ['an agent', { role: 'moderator' }, english.trail.notForAgents],
  ])('tell %s what to do instead', async (_who, options, sentence) => {
    const { get } = await start(options);
    for (const path of ['/audit?room=sales', '/audit.csv?room=sales', flight('call=bob-1')]) {
      expect(await get(path)).toMatchObject({ status: 403, text: sentence });
    }
  });

  it('exports all of them', async () => {
    const { get } = await start({ lines: stays });
    const { headers, html } = await get('/audit.csv');
    expect(headers.get('content-disposition')).toBe('attachment; filename=audit-2026-11-25.csv');
    expect(html.match(/^stay,/gm)).toHaveLength(250);
    expect(html).not.toContain('incomplete');
  });

  it('shows refusals without a room only to those who may audit all rooms', async () => {
    const refusals: RefusalEvent[] = [
      { id: '1', at: at(1), kind: 'sign-in-refused', reason: 'wrong-password', ip: '192.0.2.7' },
    ];
    expect((await (await start({ refusals })).get('/audit')).text).toContain('192.0.2.7');
    const { get } = await start({ refusals, rooms: ['sales'] });
    for (const path of ['/audit', '/audit.csv']) {
      expect((await get(path)).text).not.toContain('192.0.2.7');
    }
  });
});

describe('the pages of the trail', () => {
  it.each(['/audit', '/audit.csv', flight('call=bob-1')])('say that the store is away: %s', async (path) => {
    const onRead = () => Promise.reject(new StoreError('unavailable', 'away'));
    const { get } = await start({ onRead });
    expect(await get(path)).toMatchObject({ status: 503, text: english.trail.storeAway });
  });

  it('are read by two at once, and refuse those who would wait too long', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { get, reads } = await start({ onRead: () => held });
    const readers = Array.from({ length: 23 }, () => get('/audit'));
    const refused = await Promise.race(readers);
    expect(refused).toMatchObject({ status: 503, text: english.trail.busy });
    expect(refused.headers.get('retry-after')).toBe('2');
    expect(reads).toHaveLength(2);
    release();
    expect((await Promise.all(readers)).filter(({ status }) => status === 200)).toHaveLength(22);
  });
});
