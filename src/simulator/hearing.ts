import type { Behaviour } from './behaviour';

/** A participant: what decides who hears them, and whom they hear. */
export interface Party {
  /** The Call SID. */
  callSid: string;
  muted: boolean;
  /** On hold, with music: hears nobody and is heard by nobody. */
  hold: boolean;
  /** The Call SID of the target they coach; undefined for none. */
  callSidToCoach: string | undefined;
  /** Counts the parties in the order they entered. */
  order: number;
  /** The `order` of the last party to enter before this coaching began. */
  coachingSince: number;
  /** Whether they hear an announcement at the moment. */
  announced: boolean;
}

/** What can be heard other than people. */
export type Sound = 'music' | 'beep' | 'notice';

/** What one party hears at one moment. */
export interface Hearing {
  /** Call SIDs of the parties they hear, in the order of entering. */
  voices: readonly string[];
  sounds: readonly Sound[];
}

/** A conference at one moment. */
export interface ConferenceSnapshot {
  /** Before the start, everybody hears only music. */
  started: boolean;
  beeping: boolean;
  behaviour: Pick<Behaviour, 'latecomersHearCoaches' | 'orphanedCoachesAreHeard'>;
  /** In the order of entering. */
  parties: readonly Party[];
}

/**
 * What each party hears, by the listener's Call SID.
 *
 * Only the target hears a coach, except as `behaviour` says.
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
