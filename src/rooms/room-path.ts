import { RequestError } from '../signalwire/request-error';
import { parseRoomName, type RoomName } from './room-name';

/**
 * The room that a path names in its `:room`, or else the `usual` one.
 *
 * @throws RequestError 404 for a name that no room can have
 */
export function roomOfPath(param: string | string[] | undefined, usual?: RoomName): RoomName {
  const room = param === undefined ? usual : parseRoomName(String(param));
  if (room === undefined) {
    throw new RequestError(404, 'no_such_room', 'There is no such room.');
  }
  return room;
}
