import { describe, expect, it } from '@jest/globals';
import type { Fact } from '../../src/rooms/fact';
import { createMemoryRefusalStore, type RefusalEvent } from '../../src/supervision/refusals';
import { type AuditRecord, readStays, readTrail, type StayRecord, toRecord } from '../../src/supervision/trail';
import { roomNamed, sid } from '../support/room-stores';

const START = Date.parse('2026-11-25T08:00:00.000Z');
const at = (seconds: number) => new Date(START + seconds * 1_000).toISOString();

const TED = {
  room: roomNamed('sales'),
  role: 'supervisor',
  callSid: sid('ted-1'),
  stayNumber: 1,
  name: 'Ted',
  address: '***2222',
  mode: 'coach',
  heard: 'coach',
  target: sid('alice-1'),
  moderatorName: 'Alice',
  callers: [sid('bob-1')],
} as const;

/** A line of the feed about Ted, so many seconds after the start. */
function fact(kind: Fact['kind'], seconds: number, more: Partial<Fact> = {}): Fact {
  const source = kind === 'arrived' ? 'webhook' : 'callback';
  return { ...TED, kind, at: START + seconds * 1_000, source, conferenceSid: sid('cf-1'), ...more };
}

const left = (seconds: number, since: number | undefined, more: Partial<Fact> = {}) =>
  fact('left', seconds, { since: since && START + since * 1_000, ...more });

async function* fromFacts(facts: readonly Fact[]): AsyncGenerator<AuditRecord> {
  yield* facts.map(toRecord);
}

async function collect<T>(given: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of given) {
    all.push(one);
  }
  return all;
}

const rowsOf = (...facts: Fact[]): Promise<StayRecord[]> => collect(readStays(fromFacts(facts)));

describe('a line of the trail', () => {
  it('tells of a supervisor: who, whom, which caller’s call, where, how, and how it is known', () => {
    expect(toRecord(fact('joined', 2, { heard: 'unknown' }))).toEqual({
      at: at(2),
      kind: 'joined',
      role: 'supervisor',
      supervisor: 'Ted',
      number: '***2222',
      room: 'sales',
      mode: 'coach',
      heard: 'unknown',
      confirmed: false,
      moderator: 'Alice',
      callSid: 'ted-1',
      stay: 1,
      moderatorCallSid: 'alice-1',
      callerCallSids: ['bob-1'],
      conferenceSid: 'cf-1',
      source: 'callback',
    });
  });

  it.each([
    ['arrived', 'unknown', undefined],
    ['joined', 'coach', true],
    ['mode', 'monitor', false],
    ['left', 'unknown', false],
  ] as const)('of %s, heard as %s, has confirmed %s', (kind, heard, confirmed) => {
    expect(toRecord(fact(kind, 1, { heard })).confirmed).toBe(confirmed);
  });

  it('of a coach who coaches another call than they were sent to is not confirmed', () => {
    expect(toRecord(fact('mode', 1, { target: sid('bob-1'), coachesWrongCall: true })).confirmed).toBe(false);
  });

  it('tells from when until when somebody was in who left', () => {
    expect(toRecord(left(60, 2))).toMatchObject({ since: at(2), until: at(60) });
    expect(toRecord(left(60, undefined))).toMatchObject({ since: undefined, until: at(60) });
  });

  it('tells of a moderator', () => {
    const { mode, heard, target, moderatorName: moderator, callers, stayNumber: number, ...rest } = fact('joined', 1);
    expect(
      toRecord({ ...rest, role: 'moderator', callSid: sid('alice-1'), name: 'Alice', address: '***8999' }),
    ).toEqual({
      at: at(1),
      kind: 'joined',
      role: 'moderator',
      number: '***8999',
      room: 'sales',
      moderator: 'Alice',
      callSid: 'alice-1',
      moderatorCallSid: 'alice-1',
      conferenceSid: 'cf-1',
      source: 'callback',
    });
  });
});

describe('the trail', () => {
  const refused = (id: string, seconds: number): RefusalEvent => ({
    id,
    at: at(seconds),
    kind: 'refused',
    reason: 'unknown',
    number: '***1111',
    callSid: sid('bob-2'),
  });

  async function read(facts: readonly Fact[], refusals: readonly RefusalEvent[], since = 0) {
    const store = createMemoryRefusalStore();
    for (const refusal of refusals) {
      await store.add(refusal);
    }
    const rooms = {
      async *feed() {
        yield* facts.map((one, index) => ({ fact: one, position: String(index) }));
      },
    };
    return (await collect(readTrail({ rooms, refusals: store }, since))).map(({ kind, at }) => [kind, at]);
  }

  it('has what happened in rooms and who was not let in, by time', async () => {
    const facts = [fact('arrived', 1), fact('joined', 3), left(9, 3)];
    expect(await read(facts, [refused('one', 2), refused('two', 10)])).toEqual([
      ['arrived', at(1)],
      ['refused', at(2)],
      ['joined', at(3)],
      ['left', at(9)],
      ['refused', at(10)],
    ]);
  });

  it('begins at a moment, whenever its lines were written', async () => {
    const facts = [fact('joined', 1), left(2, 1), fact('arrived', 5)];
    expect(await read(facts, [refused('one', 1), refused('two', 6)], START + 5_000)).toEqual([
      ['arrived', at(5)],
      ['refused', at(6)],
    ]);
  });

  it('can be empty', async () => {
    expect(await read([], [])).toEqual([]);
  });
});

describe('a row of a stay', () => {
  it('has its modes with their times and agents, and from when until when it went on by the Space’s own dates', async () => {
    const alice = { moderator: 'Alice', moderatorCallSid: 'alice-1' };
    const carol = { moderator: 'Carol', moderatorCallSid: 'carol-1' };
    const rows = await rowsOf(
      fact('arrived', 0, { conferenceSid: undefined, callers: [], heard: 'unknown' }),
      fact('joined', 2, { callers: [], heard: 'unknown' }),
      fact('mode', 3, { source: 'rest' }),
      fact('mode', 40, { mode: 'monitor', heard: 'unknown', target: sid('carol-1'), moderatorName: 'Carol' }),
      fact('mode', 41, { mode: 'monitor', heard: 'monitor', target: sid('carol-1'), moderatorName: 'Carol' }),
      left(62, 2, {
        mode: 'monitor',
        heard: 'monitor',
        target: sid('carol-1'),
        moderatorName: 'Carol',
        source: 'webhook',
      }),
    );
    expect(rows).toEqual([
      {
        supervisor: 'Ted',
        number: '***2222',
        room: 'sales',
        moderator: 'Alice',
        start: at(2),
        end: at(62),
        duration: 60,
        modes: [
          { at: at(2), mode: 'coach', heard: 'unknown', confirmed: false, ...alice, source: 'callback' },
          { at: at(3), mode: 'coach', heard: 'coach', confirmed: true, ...alice, source: 'rest' },
          { at: at(40), mode: 'monitor', heard: 'unknown', confirmed: false, ...carol, source: 'callback' },
          { at: at(41), mode: 'monitor', heard: 'monitor', confirmed: true, ...carol, source: 'callback' },
        ],
        startKnown: 'callback',
        endKnown: 'webhook',
        callSid: 'ted-1',
        stay: 1,
        moderatorCallSid: 'alice-1',
        callerCallSids: ['bob-1'],
        conferenceSid: 'cf-1',
      },
    ]);
  });

  it('names the agent they were sent to as soon as the name is known, and no other', async () => {
    const rows = await rowsOf(
      fact('arrived', 0, { moderatorName: undefined }),
      fact('joined', 1, { moderatorName: undefined }),
      fact('mode', 2, { target: sid('carol-1'), moderatorName: 'Carol' }),
      fact('arrived', 0, { callSid: sid('ted-2'), moderatorName: undefined }),
      fact('mode', 2, { callSid: sid('ted-2') }),
    );
    expect(rows.map(({ moderatorCallSid, moderator }) => [moderatorCallSid, moderator])).toEqual([
      ['alice-1', undefined],
      ['alice-1', 'Alice'],
    ]);
  });

  it('that goes on comes last, without an end', async () => {
    const rows = await rowsOf(
      fact('arrived', 0),
      fact('joined', 1),
      fact('arrived', 2, { callSid: sid('ted-2') }),
      fact('joined', 3, { callSid: sid('ted-2') }),
      left(5, 3, { callSid: sid('ted-2') }),
    );
    expect(rows).toMatchObject([
      { callSid: 'ted-2', end: at(5), duration: 2 },
      { callSid: 'ted-1', start: at(1), end: undefined, endKnown: undefined, duration: undefined },
    ]);
  });

  it('who hung up before they were in never started', async () => {
    expect(await rowsOf(fact('arrived', 0), left(3, undefined))).toMatchObject([
      { start: undefined, startKnown: 'never', end: at(3), endKnown: 'callback', duration: undefined, modes: [] },
    ]);
  });

  it('whose join is reported after its end has both, unless its document was requested again since', async () => {
    const again = { callSid: sid('ted-2') };
    const rows = await rowsOf(
      fact('arrived', 0),
      left(9, undefined, { source: 'webhook' }),
      fact('arrived', 0, again),
      left(3, undefined, again),
      fact('arrived', 5, again),
      fact('joined', 6, again),
      fact('joined', 1),
    );
    expect(rows).toMatchObject([
      { callSid: 'ted-2', startKnown: 'never', start: undefined, end: at(3) },
      { callSid: 'ted-1', startKnown: 'callback', start: at(1), end: at(9), endKnown: 'webhook', duration: 8 },
      { callSid: 'ted-2', startKnown: 'callback', start: at(6), end: undefined },
    ]);
  });

  it('that REST alone tells of, after the store was wiped, has an unknown start', async () => {
    const unnumbered = { stayNumber: undefined, name: undefined, address: undefined, source: 'rest' } as const;
    expect(await rowsOf(fact('joined', 0, unnumbered), left(30, 0, unnumbered))).toMatchObject([
      { supervisor: undefined, start: undefined, startKnown: 'unknown', end: at(30), duration: undefined },
    ]);
  });

  it('that REST alone tells of is somebody’s when it is known who they are', async () => {
    const unnumbered = { stayNumber: undefined, moderatorName: undefined, source: 'rest' } as const;
    const [joined, identified] = [
      fact('joined', 0, { ...unnumbered, name: undefined, address: undefined }),
      fact('identified', 1, unnumbered),
    ];
    const row = { supervisor: 'Ted', number: '***2222', startKnown: 'unknown' };
    expect(await rowsOf(joined, identified)).toMatchObject([{ ...row, modes: [{ at: at(0) }] }]);
    // The line that does not name Ted is not among those about Ted.
    expect(await rowsOf(identified)).toMatchObject([{ ...row, modes: [] }]);
  });

  it('that began before the lines that are read has its start, and does not say how that is known', async () => {
    expect(await rowsOf(left(60, 1))).toMatchObject([
      { start: at(1), startKnown: 'unknown', end: at(60), duration: 59, endKnown: 'callback' },
    ]);
    expect(await rowsOf(left(60, 1, { stayNumber: undefined }))).toMatchObject([
      { start: undefined, startKnown: 'unknown', end: at(60), duration: undefined },
    ]);
  });

  it('takes what was written before its document was known', async () => {
    const rows = await rowsOf(
      fact('joined', 1, { stayNumber: undefined, name: undefined, mode: undefined }),
      fact('arrived', 0),
      fact('joined', 1),
      left(9, 1),
    );
    expect(rows).toMatchObject([{ stay: 1, supervisor: 'Ted', start: at(1), startKnown: 'callback', duration: 8 }]);
  });

  it('is kept apart from other stays of the call, and from stays in other rooms', async () => {
    const support = roomNamed('support');
    const rows = await rowsOf(
      fact('arrived', 0),
      fact('joined', 1),
      fact('arrived', 5, { room: support, stayNumber: 2 }),
      left(4, 1),
      fact('joined', 6, { room: support, stayNumber: 2, source: 'rest' }),
      left(9, 6, { room: support, stayNumber: 2 }),
    );
    expect(rows.map(({ room, stay, duration, startKnown }) => [room, stay, duration, startKnown])).toEqual([
      ['sales', 1, 3, 'callback'],
      ['support', 2, 3, 'rest'],
    ]);
  });

  it('is kept apart from the next one in that room, which may begin before the end is told', async () => {
    const rows = await rowsOf(
      fact('arrived', 0),
      fact('joined', 1),
      fact('arrived', 5, { stayNumber: 2 }),
      left(4, 1),
      fact('joined', 6, { stayNumber: 2 }),
      left(9, 6, { stayNumber: 2 }),
    );
    expect(rows.map(({ stay, duration }) => [stay, duration])).toEqual([
      [1, 3],
      [2, 3],
    ]);
  });

  it('of an unknown document is kept apart from that in another room', async () => {
    const support = roomNamed('support');
    const rows = await rowsOf(
      fact('joined', 1, { stayNumber: undefined }),
      fact('joined', 4, { stayNumber: undefined, room: support }),
      left(3, 1, { stayNumber: undefined }),
    );
    expect(rows.map(({ room, end }) => [room, end])).toEqual([
      ['sales', at(3)],
      ['support', undefined],
    ]);
  });

  it('is none for moderators, and for those who were not let in', async () => {
    const records: AuditRecord[] = [
      toRecord(fact('joined', 1, { role: 'moderator' })),
      { at: at(1), kind: 'refused', callSid: sid('bob-1'), reason: 'unknown' },
    ];
    const given = async function* () {
      yield* records;
    };
    expect(await collect(readStays(given()))).toEqual([]);
  });
});
