import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { StoreError } from '../../src/redis/store-error';
import type { ConferenceApi } from '../../src/signalwire/conference-api';
import { createMemoryStore, type Store } from '../../src/stores';
import { ALICE, startApp, TED } from '../support/app';

const TIMEOUT_MS = 1_000;

/** A server that mutes Ted at a Space that does not answer, and owes its store, which is down, an event. */
async function startBusyServer() {
  const memory = createMemoryStore({ lifetimeMs: 3_600_000, monotonicNow: Date.now, now: Date.now });
  const fault = { isDown: false };
  const store: Store = {
    ...memory,
    rooms: {
      ...memory.rooms,
      async apply(...args) {
        if (fault.isDown) {
          throw new StoreError('unavailable', 'down');
        }
        return memory.rooms.apply(...args);
      },
    },
  };
  const requests: string[] = [];
  const hang = (request: string) => () => {
    requests.push(request);
    return new Promise<never>(() => {});
  };
  const space: Partial<ConferenceApi> = {
    changeParticipant: hang('change'),
    findParticipant: hang('find'),
    listConferences: hang('list'),
  };
  const app = await startApp({ store, space });
  const joined = (CallSid: string, more: object) =>
    app.post('/events/conference/sales', {
      StatusCallbackEvent: 'participant-join',
      CallSid,
      ConferenceSid: 'cf-1',
      ...more,
    });
  await app.post('/conference/sales', { CallSid: 'alice-1', From: ALICE });
  await joined('alice-1', { EndConferenceOnExit: 'true' });
  await app.post('/coach/sales?mode=monitor', { CallSid: 'ted-1', From: TED });
  await joined('ted-1', { EndConferenceOnExit: 'false', Muted: 'false' });
  expect(requests).toContain('change');
  fault.isDown = true;
  await joined('bob-1', { EndConferenceOnExit: 'false' });
  return { app, fault, memory };
}

it('a stop takes as long as it may, for corrections and pending events together', async () => {
  const { app } = await startBusyServer();
  const since = performance.now();
  expect(await app.stop(TIMEOUT_MS)).toBe(false);
  expect(performance.now() - since).toBeLessThan(TIMEOUT_MS + 300);
});

it('a stop writes what is pending also if a correction takes all of its time', async () => {
  const { app, fault } = await startBusyServer();
  const stopped = app.stop(TIMEOUT_MS);
  await sleep(TIMEOUT_MS * 0.6);
  fault.isDown = false;
  expect(await stopped).toBe(true);
});
