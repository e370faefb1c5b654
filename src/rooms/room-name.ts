/** The name of a conference, safe in a path, a key and a document. Only {@link parseRoomName} makes one. */
export type RoomName = string & { readonly brand: 'RoomName' };

/** The form of a room name, for error messages. */
export const ROOM_NAME_FORM = '1 to 64 letters A–Z without accents, digits, spaces, _, . or -';

/**
 * Reads a room name: 1 to 64 of the letters a–z and A–Z, digits, space and `_ . -`. It starts and ends with
 * something else than a space, because a Space may trim names and two names must never mean one conference, and it
 * is not `.` or `..`, because a URL cannot hold those.
 *
 * @returns undefined for anything else
 */
export function parseRoomName(text: string): RoomName | undefined {
  const valid = /^(?! )[A-Za-z0-9 _.-]{1,64}(?<! )$/.test(text) && text !== '.' && text !== '..';
  return valid ? (text as RoomName) : undefined;
}
