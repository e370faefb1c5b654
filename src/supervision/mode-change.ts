import type { HeardMode, Mode } from '../rooms/mode';
import {
  isInConference,
  isOpen,
  type RoomName,
  type RoomState,
  type SupervisorStay,
  supervisorsOf,
} from '../rooms/room';
import type { Rooms } from '../rooms/rooms';
import type { ConferenceApi, SpaceParticipant } from '../signalwire/conference-api';
import type { Sid } from '../signalwire/sid';
import {
  ActionFailure,
  type ActionResult,
  type ActionRunner,
  PossiblyHeard,
  type RunningAction,
} from './action-runner';

export interface ModeChangeOptions {
  runner: ActionRunner;
  rooms: Pick<Rooms, 'record' | 'read'>;
  space: Pick<ConferenceApi, 'changeParticipant'>;
  /** Called when a change is confirmed. @param before how they were heard until then */
  onChanged: (state: RoomState, target: Sid, mode: Mode, before: HeardMode) => void;
  /** Milliseconds from any beginning, never going back. */
  monotonicNow: () => number;
}

/** Changes how a supervisor in a conference is heard. Resolves when the change is confirmed or has failed; never rejects. */
export type ChangeMode = (room: RoomName, callSid: Sid, mode: Mode, by: string) => Promise<ActionResult>;

/** Deadline of each request that mutes a supervisor after a failure, in milliseconds; then the enforcer goes on. */
const MUTE_MS = 2_000;

/**
 * Mutes first, sets or clears the target, reads both back, and only then unmutes, and reads that back too. Whatever fails
 * on the way, the supervisor ends muted, and the room says so.
 */
export function createModeChange({ runner, rooms, space, onChanged, monotonicNow }: ModeChangeOptions): ChangeMode {
  return async (room, callSid, mode, by) => {
    const before = await rooms.read(room);
    if (!before.isKnown) {
      return { kind: 'refused', refusal: 'room-unknown' };
    }
    const target = supervisorOf(before.state, callSid)?.supervision.target;
    return runner.run(room, { name: 'mode', callSid, mode, target, by }, async (running) => {
      const stay = supervisorOf(running.state, callSid);
      const conferenceSid = stay?.conferenceSid ?? running.state.conference?.sid;
      if (stay === undefined || conferenceSid === undefined) {
        throw new ActionFailure('left');
      }
      const place = { conferenceSid, callSid };
      await mute(running, place);
      if (mode !== 'monitor') {
        await unmute(running, place, mode, target as Sid);
        onChanged(running.state, target as Sid, mode, stay.supervision.heard);
      }
      return 'confirmed';
    });
  };

  async function mute({ repeat, verify }: RunningAction, { conferenceSid, callSid }: Place): Promise<void> {
    await repeat((deadline) => space.changeParticipant(conferenceSid, callSid, { muted: true }, deadline));
    await verify(conferenceSid, callSid, ({ isMuted }) => isMuted);
  }

  async function unmute(running: RunningAction, place: Place, mode: Mode, target: Sid): Promise<void> {
    const { room, repeat, verify, deadline } = running;
    const { conferenceSid, callSid } = place;
    const wanted = mode === 'coach' ? target : 'nobody';
    const isAsWanted = (seen: SpaceParticipant) => (seen.target ?? (seen.isCoaching ? undefined : 'nobody')) === wanted;
    const askedAt = monotonicNow();
    await repeat((one) => space.changeParticipant(conferenceSid, callSid, { target: wanted }, one));
    await verify(conferenceSid, callSid, (seen) => seen.isMuted && isAsWanted(seen));
    if (mode === 'coach') {
      await rooms.record(room, { kind: 'target-set', callSid, target, ageMs: monotonicNow() - askedAt });
    }
    await requireCurrent(running, place, mode, target);
    try {
      // Once: a request that got no answer may take effect late, and another one would not make that clearer.
      await space.changeParticipant(conferenceSid, callSid, { muted: false }, deadline());
      await verify(conferenceSid, callSid, (seen) => !seen.isMuted && isAsWanted(seen));
      await requireCurrent(running, place, mode, target);
    } catch (error) {
      await muteAgain(running, place, error);
    }
  }

  /** @throws ActionFailure unless this change is still the one that counts, in the same conversation */
  async function requireCurrent({ id, room }: RunningAction, place: Place, mode: Mode, target: Sid): Promise<void> {
    const found = await rooms.read(room);
    const action = found.isKnown ? found.state.actions?.find((one) => one.id === id) : undefined;
    const stay = found.isKnown ? supervisorOf(found.state, place.callSid) : undefined;
    if (action?.status !== 'requested') {
      throw new ActionFailure(action?.reason ?? 'abandoned');
    }
    if (stay?.supervision.mode !== mode || stay.supervision.target !== target) {
      throw new ActionFailure(stay === undefined ? 'left' : 'conversation-changed');
    }
  }

  /**
   * Mutes a supervisor whose unmuting failed, unless a later change has unmuted them.
   *
   * @throws `error`; {@link PossiblyHeard} if they could not be seen to be muted
   */
  async function muteAgain({ id, room, observe }: RunningAction, { conferenceSid, callSid }: Place, error: unknown) {
    const found = await rooms.read(room);
    const stay = found.isKnown ? supervisorOf(found.state, callSid) : undefined;
    const isReplaced =
      found.isKnown && !found.state.actions?.some((one) => one.id === id && one.status === 'requested');
    if (isReplaced && stay?.supervision.mode !== 'monitor') {
      throw error;
    }
    let isMuted: boolean;
    try {
      const deadline = { timeoutMs: MUTE_MS };
      await space.changeParticipant(conferenceSid, callSid, { muted: true }, deadline);
      const seen = await observe(conferenceSid, callSid, deadline);
      isMuted = seen.isMuted;
    } catch (failure) {
      isMuted = failure instanceof ActionFailure;
    }
    throw isMuted ? error : new PossiblyHeard('The supervisor may be heard', { cause: error });
  }
}

/** A call in a conference. */
interface Place {
  conferenceSid: Sid;
  callSid: Sid;
}

function supervisorOf(state: RoomState, callSid: Sid): SupervisorStay | undefined {
  return supervisorsOf(state).find((stay) => stay.callSid === callSid && isOpen(stay) && isInConference(stay));
}
