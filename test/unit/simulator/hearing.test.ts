import { describe, expect, it } from '@jest/globals';
import { DEFAULT_BEHAVIOUR } from '../../../src/simulator/behaviour';
import { type ConferenceSnapshot, type Party, whoHearsWhom } from '../../../src/simulator/hearing';

const party = (callSid: string, more: Partial<Party> = {}): Party => ({
  callSid,
  muted: false,
  hold: false,
  callSidToCoach: undefined,
  order: 0,
  coachingSince: 0,
  announced: false,
  ...more,
});
const scene = (parties: Party[], more: Partial<ConferenceSnapshot> = {}): ConferenceSnapshot => ({
  started: true,
  beeping: false,
  behaviour: DEFAULT_BEHAVIOUR,
  parties,
  ...more,
});

const BOTH = [true, false];
const TARGETS = ['nobody', 'the listener', 'a third', 'one who left'] as const;
const targetOf = { nobody: undefined, 'the listener': 'listener', 'a third': 'third', 'one who left': 'left' } as const;

interface Combination {
  started: boolean;
  muted: boolean;
  hold: boolean;
  coaches: (typeof TARGETS)[number];
  listenerMuted: boolean;
  listenerHold: boolean;
  listenerCoaches: 'nobody' | 'the speaker' | 'a third';
}

const COMBINATIONS: Combination[] = BOTH.flatMap((started) =>
  BOTH.flatMap((muted) =>
    BOTH.flatMap((hold) =>
      TARGETS.flatMap((coaches) =>
        BOTH.flatMap((listenerMuted) =>
          BOTH.flatMap((listenerHold) =>
            (['nobody', 'the speaker', 'a third'] as const).map((listenerCoaches) => ({
              started,
              muted,
              hold,
              coaches,
              listenerMuted,
              listenerHold,
              listenerCoaches,
            })),
          ),
        ),
      ),
    ),
  ),
);

/** The only ones in which the listener hears the speaker. The listener's own mute and target do not matter. */
const HEARD = new Set([
  'started, speaker open and here, coaches nobody, listener here',
  'started, speaker open and here, coaches the listener, listener here',
  'started, speaker open and here, coaches one who left, listener here',
]);

function nameOf({ started, muted, hold, coaches, listenerHold }: Combination): string {
  return [
    started ? 'started' : 'waiting',
    `speaker ${muted ? 'muted' : 'open'} and ${hold ? 'on hold' : 'here'}`,
    `coaches ${coaches}`,
    `listener ${listenerHold ? 'on hold' : 'here'}`,
  ].join(', ');
}

describe('whoHearsWhom', () => {
  it('has 384 combinations of a speaker and a listener, 18 of which are heard', () => {
    expect(COMBINATIONS).toHaveLength(384);
    expect(COMBINATIONS.filter((one) => HEARD.has(nameOf(one)))).toHaveLength(18);
  });

  it.each(COMBINATIONS.map((one) => [nameOf(one), one] as const))('%s %j', (name, one) => {
    const listenerTarget = { nobody: undefined, 'the speaker': 'speaker', 'a third': 'third' }[one.listenerCoaches];
    const hearing = whoHearsWhom(
      scene(
        [
          party('listener', { muted: one.listenerMuted, hold: one.listenerHold, callSidToCoach: listenerTarget }),
          party('third', { muted: true }),
          party('speaker', { muted: one.muted, hold: one.hold, callSidToCoach: targetOf[one.coaches] }),
        ],
        { started: one.started },
      ),
    );
    expect(hearing.get('listener')).toEqual({
      voices: HEARD.has(name) ? ['speaker'] : [],
      sounds: one.started && !one.listenerHold ? [] : ['music'],
    });
  });

  it('a coach is heard only by the target, and hears everybody', () => {
    const hearing = whoHearsWhom(
      scene([party('Bob'), party('Alice'), party('Carol'), party('Ted', { callSidToCoach: 'Alice' })]),
    );
    expect([...hearing].map(([who, { voices }]) => [who, ...voices])).toEqual([
      ['Bob', 'Alice', 'Carol'],
      ['Alice', 'Bob', 'Carol', 'Ted'],
      ['Carol', 'Bob', 'Alice'],
      ['Ted', 'Bob', 'Alice', 'Carol'],
    ]);
  });

  it('two coaches of one moderator do not hear each other', () => {
    const coaching = { callSidToCoach: 'Alice' };
    const hearing = whoHearsWhom(scene([party('Alice'), party('Ted', coaching), party('Carol', coaching)]));
    expect(hearing.get('Alice')?.voices).toEqual(['Ted', 'Carol']);
    expect(hearing.get('Ted')?.voices).toEqual(['Alice']);
    expect(hearing.get('Carol')?.voices).toEqual(['Alice']);
  });

  it.each<[string, Partial<ConferenceSnapshot>, Partial<Party>, string[]]>([
    ['a beep in a started conference', { beeping: true }, {}, ['beep']],
    ['no beep before the start', { beeping: true, started: false }, {}, ['music']],
    ['no beep on hold', { beeping: true }, { hold: true }, ['music']],
    ['an announcement together with voices', {}, { announced: true }, ['notice']],
    ['an announcement together with music', { started: false }, { announced: true }, ['music', 'notice']],
  ])('plays %s', (_what, more, listener, sounds) => {
    const hearing = whoHearsWhom(scene([party('Bob', listener), party('Alice')], more));
    expect(hearing.get('Bob')?.sounds).toEqual(sounds);
  });

  it('plays an announcement only to its participant', () => {
    const hearing = whoHearsWhom(scene([party('Bob'), party('Alice', { announced: true })]));
    expect(hearing.get('Bob')).toEqual({ voices: ['Alice'], sounds: [] });
    expect(hearing.get('Alice')).toEqual({ voices: ['Bob'], sounds: ['notice'] });
  });

  it('returns nothing for an empty conference', () => {
    expect(whoHearsWhom(scene([])).size).toBe(0);
  });
});
