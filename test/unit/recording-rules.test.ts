import { describe, expect, it } from '@jest/globals';
import { eventKey } from '../../src/rooms/event-key';
import { evolve } from '../../src/rooms/evolve';
import { isRunningRecording } from '../../src/rooms/recording';
import { emptyRoom, type RoomState } from '../../src/rooms/room';
import type { ObservedRecording, RoomEvent } from '../../src/rooms/room-event';
import { roomNamed, sid } from '../support/room-stores';

const START = Date.parse('2026-01-02T10:00:00Z');
const LIFETIME = { lifetimeMs: 3_600_000 };

type Told = readonly [seconds: number, event: RoomEvent];

/** The room after these events, told at these seconds. */
function play(...told: Told[]): RoomState {
  return told.reduce(
    (state, [seconds, event]) => evolve(state, event, START + 1_000 * seconds, LIFETIME).state,
    emptyRoom(roomNamed('sales')),
  );
}

const reported = (status: string, more: object = {}): RoomEvent => ({
  kind: 'recording-reported',
  recordingSid: sid('r-1'),
  status,
  ageMs: 0,
  ...more,
});
const observed = (status: string, { ageMs = 0, ...more }: Partial<ObservedRecording> & { ageMs?: number } = {}) =>
  ({
    kind: 'recordings-observed',
    recordings: [{ recordingSid: sid('r-1'), conferenceSid: sid('cf-1'), status, ...more }],
    ageMs,
  }) as RoomEvent;
const pausing = (status: string, ageMs = 0) => observed(status, { isPausedByUs: true, ageMs });
const recordingIn = ({ recordings = [] }: RoomState) => recordings[0];

describe('a recording', () => {
  it('is known from its callback, which may name neither call nor conference, and from REST', () => {
    const state = play([0, reported('in-progress')]);
    expect(state.recordings).toEqual([{ recordingSid: 'r-1', status: 'in-progress', changedAt: START }]);
    expect(recordingIn(play([0, reported('in-progress')], [5, observed('in-progress')]))).toEqual({
      recordingSid: 'r-1',
      conferenceSid: 'cf-1',
      status: 'in-progress',
      changedAt: START,
    });
    expect(play([0, reported('in-progress', { callSid: sid('alice-1') })]).recordings).toMatchObject([
      { callSid: 'alice-1' },
    ]);
  });

  it.each<[string, Told[], string]>([
    [
      'what REST shows that was asked in the millisecond of a callback',
      [
        [1, reported('in-progress')],
        [1.5, observed('paused', { ageMs: 500.4 })],
      ],
      'paused',
    ],
    [
      'a start told twice',
      [
        [0, reported('in-progress')],
        [1, reported('in-progress')],
      ],
      'in-progress',
    ],
    [
      'an end',
      [
        [0, reported('in-progress')],
        [9, reported('completed')],
      ],
      'completed',
    ],
    [
      'an end told before the start',
      [
        [9, reported('completed')],
        [9.5, reported('in-progress')],
      ],
      'completed',
    ],
    [
      'an end, and REST that still shows it',
      [
        [9, reported('absent')],
        [10, observed('in-progress')],
      ],
      'absent',
    ],
    [
      'an end told late',
      [
        [8, observed('paused')],
        [9, reported('completed', { ageMs: 5_000 })],
      ],
      'completed',
    ],
    [
      'a stop, then its end',
      [
        [8, observed('stopped')],
        [9, reported('completed')],
      ],
      'completed',
    ],
    [
      'an end, then an older stop',
      [
        [8, reported('completed')],
        [9, observed('stopped', { ageMs: 2_000 })],
      ],
      'completed',
    ],
    [
      'a list older than the pause',
      [
        [8, observed('paused')],
        [9, observed('in-progress', { ageMs: 2_000 })],
      ],
      'paused',
    ],
    [
      'a list newer than the pause',
      [
        [8, observed('paused')],
        [9, observed('in-progress')],
      ],
      'in-progress',
    ],
    [
      'a start written late',
      [
        [8, observed('paused')],
        [9, reported('in-progress', { ageMs: 7_000 })],
      ],
      'paused',
    ],
    // Nobody can tell it from the end of a pause. To think that a recording is paused would be worse.
    [
      'a start told late',
      [
        [8, observed('paused')],
        [9, reported('in-progress')],
      ],
      'in-progress',
    ],
  ])('after %s', (_what, told, status) => {
    expect(recordingIn(play(...told))).toMatchObject({ status });
    expect(play(...told).recordings).toHaveLength(1);
  });

  it('changes nothing if it is told again', () => {
    const state = play([0, pausing('paused')]);
    for (const event of [observed('paused'), observed('paused', { ageMs: 500 }), pausing('paused')]) {
      expect(evolve(state, event, START + 5_000, LIFETIME).state).toBe(state);
    }
  });

  it.each<[string, Told[], true | undefined]>([
    [
      'while we ask for it',
      [
        [0, reported('in-progress')],
        [1, pausing('in-progress')],
      ],
      true,
    ],
    [
      'also by a list older than its callback',
      [
        [1, reported('in-progress')],
        [1.2, pausing('in-progress', 500)],
      ],
      true,
    ],
    [
      'while it stays paused',
      [
        [1, pausing('paused')],
        [2, observed('paused')],
      ],
      true,
    ],
    [
      'whatever its callback says',
      [
        [1, pausing('paused')],
        [2, reported('in-progress')],
      ],
      true,
    ],
    [
      'whatever an older list says',
      [
        [1, pausing('paused')],
        [2, observed('in-progress', { ageMs: 1_500 })],
      ],
      true,
    ],
    [
      'not once REST shows it running',
      [
        [1, pausing('paused')],
        [2, observed('in-progress')],
      ],
      undefined,
    ],
    [
      'not once we have resumed it, whatever its callback said meanwhile',
      [
        [1, pausing('paused')],
        [2, reported('in-progress')],
        [2.2, observed('in-progress', { isPausedByUs: false, ageMs: 500 })],
      ],
      undefined,
    ],
    [
      'not once it is over',
      [
        [1, pausing('paused')],
        [2, reported('completed')],
      ],
      undefined,
    ],
    [
      'not if it was over',
      [
        [1, reported('completed')],
        [2, pausing('paused')],
      ],
      undefined,
    ],
    [
      'not if others paused it',
      [
        [1, observed('paused')],
        [2, observed('paused')],
      ],
      undefined,
    ],
  ])('counts as paused by us %s', (_when, told, isPausedByUs) => {
    expect(recordingIn(play(...told))?.isPausedByUs).toBe(isPausedByUs);
  });

  it('of another account is ignored, and does not make the room foreign', () => {
    const own = play([0, reported('in-progress', { isForeign: false })]);
    const foreign = reported('completed', { isForeign: true });
    expect(evolve(own, foreign, START + 1_000, LIFETIME).state).toBe(own);
    const joined: RoomEvent = {
      kind: 'joined',
      callSid: sid('alice-1'),
      conferenceSid: sid('cf-1'),
      date: START,
      ageMs: 0,
      isForeign: true,
    };
    expect(play([0, joined], [1, reported('in-progress')], [2, observed('paused')])).toMatchObject({
      isForeign: true,
      recordings: undefined,
    });
  });

  it('is forgotten after as long as a stay', () => {
    const [start, another] = [reported('completed'), reported('completed', { recordingSid: sid('r-2') })];
    expect(play([0, start], [3_599, another]).recordings).toHaveLength(2);
    expect(play([0, start], [3_600, another]).recordings).toMatchObject([{ recordingSid: 'r-2' }]);
  });

  it('is one of 50 at most: finished ones are dropped first', () => {
    const many = Array.from({ length: 60 }, (_, index): Told => {
      const status = index === 0 ? 'in-progress' : 'completed';
      return [index, reported(status, { recordingSid: sid(`r-${index}`) })];
    });
    const sids = play(...many).recordings?.map(({ recordingSid }) => recordingSid);
    expect(sids).toEqual(['r-0', ...Array.from({ length: 49 }, (_, index) => `r-${index + 11}`)]);
    const running = many.map(([seconds, event]): Told => [seconds, { ...event, status: 'paused' } as RoomEvent]);
    expect(play(...running).recordings?.[0]?.recordingSid).toBe('r-10');
  });

  it.each([
    ['queued', true],
    ['in-progress', true],
    ['paused', false],
    ['stopped', false],
    ['completed', false],
    ['absent', false],
  ])('that is %s runs: %j', (status, isRunning) => {
    expect(isRunningRecording({ status })).toBe(isRunning);
  });

  it('waits for the store beside its other reports, so that none displaces its end', () => {
    const keys = [reported('in-progress'), reported('completed'), observed('paused')].map(eventKey);
    expect(new Set(keys).size).toBe(3);
    expect(eventKey(observed('paused'))).toBe(eventKey(pausing('in-progress')));
  });
});
