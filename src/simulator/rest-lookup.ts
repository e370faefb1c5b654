import type { Request } from 'express';
import type { Call } from './call';
import type { Conference, Participant } from './conferences';
import type { PhoneNumber } from './phone-numbers';
import type { Recording } from './recordings';
import { RestError } from './rest-error';
import type { Space } from './space';

/** Finds the resources that a path names; each throws a RestError 404 if there is none. */
export type RestLookup = ReturnType<typeof createRestLookup>;

export function createRestLookup({ calls, conferences, numbers }: Space) {
  function conference({ params }: Request): Conference {
    return found(conferences.all().find(({ sid }) => sid === params.conferenceSid));
  }

  return {
    conference,

    participant(req: Request): Participant {
      const { participants } = conference(req);
      return found(participants.find(({ callSid }) => callSid === req.params.callSid));
    },

    call({ params }: Request): Call {
      return found(calls.find(({ sid }) => sid === params.callSid));
    },

    number({ params }: Request): PhoneNumber {
      return found(numbers.find(({ sid }) => sid === params.numberSid));
    },

    /** The path may name the conference or call that was recorded, too. */
    recording({ params: { recordingSid, conferenceSid, callSid } }: Request): Recording {
      const all = conferences.recordings.all();
      return found(all.find((one) => one.sid === recordingSid && matches(one, { conferenceSid, callSid })));
    },
  };
}

/** Whether `one` has all these values; undefined matches any. */
export function matches<T>(one: T, wanted: { [K in keyof T]?: unknown }): boolean {
  return (Object.keys(wanted) as (keyof T)[]).every((name) => wanted[name] === undefined || one[name] === wanted[name]);
}

function found<T>(one: T | undefined): T {
  if (one === undefined) {
    throw new RestError(404, 20404, 'The requested resource was not found.');
  }
  return one;
}
