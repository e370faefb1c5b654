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
  /** How often a PIN was asked for; 0 during the greeting. */
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

/** Asks for a part of the view; then decide again. */
export type ConferenceNeed = { needs: 'prompt' } | { needs: 'pin'; digits: string | undefined };

/** Decides what an agent or a customer gets. Pure. No call is lost to a PIN: whoever has none joins as a caller. */
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

/** Decides what follows the digits of a moderator's PIN, or a key that a customer pressed during the greeting. Pure. */
export function decidePin(input: PinInput, view: ConferenceView): ConferenceDecision | ConferenceNeed {
  const { room, digits, tryNumber } = input;
  const digitsOfPin = digits?.replace(/^\*/, '');
  if (tryNumber === 0) {
    // The greeting. A customer may press anything, and is a caller; a star may come alone, or with a PIN behind it.
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
  // A wrong PIN took an attempt: that limits these prompts, and has shown that nobody is locked out.
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

/** Decides what a moderator gets who is out of the conference. Pure. */
export function decideEnded({ call }: ConferenceInput): ConferenceDecision {
  return { kind: 'hangUp', event: { kind: 'dial-ended', callSid: call.callSid, ageMs: 0 } };
}

/** Lets a moderator in; where the room is not theirs, as a caller who is told so. */
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
 * Decides what a call gets when `/conference` failed. Needs no store.
 *
 * @param isOnlySupervisor whether the address is a supervisor's, and no moderator's
 */
export function decideFallback(room: RoomName, isOnlySupervisor: boolean): ConferenceDecision {
  return isOnlySupervisor
    ? // As a caller they would be heard by all.
      { kind: 'reject', warning: { message: 'Supervisor sent to the fallback; rejected' } }
    : { kind: 'join', role: 'caller', room };
}
