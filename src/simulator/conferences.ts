import { randomUUID } from 'node:crypto';
import type { Behaviour } from './behaviour';
import { CallError, CODES } from './call-error';
import type { Callbacks } from './callbacks';
import type { Clock } from './clock';
import { type Hearing, whoHearsWhom } from './hearing';
import type { ConferenceAttributes, ConferenceEventName, Method } from './laml-parser';
import { ANNOUNCEMENT_VERBS, durationOf, fetchPrompts, MUSIC_VERBS, wordsOf } from './media';
import { createRecordings, type Recordings } from './recordings';
import type { WebClient } from './web-client';

/** A call in a conference. */
export interface Participant {
  callSid: string;
  conference: Conference;
  muted: boolean;
  hold: boolean;
  /** The Call SID of the target it coaches; undefined for none. */
  callSidToCoach: string | undefined;
  /** Counts the participants of this Space in the order they entered. */
  order: number;
  /** The `order` of the last participant to enter before this coaching began. */
  coachingSince: number;
  startConferenceOnEnter: boolean;
  endConferenceOnExit: boolean;
  beep: ConferenceAttributes['beep'];
  enteredAt: number;
  updatedAt: number;
  /** When the announcement to this participant alone is over. */
  announcedUntil: number;
  leg: CallLeg;
}

/** A call as a conference sees it. */
export interface CallLeg {
  callSid: string;
  /** The fields of every request about this call. */
  standardFields(): Record<string, string>;
  /** Called once, when the call has left the conference for any reason. */
  onRemoved(): void;
  /** Called with each text or recording that is announced to it. */
  onAnnouncement(what: string): void;
  /** Called when something cannot be played to it. */
  onError(error: CallError): void;
}

export interface Conference {
  sid: string;
  name: string;
  status: 'init' | 'in-progress' | 'completed';
  /** In the order in which they entered. */
  participants: Participant[];
  createdAt: number;
  /** Undefined until it starts. */
  startedAt: number | undefined;
  updatedAt: number;
  beepUntil: number;
  announcedUntil: number;
  /** The first participant's attributes; they decide where events go and whether it is recorded. */
  attributes: ConferenceAttributes;
}

/** What the REST API can change about a participant. */
export interface ParticipantUpdate {
  muted?: boolean;
  hold?: boolean;
  /** Undefined to coach nobody. */
  callSidToCoach?: string | undefined;
}

/** The conferences of one Space. */
export interface Conferences {
  recordings: Recordings;
  /** Every conference, including completed ones, oldest first. */
  all(): readonly Conference[];
  /** Conferences that are not completed. */
  live(): Iterable<Conference>;
  /** Number of beeps so far, in all conferences. */
  beepCount(): number;
  /** The participant of a call; undefined if it is in no conference. */
  participant(callSid: string): Participant | undefined;
  /**
   * Lets a call into a room, whose conference is created if it has none.
   *
   * @throws CallError 13240 if the coach's target is not in this conference, or cannot be coached before the start
   */
  enter(leg: CallLeg, room: string, attributes: ConferenceAttributes): Participant;
  /** Removes a participant; ends the conference if it is empty, or if `endConferenceOnExit` says so. */
  leave(participant: Participant): void;
  end(conference: Conference): void;
  update(participant: Participant, update: ParticipantUpdate): void;
  /** Fetches a document and plays it to a participant or a conference, in the background. */
  announce(to: Participant | Conference, request: { url: string; method: Method }): void;
  /** Checks that hold music can be played. What is heard is always just `music`. */
  checkMusic(leg: CallLeg, request: { url: string; method: Method }): void;
  /** What each participant hears now, by Call SID. */
  hearing(conference: Conference): Map<string, Hearing>;
}

export interface ConferencesOptions {
  accountSid: string;
  clock: Clock;
  client: WebClient;
  callbacks: Callbacks;
  behaviour: Behaviour;
  /** Formats a simulated time as RFC 2822. */
  dateOf: (time: number) => string;
}

const BEEP_MS = 500;

/** The value of `statusCallbackEvent` that subscribes to each event. */
const SUBSCRIPTION = {
  'conference-start': 'start',
  'conference-end': 'end',
  'participant-join': 'join',
  'participant-leave': 'leave',
  'participant-mute': 'mute',
  'participant-unmute': 'mute',
  'participant-hold': 'hold',
  'participant-unhold': 'hold',
} as const satisfies Record<string, ConferenceEventName>;

export function createConferences(options: ConferencesOptions): Conferences {
  const { accountSid, clock, client, callbacks, behaviour, dateOf } = options;
  const recordings = createRecordings(options);
  const all: Conference[] = [];
  const live = new Map<string, Conference>();
  const bySid = new Map<string, Participant>();
  let beeps = 0;
  let entered = 0;

  function open(name: string, attributes: ConferenceAttributes): Conference {
    const now = clock.now();
    const conference: Conference = {
      sid: randomUUID(),
      name,
      status: 'init',
      participants: [],
      createdAt: now,
      startedAt: undefined,
      updatedAt: now,
      beepUntil: 0,
      announcedUntil: 0,
      attributes,
    };
    all.push(conference);
    live.set(name, conference);
    return conference;
  }

  function report(event: keyof typeof SUBSCRIPTION, conference: Conference, participant?: Participant): void {
    const { attributes, startedAt } = conference;
    const { statusCallback, statusCallbackEvent, statusCallbackMethod, eventCallbackUrl } = attributes;
    const at = clock.now();
    const about = participant && {
      ...participant.leg.standardFields(),
      Muted: String(participant.muted),
      Hold: String(participant.hold),
      StartConferenceOnEnter: String(participant.startConferenceOnEnter),
      EndConferenceOnExit: String(participant.endConferenceOnExit),
      ...(behaviour.reportsCoaching && coachingOf(participant)),
    };
    const duration = event === 'conference-end' && { Duration: String(Math.floor((at - (startedAt ?? at)) / 1000)) };
    const fields = () => ({
      AccountSid: accountSid,
      ApiVersion: '2010-04-01',
      ...(behaviour.sendsConferenceSid && { ConferenceSid: conference.sid }),
      FriendlyName: conference.name,
      StatusCallbackEvent: event,
      ...(behaviour.sendsTimestamp && { Timestamp: dateOf(at) }),
      ...duration,
      ...about,
    });
    if (statusCallback !== undefined && statusCallbackEvent.includes(SUBSCRIPTION[event])) {
      callbacks.send({ url: statusCallback, method: statusCallbackMethod, fields });
    }
    if (eventCallbackUrl !== undefined && event === 'conference-end') {
      callbacks.send({ url: eventCallbackUrl, method: 'POST', fields });
    }
  }

  function beep(conference: Conference): void {
    if (conference.status === 'in-progress') {
      beeps++;
      conference.beepUntil = clock.now() + BEEP_MS;
    }
  }

  function touch(changed: { updatedAt: number }): void {
    changed.updatedAt = clock.now();
  }

  function start(conference: Conference): void {
    conference.status = 'in-progress';
    touch(conference);
    conference.startedAt = conference.updatedAt;
    report('conference-start', conference);
    if (conference.attributes.record === 'record-from-start') {
      const { recordingStatusCallback, recordingStatusCallbackEvent, recordingStatusCallbackMethod } =
        conference.attributes;
      recordings.start({
        conferenceSid: conference.sid,
        callback: recordingStatusCallback,
        method: recordingStatusCallbackMethod,
        events: recordingStatusCallbackEvent,
        trim: conference.attributes.trim,
      });
    }
  }

  function remove(participant: Participant): void {
    const { conference } = participant;
    conference.participants.splice(conference.participants.indexOf(participant), 1);
    bySid.delete(participant.callSid);
    touch(conference);
    report('participant-leave', conference, participant);
    participant.leg.onRemoved();
  }

  const conferences: Conferences = {
    recordings,
    all: () => all,
    live: () => live.values(),
    beepCount: () => beeps,
    participant: (callSid) => bySid.get(callSid),

    enter(leg, room, attributes) {
      const { coach, muted, startConferenceOnEnter, endConferenceOnExit } = attributes;
      const existing = live.get(room);
      if (coach !== undefined && !existing?.participants.some((other) => other.callSid === coach)) {
        throw new CallError(CODES.staleCoach, `The coach target ${coach} is not in ${room}.`);
      }
      if (coach !== undefined && existing?.status === 'init' && !behaviour.coachesBeforeStart) {
        throw new CallError(
          CODES.staleCoach,
          `The conference ${room} has not started, so nobody in it can be coached.`,
        );
      }
      const conference = existing ?? open(room, attributes);
      const now = clock.now();
      const participant: Participant = {
        callSid: leg.callSid,
        conference,
        muted,
        hold: false,
        callSidToCoach: coach,
        order: ++entered,
        coachingSince: entered,
        startConferenceOnEnter,
        endConferenceOnExit,
        beep: attributes.beep,
        enteredAt: now,
        updatedAt: now,
        announcedUntil: 0,
        leg,
      };
      conference.participants.push(participant);
      bySid.set(leg.callSid, participant);
      touch(conference);
      report('participant-join', conference, participant);
      const canStart = conference.participants.some((one) => one.startConferenceOnEnter);
      if (conference.status === 'init' && canStart && conference.participants.length > 1) {
        start(conference);
      }
      if (attributes.waitUrl !== undefined && conference.status === 'init') {
        conferences.checkMusic(leg, { url: attributes.waitUrl, method: attributes.waitMethod });
      }
      if (attributes.beep === 'true' || attributes.beep === 'onEnter') {
        beep(conference);
      }
      return participant;
    },

    leave(participant) {
      const { conference } = participant;
      remove(participant);
      const { participants } = conference;
      const goesOn = behaviour.endsWithLastModerator && participants.some((one) => one.endConferenceOnExit);
      if ((participant.endConferenceOnExit && !goesOn) || participants.length === 0) {
        conferences.end(conference);
      } else if (participant.beep === 'true' || participant.beep === 'onExit') {
        beep(conference);
      }
    },

    end(conference) {
      live.delete(conference.name);
      conference.status = 'completed';
      for (const participant of [...conference.participants]) {
        remove(participant);
      }
      touch(conference);
      report('conference-end', conference);
      recordings.stopAll({ conferenceSid: conference.sid });
    },

    update(participant, { muted = participant.muted, hold = participant.hold, ...rest }) {
      const before = { ...participant };
      Object.assign(participant, { muted, hold, ...rest });
      // Setting the same target again begins the coaching anew.
      if ('callSidToCoach' in rest) {
        participant.coachingSince = entered;
      }
      touch(participant);
      if (muted !== before.muted) {
        report(muted ? 'participant-mute' : 'participant-unmute', participant.conference, participant);
      }
      if (hold !== before.hold) {
        report(hold ? 'participant-hold' : 'participant-unhold', participant.conference, participant);
      }
    },

    checkMusic(leg, request) {
      void clock.hold(fetchPrompts(client, request, MUSIC_VERBS)).catch((error) => leg.onError(error));
    },

    announce(wanted, request) {
      const isPrivate = 'participants' in wanted || behaviour.announcesPrivately;
      const to = isPrivate ? wanted : wanted.conference;
      const legs = () => {
        const present =
          'participants' in to ? to.participants : [to].filter(({ callSid }) => bySid.get(callSid) === to);
        return present.map(({ leg }) => leg);
      };
      void clock.hold(fetchPrompts(client, request, ANNOUNCEMENT_VERBS)).then(
        (prompts) => {
          const words = prompts.flatMap(wordsOf);
          for (const leg of legs()) {
            words.forEach((what) => void leg.onAnnouncement(what));
          }
          if (words.length > 0) {
            const until = clock.now() + prompts.reduce((sum, prompt) => sum + durationOf(prompt), 0);
            to.announcedUntil = Math.max(to.announcedUntil, until);
          }
        },
        (error) => {
          for (const leg of legs()) {
            leg.onError(error);
          }
        },
      );
    },

    hearing({ status, beepUntil, announcedUntil, participants }) {
      const now = clock.now();
      return whoHearsWhom({
        started: status === 'in-progress',
        beeping: beepUntil > now,
        behaviour,
        parties: participants.map((one) => ({
          ...one,
          announced: Math.max(one.announcedUntil, announcedUntil) > now,
        })),
      });
    },
  };
  return conferences;
}

function coachingOf({ callSidToCoach: target }: Participant): Record<string, string> {
  return target === undefined ? { Coaching: 'false' } : { Coaching: 'true', CallSidToCoach: target };
}
