import type { Logger } from 'pino';
import type { LocalRooms } from './local-rooms';
import { type RoomName, type RoomState, withoutUnlistedModerators } from './room';
import type { RoomEvent } from './room-event';
import type { Observation, SpaceObserver } from './space-observer';

export interface SecondSourceOptions {
  space: SpaceObserver;
  local: Pick<LocalRooms, 'now' | 'stateOf' | 'after'>;
  /** Records what REST showed. */
  record: (room: RoomName, event: RoomEvent) => Promise<unknown>;
  log: Logger;
}

/** Rooms as REST shows them, when the store's answer is not enough. What it shows is recorded. Never rejects. */
export interface SecondSource {
  /** A room, which was known like this; undefined if REST fails. */
  find(known: RoomState): Promise<RoomState | undefined>;
  /** The rooms that could be read within so many milliseconds; undefined if none could. */
  list(withinMs: number): Promise<RoomState[] | undefined>;
}

export function createSecondSource({ space, local, record, log }: SecondSourceOptions): SecondSource {
  /** Records what REST shows of a room, without waiting for the store; returns the room after it. */
  function observed(state: RoomState, { room, event }: Observation): RoomState {
    void record(room, event);
    const listed = new Set(event.participants.map(({ callSid }) => callSid));
    return withoutUnlistedModerators(local.after(state, event), listed, local.now() - event.ageMs);
  }

  return {
    async find(known) {
      const { room } = known;
      try {
        return observed(known, await space.observe(room));
      } catch (err) {
        log.warn({ err, room }, 'Participants could not be read from the Space');
        return undefined;
      }
    },

    async list(withinMs) {
      try {
        const seen = await space.observeAll(withinMs);
        return seen.map((observation) => observed(local.stateOf(observation.room), observation));
      } catch (err) {
        log.warn({ err }, 'Conferences could not be listed by the Space');
        return undefined;
      }
    },
  };
}
