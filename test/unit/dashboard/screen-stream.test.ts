import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { pino } from 'pino';
import type { FeedOutput } from '../../../src/api/live-feed';
import type { RoomView } from '../../../src/api/schemas';
import { formatEvent } from '../../../src/api/server-sent-events';
import { createBoard } from '../../../src/dashboard/board';
import { createScreenStreams } from '../../../src/dashboard/screen-stream';
import { createScreenView } from '../../../src/dashboard/screen-view';
import { english } from '../../../src/dashboard/texts-en';
import type { Viewer } from '../../../src/dashboard/viewer';
import type { Right } from '../../../src/people/rights';
import { StoreError } from '../../../src/redis/store-error';
import type { RoomName } from '../../../src/rooms/room';
import { onTestFinished } from '../../support/on-test-finished';
import { ALICE_IN, ago, BOB_IN, NOW, roomWith, tedIn } from '../../support/room-view';

beforeEach(() => void jest.useFakeTimers({ now: NOW, doNotFake: ['setImmediate'] }));
afterEach(() => void jest.useRealTimers());

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

function viewer(name: string, more: { rights?: Right[]; rooms?: string[] } = {}): Viewer {
  const rights: ReadonlySet<Right> = new Set(more.rights ?? ['see', 'monitor', 'coach', 'barge']);
  const rooms = more.rooms === undefined ? ('all' as const) : new Set(more.rooms as RoomName[]);
  const person = { name, address: undefined, rooms, rights } as unknown as Extract<
    Viewer,
    { role: 'supervisor' }
  >['person'];
  const actor = { name: `supervisor ${name}`, rights, rooms };
  return { role: 'supervisor', name, person, actor, sessionId: 'id', method: 'password', proof: 'proof' };
}

/** A browser's side of a stream. */
function output() {
  const state = { chunks: [] as string[], isEnded: false, isDestroyed: false, writableLength: 0 };
  return Object.assign(state, {
    write: (text: string) => state.chunks.push(text),
    end: () => {
      state.isEnded = true;
    },
    destroy: () => {
      state.isDestroyed = true;
    },
    /** The events since this was called last. */
    take() {
      return state.chunks.splice(0).map((chunk) => {
        const [, event, id, data] = /^event: (.+)\nid: (.+)\ndata: (.+)\n\n$/.exec(chunk) ?? [];
        return { event, id, data: JSON.parse(data ?? '{}') };
      });
    },
  });
}

function start(refresh: (of: Viewer) => Promise<Viewer | undefined> = async (of) => of, isStillInRoster = () => true) {
  const outs: FeedOutput[] = [];
  const feed = {
    subscribe(_reader: unknown, _lastEventId: unknown, out: FeedOutput) {
      outs.push(out);
      return () => {};
    },
  };
  const board = createBoard({ feed, now: Date.now });
  onTestFinished(() => board.close());
  board.subscribe(() => {});
  const can = { control: true, callout: true, privateNotes: true };
  const view = createScreenView({ board, texts: english, can, basePath: '', now: Date.now });
  const log = pino({ level: 'silent' });
  const create = (epoch: string) =>
    createScreenStreams({ board, view, refresh, isStillInRoster, epoch, log, now: Date.now });
  const send = (event: string, data: object) =>
    outs.at(-1)?.write(Buffer.from(formatEvent(event, JSON.stringify(data))));
  return {
    board,
    create,
    streams: create('one'),
    snapshot: (...rooms: RoomView[]) => send('snapshot', { rooms }),
    room: (one: RoomView) => send('room', one),
    store: (store: string) => send('store', { store }),
  };
}

const TALK = roomWith([ALICE_IN, BOB_IN]);
const QUIET = { ...TALK, room: 'support' };
const TED = viewer('Ted');

describe('a stream', () => {
  it('begins with everything, then sends what has changed, what belongs together at once', async () => {
    const { streams, snapshot, room } = start();
    snapshot(TALK, QUIET);
    const out = output();
    streams.open(TED, undefined, out);
    const [first] = out.take();
    expect(first).toMatchObject({
      event: 'board',
      data: {
        now: NOW,
        store: 'ok',
        order: [
          ['attention', []],
          ['talking', ['sales', 'support']],
          ['waiting', []],
        ],
      },
    });
    expect(Object.keys(first?.data.cards)).toEqual(['sales', 'support']);
    expect(first?.data.you).toContain('You are in no room.');
    room({ ...TALK, participants: [ALICE_IN, { ...BOB_IN, onHold: true }] });
    room({ ...TALK, participants: [ALICE_IN, { ...BOB_IN, onHold: false, muted: true }] });
    await nextTurn();
    expect(out.take()).toEqual([
      {
        event: 'board',
        id: expect.any(String),
        data: { now: NOW, store: 'ok', cards: { sales: expect.stringContaining('muted') } },
      },
    ]);
  });

  it('shows each person themselves, and what they may see', async () => {
    const { streams, snapshot, room } = start();
    snapshot(TALK, QUIET);
    const [ted, carol, blind] = [output(), output(), output()];
    streams.open(TED, undefined, ted);
    streams.open(viewer('Carol', { rooms: ['support'] }), undefined, carol);
    streams.open(viewer('Alice', { rights: ['monitor'] }), undefined, blind);
    expect(Object.keys(carol.take()[0]?.data.cards)).toEqual(['support']);
    expect(blind.take()[0]?.data).toMatchObject({ cards: {}, top: expect.stringContaining('<dd>0</dd>') });
    ted.take();
    room(roomWith([ALICE_IN, BOB_IN, tedIn({ requestedMode: 'coach', confirmed: false })]));
    await nextTurn();
    expect(ted.take()[0]?.data.you).toContain('Coach requested, not confirmed yet');
    expect([...carol.take(), ...blind.take()]).toEqual([]);
  });

  it('says why a call to its viewer did not bring them in, until they are in or called again', async () => {
    const { streams, snapshot, room } = start();
    snapshot(TALK);
    const out = output();
    streams.open(TED, undefined, out);
    const join = (status: 'requested' | 'failed', seconds: number, supervisor = 'Ted') =>
      ({
        ...{
          id: `join-${seconds}`,
          name: 'join' as const,
          by: 'supervisor Ted',
          status,
          supervisor,
          callSid: null,
          mode: null,
        },
        ...{ requestedAt: ago(seconds), settledAt: status === 'failed' ? ago(seconds) : null, recordingSid: null },
        reason: status === 'failed' ? 'no_key' : null,
      }) as const;
    const youAfter = async (more: Partial<RoomView>) => {
      out.take();
      room({ ...TALK, ...more });
      await nextTurn();
      return out.take()[0]?.data.you;
    };
    const said = 'You were called to sales ';
    expect(await youAfter({ actions: [join('failed', 20)] })).toMatch(/sales .*0:20.* ago, but nobody pressed 1\./);
    expect(await youAfter({ actions: [join('failed', 20), join('requested', 10)] })).not.toContain(said);
    expect(await youAfter({ actions: [join('failed', 10)] })).toContain(said);
    expect(await youAfter({ participants: [ALICE_IN, BOB_IN, tedIn()], actions: [join('failed', 10)] })).not.toContain(
      said,
    );
    expect(await youAfter({ actions: [join('failed', 5, 'Carol')] })).not.toContain(said);
  });

  it('sends no other room to whoever goes into one', async () => {
    const { streams, snapshot, room } = start();
    snapshot(TALK, QUIET);
    const callable = { ...TED, person: { ...TED.person, address: '+15550002222' } } as Viewer;
    const [ted, anew] = [output(), output()];
    streams.open(callable, undefined, ted);
    const { support } = ted.take()[0]?.data.cards ?? {};
    room(roomWith([ALICE_IN, BOB_IN, tedIn()]));
    await nextTurn();
    expect(Object.keys(ted.take()[0]?.data.cards)).toEqual(['sales']);
    // The other room looks as before: the style hides its button.
    streams.open(callable, undefined, anew);
    expect(support).toContain('Listen');
    expect(anew.take()[0]?.data.cards.support).toBe(support);
  });

  it('sends a room to whoever goes out of it, though others see it as before', async () => {
    const { streams, snapshot, room } = start();
    const busy = roomWith([ALICE_IN, BOB_IN, tedIn()]);
    snapshot(busy);
    const out = output();
    streams.open(TED, undefined, out);
    for (const [one, isThere] of [
      [TALK, false],
      [busy, true],
      [TALK, false],
    ] as const) {
      out.take();
      room(one);
      await nextTurn();
      const [message] = out.take();
      expect(message?.data.cards?.sales?.includes('Ted')).toBe(isThere);
    }
  });

  it('goes on from an id with the rooms changed since', () => {
    const { streams, snapshot, room, create } = start();
    snapshot(TALK, QUIET);
    const out = output();
    streams.open(TED, undefined, out)();
    const id = out.take()[0]?.id;
    room({ ...QUIET, participants: [ALICE_IN] });
    const roomsAfter = (given: string | undefined, of = TED, by = streams) => {
      const next = output();
      by.open(of, given, next)();
      return Object.keys(next.take()[0]?.data.cards);
    };
    expect(roomsAfter(id)).toEqual(['support']);
    const everything = ['sales', 'support'];
    expect(roomsAfter(id, TED, create('two'))).toEqual(everything);
    // Other rights, other cards.
    expect(roomsAfter(id, viewer('Ted', { rights: ['see', 'monitor'] }))).toEqual(everything);
    for (const wrong of ['', 'x', `${id}x`, `${id}.1`, '1e3', `${id?.split('.').slice(0, 2).join('.')}.-1`]) {
      expect(roomsAfter(wrong)).toEqual(everything);
    }
  });

  it('goes on from a page with what has changed since', () => {
    const { streams, snapshot, room } = start();
    snapshot(TALK, QUIET);
    const id = streams.idFor(TED);
    room({ ...TALK, participants: [ALICE_IN] });
    const out = output();
    streams.open(TED, id, out);
    expect(Object.keys(out.take()[0]?.data.cards)).toEqual(['sales']);
  });

  it('shows no room that ended while nobody looked', () => {
    const { board, streams, snapshot } = start();
    snapshot(TALK);
    streams.open(TED, undefined, output())();
    board.close();
    board.subscribe(() => {});
    snapshot();
    const out = output();
    streams.open(TED, undefined, out);
    expect(out.take()[0]?.data).toMatchObject({ cards: {}, top: expect.stringContaining('<dd>0</dd>') });
  });

  it('tells nothing of rooms that are not known, also if the store is away, until they are', async () => {
    const { streams, snapshot, store } = start();
    const out = output();
    streams.open(TED, undefined, out);
    store('away');
    await nextTurn();
    snapshot(TALK);
    await nextTurn();
    const about = { event: 'board', id: expect.any(String) };
    expect(out.take()).toEqual([
      { ...about, data: { now: NOW, store: 'starting' } },
      { ...about, data: { now: NOW, store: 'away' } },
      { ...about, data: expect.objectContaining({ store: 'ok', cards: { sales: expect.any(String) } }) },
    ]);
  });

  it('tells at once that the store is away, and when it is back', async () => {
    const { streams, snapshot, store } = start();
    snapshot(TALK);
    const out = output();
    streams.open(TED, undefined, out);
    out.take();
    store('away');
    await nextTurn();
    expect(out.take()).toMatchObject([{ event: 'board', data: { now: NOW, store: 'away' } }]);
    store('ok');
    await nextTurn();
    expect(out.take()).toMatchObject([{ event: 'board', data: { store: 'ok' } }]);
  });

  it('has a heartbeat every five seconds, with the rights of now', async () => {
    let now: Viewer | undefined = TED;
    const { streams, snapshot } = start(async () => now);
    snapshot(TALK, QUIET);
    const out = output();
    streams.open(TED, undefined, out);
    out.take();
    await jest.advanceTimersByTimeAsync(5_000);
    expect(out.take()).toMatchObject([{ event: 'heartbeat', data: { now: NOW + 5_000, store: 'ok' } }]);
    now = viewer('Ted', { rooms: ['support'] });
    await jest.advanceTimersByTimeAsync(5_000);
    expect(out.take()).toMatchObject([
      { event: 'board', data: { order: [expect.anything(), ['talking', ['support']], expect.anything()] } },
      { event: 'heartbeat' },
    ]);
    now = undefined;
    await jest.advanceTimersByTimeAsync(5_000);
    expect(out.take()).toMatchObject([{ event: 'signed-out' }]);
    expect(out.isEnded).toBe(true);
    expect(streams.countOf('supervisor Ted')).toBe(0);
  });

  it('stays while the store cannot tell who is signed in, unless they are not in the roster any more', async () => {
    let isListed = true;
    const refuse = async () => {
      throw new StoreError('unavailable', 'away');
    };
    const { streams, snapshot } = start(refuse, () => isListed);
    snapshot(TALK);
    const out = output();
    streams.open(TED, undefined, out);
    out.take();
    await jest.advanceTimersByTimeAsync(5_000);
    expect(out.take()).toMatchObject([{ event: 'heartbeat' }]);
    expect(out.isEnded).toBe(false);
    isListed = false;
    await jest.advanceTimersByTimeAsync(5_000);
    expect(out.take()).toMatchObject([{ event: 'signed-out' }]);
    expect(out.isEnded).toBe(true);
  });

  it('ends for a browser that does not read', async () => {
    const { streams, snapshot, room } = start();
    snapshot(TALK);
    const out = output();
    streams.open(TED, undefined, out);
    out.writableLength = 1_048_577;
    room({ ...TALK, participants: [ALICE_IN] });
    await nextTurn();
    expect(out.isDestroyed).toBe(true);
    expect(streams.countOf('supervisor Ted')).toBe(0);
  });

  it('ends when it cannot be rendered, and the process goes on', async () => {
    const { streams, snapshot, room } = start();
    snapshot(TALK);
    const out = output();
    streams.open(TED, undefined, out);
    room({ ...TALK, recordings: undefined as never });
    await nextTurn();
    expect(out.isDestroyed).toBe(true);
  });

  it('ends with the server, and tells when to come back', () => {
    const { streams, snapshot } = start();
    snapshot(TALK);
    const out = output();
    streams.open(TED, undefined, out);
    out.take();
    streams.close(() => 700);
    expect(out.chunks).toEqual(['retry: 700\n\n']);
    expect(out.isEnded).toBe(true);
  });
});
