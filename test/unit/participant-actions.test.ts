import { describe, expect, it } from '@jest/globals';
import { SpaceError } from '../../src/signalwire/conference-api';
import { sid } from '../support/room-stores';
import { holdBack, refusal, requestsOver, type ScriptedSpace } from '../support/scripted-space';
import { alice, bob, cf1, sales, startSupervisedRoom, ted } from '../support/supervised-room';

const [carol, cf2] = [sid('carol-1'), sid('cf-2')];

const MUTE = 'mute bob-1 in cf-1';
const UNMUTE = 'unmute bob-1 in cf-1';
const READ = 'read bob-1 in cf-1';

describe('an unmute that a mute takes the place of', () => {
  it('mutes again what it may have unmuted', async () => {
    const { actions, space, stateOf } = await startSupervisedRoom();
    space.latencyMs = 5;
    const unmuting = actions.setMuted(sales, bob, false, 'token board');
    await requestsOver(space, 1);
    const muting = actions.setMuted(sales, bob, true, 'token other');
    expect(await Promise.all([unmuting, muting])).toMatchObject([
      { action: { status: 'failed', reason: 'superseded' } },
      { action: { status: 'confirmed' } },
    ]);
    expect(space.requests.slice(0, 3)).toEqual([READ, UNMUTE, MUTE]);
    expect(space.requests.filter((request) => request === MUTE)).toHaveLength(2);
    expect(await stateOf(bob)).toMatchObject({ isMuted: true });
  });

  it('sends nothing if its own request was not sent', async () => {
    const { actions, space } = await startSupervisedRoom();
    const both = [
      actions.setMuted(sales, bob, false, 'token board'),
      actions.setMuted(sales, bob, true, 'token other'),
    ];
    expect(await Promise.all(both)).toMatchObject([
      { action: { status: 'failed', reason: 'superseded' } },
      { action: { status: 'confirmed' } },
    ]);
    expect(space.requests).not.toContain(UNMUTE);
  });

  it('mutes again although its own request was answered after the mute', async () => {
    const { actions, space, stateOf } = await startSupervisedRoom();
    const late = holdBack(space, 'changeParticipant');
    const unmuting = actions.setMuted(sales, bob, false, 'token board');
    await late.begun;
    expect(await actions.setMuted(sales, bob, true, 'token other')).toMatchObject({ action: { status: 'confirmed' } });
    late.goOn();
    expect(await unmuting).toMatchObject({ action: { status: 'failed', reason: 'superseded' } });
    expect(space.party(bob)).toMatchObject({ isMuted: true });
    expect(await stateOf(bob)).toMatchObject({ isMuted: true });
  });

  it('mutes again although its own request takes effect after its deadline', async () => {
    const { actions, space, stateOf } = await startSupervisedRoom();
    const late = loseFirstChange(space, async () => {
      await muting;
      throw new SpaceError('timeout', 'late');
    });
    const unmuting = actions.setMuted(sales, bob, false, 'token board');
    const muting = requestsOver(space, 0).then(() => actions.setMuted(sales, bob, true, 'token other'));
    expect(await muting).toMatchObject({ action: { status: 'confirmed' } });
    // It has been muted again.
    await requestsOver(space, 4);
    await late.land();
    expect(space.party(bob)).toMatchObject({ isMuted: false });
    expect(await unmuting).toMatchObject({ action: { status: 'failed', reason: 'superseded' } });
    expect(space.party(bob)).toMatchObject({ isMuted: true });
    expect(await stateOf(bob)).toMatchObject({ isMuted: true });
  });

  it('mutes again if it had failed before that, and takes effect later', async () => {
    const { actions, space, stateOf } = await startSupervisedRoom();
    const late = loseFirstChange(space, async () => {
      throw refusal(400);
    });
    const unmuting = actions.setMuted(sales, bob, false, 'token board');
    await late.begun;
    await new Promise(setImmediate);
    expect(await actions.setMuted(sales, bob, true, 'token other')).toMatchObject({ action: { status: 'confirmed' } });
    await late.land();
    await unmuting;
    expect(space.party(bob)).toMatchObject({ isMuted: true });
    expect(await stateOf(bob)).toMatchObject({ isMuted: true });
  });

  it('leaves alone whom a later change unmuted', async () => {
    const { actions, space, stateOf } = await startSupervisedRoom();
    const late = holdBack(space, 'changeParticipant');
    const unmuting = actions.setMuted(sales, bob, false, 'token board');
    await late.begun;
    await actions.setMuted(sales, bob, true, 'token other');
    expect(await actions.setMuted(sales, bob, false, 'token other')).toMatchObject({ action: { status: 'confirmed' } });
    late.goOn();
    expect(await unmuting).toMatchObject({ action: { status: 'failed', reason: 'superseded' } });
    expect(space.party(bob)).toMatchObject({ isMuted: false });
    expect(await stateOf(bob)).toMatchObject({ isMuted: false });
  });
});

it('an unmute fails for a supervisor whom the room knows only as a caller', async () => {
  const { actions, space, joined, stateOf } = await startSupervisedRoom();
  space.enter(cf1, { callSid: carol, isMuted: true, target: alice });
  await joined(carol, false);
  expect(await stateOf(carol)).toMatchObject({ role: 'caller' });
  expect(await actions.setMuted(sales, carol, false, 'token board')).toMatchObject({
    action: { status: 'failed', reason: 'is-a-supervisor' },
  });
  expect(space.party(carol)).toMatchObject({ isMuted: true });
  expect(await stateOf(carol)).toMatchObject({ role: 'supervisor', isMuted: true });
});

describe('a removal that REST answers with 404', () => {
  const isAboutBob = (request: string) => request.includes('bob-1');

  it.each([
    ['the list shows the participant', isAboutBob],
    ['there is no list', () => true],
  ])('is not confirmed while %s', async (_how, isMissing) => {
    const { actions, space, stateOf } = await startSupervisedRoom(50);
    space.trouble = (request) => (isMissing(request) ? 'missing' : undefined);
    expect(await actions.remove(sales, bob, 'token board')).toMatchObject({ action: { status: 'failed' } });
    expect(space.party(bob)).toBeDefined();
    expect(await stateOf(bob)).not.toHaveProperty('leftAt');
  });

  it('is confirmed when two lists lack the participant', async () => {
    const { actions, space, stateOf } = await startSupervisedRoom();
    space.leave(bob);
    expect(await actions.remove(sales, bob, 'token board')).toMatchObject({ action: { status: 'confirmed' } });
    expect(await stateOf(bob)).toMatchObject({ leaveSource: 'rest' });
  });

  it('is confirmed when the leave is reported', async () => {
    const { actions, space, record } = await startSupervisedRoom();
    space.leave(bob);
    const removing = actions.remove(sales, bob, 'token board');
    await requestsOver(space, 0);
    await record({ kind: 'left', callSid: bob, conferenceSid: cf1, date: Date.now(), ageMs: 0 });
    expect(await removing).toMatchObject({ action: { status: 'confirmed' } });
  });
});

describe('the end of a conference', () => {
  it('ends the one that the room knows, although the list lacks it', async () => {
    const { actions, space } = await startSupervisedRoom();
    space.trouble = (request) => (request === 'list sales' ? 'missing' : undefined);
    expect(await actions.end(sales, 'token board')).toMatchObject({ action: { status: 'confirmed' } });
    expect([alice, bob, ted].map(space.party)).toEqual([undefined, undefined, undefined]);
  });

  it('ends another one that has begun unnoticed', async () => {
    const { actions, space, rooms } = await startSupervisedRoom();
    space.open(sales, cf2, [{ callSid: carol, isModerator: true }]);
    expect(await actions.end(sales, 'token board')).toMatchObject({ action: { status: 'confirmed' } });
    expect(space.party(carol)).toBeUndefined();
    expect(await rooms.read(sales)).toMatchObject({ state: { ended: [{ sid: cf1 }, { sid: cf2 }] } });
  });

  it('ends none that begins later', async () => {
    const { actions, space } = await startSupervisedRoom();
    const list = space.client.listParticipants;
    const late = await list(cf1);
    let reads = 0;
    space.client.listParticipants = async (...request) => {
      if (++reads === 2) {
        space.open(sales, cf2, [{ callSid: carol, isModerator: true }]);
      }
      return reads > 4 ? list(...request) : late;
    };
    expect(await actions.end(sales, 'token board')).toMatchObject({ action: { status: 'confirmed' } });
    expect(space.party(carol)).toBeDefined();
  });

  it('is confirmed when REST has caught up', async () => {
    const { actions, space } = await startSupervisedRoom();
    const list = space.client.listParticipants;
    const late = await list(cf1);
    let reads = 0;
    space.client.listParticipants = async (...request) => (++reads > 9 ? list(...request) : late);
    expect(await actions.end(sales, 'token board')).toMatchObject({ action: { status: 'confirmed' } });
  });

  it.each([
    ['knows its participants', 'participants of cf-1'],
    ['lists it', 'list sales'],
  ])('is not confirmed while REST does not know it, but %s', async (_how, told) => {
    const { actions, space, stateOf } = await startSupervisedRoom(50);
    space.trouble = (request) => (request === told ? undefined : 'missing');
    expect(await actions.end(sales, 'token board')).toMatchObject({ action: { status: 'failed' } });
    expect(await stateOf(alice)).not.toHaveProperty('leftAt');
  });
});

/** Lets the first change of a participant fail, and take effect only with `land`. */
function loseFirstChange({ client }: ScriptedSpace, fail: () => Promise<never>) {
  const change = client.changeParticipant;
  const late = { land: async (): Promise<unknown> => undefined };
  const begun = new Promise<void>((resolve) => {
    client.changeParticipant = (...request) => {
      client.changeParticipant = change;
      late.land = () => change(...request);
      resolve();
      return fail();
    };
  });
  return Object.assign(late, { begun });
}
