import { parseRecord } from '../redis/parse-record';
import type { RoomState } from './room';
import type { RoomName } from './room-name';

type Fields = Readonly<Record<string, unknown>>;

/** Every instant of a stay that may be missing. */
const STAY_INSTANTS = [
  'arrivedAt',
  'joinedAt',
  'joinKnownAt',
  'leftAt',
  'leftAtLatest',
  'joinDate',
  'leaveDate',
  'muteChangedAt',
  'holdChangedAt',
  'missingSince',
  'speakingSince',
  'coachingFailedAt',
];

/** A room's state from JSON; undefined unless it has the shape that `evolve` relies on, and is that room's. */
export function parseRoomRecord(text: string, room: RoomName): RoomState | undefined {
  return parseRecord<RoomState>(text, (record) => record.room === room && isRoom(record));
}

function isRoom({ conference, stays, ended, at }: Fields): boolean {
  return isNumber(at) && isOptional(conference, isConference) && isListOf(stays, isStay) && isListOf(ended, isEnded);
}

function isConference(value: unknown): boolean {
  return isObject(value) && isText(value.sid);
}

function isEnded(value: unknown): boolean {
  return isObject(value) && isText(value.sid) && isNumber(value.at);
}

function isStay(value: unknown): boolean {
  return (
    isObject(value) &&
    isText(value.callSid) &&
    isText(value.role) &&
    STAY_INSTANTS.every((name) => isOptional(value[name], isNumber)) &&
    isOptional(value.supervision, isSupervision)
  );
}

function isSupervision(value: unknown): boolean {
  return (
    isObject(value) &&
    isText(value.heard) &&
    isListOf(value.callers, isText) &&
    isOptional(value.coachedCallChangedAt, isNumber) &&
    isOptional(value.targetSetAt, isNumber) &&
    isOptional(value.lastFact, (line) => isObject(line) && isNumber(line.at))
  );
}

function isOptional(value: unknown, isValid: (value: unknown) => boolean): boolean {
  return value === undefined || isValid(value);
}

function isListOf(value: unknown, isValid: (value: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isValid);
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number';
}
