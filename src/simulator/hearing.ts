import type { Behaviour } from './behaviour';

/** Someone in a conference, as far as it matters to who hears them and whom they hear. */
export interface Party {
  /** The Call SID. */
  callSid: string;
  muted: boolean;
  /** On hold: away with music. */
  hold: boolean;
  /** The Call SID of the one whom they coach; undefined for nobody. */
  callSidToCoach: string | undefined;
  /** Place in the order in which parties entered. */
  order: number;
  /** The `order` of the last party who entered before the coaching began. */
  coachingSince: number;
  /** Whether an announcement is played to them at the moment. */
  announced: boolean;
}

/** What is heard besides people. */
export type Sound = 'music' | 'beep' | 'notice';

/** What somebody hears at one moment. */
export interface Hearing {
  /** Call SIDs, in the order in which they entered. */
  voices: readonly string[];
  sounds: readonly Sound[];
}

/** A conference at one moment, its parties in the order in which they entered. */
export interface ConferenceSnapshot {
  /** Until it starts, everybody hears music alone. */
  started: boolean;
  beeping: boolean;
  behaviour: Pick<Behaviour, 'latecomersHearCoaches' | 'orphanedCoachesAreHeard'>;
  parties: readonly Party[];
}

/**
 * Who hears whom, by Call SID.
 *
 * A coach is heard by their target alone, unless the Space behaves otherwise.
 */
export function whoHearsWhom({ started, beeping, behaviour, parties }: ConferenceSnapshot): Map<string, Hearing> {
  const present = new Set(parties.map(({ callSid }) => callSid));
  const isHeard = (speaker: Party, listener: Party) => {
    const { callSidToCoach: target } = speaker;
    const reaches =
      target === undefined ||
      target === listener.callSid ||
      (behaviour.orphanedCoachesAreHeard && !present.has(target)) ||
      (behaviour.latecomersHearCoaches && listener.order > speaker.coachingSince);
    return speaker !== listener && !speaker.muted && !speaker.hold && reaches;
  };
  return new Map(
    parties.map((listener) => {
      const isIn = started && !listener.hold;
      const voices = isIn ? parties.filter((speaker) => isHeard(speaker, listener)) : [];
      const sounds: Sound[] = [
        ...(isIn ? [] : (['music'] as const)),
        ...(isIn && beeping ? (['beep'] as const) : []),
        ...(listener.announced ? (['notice'] as const) : []),
      ];
      return [listener.callSid, { voices: voices.map(({ callSid }) => callSid), sounds }];
    }),
  );
}
