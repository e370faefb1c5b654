import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { StoreError } from '../../src/redis/store-error';
import { createMemoryStore, createRedisStore, type Store } from '../../src/stores';
import { ALICE, BOB, startApp, TED, type TestApp } from '../support/app';
import { createClockedStore } from '../support/clocked-store';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';
import { supervisorsTrail } from '../support/trail';

/** A second number of moderators. */
const CAROL = '+15557788998';
const SPACE = '+15559990000';
const ROSTER = { MODERATOR_NUMBERS: `${ALICE},${CAROL}`, SUPERVISOR_NUMBERS: TED };

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(() => redis?.dispose());

describe.each<[string, () => Store]>([
  ['the embedded store', () => createMemoryStore({ lifetimeMs: 3_600_000, monotonicNow: Date.now, now: Date.now })],
  [
    'Redis',
    () =>
      createRedisStore({
        urls: [redis.url],
        lifetimeMs: 3_600_000,
        auditMs: 3_600_000,
        timeoutMs: 2_000,
        onConnection: () => {},
      }),
  ],
])('real calls, with %s', (_name, createStore) => {
  let store: Store;
  let app: TestApp;
  let room: string;
  let rooms = 0;

  beforeAll(async () => {
    store = createStore();
    await eventually(() => store.ping());
  });

  afterAll(() => store.close());

  beforeEach(async () => {
    app = await startApp({ store, env: ROSTER });
    room = `r${++rooms}-${process.pid}`;
  });

  afterEach(() => app.stop());

  const dateOf = (ageMs: number) => new Date(Date.now() - ageMs).toUTCString();
  const text = async (path: string, fields: Record<string, string>) => (await app.post(path, fields)).text;

  /** A moderator asks for their document. */
  const arrive = (callSid: string, from = ALICE) => text(`/conference/${room}`, { CallSid: callSid, From: from });
  /** A status callback; dated so many seconds ago, or not at all. */
  const event = (
    name: string,
    fields: { call?: string; conference?: string; ageMs?: number; more?: Record<string, string> },
  ) =>
    text(`/events/conference/${room}`, {
      StatusCallbackEvent: name,
      ...(fields.call !== undefined && { CallSid: fields.call }),
      ...(fields.conference !== undefined && { ConferenceSid: fields.conference }),
      ...(fields.ageMs !== undefined && { Timestamp: dateOf(fields.ageMs) }),
      ...fields.more,
    });
  const join = (call: string, conference: string, ageMs?: number) =>
    event('participant-join', {
      call,
      conference,
      ...(ageMs !== undefined && { ageMs }),
      more: { EndConferenceOnExit: 'true', StartConferenceOnEnter: 'true' },
    });
  const joinAsOther = (call: string, conference: string, more: Record<string, string> = {}) =>
    event('participant-join', { call, conference, more: { EndConferenceOnExit: 'false', ...more } });
  const leave = (call: string, conference: string, ageMs?: number) =>
    event('participant-leave', { call, conference, ...(ageMs !== undefined && { ageMs }) });
  const dialEnded = (call: string, fields: Record<string, string> = { DialCallStatus: 'completed' }) =>
    text(`/conference/${room}/ended`, { CallSid: call, ...fields });

  /** Ted dials; the target of his document, or what he is told. */
  async function dial(query = '', callSid = `ted-${Math.random()}`.replace('.', '')): Promise<string> {
    return brief(await text(`/coach/${room}${query}`, { CallSid: callSid, From: TED }));
  }

  function brief(document: string): string {
    return (
      /coach="([^"]+)"/.exec(document)?.[1] ??
      (/<Conference /.test(document) ? 'barge' : (/<Say>([^<]*)</.exec(document)?.[1] ?? document))
    );
  }

  /** The Space refuses Ted, who had that call. */
  const refuse = (callSid: string) =>
    text(`/coach/${room}/ended`, { CallSid: callSid, From: TED, DialCallStatus: 'failed', ErrorCode: '13240' });

  it.each(['outbound-api', 'outbound-dial'])('a moderator is called out to (%s)', async (Direction) => {
    const document = await text('/conference/out', { CallSid: 'a', From: SPACE, To: ALICE, Direction });
    expect(document).toContain('endConferenceOnExit="true"');
    const customer = await text('/conference/out', { CallSid: 'b', From: ALICE, To: BOB, Direction });
    expect(customer).not.toContain('endConferenceOnExit="true"');
  });

  it.each(['outbound-api', 'outbound-dial'])('a moderator is called out to by SIP (%s)', async (Direction) => {
    const sip = 'sip:alice@example.com';
    const people = { moderators: [{ name: 'Alice', address: sip }] };
    const sipApp = await startApp({ store, env: ROSTER, people });
    try {
      const fields = { CallSid: 'a', From: SPACE, To: `${sip};transport=udp`, Direction };
      expect((await sipApp.post('/conference/out', fields)).text).toContain('endConferenceOnExit="true"');
      const customer = { ...fields, CallSid: 'b', From: sip, To: 'sip:bob@example.com' };
      expect((await sipApp.post('/conference/out', customer)).text).not.toContain('endConferenceOnExit="true"');
    } finally {
      await sipApp.stop();
    }
  });

  it('a supervisor is called out to', async () => {
    await arrive('a');
    const out = { CallSid: 'ted-out', From: SPACE, To: TED, Direction: 'outbound-api' };
    expect(brief(await text(`/coach/${room}`, out))).toBe('a');
    expect(await text('/supervisor', { ...out, CallSid: 'ted-out-2' })).not.toContain('<Reject');
  });

  it('an agent who only arrived does not take the place of one who joined', async () => {
    await arrive('alice-1');
    await join('alice-1', 'cf-1');
    await arrive('short-1', CAROL);
    expect(await dial()).toBe('alice-1');
  });

  it('an agent who hung up unannounced is dropped after one refusal, and not before', async () => {
    await arrive('ghost');
    expect(await dial('', 'ted-1')).toBe('ghost');
    await refuse('ted-1');
    expect(await dial('', 'ted-2')).toBe(`No conversation in ${room} right now. Please hold.`);
    await join('ghost', 'cf-1');
    expect(await dial('', 'ted-3')).toBe('ghost');
  });

  it("an agent whose number's status callback tells that they hung up is gone at once", async () => {
    await arrive('ghost');
    await text(`/events/call/${room}`, { CallSid: 'ghost', CallStatus: 'in-progress' });
    expect(await dial()).toBe('ghost');
    await text(`/events/call/${room}`, { CallSid: 'ghost', CallStatus: 'completed' });
    expect(await dial()).toContain('No conversation in');
  });

  it('a call that comes back is not ended by the late leave of its first stay', async () => {
    await arrive('a');
    await join('a', 'cf-1');
    await dialEnded('a');
    await arrive('a');
    await join('a', 'cf-2');
    await leave('a', 'cf-1');
    await leave('a', 'cf-1', 1_000);
    expect(await dial()).toBe('a');
  });

  it('a call that goes to another room and comes back is not ended by late leaves', async () => {
    const here = room;
    await arrive('a');
    await join('a', 'cf-1');
    room = `${here}-b`;
    await arrive('a');
    await join('a', 'cf-b');
    room = here;
    await arrive('a');
    await join('a', 'cf-3');
    await leave('a', 'cf-1');
    room = `${here}-b`;
    await leave('a', 'cf-b');
    expect(await dial()).toContain('No conversation in');
    room = here;
    expect(await dial()).toBe('a');
  });

  it.each([
    ['leaves', () => leave('carol-1', 'cf-1')],
    ['has a <Dial> that fails', () => dialEnded('carol-1', { DialCallStatus: 'failed' })],
  ])('of two agents one %s: the other is coached', async (_what, goes) => {
    await arrive('alice-1');
    await join('alice-1', 'cf-1', 9_000);
    await arrive('carol-1', CAROL);
    await join('carol-1', 'cf-1', 5_000);
    expect(await dial()).toBe('carol-1');
    await goes();
    expect(await dial()).toBe('alice-1');
    await event('conference-end', { conference: 'cf-1' });
    expect(await dial()).toContain('No conversation in');
  });

  it('of an agent who redials, the second leg is coached until the conference ends, and both are in the trail', async () => {
    await arrive('leg-1');
    await join('leg-1', 'cf-1', 9_000);
    await arrive('leg-2');
    await join('leg-2', 'cf-1', 4_000);
    expect(await dial()).toBe('leg-2');
    await leave('leg-1', 'cf-1', 2_000);
    await dialEnded('leg-1');
    expect(await dial()).toBe('leg-2');
    await event('conference-end', { conference: 'cf-1' });
    expect(await dial()).toContain('No conversation in');
    const facts: string[] = [];
    for await (const { fact } of store.rooms.feed({ since: 0 })) {
      if (fact.room === room && fact.role === 'moderator') {
        facts.push(`${fact.callSid} ${fact.kind}`);
      }
    }
    expect(facts.sort()).toEqual(['leg-1 joined', 'leg-1 left', 'leg-2 joined', 'leg-2 left']);
  });

  it('a leave in the second in which the next stay starts ends the stay in its own conference', async () => {
    await arrive('a');
    await join('a', 'cf-1', 5_000);
    await leave('a', 'cf-1', 0);
    await arrive('a');
    await join('a', 'cf-2', 0);
    await leave('a', 'cf-1', 0);
    expect(await dial()).toBe('a');
  });

  it.each([
    ['dated', 0],
    ['without a date', undefined],
  ])(
    'a leave, %s, that is first told when the next stay has started ends the stay in its own conference',
    async (_how, ageMs) => {
      await arrive('a');
      await join('a', 'cf-1', 5_000);
      await arrive('a');
      await join('a', 'cf-2', 0);
      await leave('a', 'cf-1', ageMs);
      expect(await dial()).toBe('a');
    },
  );

  it('a leave in the second in which the next stay starts, in the same conference, is told apart by the <Dial> action', async () => {
    await arrive('a');
    await join('a', 'cf-1', 5_000);
    await dialEnded('a');
    await arrive('a');
    const more = { EndConferenceOnExit: 'true', Timestamp: dateOf(0) };
    await event('participant-join', { call: 'a', conference: 'cf-1', more });
    await event('participant-leave', { call: 'a', conference: 'cf-1', more });
    expect(await dial()).toBe('a');
    await dialEnded('a');
    expect(await dial()).toContain('No conversation in');
  });

  it('a supervisor who hangs up during the announcement never joined, and is gone', async () => {
    await arrive('a');
    await join('a', 'cf-1');
    await dial('', 'ted-1');
    await text(`/coach/${room}/ended`, {
      CallSid: 'ted-1',
      From: TED,
      CallStatus: 'completed',
      DialCallStatus: 'canceled',
    });
    const trail = (await supervisorsTrail(store)).filter((record) => record.room === room);
    expect(trail.map(({ kind }) => kind)).toEqual(['arrived', 'left']);
    expect(trail[1]).toMatchObject({ since: undefined, confirmed: false });
  });

  it("a supervisor who hangs up during the announcement never joined, as their number's status callback tells", async () => {
    await arrive('a');
    await join('a', 'cf-1');
    await dial('', 'ted-1');
    await text(`/events/call/${room}`, { CallSid: 'ted-1', CallStatus: 'completed' });
    const trail = (await supervisorsTrail(store)).filter((record) => record.room === room);
    expect(trail.map(({ kind, since }) => [kind, since])).toEqual([
      ['arrived', undefined],
      ['left', undefined],
    ]);
  });

  it('a join that reaches another server before the entry is written is confirmed', async () => {
    let isWritable = false;
    const apply: typeof store.rooms.apply = async (...event) => {
      if (!isWritable) {
        throw new StoreError('unavailable', 'not yet');
      }
      return store.rooms.apply(...event);
    };
    const other = await startApp({ store: { ...store, rooms: { ...store.rooms, apply } }, env: ROSTER });
    try {
      await arrive('a');
      await join('a', 'cf-1', 9_000);
      await other.post(`/coach/${room}?mode=monitor`, { CallSid: 'ted-9', From: TED });
      await joinAsOther('ted-9', 'cf-1', { Muted: 'true', Timestamp: dateOf(0) });
      isWritable = true;
      await eventually(async () => {
        const trail = (await supervisorsTrail(store)).filter((record) => record.room === room);
        expect(trail.map(({ kind, confirmed }) => [kind, confirmed])).toEqual([
          ['arrived', undefined],
          ['joined', true],
        ]);
      });
    } finally {
      await other.stop();
    }
  });

  it('a supervisor who was refused because the agent is alone waits for a caller', async () => {
    await arrive('a');
    await join('a', 'cf-1', 5_000);
    expect(await dial('', 'ted-1')).toBe('a');
    expect(brief(await refuse('ted-1'))).toBe(`The agent in ${room} has no caller yet. Please hold.`);
    expect(await dial('?stay=1&waits=1', 'ted-1')).toBe(`The agent in ${room} has no caller yet. Please hold.`);
    await joinAsOther('bob', 'cf-1');
    expect(await dial('?stay=1&waits=2', 'ted-1')).toBe('a');
  });

  it('a supervisor barges only where an agent is known to be in', async () => {
    await arrive('a');
    await join('a', 'cf-1', 5_000);
    expect(await dial('?mode=barge')).toBe('barge');
    await event('conference-end', { conference: 'cf-1' });
    expect(await dial('?mode=barge')).toContain('No conversation in');
  });

  it('nobody goes on in barge when another conversation starts', async () => {
    await arrive('a');
    await join('a', 'cf-1', 5_000);
    expect(await dial('?mode=barge', 'ted-1')).toBe('barge');
    await event('conference-end', { conference: 'cf-1' });
    await arrive('carol-1', CAROL);
    await join('carol-1', 'cf-2', 0);
    const ended = { CallSid: 'ted-1', From: TED, DialCallStatus: 'answered' };
    const next = await text(`/coach/${room}/ended?mode=barge`, ended);
    expect([brief(next), /muted="true"/.test(next)]).toEqual(['carol-1', true]);
  });

  describe('in rooms of their own, as time passes', () => {
    let now: number;

    beforeEach(async () => {
      await app.stop();
      await store.redis?.client.flushall();
      now = Date.now();
      const clocked = createClockedStore({ redis: store.redis, now: () => now });
      app = await startApp({ store: clocked, env: ROSTER, now: () => now });
    });

    const pass = (seconds: number) => {
      now += seconds * 1_000;
    };
    const menu = async () => /<Say>([^<]*)/.exec(await text('/supervisor', { CallSid: 'ted-1', From: TED }))?.[1];

    it('a supervisor is called out to on their line', async () => {
      await arrive('a');
      const out = { CallSid: 'ted-out', From: SPACE, To: TED, Direction: 'outbound-api' };
      expect(brief(await text('/supervisor', out))).toBe('a');
    });

    it('an agent who was never seen to join is listed last after a minute, and kept while no callback comes', async () => {
      room = 'a';
      await arrive('ghost');
      room = 'b';
      await arrive('carol-1', CAROL);
      await event('participant-join', { call: 'carol-1', conference: 'cf-1', more: { EndConferenceOnExit: 'true' } });
      const [a, b] = ['a', 'b'].map((name) => `the agent in ${name}, no caller yet`);
      pass(59);
      expect(await menu()).toBe(`For ${a}, press 1. For ${b}, press 2.`);
      pass(1);
      expect(await menu()).toBe(`For ${b}, press 1. For ${a}, press 2.`);
      pass(3 * 3_600);
      expect(await menu()).toBe(`For ${b}, press 1. For ${a}, press 2.`);
      room = 'a';
      expect(await dial()).toBe('ghost');
    });

    it('a supervisor barges only to an agent who was seen to join, or arrived in the last 10 s', async () => {
      await arrive('a');
      pass(9);
      expect(await dial('?mode=barge')).toBe('barge');
      pass(1);
      expect(await dial('?mode=barge')).toContain('No conversation in');
      expect(await dial()).toBe('a');
      await event('participant-join', { call: 'a', conference: 'cf-1', more: { EndConferenceOnExit: 'true' } });
      pass(600);
      expect(await dial('?mode=barge')).toBe('barge');
    });
  });
});
