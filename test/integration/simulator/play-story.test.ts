import type { ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { SPACE_NUMBER } from '../../../src/simulator/call';
import { playStory, type StepReport } from '../../../src/simulator/play-story';
import { createSpace } from '../../../src/simulator/space';
import { readStory } from '../../../src/simulator/story';
import { onTestFinished } from '../../support/on-test-finished';
import { type Answer, startScriptedServer } from '../../support/scripted-server';

const people = { Alice: '+15557788999', Bob: '+15550001111', Carol: '+15550003333' };
const ROOM = '<Dial action="/ended"><Conference>a</Conference></Dial>';

async function play(steps: object[], answers: Record<string, Answer> = {}) {
  const server = await startScriptedServer({ '/room': ROOM, '/ended': '<Hangup/>', ...answers });
  const space = createSpace({ signingKey: undefined });
  onTestFinished(() => space.close());
  const reports: StepReport[] = [];
  for await (const report of playStory(readStory({ people, steps }), space, server.url)) {
    reports.push(report);
  }
  return { server, space, reports, problems: reports.flatMap(({ problems }) => problems) };
}

const call = (who: string, to = '/room') => ({ call: who, to });
const BOTH = { Alice: ['Bob'], Bob: ['Alice'] };

describe('playStory', () => {
  it('reports no problems when everybody hears the right people', async () => {
    const { problems, reports } = await play([
      { ...call('Alice'), hears: { Alice: ['music'] } },
      { ...call('Bob'), hears: BOTH },
      { hangUp: 'Bob', hears: { Alice: [] } },
    ]);
    expect([problems, reports.length]).toEqual([[], 3]);
  });

  it.each<[string, object, string]>([
    ['expected nobody, hears somebody', { Alice: ['Bob'], Bob: [] }, 'Bob hears Alice; expected: nobody.'],
    [
      'expected music, hears none',
      { Alice: ['Bob', 'music'], Bob: ['Alice'] },
      'Alice hears Bob; expected: Bob, music.',
    ],
    ['expected not on the line', { Alice: ['Bob'] }, 'Bob hears Alice; expected: not on the line.'],
  ])('reports a wrong expectation: %s', async (_what, hears, problem) => {
    const { problems } = await play([call('Alice'), { ...call('Bob'), hears }]);
    expect(problems).toEqual([problem]);
  });

  it.each<[string, object[], string]>([
    [
      'a person who is not on the line',
      [{ ...call('Bob'), hears: { Bob: ['music'], Alice: [] } }],
      'Alice is not on the line; expected to hear: nobody.',
    ],
    [
      'words that were not said',
      [{ ...call('Bob'), told: { Bob: 'hello' } }],
      'Bob was told nothing; expected: "hello".',
    ],
    [
      'a failure that did not happen',
      [{ ...call('Bob'), fails: { Bob: 13_240 } }],
      "Bob's call did not fail; expected: 13240.",
    ],
    ['a person who calls twice', [call('Bob'), call('Bob')], 'Bob cannot call: already on the line.'],
    [
      'a person who is called twice',
      [call('Bob'), { callOut: 'Bob', to: '/room' }],
      'Bob cannot be called: already on the line.',
    ],
    ['a person who hangs up without a call', [{ hangUp: 'Bob' }], 'Bob cannot hang up: not on the line.'],
    [
      'a person who presses keys without a call',
      [{ press: 'Bob', keys: '1' }],
      'Bob cannot press keys: not on the line.',
    ],
  ])('reports %s', async (_what, steps, problem) => {
    expect((await play(steps)).problems).toEqual([problem]);
  });

  it('finds words in any letter case, in the same step only', async () => {
    const { problems } = await play(
      [
        { ...call('Bob', '/hello'), told: { Bob: 'hello' } },
        { wait: 1, told: { Bob: 'hello' } },
      ],
      { '/hello': '<Say>HELLO.</Say><Pause length="60"/>' },
    );
    expect(problems).toEqual(['Bob was told nothing; expected: "hello".']);
  });

  it('continues after an expected failure, and stops after any other', async () => {
    const steps = [{ ...call('Bob', '/nowhere'), fails: { Bob: 11_217 } }, call('Alice', '/nowhere'), call('Bob')];
    const { reports } = await play(steps);
    expect(reports.map(({ problems }) => problems)).toEqual([
      [],
      [expect.stringMatching(/^Alice's call failed with 11217: .*\/nowhere answered with status 404\.$/)],
    ]);
  });

  it.each([
    [
      'the action of a call that is hung up at the end',
      [call('Bob')],
      { '/ended': (res: ServerResponse) => res.writeHead(500).end() },
    ],
    [
      'a call after the last step',
      [call('Bob', '/wait')],
      { '/wait': '<Pause length="1"/><Redirect>/nowhere</Redirect>' },
    ],
  ])('reports what goes wrong after the last step: %s', async (_what, steps, answers) => {
    const { reports } = await play(steps, answers);
    expect(reports[0]?.problems).toEqual([]);
    expect(reports[1]).toMatchObject({ number: 2, action: { kind: 'end' } });
    expect(reports[1]?.problems).toEqual([expect.stringContaining("Bob's call failed with 11217")]);
  });

  it('reports a beep in a quiet step', async () => {
    const quiet = true;
    const { reports } = await play(
      [
        { ...call('Alice'), quiet },
        { ...call('Bob'), quiet },
        { wait: 1, quiet },
        { ...call('Carol', '/silent'), quiet },
      ],
      { '/silent': '<Dial><Conference beep="false">a</Conference></Dial>' },
    );
    const beep = ['A beep was played; expected: none.'];
    expect(reports.map(({ problems }) => problems)).toEqual([[], beep, [], []]);
  });

  it('tells two people from one whose name joins theirs', async () => {
    const server = await startScriptedServer({ '/room': ROOM, '/ended': '<Hangup/>' });
    const space = createSpace({ signingKey: undefined });
    onTestFinished(() => space.close());
    const both = 'Alice,Bob';
    const steps = [call('Alice'), call('Bob'), { ...call('Carol'), hears: { Alice: [], Bob: [], Carol: [both] } }];
    const reports: StepReport[] = [];
    for await (const report of playStory(
      readStory({ people: { ...people, [both]: '+1' }, steps }),
      space,
      server.url,
    )) {
      reports.push(report);
    }
    expect(reports[2]?.problems).toContain('Carol hears Alice, Bob; expected: Alice,Bob.');
  });

  it('stops after the current step when aborted, and hangs up', async () => {
    const server = await startScriptedServer({ '/room': ROOM, '/ended': '<Hangup/>' });
    const space = createSpace({ signingKey: undefined });
    onTestFinished(() => space.close());
    const stop = new AbortController();
    const story = readStory({ people, steps: [call('Alice'), call('Bob')] });
    for await (const { number } of playStory(story, space, server.url, stop.signal)) {
      expect(number).toBe(1);
      stop.abort();
    }
    expect(server.askedOf('/ended')).toHaveLength(1);
  });

  it('stops when the server accepts no status callback', async () => {
    const reporting = '<Dial><Conference statusCallback="/events" statusCallbackEvent="join">a</Conference></Dial>';
    const { reports } = await play([call('Bob'), { wait: 10 }, call('Alice'), call('Carol')], { '/room': reporting });
    expect(reports).toHaveLength(2);
  });

  it('does not wait for each status callback if the server never answers', async () => {
    const events = 'statusCallback="/events" statusCallbackEvent="start end join leave"';
    const server = await startScriptedServer({
      '/room': `<Dial><Conference ${events}>a</Conference></Dial>`,
      '/events': () => {},
    });
    const space = createSpace({ signingKey: undefined, timeouts: { connectMs: 100, readMs: 100 } });
    onTestFinished(() => space.close());
    const steps = [call('Alice'), call('Bob'), call('Carol'), { wait: 10 }];
    const reports: StepReport[] = [];
    for await (const report of playStory(readStory({ people, steps }), space, server.url)) {
      reports.push(report);
    }
    expect(reports).toHaveLength(3);
    // Three attempts for the first, one each for the others: three join, it starts, three leave, it ends.
    expect(server.askedOf('/events')).toHaveLength(3 + 7);
    expect(space.callbacks()).toMatchObject({
      pending: 0,
      refused: 8,
      refusal: expect.stringContaining('did not answer'),
    });
  });

  it('calls out to people, from a number of the Space', async () => {
    const { server, problems } = await play([
      { ...call('Alice'), hears: { Alice: ['music'] } },
      { callOut: 'Bob', to: '/room', hears: BOTH },
    ]);
    expect(problems).toEqual([]);
    expect(server.askedOf('/room')).toMatchObject([
      { Direction: 'inbound', From: people.Alice, To: SPACE_NUMBER },
      { Direction: 'outbound-api', From: SPACE_NUMBER, To: people.Bob },
    ]);
  });

  it.each(['call', 'callOut'])("reports the end of a call to the step's status callback: %s", async (kind) => {
    const { server, problems } = await play(
      [{ [kind]: 'Bob', to: '/room', statusCallback: '/status' }, { hangUp: 'Bob' }],
      { '/status': (res: ServerResponse) => res.writeHead(204).end() },
    );
    expect(problems).toEqual([]);
    expect(server.askedOf('/status')).toMatchObject([{ CallStatus: 'completed' }]);
  });

  it('tells the server nothing of somebody who hangs up unreported, but all that follows', async () => {
    const reporting = 'statusCallback="/events" statusCallbackEvent="join leave end"';
    const { server, space, problems } = await play(
      [call('Alice'), { hangUp: 'Alice', unreported: true, hears: {} }, call('Bob'), { hangUp: 'Bob' }],
      {
        '/room': `<Dial action="/ended"><Conference ${reporting}>a</Conference></Dial>`,
        '/events': (res: ServerResponse) => res.writeHead(204).end(),
      },
    );
    expect(problems).toEqual([]);
    const joined = 'participant-join';
    expect(server.askedOf('/events').map((event) => [event.From, event.StatusCallbackEvent])).toEqual([
      [people.Alice, joined],
      [people.Bob, joined],
      [people.Bob, 'participant-leave'],
      [undefined, 'conference-end'],
    ]);
    // Only so can the server tell which of two conferences is later.
    const [alices, bobs] = server.askedOf('/events').map(({ Timestamp = '' }) => Date.parse(Timestamp));
    expect(bobs).toBeGreaterThan(alices ?? Number.NaN);
    expect(server.askedOf('/ended')).toMatchObject([{ From: people.Bob }]);
    expect(space.callbacks()).toMatchObject({ delivered: 4, lost: 2, refused: 0 });
  });

  it('presses keys', async () => {
    const { server } = await play([call('Bob', '/menu'), { press: 'Bob', keys: '12#' }], {
      '/menu': '<Gather action="/ended"/>',
    });
    expect(server.askedOf('/ended')).toMatchObject([{ Digits: '12' }]);
  });

  it('advances time by its waits, and a second between steps', async () => {
    const { space } = await play([{ wait: 10 }, { wait: 0 }, { wait: 0 }]);
    expect(space.clock.now()).toBe(10_000 + 3 * 1_000);
  });

  it('hangs up remaining calls at the end, and when the reader stops early', async () => {
    expect((await play([call('Alice')])).server.askedOf('/ended')).toHaveLength(1);

    const server = await startScriptedServer({ '/room': ROOM, '/ended': '<Hangup/>' });
    const space = createSpace({ signingKey: undefined });
    onTestFinished(() => space.close());
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

  it('waits at the end for delayed callbacks and retries', async () => {
    const reporting = '<Dial><Conference statusCallback="/events" statusCallbackEvent="join">a</Conference></Dial>';
    const server = await startScriptedServer({ '/room': reporting });
    const space = createSpace({ signingKey: undefined, chaos: { seed: 1, delayMs: 3_600_000 } });
    onTestFinished(() => space.close());
    for await (const { problems } of playStory(readStory({ people, steps: [call('Bob')] }), space, server.url)) {
      expect(problems).toEqual([]);
    }
    expect(server.askedOf('/events')).toHaveLength(3);
    expect(space.callbacks()).toMatchObject({ delivered: 0, pending: 0, refused: 1 });
  });

  it('accepts a name that every object has', async () => {
    const server = await startScriptedServer({ '/room': ROOM });
    const space = createSpace({ signingKey: undefined });
    onTestFinished(() => space.close());
    const given = { people: { constructor: '+15550001111' }, steps: [{ call: 'constructor', to: '/room', hears: {} }] };
    const reports: StepReport[] = [];
    for await (const report of playStory(readStory(given), space, server.url)) {
      reports.push(report);
    }
    expect(reports[0]?.problems).toEqual(['constructor hears music; expected: not on the line.']);
  });
});
