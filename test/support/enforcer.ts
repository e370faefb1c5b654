import type { Logger } from 'pino';
import { createUrls } from '../../src/calls/call-request';
import type { Rooms } from '../../src/rooms/rooms';
import { createSpaceObserver } from '../../src/rooms/space-observer';
import type { ConferenceApi } from '../../src/signalwire/conference-api';
import { createEnforcer, type Enforcer } from '../../src/supervision/enforcer';
import type { Claim } from '../../src/supervision/redis-claims';
import { createSupervisorNotice } from '../../src/supervision/supervisor-notice';
import type { ScriptedSpace } from './scripted-space';

interface EnforcerOverScript {
  rooms: Rooms;
  space: ScriptedSpace;
  announceIsPrivate: boolean;
  claim?: Claim | undefined;
  log: Logger;
  /** Milliseconds until the first retry. */
  retryMs?: number;
}

const urls = createUrls('https://coach.example.com');

/** An enforcer that corrects a scripted Space's supervisors, and tells them. */
export function enforcerOver({ rooms, space, announceIsPrivate, claim, log, retryMs }: EnforcerOverScript): Enforcer {
  const client = space.client as ConferenceApi;
  return createEnforcer({
    rooms,
    space: client,
    observe: createSpaceObserver({ space: client, now: () => performance.now() }).observe,
    notify: createSupervisorNotice({
      space: client,
      noticeUrl: urls.notice('supervisor'),
      returnUrl: urls.coachReturn,
      announceIsPrivate,
      claim,
      log,
    }),
    log,
    monotonicNow: () => performance.now(),
    ...(retryMs !== undefined && { retryMs }),
  });
}
