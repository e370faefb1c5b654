import { RestClient } from '@signalwire/compatibility-api';
import type { RoomName } from '../conferences/room-name';
import type { Sid } from '../signalwire/sid';
import { type Approach, DEFAULT_MODE, MAX_ATTEMPTS } from '../supervision/mode';

export interface DocumentSettings {
  /** The address a Space reaches this server at, without a slash at the end. */
  publicUrl: string;
  /** The longest a call may last, in seconds. */
  maxCallSeconds: number;
  /** The address of what callers hear while they wait; undefined for the Space's own music. */
  waitUrl: string | undefined;
  /** What callers are told before they enter; undefined for nothing. */
  callerNotice: string | undefined;
}

/** How long a supervisor waits before each further attempt, in seconds. */
export const WAIT_SECONDS = 10;

/** Why a supervisor has to wait. */
export type WaitReason = 'nobody-there' | 'store-down' | 'target-gone';

type Conference = Parameters<ReturnType<InstanceType<typeof RestClient.LaML.VoiceResponse>['dial']>['conference']>[0];

/** Every document a phone may hear, as LaML text. They are pure: the same arguments give the same document. */
export type Documents = ReturnType<typeof createDocuments>;

/** The documents of one server. */
export function createDocuments(settings: DocumentSettings) {
  const { publicUrl, maxCallSeconds, waitUrl, callerNotice } = settings;
  const { VoiceResponse } = RestClient.LaML;

  /** The address of a webhook of ours for a room. */
  function addressOf(family: string, room: RoomName, rest = ''): string {
    return `${publicUrl}/${family}/${encodeURIComponent(room)}${rest}`;
  }

  /** A supervisor's approach as a query; what is usual goes without saying. */
  function queryOf({ mode, attempt }: Approach): string {
    const query = new URLSearchParams();
    if (mode !== DEFAULT_MODE) {
      query.set('mode', mode);
    }
    if (attempt > 0) {
      query.set('attempt', String(attempt));
    }
    return query.size === 0 ? '' : `?${query}`;
  }

  /** What every `<Conference>` carries: the first to enter decides for all. */
  function reporting(room: RoomName): Exclude<Conference, string> {
    return {
      statusCallback: addressOf('events/conference', room),
      statusCallbackMethod: 'POST',
      statusCallbackEvent: ['start', 'end', 'join', 'leave', 'mute', 'hold'],
    };
  }

  function lastWords(text: string): string {
    const response = new VoiceResponse();
    response.say(text);
    response.hangup();
    return response.toString();
  }

  const goodbye = () => lastWords('Goodbye.');

  return {
    /** Starts the conference and ends it on leaving. */
    moderator(room: RoomName): string {
      const response = new VoiceResponse();
      response.dial({ action: addressOf('conference', room, '/ended'), timeLimit: maxCallSeconds }).conference(
        {
          startConferenceOnEnter: true,
          endConferenceOnExit: true,
          ...reporting(room),
        },
        room,
      );
      return response.toString();
    },

    /** Waits until a moderator is in. */
    caller(room: RoomName): string {
      const response = new VoiceResponse();
      if (callerNotice !== undefined) {
        response.say(callerNotice);
      }
      response.dial({ timeLimit: maxCallSeconds }).conference(
        {
          startConferenceOnEnter: false,
          ...(waitUrl !== undefined && { waitUrl }),
          ...reporting(room),
        },
        room,
      );
      return response.toString();
    },

    /** Enters beside the moderator `target`, heard as the mode says. */
    supervisor(room: RoomName, approach: Approach, target: Sid): string {
      const { mode } = approach;
      const response = new VoiceResponse();
      const action = addressOf('coach', room, `/ended${queryOf(approach)}`);
      response.dial({ action, timeLimit: maxCallSeconds }).conference(
        {
          // Monitoring keeps the target: should the mute slip, only the moderator hears.
          ...(mode !== 'barge' && { coach: target }),
          ...(mode === 'monitor' && { muted: true }),
          startConferenceOnEnter: false,
          endConferenceOnExit: false,
          beep: 'false',
          ...reporting(room),
        },
        room,
      );
      return response.toString();
    },

    /** Says why, waits and asks again; after {@link MAX_ATTEMPTS} says goodbye. */
    wait(room: RoomName, approach: Approach, reason: WaitReason): string {
      if (approach.attempt >= MAX_ATTEMPTS) {
        return goodbye();
      }
      const response = new VoiceResponse();
      response.say(explain(reason, room));
      response.pause({ length: WAIT_SECONDS });
      const next = { ...approach, attempt: approach.attempt + 1 };
      response.redirect(addressOf('coach', room, queryOf(next)));
      return response.toString();
    },

    goodbye,

    /** For a supervisor whom we failed in a way that waiting will not mend. */
    apology: () => lastWords('We are sorry. Something went wrong. Please call again later.'),

    /** Ends the call without a word. */
    hangup(): string {
      const response = new VoiceResponse();
      response.hangup();
      return response.toString();
    },

    /** Turns the call away unanswered and unbilled. */
    reject(): string {
      const response = new VoiceResponse();
      response.reject();
      return response.toString();
    },
  };
}

function explain(reason: WaitReason, room: RoomName): string {
  switch (reason) {
    case 'nobody-there':
      return `There is nobody to coach in ${room} at the moment. Please stay on the line.`;
    case 'store-down':
      return `We are sorry. We cannot tell at the moment who is in ${room}. Please stay on the line.`;
    case 'target-gone':
      return `The call in ${room} could not be joined. We will try again. Please stay on the line.`;
  }
}
