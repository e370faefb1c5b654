import type { Action } from '../rooms/action';
import type { HeardMode, Mode } from '../rooms/mode';
import { isInConference, type RoomName, type RoomState, type SupervisorStay, supervisorsOf } from '../rooms/room';
import type { Rooms } from '../rooms/rooms';
import type { ConferenceApi, SpaceParticipant } from '../signalwire/conference-api';
import type { Sid } from '../signalwire/sid';
import { ActionFailure, type ActionRunner, PossiblyHeard, type RunningAction } from './action-runner';
import { newcomersTo } from './correction';
import type { ActionResult } from './recorded-action';

export interface ModeChangeOptions {
  runner: ActionRunner;
  rooms: Pick<Rooms, 'record' | 'read'>;
  space: Pick<ConferenceApi, 'changeParticipant'>;
  /** Called when a change is confirmed. @param change.before how they were heard until then */
  onChanged: (state: RoomState, change: { callSid: Sid; target: Sid; mode: Mode; before: HeardMode }) => void;
  /** Milliseconds from any beginning, never going back. */
  monotonicNow: () => number;
}

/** Changes how a supervisor in a conference is heard. Resolves when the change is confirmed or has failed; never rejects. */
export type ChangeMode = (
  room: RoomName,
  callSid: Sid,
  mode: Mode,
  request: {
    by: string;
    /** The moderator's call in the conversation that is meant; undefined for the present one. */
    target?: Sid | undefined;
    /** Asked directly before each request that unmutes the supervisor. */
    isAllowed: (stay: SupervisorStay) => boolean;
  },
) => Promise<ActionResult>;

/** Deadline of each request that mutes a supervisor after a failure, in milliseconds; then the enforcer goes on. */
const UNDO_MS = 2_000;

/** How often the target is set because somebody enters. */
const MAX_ROUNDS = 3;

/**
 * Mutes first, sets or clears the target, reads both back, and only then unmutes, and reads that back too. Whatever fails
 * on the way, the supervisor ends muted, and the room says so.
 */
export function createModeChange({ runner, rooms, space, onChanged, monotonicNow }: ModeChangeOptions): ChangeMode {
  return async (room, callSid, mode, { by, target: meant, isAllowed }) => {
    const before = await rooms.read(room);
    if (!before.isKnown) {
      return { kind: 'refused', refusal: 'room-unknown' };
    }
    const target = meant ?? supervisorIn(before.state, { callSid })?.supervision.target;
    return runner.run(room, { name: 'mode', callSid, mode, target, by }, async (running) => {
      const stay = supervisorIn(running.state, { callSid });
      const conferenceSid = stay?.conferenceSid ?? running.state.conference?.sid;
      if (stay === undefined || conferenceSid === undefined) {
        throw new ActionFailure('left');
      }
      const place = { conferenceSid, callSid, joinedAt: stay.joinedAt };
      await mute(running, place);
      if (mode !== 'monitor') {
        await unmute(running, place, mode, target as Sid, isAllowed);
        onChanged(running.state, { callSid, target: target as Sid, mode, before: stay.supervision.heard });
      }
      return 'confirmed';
    });
  };

  async function mute({ change, verify }: RunningAction, { conferenceSid, callSid }: Place): Promise<void> {
    await change((deadline) => space.changeParticipant(conferenceSid, callSid, { muted: true }, deadline));
    await verify(conferenceSid, callSid, ({ isMuted }) => isMuted);
  }

  async function unmute(
    running: RunningAction,
    place: Place,
    mode: Mode,
    target: Sid,
    isAllowed: (stay: SupervisorStay) => boolean,
  ): Promise<void> {
    const { conferenceSid, callSid } = place;
    const wanted = mode === 'coach' ? target : 'nobody';
    for (let rounds = 1; ; rounds++) {
      await setTarget(running, place, wanted);
      const { stay, newcomers } = await requireCurrent(running, place, mode, target);
      if (!isAllowed(stay)) {
        throw new ActionFailure('not-allowed');
      }
      // Somebody who entered meanwhile may hear a coach whose target was set before.
      if (newcomers === 0) {
        break;
      }
      if (rounds === MAX_ROUNDS) {
        throw new ActionFailure('ineffective');
      }
    }
    try {
      // Once: a request that got no answer may take effect late, and another one would not make that clearer.
      await space.changeParticipant(conferenceSid, callSid, { muted: false }, running.deadline());
      await running.verify(conferenceSid, callSid, (seen) => !seen.isMuted && coachedCallOf(seen) === wanted);
      await requireCurrent(running, place, mode, target);
    } catch (error) {
      await muteAgain(running, place, error);
    }
  }

  /** Sets or clears the call that a muted supervisor coaches, and reads it back. */
  async function setTarget({ room, change, verify }: RunningAction, place: Place, target: Sid | 'nobody') {
    const { conferenceSid, callSid } = place;
    const askedAt = monotonicNow();
    await change((one) => space.changeParticipant(conferenceSid, callSid, { target }, one));
    await verify(conferenceSid, callSid, (seen) => seen.isMuted && coachedCallOf(seen) === target);
    if (target !== 'nobody') {
      await rooms.record(room, { kind: 'target-set', callSid, target, ageMs: monotonicNow() - askedAt });
    }
  }

  /**
   * @returns the supervisor, and how many besides the target may hear them once they are unmuted, since they entered too late
   * @throws ActionFailure unless this change is still the one that counts, in the same stay and conversation
   */
  async function requireCurrent({ current }: RunningAction, place: Place, mode: Mode, target: Sid) {
    const state = await current();
    const stay = supervisorIn(state, place);
    if (stay?.supervision.mode !== mode || stay.supervision.target !== target) {
      throw new ActionFailure(stay === undefined ? 'left' : 'conversation-changed');
    }
    return { stay, newcomers: newcomersTo(state, { ...stay, isMuted: false }).length };
  }

  /**
   * Mutes a supervisor whose unmuting failed, unless somebody has unmuted them since by a later change.
   *
   * @throws `error`; {@link PossiblyHeard} if they could not be seen to be muted
   */
  async function muteAgain({ id, room, observe }: RunningAction, place: Place, error: unknown): Promise<never> {
    const { conferenceSid, callSid } = place;
    const found = await rooms.read(room);
    if (found.isKnown && hasLaterVoice(found.state, place, id)) {
      throw error;
    }
    let isMuted: boolean;
    try {
      const deadline = { timeoutMs: UNDO_MS };
      await space.changeParticipant(conferenceSid, callSid, { muted: true }, deadline);
      const seen = await observe(conferenceSid, callSid, deadline);
      isMuted = seen.isMuted;
    } catch (failure) {
      isMuted = failure instanceof ActionFailure;
    }
    throw isMuted ? error : new PossiblyHeard('The supervisor may be heard', { cause: error });
  }
}

/** Whether a later change lets the supervisor be heard, so that it is not for this one to mute them. */
function hasLaterVoice({ actions = [] }: RoomState, { callSid }: Place, id: string): boolean {
  const own = actions.findIndex((one) => one.id === id);
  const isVoice = ({ name, mode, status }: Action) => name === 'mode' && mode !== 'monitor' && status !== 'failed';
  return own >= 0 && actions.slice(own + 1).some((one) => one.callSid === callSid && isVoice(one));
}

function coachedCallOf({ target, isCoaching }: SpaceParticipant): Sid | 'nobody' | undefined {
  return target ?? (isCoaching ? undefined : 'nobody');
}

/** A stay of a call in a conference. */
interface Place {
  conferenceSid: Sid;
  callSid: Sid;
  joinedAt: number | undefined;
}

/** The supervisor's stay in the conference; with `joinedAt` that stay alone. */
function supervisorIn(
  state: RoomState,
  { callSid, joinedAt }: { callSid: Sid; joinedAt?: number | undefined },
): SupervisorStay | undefined {
  return supervisorsOf(state).find(
    (stay) =>
      stay.callSid === callSid && isInConference(stay) && (joinedAt === undefined || stay.joinedAt === joinedAt),
  );
}
