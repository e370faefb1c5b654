import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { REST_DELAY_MS } from '../rooms/event-dates';
import { isInConference, isOpen, type RoomName, type RoomState, type Stay } from '../rooms/room';
import type { Rooms } from '../rooms/rooms';
import { toObserved } from '../rooms/space-observer';
import type { ConferenceApi, SpaceParticipant } from '../signalwire/conference-api';
import type { Sid } from '../signalwire/sid';
import { ActionFailure, type ActionRunner, type RunningAction } from './action-runner';
import type { ActionResult } from './recorded-action';

export interface ParticipantActionsOptions {
  runner: ActionRunner;
  rooms: Pick<Rooms, 'read' | 'record'>;
  space: Pick<ConferenceApi, 'changeParticipant' | 'findParticipant' | 'removeParticipant' | 'endConference'> &
    Pick<ConferenceApi, 'listConferences' | 'listParticipants'>;
  /** Whether nobody else hears an announcement to one participant; set after a test in the live Space. */
  announceIsPrivate: boolean;
  /** The address of a document that says a text. */
  noteUrl: (text: string) => string;
  /** Milliseconds from any beginning, never going back. */
  monotonicNow: () => number;
  log: Logger;
  /** How long after its deadline an unmute may still take effect, in milliseconds. */
  lateMs?: number;
}

/** Actions on a participant, and on the conference. Each resolves when it is settled; never rejects. */
export interface ParticipantActions {
  /** Nobody who coaches or listens is unmuted, also if the room does not know yet that they are a supervisor. */
  setMuted(room: RoomName, callSid: Sid, muted: boolean, by: string): Promise<ActionResult>;
  setOnHold(room: RoomName, callSid: Sid, onHold: boolean, by: string): Promise<ActionResult>;
  /** Takes a participant out of the conference. Their call ends; a supervisor hears why first. */
  remove(room: RoomName, callSid: Sid, by: string): Promise<ActionResult>;
  /** Ends the conference for everybody. */
  end(room: RoomName, by: string): Promise<ActionResult>;
  /** Speaks a text to a moderator. Refused unless announcements are private: callers might hear it. */
  note(room: RoomName, callSid: Sid, text: string, by: string): Promise<ActionResult>;
}

/** Deadline of each request that restores a mute, in milliseconds. */
const MUTE_MS = 3_000;

/** How often it is tried to restore a mute. */
const MUTE_TRIES = 3;

/** How long lists are read again, in milliseconds: two of those that count for the room are {@link REST_DELAY_MS} apart. */
const LISTS_MS = REST_DELAY_MS + 2_000;

export function createParticipantActions(options: ParticipantActionsOptions): ParticipantActions {
  const { runner, rooms, space, announceIsPrivate, noteUrl, monotonicNow, log, lateMs = 3_000 } = options;

  /** Changes a participant, and reads the change back. If a mute takes the place of an unmute, nobody stays unmuted. */
  function changeParticipant(
    room: RoomName,
    wanted: { name: 'mute' | 'unmute' | 'hold' | 'unhold'; callSid: Sid; by: string },
    changes: { muted: boolean } | { onHold: boolean },
  ): Promise<ActionResult> {
    return runner.run(room, wanted, async (running) => {
      const { state, repeat, change, verify, observe } = running;
      const { callSid } = wanted;
      const conferenceSid = conferenceOf(state, callSid);
      const isAsWanted = ({ isMuted, isOnHold }: SpaceParticipant) =>
        'muted' in changes ? isMuted === changes.muted : isOnHold === changes.onHold;
      if (wanted.name === 'unmute') {
        // As long as only their join callback is known, a supervisor looks like a caller.
        const { isCoaching } = await repeat((deadline) => observe(conferenceSid, callSid, deadline));
        if (isCoaching) {
          throw new ActionFailure('is-a-supervisor');
        }
      }
      let [sent, answered] = [0, 0];
      try {
        await change(async (deadline) => {
          sent++;
          await space.changeParticipant(conferenceSid, callSid, changes, deadline);
          answered++;
        });
        await verify(conferenceSid, callSid, isAsWanted);
      } finally {
        // Our request may have come after a mute; without an answer, it may still come.
        if (wanted.name === 'unmute' && sent > 0) {
          await restoreMute(running, conferenceSid, callSid);
          if (answered < sent) {
            await sleep(lateMs);
            await restoreMute(running, conferenceSid, callSid);
          }
        }
      }
      return 'confirmed';
    });
  }

  /** Mutes somebody again if the latest request is a mute. Never rejects. */
  async function restoreMute({ room, observe }: RunningAction, conferenceSid: Sid, callSid: Sid): Promise<void> {
    const deadline = { timeoutMs: MUTE_MS };
    for (let tries = 0; tries < MUTE_TRIES && (await isToBeMuted(room, callSid)); tries++) {
      try {
        await space.changeParticipant(conferenceSid, callSid, { muted: true }, deadline);
        if ((await observe(conferenceSid, callSid, deadline)).isMuted) {
          return;
        }
      } catch (error) {
        if (error instanceof ActionFailure) {
          return;
        }
        log.warn({ err: error, room }, 'A participant may be heard although they are to be muted');
      }
    }
  }

  /** Whether the latest request to mute or unmute somebody is a mute. */
  async function isToBeMuted(room: RoomName, callSid: Sid): Promise<boolean> {
    const found = await rooms.read(room);
    const actions = (found.isKnown && found.state.actions) || [];
    const latest = actions.findLast((one) => one.callSid === callSid && (one.name === 'mute' || one.name === 'unmute'));
    return latest?.name === 'mute';
  }

  /** REST knows no such participant. It may be behind, so its lists decide, by the rules of the room. */
  async function waitUntilUnlisted(
    { room, current, readUntil }: RunningAction,
    conferenceSid: Sid,
    callSid: Sid,
  ): Promise<void> {
    const conference = { sid: conferenceSid };
    await readUntil(
      async (deadline) => {
        const askedAt = monotonicNow();
        const participants = (await space.listParticipants(conferenceSid, deadline))?.map(toObserved);
        if (participants !== undefined) {
          const ageMs = monotonicNow() - askedAt;
          await rooms.record(room, { kind: 'room-observed', conference, participants, ageMs });
        }
        return stayOf(await current(), callSid);
      },
      isGone,
      LISTS_MS,
    );
  }

  return {
    setMuted: (room, callSid, muted, by) =>
      changeParticipant(room, { name: muted ? 'mute' : 'unmute', callSid, by }, { muted }),

    setOnHold: (room, callSid, onHold, by) =>
      changeParticipant(room, { name: onHold ? 'hold' : 'unhold', callSid, by }, { onHold }),

    remove: (room, callSid, by) =>
      runner.run(room, { name: 'remove', callSid, by }, async (running) => {
        const conferenceSid = conferenceOf(running.state, callSid);
        if (await running.change((deadline) => space.removeParticipant(conferenceSid, callSid, deadline))) {
          await running.readUntil((deadline) => space.findParticipant(conferenceSid, callSid, deadline), isGone);
        } else {
          await waitUntilUnlisted(running, conferenceSid, callSid);
        }
        return 'confirmed';
      }),

    async end(room, by) {
      const found = await rooms.read(room);
      const conferenceSid = found.isKnown ? found.state.conference?.sid : undefined;
      if (conferenceSid === undefined) {
        return { kind: 'refused', refusal: found.isKnown ? 'no-conference' : 'room-unknown' };
      }
      return runner.run(room, { name: 'end', by }, async ({ readUntil }) => {
        let conferenceSids: readonly Sid[] | undefined;
        const ended = new Set<Sid>();
        let askedAt = monotonicNow();
        await readUntil(
          async (deadline) => {
            askedAt = monotonicNow();
            for (const one of conferenceSids ?? [conferenceSid]) {
              if (await space.endConference(one, deadline)) {
                ended.add(one);
              }
            }
            // By name too, since another one may have begun unnoticed; but none that begins later.
            const listed = new Set((await space.listConferences(room, deadline)).map((one) => one.conferenceSid));
            conferenceSids ??= [...new Set([conferenceSid, ...listed])];
            // If the Space did not end a conference itself, its list must lack it, too.
            const isOver = async (one: Sid) =>
              (ended.has(one) || !listed.has(one)) && (await space.listParticipants(one, deadline)) === undefined;
            return (await Promise.all(conferenceSids.map(isOver))).every(Boolean);
          },
          (areOver) => areOver,
          LISTS_MS,
        );
        for (const one of conferenceSids ?? []) {
          await rooms.record(room, { kind: 'conference-ended', conferenceSid: one, ageMs: monotonicNow() - askedAt });
        }
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
        if (stayOf(state, callSid)?.role !== 'moderator') {
          throw new ActionFailure('not-allowed');
        }
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

const isGone = (found: object | undefined) => found === undefined;

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
