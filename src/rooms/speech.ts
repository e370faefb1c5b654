import type { RoomEvent } from './room-event';
import type { RoomName } from './room-name';

export type SpeechEvent = RoomEvent & { kind: 'spoke' | 'fell-silent' };

/** Lets a participant's speech through once a second. */
export interface SpeechLimit {
  /** Writes the event, or, within a second of the one before, the last of that second when it is over. */
  record(room: RoomName, event: SpeechEvent): void;
  /** Forgets what waits. */
  close(): void;
}

const INTERVAL_MS = 1_000;

/** How many participants may speak within a second; whatever the others say is dropped. */
const MAX_SPEAKERS = 1_000;

/** How much speech is written at once; more is dropped. */
const MAX_WRITES = 20;

/** @param options.monotonicNow milliseconds from any beginning, never going back */
export function createSpeechLimit(options: {
  write: (room: RoomName, event: SpeechEvent) => Promise<void>;
  monotonicNow: () => number;
}): SpeechLimit {
  const { write, monotonicNow } = options;
  const speakers = new Map<string, { timer: NodeJS.Timeout; last?: { event: SpeechEvent; since: number } }>();

  let writes = 0;

  function start(key: string, room: RoomName, event: SpeechEvent): void {
    if (writes < MAX_WRITES) {
      writes++;
      const done = () => void writes--;
      write(room, event).then(done, done);
    }
    speakers.set(key, { timer: setTimeout(() => finish(key, room), INTERVAL_MS).unref() });
  }

  function finish(key: string, room: RoomName): void {
    const { last } = speakers.get(key) ?? {};
    speakers.delete(key);
    if (last !== undefined) {
      const { event, since } = last;
      start(key, room, { ...event, ageMs: event.ageMs + (monotonicNow() - since) });
    }
  }

  return {
    record(room, event) {
      // No room's name has a slash.
      const key = `${room}/${event.callSid}`;
      const speaker = speakers.get(key);
      if (speaker !== undefined) {
        speaker.last = { event, since: monotonicNow() };
      } else if (speakers.size < MAX_SPEAKERS) {
        start(key, room, event);
      }
    },

    close() {
      for (const { timer } of speakers.values()) {
        clearTimeout(timer);
      }
      speakers.clear();
    },
  };
}
