import { describe, expect, it } from '@jest/globals';
import type { Mode } from '../../src/rooms/mode';
import { supervisorsOf } from '../../src/rooms/room';
import { eventually } from '../support/redis-server';
import { sid } from '../support/room-stores';
import { requestsOver, TROUBLES } from '../support/scripted-space';
import { alice, cf1, sales, startSupervisedRoom, ted } from '../support/supervised-room';
import { supervisorsTrail } from '../support/trail';

const carol = sid('carol-1');
const BY = 'token board';
const isAllowed = () => true;

const MUTE = 'mute ted-1 in cf-1';
const READ = 'read ted-1 in cf-1';
const COACH = 'coach alice-1 as ted-1 in cf-1';
const BARGE = 'coach nobody as ted-1 in cf-1';
const UNMUTE = 'unmute ted-1 in cf-1';

describe('a change of mode', () => {
  it.each<[Mode, string[], object]>([
    ['monitor', [MUTE, READ], { isMuted: true, target: alice }],
    ['coach', [MUTE, READ, COACH, READ, UNMUTE, READ], { isMuted: false, target: alice }],
    ['barge', [MUTE, READ, BARGE, READ, UNMUTE, READ], { isMuted: false, target: undefined }],
  ])('to %s mutes first, sets the target, reads both, unmutes, and reads again', async (mode, requests, party) => {
    const { change, space, stateOfTed, store } = await startSupervisedRoom();
    expect(await change(sales, ted, mode, { by: BY, isAllowed })).toMatchObject({
      kind: 'settled',
      action: { status: 'confirmed', mode },
    });
    expect(space.requests).toEqual(requests);
    expect(space.party(ted)).toMatchObject(party);
    expect(await stateOfTed()).toMatchObject({ mode, heard: mode, heardAt: expect.any(Number) });
    const trail = await supervisorsTrail(store);
    expect(trail.filter(({ by }) => by === BY).map(({ heard }) => heard)).toEqual(
      mode === 'monitor' ? ['monitor'] : ['monitor', mode],
    );
  });

  const steps: [Mode, string, number][] = [
    ['monitor', MUTE, 0],
    ['monitor', READ, 1],
    ...(['coach', 'barge'] as const).flatMap((mode) =>
      ['mute', 'read', 'target', 'read', 'unmute', 'read'].map((name, index): [Mode, string, number] => [
        mode,
        name,
        index,
      ]),
    ),
  ];

  it.each(steps.flatMap(([mode, name, index]) => TROUBLES.map((trouble) => [mode, name, index, ...trouble] as const)))(
    'to %s whose %s (step %i) fails with %s leaves nobody heard, and says so',
    async (mode, _name, index, _what, trouble) => {
      const { change, space, stateOfTed, enforcer } = await startSupervisedRoom(60);
      // The step fails for as long as the action goes on, and the Space recovers afterwards.
      let failing: string | undefined;
      let isOver = false;
      space.trouble = (request) => {
        if (space.requests.length - 1 === index) {
          failing = request;
        }
        return request === failing && !isOver && space.requests.length > index ? trouble : undefined;
      };
      const result = await change(sales, ted, mode, { by: BY, isAllowed });
      isOver = true;
      // Reading decides: Ted is muted before, and coaches Alice. A read that changes nothing is a read.
      const wasSo = failing === MUTE || failing === COACH;
      const isHarmless = (trouble === 'ignored' && (wasSo || failing === READ)) || (trouble === 'missing' && wasSo);
      expect(result).toMatchObject({ kind: 'settled', action: { status: isHarmless ? 'confirmed' : 'failed' } });
      await enforcer.idle();
      if (!isHarmless) {
        await eventually(() => expect(space.party(ted)?.isMuted ?? true).toBe(true));
        const state = await stateOfTed();
        expect(
          state === undefined || (state.mode === 'monitor' && state.heard !== 'coach' && state.heard !== 'barge'),
        ).toBe(true);
      }
    },
  );

  it('is seen as requested by another server before the first request to the Space', async () => {
    const { change, space, other } = await startSupervisedRoom();
    space.latencyMs = 20;
    const changing = change(sales, ted, 'barge', { by: BY, isAllowed });
    await requestsOver(space, 0);
    const found = await other.rooms.read(sales);
    const seen = found.isKnown ? supervisorsOf(found.state)[0]?.supervision : undefined;
    expect(seen).toMatchObject({ mode: 'barge', heard: 'monitor' });
    await changing;
  });

  it('of two servers at once is carried out by one: the other is refused and told whose that is', async () => {
    const { change, other, space } = await startSupervisedRoom();
    space.latencyMs = 5;
    const results = await Promise.all([
      change(sales, ted, 'coach', { by: BY, isAllowed }),
      other.change(sales, ted, 'coach', { by: 'token other', isAllowed }),
    ]);
    const done = results.find(({ kind }) => kind === 'settled');
    const refused = results.find(({ kind }) => kind === 'refused');
    expect(done).toMatchObject({ action: { status: 'confirmed' } });
    const by = done?.kind === 'settled' ? done.action.by : undefined;
    expect(refused).toMatchObject({ refusal: 'busy', other: { by } });
    expect(space.party(ted)).toMatchObject({ isMuted: false, target: alice });
  });

  it.each([0, 1, 2, 3, 4, 5])('gives way to a mute by another server after %i requests', async (count) => {
    const { change, other, space, stateOfTed, enforcer } = await startSupervisedRoom();
    space.latencyMs = 5;
    const first = change(sales, ted, 'barge', { by: BY, isAllowed });
    await requestsOver(space, count);
    const second = other.change(sales, ted, 'monitor', { by: 'token other', isAllowed });
    const results = await Promise.all([first, second]);
    expect(results).toMatchObject([
      { action: { status: 'failed', reason: 'superseded' } },
      { action: { status: 'confirmed' } },
    ]);
    await enforcer.idle();
    await other.enforcer.idle();
    expect(space.party(ted)).toMatchObject({ isMuted: true });
    expect(await stateOfTed()).toMatchObject({ mode: 'monitor', heard: 'monitor' });
    expect(space.requests.filter((request) => request.startsWith('move'))).toEqual([]);
  });

  it.each([0, 1, 2, 3, 4, 5])('ends when another agent joins after %i requests', async (count) => {
    const { change, space, stateOfTed, enforcer, joined } = await startSupervisedRoom();
    space.latencyMs = 5;
    const changing = change(sales, ted, 'coach', { by: BY, isAllowed });
    await requestsOver(space, count);
    space.enter(cf1, { callSid: carol, isModerator: true });
    await joined(carol, true);
    expect(await changing).toMatchObject({ action: { status: 'failed', reason: 'conversation-changed' } });
    await enforcer.idle();
    expect(space.party(ted)?.isMuted ?? true).toBe(true);
    expect((await stateOfTed())?.mode ?? 'monitor').toBe('monitor');
  });

  it.each([1, 3, 5])(
    'begins no further step after %i requests if the server stops, and leaves nobody heard',
    async (count) => {
      const { change, space, stopping } = await startSupervisedRoom();
      space.latencyMs = 5;
      const changing = change(sales, ted, 'barge', { by: BY, isAllowed });
      await requestsOver(space, count - 1);
      stopping.abort();
      expect(await changing).toMatchObject({ action: { status: 'failed', reason: 'abandoned' } });
      expect(space.party(ted)?.isMuted).toBe(true);
    },
  );

  it.each([1, 3, 5])('leaves nobody heard if the store is wiped after %i requests', async (count) => {
    const { change, space, wipe } = await startSupervisedRoom();
    space.latencyMs = 5;
    const changing = change(sales, ted, 'barge', { by: BY, isAllowed });
    await requestsOver(space, count - 1);
    await wipe();
    expect(await changing).toMatchObject({ action: { status: 'failed' } });
    expect(space.party(ted)?.isMuted ?? true).toBe(true);
  });

  it.each([1, 3, 5])('lets nobody be heard who is cut off from the store after %i requests', async (count) => {
    const { change, space, cutOff } = await startSupervisedRoom();
    space.latencyMs = 5;
    const changing = change(sales, ted, 'barge', { by: BY, isAllowed });
    await requestsOver(space, count - 1);
    cutOff();
    expect(await changing).toMatchObject({ action: { status: 'failed', reason: 'store-away' } });
    expect(space.party(ted)?.isMuted).toBe(true);
  });

  it('mutes a supervisor although the store is away', async () => {
    const { change, space, cutOff } = await startSupervisedRoom();
    space.latencyMs = 5;
    const changing = change(sales, ted, 'monitor', { by: BY, isAllowed });
    await requestsOver(space, 0);
    cutOff();
    expect(await changing).toMatchObject({ action: { status: 'confirmed' } });
  });

  it.each([2, 3])('is given up if the right for it is lost after %i requests', async (count) => {
    const { change, space, stateOfTed } = await startSupervisedRoom();
    const isLost = () => space.requests.length >= count;
    expect(await change(sales, ted, 'barge', { by: BY, isAllowed: () => !isLost() })).toMatchObject({
      action: { status: 'failed', reason: 'not-allowed' },
    });
    expect(space.requests).not.toContain(UNMUTE);
    expect(await stateOfTed()).toMatchObject({ mode: 'monitor', heard: 'monitor' });
  });

  it.each<[Mode, object]>([
    ['monitor', { kind: 'settled', action: { status: 'confirmed', by: BY } }],
    ['barge', { kind: 'refused', refusal: 'store-away' }],
  ])('to %s, begun while the store is away: mutes, and unmutes nobody', async (mode, result) => {
    const { change, space, cutOff, stateOfTed } = await startSupervisedRoom();
    expect(await change(sales, ted, 'coach', { by: BY, isAllowed })).toMatchObject({ action: { status: 'confirmed' } });
    space.requests.length = 0;
    cutOff();
    expect(await change(sales, ted, mode, { by: BY, isAllowed })).toMatchObject(result);
    expect(space.requests).toEqual(mode === 'monitor' ? [MUTE, READ] : []);
    expect(space.party(ted)).toMatchObject({ isMuted: mode === 'monitor' });
    expect(await stateOfTed()).toMatchObject({ mode: mode === 'monitor' ? 'monitor' : 'coach' });
  });

  it('is refused in another conversation than the one that is meant', async () => {
    const { change } = await startSupervisedRoom();
    const result = await change(sales, ted, 'coach', { by: BY, target: carol, isAllowed });
    expect(result).toEqual({ kind: 'refused', refusal: 'conversation-changed', other: undefined });
  });

  it('sets the target again for somebody who enters before the unmute', async () => {
    const { change, space, joined } = await startSupervisedRoom();
    space.latencyMs = 5;
    const changing = change(sales, ted, 'coach', { by: BY, isAllowed });
    await requestsOver(space, 3);
    const newcomer = sid('bob-2');
    space.enter(cf1, { callSid: newcomer });
    await joined(newcomer, false);
    expect(await changing).toMatchObject({ action: { status: 'confirmed' } });
    expect(space.requests.filter((request) => request === COACH).length).toBeGreaterThan(1);
    expect(space.requests.lastIndexOf(COACH)).toBeLessThan(space.requests.indexOf(UNMUTE));
  });
});
