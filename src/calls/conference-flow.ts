import { type Authentication, mayEnter, type PhoneCall, type PinResult } from '../people/authenticator';
import { MAX_PIN_TRIES, MIN_PIN_DIGITS } from '../people/pin';
import type { Lockout } from '../people/pin-limiter';
import type { ModeratorEntry } from '../people/roster';
import type { RoomName } from '../rooms/room';
import type { ConferenceDecision, PinPrompt } from './outcome';

/** A request of the number that agents and customers dial. */
export interface ConferenceInput {
  room: RoomName;
  call: PhoneCall;
}

/** The same with the digits of a PIN. */
export interface PinInput extends ConferenceInput {
  digits: string | undefined;
  /** How many PIN prompts the call has had; 0 during the greeting. */
  tryNumber: number;
}

/** Everything but the request that a decision uses. */
export interface ConferenceView {
  who: Authentication<ModeratorEntry>;
  /** Whether a prompt for a PIN may be opened; undefined until it is needed. */
  prompt?: 'open' | Lockout;
  /** The result of the PIN; undefined until it is needed. */
  pin?: PinResult<ModeratorEntry>;
}

/** The part of the view that a decision still needs. Read it, then decide again. */
export type ConferenceNeed = { needs: 'prompt' } | { needs: 'pin'; digits: string | undefined };

/** Decides the answer to an agent or a customer who dialled in. Pure. A call without the right PIN joins as a caller. */
export function decideArrival(input: ConferenceInput, view: ConferenceView): ConferenceDecision | ConferenceNeed {
  switch (view.who) {
    case 'pin-required':
      return askPin(input, view, { tryNumber: 1, why: 'asked' });
    case 'pin-possible':
      return { kind: 'greet', room: input.room };
    case 'unknown':
      return { kind: 'join', role: 'caller', room: input.room };
    default:
      return joinAs(view.who.person, input);
  }
}

/** Decides the answer to the digits of a moderator's PIN, or to a customer's key during the greeting. Pure. */
export function decidePin(input: PinInput, view: ConferenceView): ConferenceDecision | ConferenceNeed {
  const { room, digits, tryNumber } = input;
  const digitsOfPin = digits?.replace(/^\*/, '');
  if (tryNumber === 0) {
    // The greeting. Any key but star is a customer's. The star may come alone or with the PIN.
    if (!digits?.startsWith('*')) {
      return { kind: 'join', role: 'caller', room };
    }
    if (digits.length <= MIN_PIN_DIGITS) {
      return askPin(input, view, { tryNumber: 1, why: 'asked' });
    }
  }
  const { pin } = view;
  if (pin === undefined) {
    return { needs: 'pin', digits: digitsOfPin };
  }
  if (pin.kind === 'right') {
    return joinAs(pin.person, input);
  }
  const message = digits === undefined ? 'No PIN was entered' : 'Wrong moderator PIN';
  const warning = pin.kind === 'locked-out' ? undefined : { message };
  if ('lockout' in pin && pin.lockout !== undefined) {
    return { kind: 'join', role: 'caller', room, lockout: pin.lockout, warning };
  }
  const next = Math.max(tryNumber, 1) + 1;
  if (next > MAX_PIN_TRIES) {
    return { kind: 'join', role: 'caller', room, warning };
  }
  const prompt: PinPrompt = { tryNumber: next, why: digits === undefined ? 'silent' : 'wrong' };
  // After a wrong PIN no check is needed: it used an attempt, which limits prompts and shows that nobody is locked out.
  return pin.kind === 'wrong'
    ? { kind: 'askModeratorPin', room, prompt, warning }
    : askPin(input, view, prompt, warning);
}

function askPin(
  { room }: ConferenceInput,
  { prompt: opened }: ConferenceView,
  prompt: PinPrompt,
  warning?: ConferenceDecision['warning'],
): ConferenceDecision | ConferenceNeed {
  if (opened === undefined) {
    return { needs: 'prompt' };
  }
  return opened === 'open'
    ? { kind: 'askModeratorPin', room, prompt, warning }
    : { kind: 'join', role: 'caller', room, lockout: opened, warning };
}

/** Decides the answer to a moderator whose `<Dial>` has ended. Pure. */
export function decideEnded({ call }: ConferenceInput): ConferenceDecision {
  return { kind: 'hangUp', event: { kind: 'dial-ended', callSid: call.callSid, ageMs: 0 } };
}

/** Joins a moderator; in a room that is not theirs, as a caller who hears so first. */
function joinAs(person: ModeratorEntry, { room, call }: ConferenceInput): ConferenceDecision {
  const { name } = person;
  return mayEnter(person, room)
    ? {
        kind: 'join',
        role: 'moderator',
        room,
        name,
        event: { kind: 'moderator-arrived', callSid: call.callSid, name, ageMs: 0 },
      }
    : {
        kind: 'join',
        role: 'caller',
        room,
        isWrongRoom: true,
        warning: {
          message: 'Moderator dialled a room that is not theirs; the call joins as a caller',
          about: { name, rooms: [...person.rooms] },
        },
      };
}

/**
 * Decides the answer to a call whose `/conference` webhook failed. Needs no store.
 *
 * @param isOnlySupervisor whether the address is a supervisor's, and no moderator's
 */
export function decideFallback(room: RoomName, isOnlySupervisor: boolean): ConferenceDecision {
  return isOnlySupervisor
    ? // As a caller, everyone would hear them.
      { kind: 'reject', warning: { message: 'Supervisor sent to the fallback; rejected' } }
    : { kind: 'join', role: 'caller', room };
}
