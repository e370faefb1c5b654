import type { RoomName } from './room';
import type { RoomEvent } from './room-event';

export type SpeechEvent = RoomEvent & { kind: 'spoke' | 'fell-silent' };

/** Limits the writing of speech: at most once a second per participant, and nothing under load. */
export interface SpeechLimit {
  /** Writes the event at once; of those within a second of the previous write, only the last, at the end of that second. */
  record(room: RoomName, event: SpeechEvent): void;
  /** Drops the events that wait. */
  close(): void;
}

const INTERVAL_MS = 1_000;

/** How many participants are followed within a second; the speech of others is dropped. */
const MAX_SPEAKERS = 1_000;

/** How many writes may be in progress; further speech is dropped. */
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
      // Unique, because no room name contains a slash.
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
