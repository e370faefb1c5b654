import { isInConference, isOpen, type RoomName, type RoomState, type Stay } from '../rooms/room';
import type { Rooms } from '../rooms/rooms';
import type { ConferenceApi, SpaceParticipant } from '../signalwire/conference-api';
import type { Sid } from '../signalwire/sid';
import { ActionFailure, type ActionResult, type ActionRunner, type RunningAction } from './action-runner';

export interface ParticipantActionsOptions {
  runner: ActionRunner;
  rooms: Pick<Rooms, 'read' | 'record'>;
  space: Pick<ConferenceApi, 'changeParticipant' | 'findParticipant' | 'removeParticipant' | 'endConference'> &
    Pick<ConferenceApi, 'listParticipants'>;
  /** Whether nobody else hears an announcement to one participant; set after a test in the live Space. */
  announceIsPrivate: boolean;
  /** The address of a document that says a text. */
  noteUrl: (text: string) => string;
  /** Milliseconds from any beginning, never going back. */
  monotonicNow: () => number;
}

/** Actions on a participant, and on the conference. Each resolves when it is settled; never rejects. */
export interface ParticipantActions {
  setMuted(room: RoomName, callSid: Sid, muted: boolean, by: string): Promise<ActionResult>;
  setOnHold(room: RoomName, callSid: Sid, onHold: boolean, by: string): Promise<ActionResult>;
  /** Takes a participant out of the conference. A supervisor's call goes on, as after any conversation. */
  remove(room: RoomName, callSid: Sid, by: string): Promise<ActionResult>;
  /** Ends the conference for everybody. */
  end(room: RoomName, by: string): Promise<ActionResult>;
  /** Speaks a text to a moderator. Refused unless announcements are private: callers might hear it. */
  note(room: RoomName, callSid: Sid, text: string, by: string): Promise<ActionResult>;
}

/** How often the Space is asked whether somebody or something is gone. */
const MAX_READS = 5;

export function createParticipantActions(options: ParticipantActionsOptions): ParticipantActions {
  const { runner, rooms, space, announceIsPrivate, noteUrl, monotonicNow } = options;

  /** Changes a participant, and reads the change back. */
  function change(
    room: RoomName,
    wanted: { name: 'mute' | 'unmute' | 'hold' | 'unhold'; callSid: Sid; by: string },
    changes: { muted: boolean } | { onHold: boolean },
  ): Promise<ActionResult> {
    return runner.run(room, wanted, async ({ state, repeat, verify }) => {
      const { callSid } = wanted;
      const conferenceSid = conferenceOf(state, callSid);
      const isAsWanted = ({ isMuted, isOnHold }: SpaceParticipant) =>
        'muted' in changes ? isMuted === changes.muted : isOnHold === changes.onHold;
      await repeat((deadline) => space.changeParticipant(conferenceSid, callSid, changes, deadline));
      await verify(conferenceSid, callSid, isAsWanted);
      return 'confirmed';
    });
  }

  /** Asks until something is gone. @throws ActionFailure `ineffective` */
  async function untilGone(
    { repeat, pause }: RunningAction,
    find: Parameters<typeof repeat<object | undefined>>[0],
  ): Promise<void> {
    for (let reads = 0; (await repeat(find)) !== undefined; reads++) {
      if (reads === MAX_READS) {
        throw new ActionFailure('ineffective');
      }
      await pause();
    }
  }

  return {
    setMuted: (room, callSid, muted, by) => change(room, { name: muted ? 'mute' : 'unmute', callSid, by }, { muted }),

    setOnHold: (room, callSid, onHold, by) =>
      change(room, { name: onHold ? 'hold' : 'unhold', callSid, by }, { onHold }),

    remove: (room, callSid, by) =>
      runner.run(room, { name: 'remove', callSid, by }, async (running) => {
        const conferenceSid = conferenceOf(running.state, callSid);
        await running.repeat((deadline) => space.removeParticipant(conferenceSid, callSid, deadline));
        await untilGone(running, (deadline) => space.findParticipant(conferenceSid, callSid, deadline));
        return 'confirmed';
      }),

    async end(room, by) {
      const found = await rooms.read(room);
      const conferenceSid = found.isKnown ? found.state.conference?.sid : undefined;
      if (conferenceSid === undefined) {
        return { kind: 'refused', refusal: found.isKnown ? 'no-conference' : 'room-unknown' };
      }
      return runner.run(room, { name: 'end', by }, async (running) => {
        await running.repeat((deadline) => space.endConference(conferenceSid, deadline));
        const askedAt = monotonicNow();
        await untilGone(running, (deadline) => space.listParticipants(conferenceSid, deadline));
        const ageMs = monotonicNow() - askedAt;
        await rooms.record(room, { kind: 'conference-ended', conferenceSid, ageMs });
        return 'confirmed';
      });
    },

    async note(room, callSid, text, by) {
      if (!announceIsPrivate) {
        return { kind: 'refused', refusal: 'not-private' };
      }
      const found = await rooms.read(room);
      const stay = found.isKnown ? stayOf(found.state, callSid) : undefined;
      if (found.isKnown && stay !== undefined && stay.role !== 'moderator') {
        return { kind: 'refused', refusal: 'not-a-moderator' };
      }
      return runner.run(room, { name: 'note', callSid, by }, async ({ state, deadline }) => {
        const announcement = { announceUrl: noteUrl(text) };
        // Once: nobody wants to hear it twice.
        const told = await space.changeParticipant(conferenceOf(state, callSid), callSid, announcement, deadline());
        if (told === undefined) {
          throw new ActionFailure('left');
        }
        return 'accepted';
      });
    },
  };
}

function stayOf({ stays }: RoomState, callSid: Sid): Stay | undefined {
  return stays.find((stay) => stay.callSid === callSid && isOpen(stay) && isInConference(stay));
}

/** @throws ActionFailure `left` */
function conferenceOf(state: RoomState, callSid: Sid): Sid {
  const conferenceSid = stayOf(state, callSid)?.conferenceSid ?? state.conference?.sid;
  if (conferenceSid === undefined) {
    throw new ActionFailure('left');
  }
  return conferenceSid;
}
