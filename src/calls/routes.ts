import type { Logger } from 'pino';
import type { Authenticator } from '../people/authenticator';
import type { ModeratorEntry, Roster, SupervisorEntry } from '../people/roster';
import type { RoomName } from '../rooms/room-name';
import type { Rooms } from '../rooms/rooms';
import type { Supervision } from '../supervision/supervision';
import type { Addresses } from './call-request';
import { createConferenceCalls } from './conference-calls';
import { createRender, type DocumentSettings } from './documents';
import { createStatusCallbacks } from './events';
import { lamlHandler } from './laml-handler';
import type { Outcome } from './outcome';
import { german } from './prompts-de';
import { english } from './prompts-en';
import { createSupervisorCalls } from './supervisor-calls';
import type { WebhookHandler } from './webhook';

export interface RoutesOptions {
  settings: DocumentSettings & {
    /** The language of what the server says on the phone. */
    promptLanguage: keyof typeof PROMPTS;
    /** The room of a path that names none. */
    conferenceName: RoomName;
    /** Undefined when the Space's REST API is not configured. */
    space: { projectId: string } | undefined;
  };
  roster: Roster;
  authenticators: { moderators: Authenticator<ModeratorEntry>; supervisors: Authenticator<SupervisorEntry> };
  addresses: Addresses;
  rooms: Rooms;
  supervision: Supervision;
  /** Resolves after so many milliseconds. */
  sleep: (ms: number) => Promise<void>;
  /** Milliseconds since 1970. */
  now: () => number;
  log: Logger;
}

const PROMPTS = { en: english, de: german };

/** Every route that a Space requests, with its handler. The check of webhooks comes before each of them. */
export function createRoutes(options: RoutesOptions): Readonly<Record<string, WebhookHandler>> {
  const { settings, roster, authenticators, addresses, rooms, supervision, sleep, now, log } = options;
  const render = createRender(settings, addresses, PROMPTS[settings.promptLanguage]);
  const defaultRoom = settings.conferenceName;
  const conference = createConferenceCalls({
    defaultRoom,
    authenticator: authenticators.moderators,
    roster,
    rooms,
    render,
    log,
  });
  const supervisor = createSupervisorCalls({
    defaultRoom,
    authenticator: authenticators.supervisors,
    roster,
    rooms,
    supervision,
    addresses,
    render,
    sleep,
    now,
    log,
  });
  const callback = createStatusCallbacks({ defaultRoom, rooms, accountSid: settings.space?.projectId, now });
  const notice = (to: 'moderator' | 'supervisor') => {
    const outcome: Outcome = { kind: 'notice', to };
    return lamlHandler({ parse: () => undefined, answer: () => ({ outcome }), fallback: () => outcome, render, log });
  };
  return {
    '/events/conference/:room': callback.conference,
    '/events/call{/:room}': callback.call,
    '/conference{/:room}': conference.arrival,
    '/conference/:room/pin': conference.pin,
    '/conference/:room/ended': conference.ended,
    '/fallback{/:room}': conference.fallback,
    '/coach{/:room}': supervisor.arrival,
    '/coach/:room/ended': supervisor.ended,
    '/coach/:room/key': supervisor.key,
    '/supervisor': supervisor.lineArrival,
    '/supervisor/pin': supervisor.pin,
    '/supervisor/room': supervisor.choice,
    '/notices/moderator': notice('moderator'),
    '/notices/supervisor': notice('supervisor'),
  };
}
