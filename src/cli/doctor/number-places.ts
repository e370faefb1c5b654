import { MODES } from '../../rooms/mode';
import { parseRoomName, type RoomName } from '../../rooms/room';

/** What the addresses of numbers are compared with. */
export interface NumberSettings {
  /** Without a slash at the end. */
  publicUrl: string;
  /** The room of a path that names none. */
  conferenceName: RoomName;
}

/** One of our routes for numbers, as an address names it. */
export interface RoutePlace {
  kind: 'conference' | 'supervisors' | 'fallback' | 'call-events';
  /** Below PUBLIC_URL, such as `/coach/sales?mode=barge`; of a query, the mode alone. */
  path: string;
  /** The room that the route leads to; for `/supervisor` the default one, without meaning. */
  room: RoomName;
  /** The room as the path has it, with its slash; empty if it names none. */
  roomPath: string;
  /** Whether the server refuses the `mode` in the query. */
  hasBadMode: boolean;
}

/**
 * Where an address of a number leads. `astray`: to a route of ours on our host, but not below PUBLIC_URL, such as without
 * https. `no-route`: below PUBLIC_URL, but to no route for numbers.
 */
export type Place =
  | RoutePlace
  | { kind: 'elsewhere' }
  | { kind: 'no-route'; path: string }
  | { kind: 'astray'; meant: RoutePlace };

const ROUTE = /^\/(conference|coach|supervisor|fallback|events\/call)(\/[^/]+)?\/?$/i;
const KINDS: Readonly<Record<string, RoutePlace['kind']>> = {
  conference: 'conference',
  coach: 'supervisors',
  supervisor: 'supervisors',
  fallback: 'fallback',
  'events/call': 'call-events',
};

/** Finds the route that an address leads to. */
export function placeOf(address: string, settings: NumberSettings): Place {
  const { publicUrl } = settings;
  if (!URL.canParse(address)) {
    return { kind: 'elsewhere' };
  }
  // A signature may leave out the default port, and the fragment holds a Space's own options.
  const [bare = ''] = address.replace(/^(https:\/\/[^/]*):443(?=\/|$)/, '$1').split('#');
  if (bare === publicUrl || bare.startsWith(`${publicUrl}/`) || bare.startsWith(`${publicUrl}?`)) {
    const path = bare.slice(publicUrl.length);
    return routeOf(path, settings) ?? { kind: 'no-route', path: path.split('?')[0] || '/' };
  }
  const { hostname, pathname, search } = new URL(bare);
  const { hostname: ourHost, pathname: prefix } = new URL(publicUrl);
  const path = prefix !== '/' && pathname.startsWith(`${prefix}/`) ? pathname.slice(prefix.length) : pathname;
  const meant = hostname === ourHost ? routeOf(path + search, settings) : undefined;
  return meant === undefined ? { kind: 'elsewhere' } : { kind: 'astray', meant };
}

function routeOf(given: string, { conferenceName }: NumberSettings): RoutePlace | undefined {
  const [pathname = '', query] = given.split('?');
  const [, name = '', roomPath = ''] = ROUTE.exec(pathname) ?? [];
  const kind = KINDS[name.toLowerCase()];
  const room = roomPath === '' ? conferenceName : parseRoomName(decoded(roomPath.slice(1)));
  if (kind === undefined || room === undefined || (name.toLowerCase() === 'supervisor' && roomPath !== '')) {
    return undefined;
  }
  const modes = new URLSearchParams(query).getAll('mode');
  const areValid = modes.length < 2 && modes.every((mode) => MODES.some((one) => one === mode));
  const hasBadMode = kind === 'supervisors' && !areValid;
  const path = modes[0] === undefined ? pathname : `${pathname}?mode=${modes[0]}`;
  return { kind, path, room, roomPath, hasBadMode };
}

/** Empty, which no room is called, if it cannot be decoded. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
