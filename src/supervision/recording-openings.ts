import type { RoomName } from '../rooms/room';
import type { RecordingOpened } from '../rooms/room-event';
import type { Rooms } from '../rooms/rooms';

/** For so long, further requests of one person for one recording count as the same listening, in milliseconds. */
export const SAME_OPENING_MS = 600_000;

/** Puts into the audit trail who opens the audio of recordings. */
export interface RecordingOpenings {
  /** Writes a line, unless this server wrote one lately. Returns whether there is one. Never rejects. */
  record(room: RoomName, recording: RecordingOpened['recording'], by: string): Promise<boolean>;
}

/** @param options.monotonicNow milliseconds from any beginning, never going back */
export function createRecordingOpenings({
  rooms,
  monotonicNow,
}: {
  rooms: Pick<Rooms, 'recordNow'>;
  monotonicNow: () => number;
}): RecordingOpenings {
  /** The lines that were written lately or are being written, the oldest first. */
  const lately = new Map<string, { at: number; isWritten: Promise<boolean> }>();

  function forgetOld(): void {
    for (const [key, { at }] of lately) {
      if (monotonicNow() - at < SAME_OPENING_MS) {
        return;
      }
      lately.delete(key);
    }
  }

  return {
    record(room, recording, by) {
      forgetOld();
      const key = JSON.stringify([room, recording.recordingSid, by]);
      const known = lately.get(key);
      if (known !== undefined) {
        return known.isWritten;
      }
      const isWritten = rooms
        .recordNow(room, { kind: 'recording-opened', recording, by, ageMs: 0 })
        .then(({ isKnown }) => {
          if (!isKnown) {
            lately.delete(key);
          }
          return isKnown;
        });
      lately.set(key, { at: monotonicNow(), isWritten });
      return isWritten;
    },
  };
}
