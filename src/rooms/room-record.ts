import type { RoomName, RoomState } from './room';

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
  try {
    const record = JSON.parse(text);
    const { conference, stays, ended, at } = record;
    const isRoom =
      record.room === room &&
      typeof at === 'number' &&
      (conference === undefined || typeof conference.sid === 'string') &&
      Array.isArray(stays) &&
      stays.every(isStay) &&
      Array.isArray(ended) &&
      ended.every(isEnded);
    return isRoom ? record : undefined;
  } catch {
    // Also for what has no fields, such as null.
    return undefined;
  }
}

function isEnded({ sid, at }: Fields): boolean {
  return typeof sid === 'string' && typeof at === 'number';
}

function isStay(stay: Fields): boolean {
  for (const name of STAY_INSTANTS) {
    const instant = stay[name];
    if (instant !== undefined && typeof instant !== 'number') {
      return false;
    }
  }
  const { callSid, role, supervision } = stay;
  return (
    typeof callSid === 'string' &&
    typeof role === 'string' &&
    (supervision === undefined || isSupervision(supervision as Fields))
  );
}

function isSupervision({ heard, callers, coachedCallChangedAt, targetSetAt, lastFact }: Fields): boolean {
  return (
    typeof heard === 'string' &&
    Array.isArray(callers) &&
    callers.every((caller) => typeof caller === 'string') &&
    (coachedCallChangedAt === undefined || typeof coachedCallChangedAt === 'number') &&
    (targetSetAt === undefined || typeof targetSetAt === 'number') &&
    (lastFact === undefined || typeof (lastFact as Fields).at === 'number')
  );
}
