import { describe, expect, it } from '@jest/globals';
import {
  type AuditRow,
  matchesRow,
  type RowFilter,
  type RowPageOptions,
  readRefusalRows,
  readRowPage,
  toStayRow,
} from '../../src/dashboard/audit-rows';
import type { Fact } from '../../src/rooms/fact';
import type { FeedStart } from '../../src/rooms/room-storage';
import { type AuditRecord, readStays, toRecord } from '../../src/supervision/trail';
import { csvHeader, csvLine, STAY_COLUMNS } from '../../src/supervision/trail-csv';
import { roomNamed, sid } from '../support/room-stores';

const START = Date.parse('2026-11-25T08:00:00.000Z');

const lineOf = (kind: Fact['kind'], seconds: number, call: string, given: Partial<Fact> = {}): AuditRecord =>
  toRecord({
    kind,
    at: START + seconds * 1_000,
    source: 'callback',
    room: roomNamed('sales'),
    role: 'supervisor',
    callSid: sid(call),
    stayNumber: 1,
    name: 'Ted',
    address: '***2222',
    mode: 'coach',
    heard: 'coach',
    target: sid('alice-1'),
    moderatorName: 'Alice',
    callers: [],
    ...given,
  });

/** A stay of 10 s. */
const stayOf = (call: string, from: number, given: Partial<Fact> = {}) => [
  lineOf('arrived', from, call, { source: 'webhook', ...given }),
  lineOf('joined', from + 1, call, given),
  lineOf('left', from + 10, call, { since: START + (from + 1) * 1_000, ...given }),
];

const action = (seconds: number, given: Partial<Fact> = {}) =>
  lineOf('action', seconds, 'bob-1', { role: 'caller', action: 'mute', by: 'Carol', status: 'confirmed', ...given });

/** A feed of these lines, and how many of them the latest page read. */
function feedOf(lines: readonly AuditRecord[]) {
  const feed = {
    lines: 0,
    read: undefined as unknown as (from: FeedStart) => AsyncGenerator<{ record: AuditRecord; position: string }>,
  };
  feed.read = async function* (from) {
    feed.lines = 0;
    const first = 'after' in from ? Number(from.after.slice(1)) : 0;
    for (const [index, record] of lines.entries()) {
      if (index >= first) {
        feed.lines++;
        yield { record, position: `p${index + 1}` };
      }
    }
  };
  return feed;
}

async function allPages(
  lines: readonly AuditRecord[],
  {
    filter = {},
    limit = 100,
    maxLines = 100,
    maxEarlyLines = 1_000,
    isMeant = () => true,
  }: Partial<Pick<RowPageOptions, 'filter' | 'limit' | 'maxLines' | 'maxEarlyLines' | 'isMeant'>>,
) {
  const feed = feedOf(lines);
  const pages: AuditRow[][] = [];
  let most = 0;
  let cursor: string | undefined;
  do {
    const { read } = feed;
    const page = await readRowPage({ read, since: START, cursor, filter, isMeant, limit, maxLines, maxEarlyLines });
    pages.push(page.rows);
    most = Math.max(most, feed.lines);
    cursor = page.next;
  } while (cursor !== undefined && pages.length < 100);
  return { pages, rows: pages.flat(), most };
}

const nameOf = (row: AuditRow) =>
  row.kind === 'stay' ? `${row.callSid} ${row.start?.slice(17, 19)}` : row.record.action;

describe('rows of the audit page', () => {
  const lines = [
    ...stayOf('ted-1', 0),
    action(11),
    lineOf('arrived', 12, 'ted-2', { source: 'webhook' }),
    lineOf('joined', 13, 'ted-2'),
    ...stayOf('ted-3', 14),
    action(30, { action: 'hold' }),
    lineOf('left', 40, 'ted-2', { since: START + 13_000 }),
    lineOf('arrived', 50, 'ted-4', { source: 'webhook' }),
  ];

  it('are stays when they end, and actions; open stays come last', async () => {
    const { rows } = await allPages(lines, {});
    expect(rows.map(nameOf)).toEqual(['ted-1 01', 'mute', 'ted-3 15', 'hold', 'ted-2 13', 'ted-4 undefined']);
  });

  it.each([
    [1, 100],
    [2, 100],
    [100, 8],
    [1, 12],
  ])('are the same in pages of %i rows or %i lines, and no page reads more', async (limit, maxLines) => {
    const { rows, most, pages } = await allPages(lines, { limit, maxLines });
    expect(new Set(rows.map(nameOf))).toEqual(
      new Set(['ted-1 01', 'mute', 'ted-3 15', 'hold', 'ted-2 13', 'ted-4 undefined']),
    );
    expect(rows.filter((row) => row.kind === 'line')).toHaveLength(2);
    expect(most).toBeLessThanOrEqual(maxLines);
    expect(pages.length).toBeGreaterThan(1);
  });

  it('have nothing of what the reader may not see, which counts as read', async () => {
    const hidden = Array.from({ length: 30 }, (_, index) => action(index, { room: roomNamed('support') }));
    const isMeant = ({ room }: AuditRecord) => room === 'sales';
    const { rows, most } = await allPages([...hidden, ...lines], { isMeant, maxLines: 10 });
    expect(new Set(rows.map((row) => (row.kind === 'stay' ? row.room : row.record.room)))).toEqual(new Set(['sales']));
    expect(most).toBeLessThanOrEqual(10);
  });

  it('of a stay that is longer than a page are shown as it was known, and again at its end', async () => {
    const actions = Array.from({ length: 40 }, (_, index) => action(20 + index));
    const long = [...stayOf('ted-1', 0).slice(0, 2), ...actions, ...stayOf('ted-1', 0).slice(2)];
    const { rows, pages } = await allPages(long, { maxLines: 10 });
    const stays = rows.filter((row) => row.kind === 'stay');
    expect(stays.map(({ start, end }) => [start !== undefined, end !== undefined])).toEqual([
      [true, false],
      [true, true],
    ]);
    expect(rows.filter((row) => row.kind === 'line')).toHaveLength(40);
    expect(pages.length).toBeLessThan(15);
  });

  describe('from a time on, after pages of earlier lines', () => {
    const early = Array.from({ length: 60 }, (_, index) => action(20 + index));
    const long = [
      ...stayOf('ted-1', 0).slice(0, 2),
      ...stayOf('ted-2', 10).slice(0, 2),
      ...early,
      lineOf('left', 90, 'ted-1', { since: START + 1_000 }),
      action(100),
      ...Array.from({ length: 30 }, (_, index) => action(101 + index)),
      lineOf('left', 140, 'ted-2', { since: START + 11_000 }),
    ];
    const filter = { from: START + 100_000 };

    it('have no stay that ended before, and all of one that goes on', async () => {
      const { rows, pages } = await allPages(long, { filter, maxLines: 10 });
      const stays = rows.filter((row) => row.kind === 'stay');
      expect(new Set(stays.map(nameOf))).toEqual(new Set(['ted-2 11']));
      expect(stays[0]).toMatchObject({ startKnown: 'callback', end: undefined, reached: 'coach' });
      expect(rows.filter((row) => row.kind === 'line')).toHaveLength(31);
      expect(pages.length).toBeGreaterThan(3);
    });

    it('are read in bounded pages', async () => {
      const { rows, most } = await allPages(long, { filter, maxLines: 10, maxEarlyLines: 20 });
      expect(rows.filter((row) => row.kind === 'line')).toHaveLength(31);
      expect(most).toBeLessThanOrEqual(30);
    });
  });

  it.each(['', '1', '1~after~', '51~after~p1', '-1~after~p1', '1~since~x', '1~after~p 1'])(
    'of the cursor %j are refused',
    async (cursor) => {
      const { read } = feedOf(lines);
      const page = readRowPage({
        read,
        since: START,
        cursor,
        filter: {},
        isMeant: () => true,
        limit: 10,
        maxLines: 100,
        maxEarlyLines: 1_000,
      });
      await expect(page).rejects.toThrow(RangeError);
    },
  );

  const SECONDS = (seconds: number) => START + seconds * 1_000;
  it.each<[string, RowFilter, string[]]>([
    ['a supervisor, whatever the case', { person: 'ted' }, ['ted-1 01', 'ted-3 15', 'ted-2 13', 'ted-4 undefined']],
    ['a masked number', { person: '***2222', until: SECONDS(5) }, ['ted-1 01', 'ted-4 undefined']],
    ['who requested', { person: 'Carol' }, ['mute', 'hold']],
    ['an agent', { agent: 'Bob' }, []],
    ['a room', { room: 'support' }, []],
    ['a mode', { reached: 'coach' }, ['ted-1 01', 'ted-3 15', 'ted-2 13']],
    ['another mode', { reached: 'barge' }, []],
    ['unconfirmed', { isConfirmed: false }, ['ted-4 undefined']],
    ['a time', { from: SECONDS(11), until: SECONDS(12) }, ['mute', 'ted-4 undefined']],
    ['a text', { text: 'TED-3' }, ['ted-3 15']],
    ['a text of an action', { text: 'hol' }, ['hold']],
  ])('are those of %s', async (_what, filter, names) => {
    const { rows } = await allPages(lines, { filter });
    expect(rows.map(nameOf)).toEqual(names);
  });

  it('of refusals are the latest', async () => {
    async function* refusals(): AsyncGenerator<AuditRecord> {
      for (let second = 0; second < 5; second++) {
        yield { at: new Date(SECONDS(second)).toISOString(), kind: 'refused', reason: 'wrong-pin', number: '***2222' };
      }
    }
    const rows = await readRefusalRows(refusals(), { text: 'wrong' }, 2);
    expect(rows.map(({ record }) => record.at.slice(17, 19))).toEqual(['03', '04']);
    expect(await readRefusalRows(refusals(), { text: 'other' }, 2)).toEqual([]);
  });

  it('tell the loudest mode that was reached, and whether the latest one is confirmed', async () => {
    const changed = [
      ...stayOf('ted-1', 0).slice(0, 2),
      lineOf('mode', 5, 'ted-1', { mode: 'barge', heard: 'barge' }),
      lineOf('mode', 6, 'ted-1', { mode: 'monitor', heard: 'unknown' }),
    ];
    const { rows } = await allPages(changed, {});
    expect(rows).toEqual([expect.objectContaining({ reached: 'barge', isConfirmed: false })]);
  });

  it.each<[string, string, boolean, ...Partial<Fact>[]]>([
    ['coached all the time', 'coach', false, { heard: 'coach' }],
    ['talked to everyone, and coached again', 'barge', true, { mode: 'barge', heard: 'barge' }, {}],
    ['may have talked to everyone', 'coach', true, { mode: 'barge', heard: 'unknown' }, {}],
    ['may have listened, without a report', 'coach', false, { mode: 'monitor', heard: 'unknown' }],
  ])('of somebody who %s tell of a part of the stay: %s, %s', async (_who, reached, isPartial, ...changes) => {
    const modes = changes.map((change, index) => lineOf('mode', 5 + index, 'ted-1', change));
    const { rows } = await allPages([...stayOf('ted-1', 0).slice(0, 2), ...modes], {});
    expect(rows).toEqual([expect.objectContaining({ reached, isPartial })]);
  });

  it.each<[string, boolean, ...Partial<Fact>[]]>([
    ['a coach on the right call', true, {}],
    ['a coach on the wrong call', false, { target: sid('bob-1'), coachesWrongCall: true }],
    ['a second request to coach', false, { source: 'api' }],
    ['a second request to coach, and a report after it', true, { source: 'api' }, { source: 'rest' }],
    ['a listener', true, { mode: 'monitor', heard: 'monitor' }],
    [
      'a second request to listen',
      true,
      { mode: 'monitor', heard: 'monitor' },
      { source: 'api', mode: 'monitor', heard: 'monitor' },
    ],
    [
      'a second request to listen without a report',
      false,
      { source: 'api', mode: 'monitor', heard: 'coach' },
      { source: 'api', mode: 'monitor', heard: 'coach' },
    ],
    [
      'somebody muted whose request to talk to everyone failed',
      false,
      { source: 'api', mode: 'barge', heard: 'coach' },
      { mode: 'barge', heard: 'monitor' },
      { source: 'api', mode: 'monitor', heard: 'monitor', reason: 'timeout' },
    ],
  ])('of %s have confirmed %s', async (_who, isConfirmed, ...changes) => {
    const modes = changes.map((change, index) => lineOf('mode', 5 + index, 'ted-1', change));
    const { rows } = await allPages([...stayOf('ted-1', 0).slice(0, 2), ...modes], {});
    expect(rows).toEqual([expect.objectContaining({ isConfirmed })]);
  });
});

it('a text is found as it is shown, and as it is in the CSV', () => {
  const row = {
    kind: 'line',
    record: lineOf('action', 1, 'bob-1', { action: 'remove', status: 'confirmed' }),
  } as const;
  const wordsOf = () => 'entfernen, bestätigt';
  const texts = ['Entfernen', 'bestätigt', 'remove', 'bob-1', 'stumm'];
  expect(texts.filter((text) => matchesRow(row, { text, wordsOf }))).toEqual(texts.slice(0, 4));
});

describe('CSV', () => {
  async function csvOf(name: string): Promise<string> {
    for await (const stay of readStays(oneByOne(stayOf('ted-1', 0, { name })))) {
      expect(matchesRow(toStayRow(stay), {})).toBe(true);
      return csvLine(stay, STAY_COLUMNS);
    }
    return '';
  }

  async function* oneByOne(records: readonly AuditRecord[]): AsyncGenerator<AuditRecord> {
    yield* records;
  }

  it.each([
    ['=HYPERLINK("x")', `"'=HYPERLINK(""x"")",`],
    ['+1', `'+1,`],
    ['-1', `'-1,`],
    ['@SUM(A1)', `'@SUM(A1),`],
    [' =1', `' =1,`],
    ['\t=1', `'\t=1,`],
    ['＝1', `'＝1,`],
    ['Ted', 'Ted,'],
    ['T=ed', 'T=ed,'],
  ])('of %j holds no formula', async (name, cell) => {
    expect((await csvOf(name)).startsWith(cell)).toBe(true);
  });

  it('has a header', () => {
    expect(csvHeader(['a', 'b'])).toBe('a,b\r\n');
  });
});
