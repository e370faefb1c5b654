import { describe, expect, it } from '@jest/globals';
import { playStory, type StepReport } from '../../../src/simulator/play-story';
import { createSpace } from '../../../src/simulator/space';
import { readStory } from '../../../src/simulator/story';
import { atEnd } from '../../support/at-end';
import { type Answer, startScriptedServer } from '../../support/scripted-server';

const people = { Alice: '+15557788999', Bob: '+15550001111' };
const ROOM = '<Dial action="/ended"><Conference>a</Conference></Dial>';

async function play(steps: object[], answers: Record<string, Answer> = {}) {
  const server = await startScriptedServer({ '/room': ROOM, '/ended': '<Hangup/>', ...answers });
  const space = createSpace({ signingKey: undefined });
  atEnd(() => space.close());
  const reports: StepReport[] = [];
  for await (const report of playStory(readStory({ people, steps }), space, server.url)) {
    reports.push(report);
  }
  return { server, space, reports, problems: reports.flatMap(({ problems }) => problems) };
}

const call = (who: string, to = '/room') => ({ call: who, to });
const BOTH = { Alice: ['Bob'], Bob: ['Alice'] };

describe('playStory', () => {
  it('is content with what is as it should be', async () => {
    const { problems, reports } = await play([
      { ...call('Alice'), hears: { Alice: ['music'] } },
      { ...call('Bob'), hears: BOTH },
      { hangUp: 'Bob', hears: { Alice: [] } },
    ]);
    expect([problems, reports.length]).toEqual([[], 3]);
  });

  it.each<[string, object, string]>([
    ['who hears somebody else', { Alice: ['Bob'], Bob: [] }, 'Bob should hear nobody, and hears Alice.'],
    ['who hears nobody', { Alice: ['Bob', 'music'], Bob: ['Alice'] }, 'Alice should hear Bob, music, and hears Bob.'],
    ['who should not be there', { Alice: ['Bob'] }, 'Bob should not be on the line, and hears Alice.'],
  ])('tells %s', async (_what, hears, problem) => {
    const { problems } = await play([call('Alice'), { ...call('Bob'), hears }]);
    expect(problems).toEqual([problem]);
  });

  it.each<[string, object[], string]>([
    [
      'somebody who is not there',
      [{ ...call('Bob'), hears: { Bob: ['music'], Alice: [] } }],
      'Alice should hear nobody, and is not on the line.',
    ],
    [
      'words that were not said',
      [{ ...call('Bob'), told: { Bob: 'hello' } }],
      'Bob should be told "hello", and was told nothing.',
    ],
    [
      'a failure that there was not',
      [{ ...call('Bob'), fails: { Bob: 13_240 } }],
      "Bob's call should fail with 13240, and did not.",
    ],
    ['who calls twice', [call('Bob'), call('Bob')], 'Bob cannot call, being on the line already.'],
    ['who hangs up without a call', [{ hangUp: 'Bob' }], 'Bob is not on the line.'],
    ['who presses keys without a call', [{ press: 'Bob', keys: '1' }], 'Bob is not on the line.'],
  ])('tells %s', async (_what, steps, problem) => {
    expect((await play(steps)).problems).toEqual([problem]);
  });

  it('takes words in any letter case, and only of that step', async () => {
    const { problems } = await play(
      [
        { ...call('Bob', '/hello'), told: { Bob: 'hello' } },
        { wait: 1, told: { Bob: 'hello' } },
      ],
      { '/hello': '<Say>HELLO.</Say><Pause length="60"/>' },
    );
    expect(problems).toEqual(['Bob should be told "hello", and was told nothing.']);
  });

  it('goes on after a failure that it expects, and stops after any other', async () => {
    const steps = [{ ...call('Bob', '/nowhere'), fails: { Bob: 11_217 } }, call('Alice', '/nowhere'), call('Bob')];
    const { reports } = await play(steps);
    expect(reports.map(({ problems }) => problems)).toEqual([
      [],
      [expect.stringMatching(/^Alice's call failed with 11217: .*\/nowhere answered with status 404\.$/)],
    ]);
  });

  it('presses keys', async () => {
    const { server } = await play([call('Bob', '/menu'), { press: 'Bob', keys: '12#' }], {
      '/menu': '<Gather action="/ended"/>',
    });
    expect(server.askedOf('/ended')).toMatchObject([{ Digits: '12' }]);
  });

  it('lets time pass: as much as it says, and a second between steps', async () => {
    const { space } = await play([{ wait: 10 }, { wait: 0 }, { wait: 0 }]);
    expect(space.clock.now()).toBe(10_000 + 3 * 1_000 + 10_000);
  });

  it('hangs up at its end for who is still on the line, and so does a reader who has enough', async () => {
    expect((await play([call('Alice')])).server.askedOf('/ended')).toHaveLength(1);

    const server = await startScriptedServer({ '/room': ROOM, '/ended': '<Hangup/>' });
    const space = createSpace({ signingKey: undefined });
    atEnd(() => space.close());
    for await (const _report of playStory(
      readStory({ people, steps: [call('Alice'), call('Bob')] }),
      space,
      server.url,
    )) {
      break;
    }
    expect(server.askedOf('/ended')).toHaveLength(1);
    expect(server.askedOf('/room')).toHaveLength(1);
  });

  it('waits at its end for callbacks that are tried again', async () => {
    const reporting = '<Dial><Conference statusCallback="/events" statusCallbackEvent="join">a</Conference></Dial>';
    const { space } = await play([call('Bob')], { '/room': reporting });
    expect(space.callbacks()).toMatchObject({
      delivered: 0,
      refused: 1,
      refusal: expect.stringContaining('status 404'),
    });
  });

  it('minds no names that every object has', async () => {
    const server = await startScriptedServer({ '/room': ROOM });
    const space = createSpace({ signingKey: undefined });
    atEnd(() => space.close());
    const given = { people: { constructor: '+15550001111' }, steps: [{ call: 'constructor', to: '/room', hears: {} }] };
    const reports: StepReport[] = [];
    for await (const report of playStory(readStory(given), space, server.url)) {
      reports.push(report);
    }
    expect(reports[0]?.problems).toEqual(['constructor should not be on the line, and hears music.']);
  });
});
