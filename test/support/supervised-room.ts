import { createLog } from '../../src/ops/log';
import { supervisorsOf } from '../../src/rooms/room';
import type { RoomEvent } from '../../src/rooms/room-event';
import { createRooms } from '../../src/rooms/rooms';
import type { ConferenceApi } from '../../src/signalwire/conference-api';
import type { Sid } from '../../src/signalwire/sid';
import { createMemoryStore } from '../../src/stores';
import { createActionRunner } from '../../src/supervision/action-runner';
import { createModeChange } from '../../src/supervision/mode-change';
import { createParticipantActions } from '../../src/supervision/participant-actions';
import { enforcerOver } from './enforcer';
import { onTestFinished } from './on-test-finished';
import { roomNamed, sid } from './room-stores';
import { createScriptedSpace } from './scripted-space';

export const sales = roomNamed('sales');
export const [alice, bob, ted, cf1] = [sid('alice-1'), sid('bob-1'), sid('ted-1'), sid('cf-1')];
const LIFETIME_MS = 3_600_000;

/**
 * Alice and Bob talk; Ted listens. Two servers share a store and a Space.
 *
 * @param actionMs how long an action may take
 */
export async function startSupervisedRoom(actionMs = 10_000) {
  const createStore = () =>
    createMemoryStore({
      lifetimeMs: LIFETIME_MS,
      now: Date.now,
      monotonicNow: performance.now.bind(performance),
    });
  const space = createScriptedSpace({ now: Date.now });
  space.open(sales, cf1, [
    { callSid: alice, isModerator: true },
    { callSid: bob },
    { callSid: ted, isMuted: true, target: alice },
  ]);
  const log = createLog('fatal', { write: () => {} });
  const monotonicNow = performance.now.bind(performance);
  let stored = createStore();
  const fault = { isCutOff: false };
  const reach = async <T>(request: () => Promise<T>): Promise<T> => {
    if (fault.isCutOff) {
      throw new Error('down');
    }
    return request();
  };
  const startServer = () => {
    const rooms = createRooms({
      store: {
        ...stored.rooms,
        read: (room) => reach(() => stored.rooms.read(room)),
        apply: (room, event) => reach(() => stored.rooms.apply(room, event)),
        lastKnown: (room) => stored.rooms.lastKnown(room),
      },
      space: undefined,
      lifetimeMs: LIFETIME_MS,
      log,
      now: Date.now,
      monotonicNow,
      onChange: (state) => enforcer.check(state),
    });
    const enforcer = enforcerOver({ rooms, space, announceIsPrivate: false, log, retryMs: 5 });
    const client = space.client as ConferenceApi;
    const stopping = new AbortController();
    const runner = createActionRunner({
      rooms,
      space: client,
      draining: stopping.signal,
      log,
      monotonicNow,
      actionMs,
      requestMs: actionMs / 2,
      retryMs: 1,
    });
    onTestFinished(async () => {
      enforcer.close();
      await rooms.close(0);
    });
    return {
      rooms,
      enforcer,
      stopping,
      change: createModeChange({ runner, rooms, space: client, onChanged: () => {}, monotonicNow }),
      actions: createParticipantActions({
        runner,
        rooms,
        space: client,
        announceIsPrivate: false,
        noteUrl: (text) => text,
        monotonicNow,
        log,
        lateMs: 100,
      }),
    };
  };
  const [server, other] = [startServer(), startServer()];
  const record = (event: RoomEvent) => server.rooms.record(sales, event);
  const joined = (callSid: typeof ted, isModerator: boolean) =>
    record({ kind: 'joined', callSid, conferenceSid: cf1, date: Date.now(), isModerator, ageMs: 0 });
  await record({ kind: 'moderator-arrived', callSid: alice, name: 'Alice', ageMs: 0 });
  await joined(alice, true);
  await joined(bob, false);
  await record({
    kind: 'supervisor-sent',
    callSid: ted,
    stayNumber: 1,
    name: 'Ted',
    address: '***2222',
    mode: 'monitor',
    target: alice,
    ageMs: 0,
  });
  await joined(ted, false);
  await server.enforcer.idle();
  space.requests.length = 0;
  const stateOfTed = async () => {
    const found = await server.rooms.read(sales);
    return found.isKnown ? supervisorsOf(found.state)[0]?.supervision : undefined;
  };
  const stateOf = async (callSid: Sid) => {
    const found = await server.rooms.read(sales);
    return found.isKnown ? found.state.stays.find((stay) => stay.callSid === callSid) : undefined;
  };
  const wipe = async () => {
    stored = createStore();
  };
  const cutOff = () => {
    fault.isCutOff = true;
  };
  return { ...server, other, space, store: stored, record, joined, stateOfTed, stateOf, wipe, cutOff };
}
