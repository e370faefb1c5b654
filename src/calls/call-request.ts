import { type Address, parseAddress } from '../people/address';
import type { PhoneCall } from '../people/authenticator';
import { MAX_PIN_TRIES } from '../people/pin';
import { MODES, type Mode } from '../rooms/mode';
import { parseRoomName, type RoomName } from '../rooms/room';
import { isFinalStatus } from '../signalwire/call-status';
import { type Fields, requiredSid, textOf } from '../signalwire/fields';
import { RequestError } from '../signalwire/request-error';
import { parseSid, type Sid } from '../signalwire/sid';
import { isNote } from '../supervision/note';
import {
  type CallContext,
  DEFAULT_MODE,
  initialModeOf,
  MAX_ATTEMPTS,
  MAX_WAITS,
  type RoomContext,
} from './call-context';
import type { Webhook } from './webhook';

/** @throws RequestError 400 if the Call SID is missing, repeated or malformed */
export function parsePhoneCall({ callSid, fields }: Webhook): PhoneCall {
  return { callSid: callSid ?? requiredSid(fields, 'CallSid'), from: personOf(fields) };
}

/**
 * The address of the person on the call. On outbound legs that is `To`, because `From` is the Space's own number there.
 * Never throws.
 *
 * @returns undefined when it is withheld, not an address, or sent twice
 */
export function personOf(fields: Fields): Address | undefined {
  const { Direction, From, To } = fields;
  const isOutbound = typeof Direction === 'string' && /^outbound/i.test(Direction);
  return parseAddress(isOutbound ? To : From);
}

/** The codes of a coach whose target is not in the conference: as documented, and as REST lists it. */
const STALE_TARGET_CODES: readonly (string | undefined)[] = ['13240', '16002'];

/** How a `<Dial>` into a conference ended, from the request to its `action`. */
export interface DialOutcome {
  /** Whether the call itself is over, so that nobody hears the answer. */
  isCallOver: boolean;
  /** Whether the call never got into the conference. */
  hasFailed: boolean;
  /** Whether that may be because the target of a coach is not there. */
  coachingFailed: boolean;
}

export function parseDialOutcome({ fields }: Webhook): DialOutcome {
  const status = textOf(fields, 'DialCallStatus') ?? '';
  const isStale = STALE_TARGET_CODES.includes(textOf(fields, 'ErrorCode'));
  return {
    isCallOver: isFinalStatus(textOf(fields, 'CallStatus')),
    // After a conference it is `answered` or `completed`; a missing status is not a failure.
    hasFailed: isStale || !/^(answered|completed|)$/i.test(status),
    coachingFailed: isStale || /^failed$/i.test(status),
  };
}

/** The keys that answered a `<Gather>`; undefined for none, for speech, and for a field sent twice. */
export function digitsOf({ fields }: Webhook): string | undefined {
  return textOf(fields, 'Digits') || undefined;
}

/**
 * Parses the query of an address on the supervisors' line.
 *
 * @throws RequestError 400 that lists the valid modes
 */
export function parseCallContext({ query }: Pick<Webhook, 'query'>): CallContext {
  return {
    mode: parseMode(query.mode),
    attempt: counterOf(query.attempt, MAX_ATTEMPTS) ?? 0,
    waits: counterOf(query.waits, MAX_WAITS),
    stay: counterOf(query.stay, MAX_STAYS) ?? 0,
    token: textOf(query, 'token'),
  };
}

/**
 * Parses the query of an address below `/coach`.
 *
 * @param missing the stay of an address without one
 * @throws RequestError 400 that lists the valid modes
 */
export function parseRoomContext({ query }: Pick<Webhook, 'query'>, missing = { stay: 0 }): RoomContext {
  if (Object.keys(query).length === 0) {
    // The address of the number itself, as in most calls.
    return { mode: DEFAULT_MODE, attempt: 0, stay: missing.stay };
  }
  const context = parseCallContext({ query });
  const target = parseSid(query.target);
  return {
    ...context,
    stay: query.stay === undefined ? missing.stay : context.stay,
    mode: context.mode ?? DEFAULT_MODE,
    initialMode: MODES.find((mode) => mode === query.initial),
    isOnLine: textOf(query, 'line') !== undefined,
    reprompts: counterOf(query.reprompts, MAX_ATTEMPTS),
    named: target && { target, conferenceSid: parseSid(query.conference) },
    isAnnounced: textOf(query, 'announced') !== undefined,
    isMoved: textOf(query, 'moved') !== undefined,
  };
}

const MAX_STAYS = 1_000_000;

function parseMode(given: unknown): Mode | undefined {
  const mode = MODES.find((one) => one === given);
  if (mode === undefined && given !== undefined) {
    throw new RequestError(400, 'invalid_field', `mode must be one of ${MODES.join(', ')}.`);
  }
  return mode;
}

/** A count that our own addresses carry; an invalid one counts as the maximum, so that no loop is endless. */
function counterOf(given: unknown, most: number): number | undefined {
  if (given === undefined) {
    return undefined;
  }
  const count = typeof given === 'string' ? Number(given) : Number.NaN;
  return Number.isInteger(count) && count >= 0 && count <= most ? count : most;
}

/** How many PIN prompts this call has had; 0 during a caller's greeting. */
export function tryOf({ query }: Pick<Webhook, 'query'>): number {
  return counterOf(query.try, MAX_PIN_TRIES) ?? 0;
}

/** The room that a supervisor dialled before they were asked for a PIN; undefined for none, or an invalid name. */
export function roomWanted({ query }: Pick<Webhook, 'query'>): RoomName | undefined {
  return decodeRooms(textOf(query, 'room') ?? '')[0];
}

/** The action by which the server called this supervisor. @throws RequestError 400 if it is missing or malformed */
export function joinOf({ query }: Pick<Webhook, 'query'>): Sid {
  return requiredSid(query, 'join');
}

/** The text of a note. @throws RequestError 400 for one that no document can hold */
export function parseNote({ query }: Pick<Webhook, 'query'>): string {
  const text = Buffer.from(textOf(query, 'text') ?? '', 'base64url').toString();
  if (!isNote(text)) {
    throw new RequestError(400, 'invalid_field', 'text must be the base64url of 1 to 300 characters.');
  }
  return text;
}

const MAX_PAGES = 1_000;

/** The rooms that a page of the list of conversations offered, in the order of their keys, and its number. */
export function parseMenu({ query }: Pick<Webhook, 'query'>): { rooms: RoomName[]; page: number } {
  const rooms = decodeRooms(textOf(query, 'rooms') ?? '').flatMap((room) => room ?? []);
  return { rooms, page: counterOf(query.page, MAX_PAGES) ?? 0 };
}

/** Rooms in a query: `_0` is a space, `__` a `_`, `_1` a separator. No encoder of forms or urls changes these. */
const CODES: Readonly<Record<string, string>> = { _0: ' ', __: '_', _1: ',' };

function encodeRooms(rooms: readonly RoomName[]): string {
  return rooms.map((room) => room.replaceAll('_', '__').replaceAll(' ', '_0')).join('_1');
}

/** Has undefined in place of an invalid name. */
function decodeRooms(text: string): (RoomName | undefined)[] {
  return text
    .replace(/_[01_]/g, (code) => CODES[code] ?? '')
    .split(',')
    .map(parseRoomName);
}

/** The URLs of this server, as its documents name them. */
export type Urls = ReturnType<typeof createUrls>;

/** @param publicUrl the address a Space reaches this server at, without a slash at the end */
export function createUrls(publicUrl: string) {
  const encode = encodeURIComponent;
  /** @param usualStay the stay that the query leaves out */
  const coachUrl = (rest: string, usualStay: number) => (room: RoomName, context: RoomContext) => {
    const { mode, initialMode, isOnLine, stay, attempt, waits, reprompts, named, isAnnounced, isMoved, token } =
      context;
    const query = queryOf({
      announced: isAnnounced ? 1 : undefined,
      attempt: attempt || undefined,
      conference: named?.conferenceSid,
      initial: initialMode === mode && !isOnLine ? undefined : initialMode,
      line: isOnLine ? 1 : undefined,
      mode: mode === DEFAULT_MODE ? undefined : mode,
      moved: isMoved ? 1 : undefined,
      reprompts,
      stay: stay === usualStay ? undefined : stay,
      target: named?.target,
      token,
      waits,
    });
    return `${publicUrl}/coach/${encode(room)}${rest}${query}`;
  };
  const coach = coachUrl('', 0);

  /** Where the server moves a supervisor whom it muted through REST: back into this room, muted. */
  function coachMoved(room: RoomName, context: RoomContext): string {
    return coach(room, {
      ...context,
      initialMode: initialModeOf(context),
      mode: 'monitor',
      waits: undefined,
      named: undefined,
      isAnnounced: undefined,
      isMoved: true,
    });
  }

  return {
    conferenceEvents: (room: RoomName) => `${publicUrl}/events/conference/${encode(room)}`,
    recordingEvents: (room: RoomName) => `${publicUrl}/events/recording/${encode(room)}`,
    conferenceEnded: (room: RoomName) => `${publicUrl}/conference/${encode(room)}/ended`,
    /** @param tryNumber undefined during the greeting */
    moderatorPin: (room: RoomName, tryNumber?: number) =>
      `${publicUrl}/conference/${encode(room)}/pin${queryOf({ try: tryNumber })}`,
    coach,
    coachEnded: coachUrl('/ended', 1),
    coachKey: coachUrl('/key', 1),
    coachMoved,
    /** The same for a call whose latest stay is unknown; 1,000 is above any real stay. */
    coachReturn: (room: RoomName) => coachMoved(room, { mode: 'monitor', attempt: 0, stay: 1_000 }),
    /** Where a supervisor whom the server called presses a key. @param join the action that called them */
    callout: (room: RoomName, join: Sid) => `${publicUrl}/coach/${encode(room)}/callout?join=${join}`,
    calloutKey: (room: RoomName, join: Sid) => `${publicUrl}/coach/${encode(room)}/callout/key?join=${join}`,
    callEnded: (room: RoomName) => `${publicUrl}/events/call/${encode(room)}`,
    notice: (to: 'moderator' | 'supervisor') => `${publicUrl}/notices/${to}`,
    /** Where a note to one participant is spoken. base64url needs no escaping. */
    note: (text: string) => `${publicUrl}/notices/note?text=${Buffer.from(text).toString('base64url')}`,
    line: (context: CallContext) => `${publicUrl}/supervisor${queryOf(lineParametersOf(context))}`,
    linePin: (context: CallContext, tryNumber: number, room: RoomName | undefined) =>
      `${publicUrl}/supervisor/pin${queryOf({ ...lineParametersOf(context), try: tryNumber, room: room && encodeRooms([room]) })}`,
    lineRoom: (context: CallContext, { rooms, page }: { rooms: readonly RoomName[]; page: number }) =>
      `${publicUrl}/supervisor/room${queryOf({ ...lineParametersOf(context), rooms: encodeRooms(rooms), page: page || undefined })}`,
  };
}

type Parameters = Record<string, string | number | undefined>;

function lineParametersOf({ mode, attempt, stay, waits, token }: CallContext): Parameters {
  return { mode, attempt: attempt || undefined, stay: stay || undefined, waits, token };
}

/**
 * A query in alphabetical order, with values that no encoder changes, because a Space may sort or re-encode it before it
 * signs. Leaves out undefined parameters.
 */
function queryOf(parameters: Parameters): string {
  let query = '';
  for (const name of Object.keys(parameters).sort()) {
    const value = parameters[name];
    if (value !== undefined) {
      query += `${query === '' ? '?' : '&'}${name}=${value}`;
    }
  }
  return query;
}
