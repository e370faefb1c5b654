import { expect, it } from '@jest/globals';
import { createLog } from '../../src/ops/log';
import type { RoomState } from '../../src/rooms/room';
import { createJoinFollower } from '../../src/supervision/call-supervisor';
import type { ChangeMode } from '../../src/supervision/mode-change';
import { eventually } from '../support/redis-server';
import { sid } from '../support/room-stores';
import { requestsOver } from '../support/scripted-space';
import { alice, cf1, sales, startSupervisedRoom } from '../support/supervised-room';

const carol = sid('carol-1');
const isAllowed = () => true;
const UNMUTE = 'unmute carol-1 in cf-1';

/** Carol, who was called to coach, has pressed 1 and joined in monitor. Nothing has followed yet. */
async function carolJoins() {
  const scene = await startSupervisedRoom();
  const { record, space, joined, rooms } = scene;
  const join = { id: 'join-1', ageMs: 0 };
  const wanted = { name: 'join', by: 'token board', person: 'Carol', mode: 'coach', target: alice } as const;
  await record({ kind: 'action-requested', ...join, ...wanted });
  await record({ kind: 'action-updated', ...join, status: 'requested', callSid: carol });
  const enter = async (stayNumber: number) => {
    const about = { name: 'Carol', address: '***3333', mode: 'monitor', target: alice } as const;
    await record({ kind: 'supervisor-sent', callSid: carol, stayNumber, ...about, ageMs: 0 });
    space.enter(cf1, { callSid: carol, isMuted: true, target: alice });
    await joined(carol, false);
  };
  await enter(1);
  const found = await rooms.read(sales);
  const { state } = found as { state: RoomState };
  expect(state.actions).toMatchObject([{ name: 'join', status: 'confirmed', callSid: carol }]);
  /** Follows the join, and notes its attempts. `settle`: waits for what follows the second look at the room. */
  function follow(changeMode: ChangeMode) {
    const begun: string[] = [];
    const attempts: string[] = [];
    const counted: ChangeMode = async (...request) => {
      begun.push(request[2]);
      const result = await changeMode(...request);
      attempts.push(result.kind === 'refused' ? result.refusal : result.action.status);
      return result;
    };
    const log = createLog('fatal', { write: () => {} });
    const looks = { count: 0 };
    const counting: Pick<typeof rooms, 'read'> = {
      read: async (room) => {
        const seen = await rooms.read(room);
        looks.count++;
        return seen;
      },
    };
    createJoinFollower({ rooms: counting, changeMode: counted, isAllowed, log })(state);
    const settle = async () => {
      await eventually(() => expect(looks.count).toBe(2));
      await new Promise(setImmediate);
    };
    return { begun, attempts, settle };
  }
  const setMonitor = () => scene.change(sales, carol, 'monitor', { by: 'token other', isAllowed });
  return { ...scene, enter, follow, setMonitor };
}

it('the mode after a join does not follow once somebody has asked for monitor', async () => {
  const { actions, change, follow, space, setMonitor } = await carolJoins();
  space.latencyMs = 20;
  const holding = actions.setOnHold(sales, carol, true, 'token other');
  await requestsOver(space, 0);
  const { begun, attempts, settle } = follow(change);
  await eventually(() => expect(attempts).toEqual(['busy']));
  expect(await setMonitor()).toMatchObject({ action: { status: 'confirmed' } });
  await holding;
  await settle();
  expect(begun).toEqual(['coach']);
});

it('the mode after a join follows once, although two servers learn of it at the same time', async () => {
  const { change, other, follow, space } = await carolJoins();
  space.latencyMs = 5;
  const both = [follow(change), follow(other.change)];
  await eventually(() => expect(both.flatMap(({ attempts }) => attempts).sort()).toEqual(['busy', 'confirmed']));
  await both.find(({ attempts }) => attempts.includes('busy'))?.settle();
  expect(both.map(({ begun }) => begun)).toEqual([['coach'], ['coach']]);
  expect(space.requests.filter((one) => one === UNMUTE)).toHaveLength(1);
});

it('the mode after a join does not follow into the next stay', async () => {
  const { enter, follow, space, record, change } = await carolJoins();
  const { begun, attempts, settle } = follow(async (...request) =>
    attempts.length === 0 ? { kind: 'refused', refusal: 'store-away' } : change(...request),
  );
  await eventually(() => expect(attempts).toEqual(['store-away']));
  space.leave(carol);
  await record({ kind: 'dial-ended', callSid: carol, stayNumber: 1, ageMs: 0 });
  await enter(2);
  await settle();
  expect([begun, space.party(carol)?.isMuted]).toEqual([['coach'], true]);
});
