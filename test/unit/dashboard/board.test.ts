import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { FeedOutput } from '../../../src/api/live-feed';
import type { RoomView } from '../../../src/api/schemas';
import { formatEvent } from '../../../src/api/server-sent-events';
import { createBoard } from '../../../src/dashboard/board';
import { onTestFinished } from '../../support/on-test-finished';
import { ALICE_IN, ago, BOB_IN, NOW, roomWith } from '../../support/room-view';

beforeEach(() => void jest.useFakeTimers({ now: NOW }));
afterEach(() => void jest.useRealTimers());

function start() {
  const outs: FeedOutput[] = [];
  const feed = {
    subscribe(_reader: unknown, _lastEventId: unknown, out: FeedOutput) {
      outs.push(out);
      return () => void outs.splice(outs.indexOf(out), 1);
    },
  };
  const board = createBoard({ feed, now: Date.now });
  onTestFinished(() => board.close());
  const send = (event: string, data: object) =>
    outs.at(-1)?.write(Buffer.from(formatEvent(event, JSON.stringify(data), 'position')));
  return {
    board,
    followers: () => outs.length,
    snapshot: (...rooms: RoomView[]) => send('snapshot', { rooms }),
    room: (room: RoomView) => send('room', room),
    heartbeat: (store = 'ok') => send('heartbeat', { at: ago(0), store }),
    write: (text: string) => outs.at(-1)?.write(Buffer.from(text)),
  };
}

const TALK = roomWith([ALICE_IN, BOB_IN]);

describe('the board', () => {
  it('follows the rooms only while somebody listens, and a minute longer', () => {
    const { board, followers } = start();
    expect(followers()).toBe(0);
    const stop = board.subscribe(() => {});
    expect(followers()).toBe(1);
    jest.advanceTimersByTime(600_000);
    expect(followers()).toBe(1);
    stop();
    jest.advanceTimersByTime(59_999);
    expect(followers()).toBe(1);
    jest.advanceTimersByTime(1);
    expect(followers()).toBe(0);
    expect(board).toMatchObject({ store: 'starting', rooms: new Map() });
  });

  it('is ready when the rooms are known, or cannot be read, or in time', async () => {
    const { board, snapshot, heartbeat } = start();
    const ready = board.whenReady(1_000);
    heartbeat();
    expect(board.store).toBe('starting');
    snapshot(TALK);
    await ready;
    expect([...board.rooms.keys()]).toEqual(['sales']);
    board.close();
    const away = board.whenReady(1_000);
    heartbeat('away');
    await away;
    expect(board.store).toBe('away');
    board.close();
    const late = board.whenReady(1_000);
    jest.advanceTimersByTime(1_000);
    await late;
    expect(board.store).toBe('starting');
  });

  it('changes rooms, drops empty ones, and those that a snapshot lacks', () => {
    const { board, snapshot, room } = start();
    const told = jest.fn();
    board.subscribe(told);
    snapshot(TALK, { ...TALK, room: 'support' }, { ...TALK, room: 'billing' });
    room({ ...TALK, room: 'support', participants: [] });
    expect([...board.rooms.keys()]).toEqual(['sales', 'billing']);
    snapshot({ ...TALK, room: 'billing' });
    expect([...board.rooms.keys()]).toEqual(['billing']);
    expect(told).toHaveBeenCalledTimes(3);
  });

  it('numbers its changes, so that the rooms that changed since can be found', () => {
    const { board, snapshot, room } = start();
    board.subscribe(() => {});
    snapshot(TALK, { ...TALK, room: 'support' });
    const since = board.changes;
    room({ ...TALK, room: 'support' });
    const changed = [...board.rooms].filter(([, { changedAt }]) => changedAt > since).map(([name]) => name);
    expect(changed).toEqual(['support']);
  });

  it('tells when a room comes to need attention, without any event', () => {
    const { board, snapshot } = start();
    snapshot(TALK);
    const told = jest.fn();
    board.subscribe(told);
    snapshot(roomWith([{ ...BOB_IN, joinedAt: ago(25) }]));
    told.mockClear();
    jest.advanceTimersByTime(4_000);
    expect(told).not.toHaveBeenCalled();
    const since = board.changes;
    jest.advanceTimersByTime(1_000);
    expect(told).toHaveBeenCalledTimes(1);
    expect(board.rooms.get('sales')).toMatchObject({ attention: { alerts: [{ kind: 'no-agent' }] } });
    expect(board.rooms.get('sales')?.changedAt).toBeGreaterThan(since);
  });

  it('takes a room that was read for a page, once it follows the rooms', () => {
    const { board, snapshot } = start();
    board.note(TALK);
    expect(board.rooms.size).toBe(0);
    const told = jest.fn();
    board.subscribe(told);
    snapshot();
    board.note(TALK);
    expect([...board.rooms.keys()]).toEqual(['sales']);
    expect(told).toHaveBeenCalledTimes(2);
  });

  it('tells that changes may be missing', () => {
    const { board, snapshot, heartbeat } = start();
    board.subscribe(() => {});
    snapshot(TALK);
    heartbeat('away');
    expect(board.store).toBe('away');
    heartbeat('ok');
    expect(board.store).toBe('ok');
  });

  it('reads several events at once, and when to come back', () => {
    const { board, write } = start();
    board.subscribe(() => {});
    const rooms = [TALK, { ...TALK, room: 'support: a' }];
    write(`${rooms.map((one) => formatEvent('room', JSON.stringify(one))).join('')}retry: 500\n\n`);
    expect([...board.rooms.keys()]).toEqual(['sales', 'support: a']);
  });
});
