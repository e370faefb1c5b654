import { parseRoomName, type RoomName } from '../../src/rooms/room';
import { parseSid, type Sid } from '../../src/signalwire/sid';

/** A SID made of readable text. */
export function sid(text: string): Sid {
  const read = parseSid(text);
  if (read === undefined) {
    throw new Error(`${text} is no SID`);
  }
  return read;
}

/** A room's name. */
export function roomNamed(text: string): RoomName {
  const read = parseRoomName(text);
  if (read === undefined) {
    throw new Error(`${text} is no room name`);
  }
  return read;
}
