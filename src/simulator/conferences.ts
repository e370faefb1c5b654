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
  /** The Call SID of the one whom it coaches. */
  callSidToCoach: string | undefined;
  /** Place in the order in which participants of this Space entered. */
  order: number;
  /** The `order` of the last participant who entered before the coaching began. */
  coachingSince: number;
  startConferenceOnEnter: boolean;
  endConferenceOnExit: boolean;
  beep: ConferenceAttributes['beep'];
  enteredAt: number;
  updatedAt: number;
  /** Until when an announcement is played to it alone. */
  announcedUntil: number;
  line: Line;
}

/** A call as a conference sees it. */
export interface Line {
  callSid: string;
  /** The fields of every request about this call. */
  standardFields(): Record<string, string>;
  /** Told once, when it is out of the conference again for whatever reason. */
  removed(): void;
  /** Told what is announced to it. */
  hears(what: string): void;
  /** Told that what was to be played to it could not be. */
  fails(error: CallError): void;
}

export interface Conference {
  sid: string;
  name: string;
  status: 'init' | 'in-progress' | 'completed';
  /** In the order in which they entered. */
  participants: Participant[];
  createdAt: number;
  /** Undefined until it is in progress. */
  startedAt: number | undefined;
  updatedAt: number;
  beepUntil: number;
  announcedUntil: number;
  /** Those of the first to enter: where its events go, and whether it is recorded. */
  attributes: ConferenceAttributes;
}

/** What the REST API may change about a participant. */
export interface ParticipantUpdate {
  muted?: boolean;
  hold?: boolean;
  /** Undefined to coach nobody. */
  callSidToCoach?: string | undefined;
}

/** The conferences of one Space. */
export interface Conferences {
  recordings: Recordings;
  /** Every conference, also those that are over, oldest first. */
  all(): readonly Conference[];
  /** Those that are not over. */
  live(): Iterable<Conference>;
  /** How many beeps were played so far. */
  beepCount(): number;
  /** The conference that a call is in. */
  participant(callSid: string): Participant | undefined;
  /**
   * Lets a call in.
   *
   * @throws CallError 13240 if the call to coach is not in this conference, or the conference has not started
   */
  enter(line: Line, room: string, attributes: ConferenceAttributes): Participant;
  /** Takes a participant out; ends the conference if it was the last, or if its leaving is to end it. */
  leave(participant: Participant): void;
  end(conference: Conference): void;
  update(participant: Participant, update: ParticipantUpdate): void;
  /** Fetches a document and plays it to a participant or a conference; they are told when it cannot be played. */
  announce(to: Participant | Conference, request: { url: string; method: Method }): void;
  /** Whatever those who wait or are on hold hear is music; here is seen that it could be played. */
  checkMusic(line: Line, request: { url: string; method: Method }): void;
  /** What everyone in this conference hears now, by Call SID. */
  hearing(conference: Conference): Map<string, Hearing>;
}

export interface ConferencesOptions {
  accountSid: string;
  clock: Clock;
  client: WebClient;
  callbacks: Callbacks;
  behaviour: Behaviour;
  /** A simulated moment as RFC 2822 has it. */
  dateOf: (time: number) => string;
}

const BEEP_MS = 500;

/** Which subscription an event belongs to. */
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
  const places = new Map<string, Participant>();
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
      ...participant.line.standardFields(),
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
    places.delete(participant.callSid);
    touch(conference);
    report('participant-leave', conference, participant);
    participant.line.removed();
  }

  const conferences: Conferences = {
    recordings,
    all: () => all,
    live: () => live.values(),
    beepCount: () => beeps,
    participant: (callSid) => places.get(callSid),

    enter(line, room, attributes) {
      const { coach, muted, startConferenceOnEnter, endConferenceOnExit } = attributes;
      const existing = live.get(room);
      if (coach !== undefined && !existing?.participants.some((other) => other.callSid === coach)) {
        throw new CallError(CODES.staleCoach, `The call ${coach}, which was to be coached, is not in ${room}.`);
      }
      if (coach !== undefined && existing?.status === 'init' && !behaviour.coachesBeforeStart) {
        throw new CallError(CODES.staleCoach, `The conference ${room} has not started: nobody in it can be coached.`);
      }
      const conference = existing ?? open(room, attributes);
      const now = clock.now();
      const participant: Participant = {
        callSid: line.callSid,
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
        line,
      };
      conference.participants.push(participant);
      places.set(line.callSid, participant);
      touch(conference);
      report('participant-join', conference, participant);
      const canStart = conference.participants.some((one) => one.startConferenceOnEnter);
      if (conference.status === 'init' && canStart && conference.participants.length > 1) {
        start(conference);
      }
      if (attributes.waitUrl !== undefined && conference.status === 'init') {
        conferences.checkMusic(line, { url: attributes.waitUrl, method: attributes.waitMethod });
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
      // Setting the same target again counts too.
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

    checkMusic(line, request) {
      void clock.hold(fetchPrompts(client, request, MUSIC_VERBS)).catch((error) => line.fails(error));
    },

    announce(wanted, request) {
      const isPrivate = 'participants' in wanted || behaviour.announcesPrivately;
      const to = isPrivate ? wanted : wanted.conference;
      const lines = () => {
        const present =
          'participants' in to ? to.participants : [to].filter(({ callSid }) => places.get(callSid) === to);
        return present.map(({ line }) => line);
      };
      void clock.hold(fetchPrompts(client, request, ANNOUNCEMENT_VERBS)).then(
        (prompts) => {
          const words = prompts.flatMap(wordsOf);
          for (const line of lines()) {
            words.forEach((what) => void line.hears(what));
          }
          if (words.length > 0) {
            const until = clock.now() + prompts.reduce((sum, prompt) => sum + durationOf(prompt), 0);
            to.announcedUntil = Math.max(to.announcedUntil, until);
          }
        },
        (error) => {
          for (const line of lines()) {
            line.fails(error);
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
