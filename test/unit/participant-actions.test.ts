import { describe, expect, it } from '@jest/globals';
import type { ScriptedSpace } from '../support/scripted-space';
import { bob, requestsOver, sales, startSupervisedRoom } from '../support/supervised-room';

const MUTE = 'mute bob-1 in cf-1';
const UNMUTE = 'unmute bob-1 in cf-1';
const READ = 'read bob-1 in cf-1';

describe('an unmute that a mute takes the place of', () => {
  it('mutes again what it may have unmuted', async () => {
    const { actions, space, stateOf } = await startSupervisedRoom();
    space.latencyMs = 5;
    const unmuting = actions.setMuted(sales, bob, false, 'token board');
    await requestsOver(space, 0);
    const muting = actions.setMuted(sales, bob, true, 'token other');
    expect(await Promise.all([unmuting, muting])).toMatchObject([
      { action: { status: 'failed', reason: 'superseded' } },
      { action: { status: 'confirmed' } },
    ]);
    expect(space.requests.slice(0, 2)).toEqual([UNMUTE, MUTE]);
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
    expect(space.requests).toEqual([MUTE, READ]);
  });

  it('mutes again although its own request was answered after the mute', async () => {
    const { actions, space, stateOf } = await startSupervisedRoom();
    const late = delayFirstChange(space);
    const unmuting = actions.setMuted(sales, bob, false, 'token board');
    await late.begun;
    expect(await actions.setMuted(sales, bob, true, 'token other')).toMatchObject({ action: { status: 'confirmed' } });
    late.goOn();
    expect(await unmuting).toMatchObject({ action: { status: 'failed', reason: 'superseded' } });
    expect(space.party(bob)).toMatchObject({ isMuted: true });
    expect(await stateOf(bob)).toMatchObject({ isMuted: true });
  });

  it('leaves alone whom a later change unmuted', async () => {
    const { actions, space, stateOf } = await startSupervisedRoom();
    const late = delayFirstChange(space);
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

/** Lets the first change of a participant wait on its way to the Space until it may go on. */
function delayFirstChange({ client }: ScriptedSpace): { begun: Promise<void>; goOn: () => void } {
  const change = client.changeParticipant;
  let goOn = () => {};
  const waiting = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const begun = new Promise<void>((resolve) => {
    client.changeParticipant = async (...request) => {
      client.changeParticipant = change;
      resolve();
      await waiting;
      return change(...request);
    };
  });
  return { begun, goOn };
}
