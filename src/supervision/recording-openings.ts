import type { RoomName } from '../rooms/room';
import type { RecordingOpened } from '../rooms/room-event';
import type { Rooms } from '../rooms/rooms';
import type { RecordingAudio } from '../signalwire/conference-api';

/**
 * For so long, further requests of one person for one recording count as the same listening, in milliseconds: those that
 * get its beginning since the line was written, and those that go on since the last request.
 */
export const SAME_OPENING_MS = 600_000;

/** A line stands for requests of so long at most, in milliseconds. */
export const LONGEST_OPENING_MS = 3_600_000;

/** Audio from here on goes on with a listening, in bytes: the few seconds before are not worth hearing alone. */
const BEGINNING_BYTES = 65_536;

/** Puts into the audit trail who opens the audio of recordings. */
export interface RecordingOpenings {
  /**
   * Writes a line, unless this server wrote one lately. Returns whether there is one. Never rejects.
   *
   * @param request.audio what the Space answered: a range that was asked for can be nearly the whole
   */
  record(
    room: RoomName,
    recording: RecordingOpened['recording'],
    request: { by: string; audio: Pick<RecordingAudio, 'contentRange'> },
  ): Promise<boolean>;
}

/** @param options.monotonicNow milliseconds from any beginning, never going back */
export function createRecordingOpenings({
  rooms,
  monotonicNow,
}: {
  rooms: Pick<Rooms, 'recordNow'>;
  monotonicNow: () => number;
}): RecordingOpenings {
  /** The lines of late, in the order of their latest requests. */
  const lately = new Map<string, { writtenAt: number; usedAt: number; isWritten: Promise<boolean> }>();

  function forgetOld(): void {
    for (const [key, { usedAt }] of lately) {
      if (monotonicNow() - usedAt < SAME_OPENING_MS) {
        return;
      }
      lately.delete(key);
    }
  }

  return {
    record(room, recording, { by, audio }) {
      forgetOld();
      const key = JSON.stringify([room, recording.recordingSid, by]);
      const known = lately.get(key);
      const now = monotonicNow();
      // Now the latest.
      lately.delete(key);
      if (known !== undefined && now - known.writtenAt < (goesOn(audio) ? LONGEST_OPENING_MS : SAME_OPENING_MS)) {
        lately.set(key, { ...known, usedAt: now });
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
      lately.set(key, { writtenAt: now, usedAt: now, isWritten });
      return isWritten;
    },
  };
}

/** Whether audio leaves out the beginning, as that does which a player asks for after a jump or a lost connection. */
function goesOn({ contentRange = '' }: Pick<RecordingAudio, 'contentRange'>): boolean {
  const [, first = '0'] = /^bytes (\d+)-/.exec(contentRange) ?? [];
  return Number(first) >= BEGINNING_BYTES;
}
