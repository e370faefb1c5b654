import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Lookup } from '../conferences/directory';
import type { RoomName } from '../conferences/room-name';
import type { Outbox } from '../ops/outbox';
import { maskPhoneNumber, type PhoneNumber } from '../people/phone-number';
import { type Fields, sidField, textField } from '../signalwire/fields';
import type { Sid } from '../signalwire/sid';
import type { AuditEvent, RefusalReason, SupervisionStore, Visit } from './audit';
import type { Mode } from './mode';

/** When a moderator is told that a supervisor came in: never, when one comes to whisper, or always. */
export const NOTICE_POLICIES = ['never', 'coach', 'always'] as const;

/** One of {@link NOTICE_POLICIES}. */
export type NoticePolicy = (typeof NOTICE_POLICIES)[number];

/** What the Space's REST API does for us while a supervisor is in. */
export interface LiveControl {
  /** Plays the document at an address to one participant; false when that call is not in the conference. */
  announce(room: RoomName, callSid: Sid, url: string): Promise<boolean>;
  /**
   * Lets nobody hear a participant: mutes, then makes it coach `target`, if one is given.
   *
   * @returns whether it was read back so; undefined when that call is not in the conference any more
   */
  silence(room: RoomName, callSid: Sid, target: Sid | undefined): Promise<boolean | undefined>;
  /** Takes a participant out of the conference; their call goes on to what comes after it. */
  remove(room: RoomName, callSid: Sid): Promise<void>;
}

/** Somebody who was not let in, or had been let in and is not any more. */
export interface Refused {
  callSid: Sid;
  from: PhoneNumber | undefined;
  reason: RefusalReason;
  supervisor?: string;
  room?: RoomName;
}

/**
 * What supervisors do, remembered and followed up. Nothing here keeps a call waiting: what is noted is written in the
 * background, in order, and again until the store takes it.
 */
export interface Supervision {
  /** A supervisor is sent into a room; `before` is how the same call was in that room until just now. */
  enters(visit: Omit<Visit, 'since'>, before?: Mode): void;
  /** A supervisor's call is out of that room. */
  leaves(room: RoomName, callSid: Sid): void;
  refuse(refused: Refused): void;
  lockOut(caller: { callSid: Sid; from: PhoneNumber | undefined }): void;
  /** The mode in which a call is in that room, as far as it is known: what was confirmed last. Never rejects. */
  modeOf(room: RoomName, callSid: Sid): Promise<Mode | undefined>;
  /** Takes a status callback of a conference; `agoMs` is how long ago it happened. */
  noteEvent(room: RoomName, fields: Fields, agoMs: number): void;
  /**
   * Sees to it that nobody in the room goes on with a moderator who has left it or was followed by another: by REST
   * they are muted, coach the moderator of this moment, and are told. Never rejects.
   */
  followModerator(room: RoomName): Promise<void>;
}

export interface SupervisionOptions {
  store: SupervisionStore;
  outbox: Outbox;
  /** Undefined when the Space's REST API is not configured. */
  space: LiveControl | undefined;
  findModerator: (room: RoomName) => Promise<Lookup>;
  notices: {
    policy: NoticePolicy;
    /** The addresses of what is played to a moderator, and to a supervisor who was made to listen. */
    moderatorUrl: string;
    supervisorUrl: string;
  };
  /** Milliseconds since 1970. */
  now: () => number;
  log: Logger;
}

const event = z.object({
  StatusCallbackEvent: textField,
  CallSid: sidField.optional().catch(undefined),
  Muted: textField,
  Coaching: textField,
});

export function createSupervision(options: SupervisionOptions): Supervision {
  const { store, outbox, space, findModerator, notices, now, log } = options;
  const stamp = () => ({ id: randomUUID(), at: new Date(now()).toISOString() });

  function enters(given: Omit<Visit, 'since'>, before?: Mode): void {
    const noted: AuditEvent = { ...stamp(), kind: 'entered' };
    const visit: Visit = { ...given, since: noted.at };
    void outbox.put(() => store.begin(visit, noted), { ...visit, ...noted });
    const { policy } = notices;
    const isNews = policy === 'always' ? before === undefined : visit.mode === 'coach' && before !== 'coach';
    if (space !== undefined && policy !== 'never' && isNews) {
      void tellModerator(space, visit);
    }
  }

  async function tellModerator(live: LiveControl, { room, callSid, moderatorCallSid }: Visit): Promise<void> {
    try {
      if (!(await live.announce(room, moderatorCallSid, notices.moderatorUrl))) {
        log.warn({ room, callSid }, 'The moderator was not told of a supervisor: they are not in the conference');
      }
    } catch (err) {
      log.error({ err, room, callSid }, 'The moderator could not be told of a supervisor');
    }
  }

  /** Somebody came in. */
  function confirm(room: RoomName, callSid: Sid, heardAs: Mode | undefined, agoMs: number): void {
    const stamped = stamp();
    void outbox.put(
      async () => {
        const visit = await store.find(callSid);
        if (visit?.room === room) {
          const confirmed = heardAs === undefined || heardAs === visit.mode;
          await store.confirm(room, callSid, { ...stamped, kind: 'confirmed', confirmed, heardAs }, { agoMs });
          if (!confirmed) {
            log.error(
              { room, callSid, mode: visit.mode, heardAs },
              'A supervisor is heard in another mode than theirs',
            );
            if (space !== undefined && visit.mode !== 'barge') {
              void dropToMonitor(space, visit, { callSid: visit.moderatorCallSid, name: visit.moderator });
            }
          }
          if (space !== undefined && visit.mode === 'barge') {
            void removeIfAlone(space, visit);
          }
        }
      },
      { room, callSid, ...stamped },
    );
  }

  function end(room: RoomName, callSid: Sid, agoMs: number): void {
    const noted: AuditEvent = { ...stamp(), kind: 'left' };
    void outbox.put(() => store.end(room, callSid, noted, { agoMs }), { room, callSid, ...noted });
  }

  /** What goes on in `followModerator`, so that one event told twice is followed once. */
  const following = new Map<RoomName, Promise<void>>();

  function followModerator(room: RoomName): Promise<void> {
    const next = (following.get(room) ?? Promise.resolve()).then(() => follow(room));
    following.set(room, next);
    void next.then(() => {
      if (following.get(room) === next) {
        following.delete(room);
      }
    });
    return next;
  }

  async function follow(room: RoomName): Promise<void> {
    try {
      const visits = (await store.list(room)).filter(({ mode }) => mode !== 'barge');
      if (space === undefined || visits.length === 0) {
        return;
      }
      const found = await findModerator(room);
      const current = found.state === 'live' ? found : undefined;
      const led = visits.filter(({ moderatorCallSid }) => moderatorCallSid !== current?.callSid);
      await Promise.all(led.map((visit) => dropToMonitor(space, visit, current)));
    } catch (err) {
      log.warn({ err, room }, 'Whether the supervisors of a room still have their moderator could not be seen');
    }
  }

  async function dropToMonitor(
    live: LiveControl,
    visit: Visit,
    current: { callSid: Sid; name: string | undefined } | undefined,
  ): Promise<void> {
    const { room, callSid } = visit;
    try {
      const confirmed = await live.silence(room, callSid, current?.callSid);
      if (confirmed === undefined) {
        return;
      }
      const noted: AuditEvent = { ...stamp(), kind: 'mode', confirmed };
      const changed: Visit = {
        ...visit,
        mode: 'monitor',
        ...(current !== undefined && { moderator: current.name, moderatorCallSid: current.callSid }),
      };
      if (JSON.stringify(changed) === JSON.stringify(visit)) {
        return;
      }
      log.warn({ room, callSid, confirmed }, 'A supervisor who could be heard by the wrong people only listens now');
      await outbox.put(() => store.change(changed, noted), { ...changed, ...noted });
      if (visit.mode !== 'monitor') {
        await live.announce(room, callSid, notices.supervisorUrl);
      }
    } catch (err) {
      log.error({ err, room, callSid }, 'A supervisor who may be heard by the wrong people could not be muted');
    }
  }

  /**
   * Nothing keeps a supervisor who speaks to everybody out of a conference whose moderator left a moment before. There
   * they would wait, and be heard in the next conversation.
   */
  async function removeIfAlone(live: LiveControl, { room, callSid }: Visit): Promise<void> {
    try {
      if ((await findModerator(room)).state === 'empty') {
        await live.remove(room, callSid);
        log.warn({ room, callSid }, 'A supervisor came in when the moderator had left, and was taken out');
      }
    } catch (err) {
      log.error({ err, room, callSid }, 'A supervisor who came in when the moderator had left is still there');
    }
  }

  return {
    enters,
    leaves: (room, callSid) => end(room, callSid, 0),

    refuse({ from, ...refused }) {
      const noted: AuditEvent = { ...stamp(), kind: 'refused', number: maskPhoneNumber(from), ...refused };
      log.warn(noted, 'A call that may not supervise was turned away');
      void outbox.put(() => store.append(noted), noted);
    },

    lockOut({ callSid, from }) {
      const noted: AuditEvent = { ...stamp(), kind: 'locked-out', number: maskPhoneNumber(from), callSid };
      log.warn(noted, 'A call may not try a PIN: too many were tried');
      void outbox.put(() => store.append(noted), noted);
    },

    async modeOf(room, callSid) {
      try {
        // Its end may have been told already.
        const visit = await store.findLast(callSid);
        return visit?.room === room ? visit.mode : undefined;
      } catch (err) {
        log.warn({ err, room, callSid }, 'The store did not say how a supervisor is heard');
        return undefined;
      }
    },

    noteEvent(room, fields, agoMs) {
      const { StatusCallbackEvent: kind, CallSid: callSid, Muted, Coaching } = event.parse(fields);
      if (callSid === undefined) {
        return;
      }
      if (kind === 'participant-join') {
        confirm(room, callSid, heardAs(Muted, Coaching), agoMs);
      } else if (kind === 'participant-leave') {
        end(room, callSid, agoMs);
      }
    },

    followModerator,
  };
}

/** How somebody is heard by what the Space says of them; undefined if it does not say. */
function heardAs(muted: string | undefined, coaching: string | undefined): Mode | undefined {
  if (muted?.toLowerCase() === 'true') {
    return 'monitor';
  }
  if (muted === undefined || coaching === undefined) {
    return undefined;
  }
  return coaching.toLowerCase() === 'true' ? 'coach' : 'barge';
}
