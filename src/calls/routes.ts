import type { Logger } from 'pino';
import type { Authenticator } from '../people/authenticator';
import type { ModeratorEntry, Roster, SupervisorEntry } from '../people/roster';
import type { Rooms } from '../rooms/rooms';
import type { Supervision } from '../supervision/supervision';
import { parseNote, type Urls } from './call-request';
import { createConferenceCalls } from './conference-calls';
import { createStatusCallbacks, type StatusCallbacksOptions } from './status-callbacks';
import { createSupervisorCalls, type SupervisorCallsOptions } from './supervisor-calls';
import type { WebhookRoute } from './webhook';

export interface RoutesOptions {
  /** The account of our REST API; undefined if it is not configured. */
  accountSid: string | undefined;
  roster: Roster;
  authenticators: { moderators: Authenticator<ModeratorEntry>; supervisors: Authenticator<SupervisorEntry> };
  urls: Urls;
  rooms: Rooms;
  supervision: Supervision;
  /** Resolves after so many milliseconds. */
  sleep: (ms: number) => Promise<void>;
  /** Milliseconds since 1970. */
  now: () => number;
  /** For metrics. */
  onCallback?: StatusCallbacksOptions['onCallback'];
  onStaleTarget?: SupervisorCallsOptions['onStaleTarget'];
  log: Logger;
}

/** Every path that a Space requests, with its route. Requests are verified before they reach it. */
export function createRoutes(options: RoutesOptions): Readonly<Record<string, WebhookRoute>> {
  const { accountSid, roster, authenticators, urls, rooms, supervision, sleep, now, onCallback, onStaleTarget, log } =
    options;
  const conference = createConferenceCalls({ authenticator: authenticators.moderators, roster, rooms, log });
  const supervisor = createSupervisorCalls({
    accountSid,
    authenticator: authenticators.supervisors,
    roster,
    rooms,
    supervision,
    urls,
    sleep,
    now,
    onStaleTarget,
  });
  const callback = createStatusCallbacks({ rooms, accountSid, now, onCallback });
  return {
    '/events/conference/:room': callback.conference,
    '/events/call{/:room}': callback.call,
    '/events/recording/:room': callback.recording,
    '/conference{/:room}': conference.arrival,
    '/conference/:room/pin': conference.pin,
    '/conference/:room/ended': conference.ended,
    '/fallback{/:room}': conference.fallback,
    '/coach{/:room}': supervisor.arrival,
    '/coach/:room/callout': supervisor.callout,
    '/coach/:room/callout/key': supervisor.calloutKey,
    '/coach/:room/ended': supervisor.ended,
    '/coach/:room/key': supervisor.key,
    '/supervisor': supervisor.lineArrival,
    '/supervisor/pin': supervisor.pin,
    '/supervisor/room': supervisor.choice,
    '/notices/moderator': { answer: () => ({ outcome: { kind: 'notice', to: 'moderator' } }) },
    '/notices/note': { answer: (webhook) => ({ outcome: { kind: 'note', text: parseNote(webhook) } }) },
    '/notices/supervisor': { answer: () => ({ outcome: { kind: 'notice', to: 'supervisor' } }) },
  };
}
