import { expect, it } from '@jest/globals';
import { parseRoster } from '../../src/people/roster-file';
import type { ConferenceApi } from '../../src/signalwire/conference-api';
import { createMemoryStore } from '../../src/stores';
import { createApiClient, tokenFor } from '../support/api-client';
import { ALICE, startApp, TED } from '../support/app';
import { onTestFinished } from '../support/on-test-finished';
import { roomNamed, sid } from '../support/room-stores';
import { rosterText } from '../support/roster';
import { createScriptedSpace } from '../support/scripted-space';

const sales = roomNamed('sales');
const [alice, ted, cf1] = [sid('alice-1'), sid('ted-1'), sid('cf-1')];
const TOKEN = tokenFor('board', ['see', 'monitor', 'coach', 'barge']);
const peopleWith = (rights: string[]) => ({
  moderators: [{ name: 'Alice', number: ALICE }],
  supervisors: [{ name: 'Ted', number: TED, rights }],
});
const MAY_LISTEN = peopleWith(['see', 'monitor']);
const MAY_ALL = peopleWith(['see', 'monitor', 'coach', 'barge']);

/** Alice is in sales, and Ted listens. Another server has written the room; this one has not seen it. */
async function start(people: ReturnType<typeof peopleWith>) {
  const monotonicNow = performance.now.bind(performance);
  const store = createMemoryStore({ lifetimeMs: 3_600_000, monotonicNow, now: Date.now });
  const space = createScriptedSpace({ now: Date.now });
  space.open(sales, cf1, [
    { callSid: alice, isModerator: true },
    { callSid: ted, isMuted: true, target: alice },
  ]);
  const joined = (callSid: typeof ted, isModerator: boolean) =>
    store.rooms.apply(sales, { kind: 'joined', callSid, conferenceSid: cf1, date: Date.now(), isModerator, ageMs: 0 });
  await store.rooms.apply(sales, { kind: 'moderator-arrived', callSid: alice, name: 'Alice', ageMs: 0 });
  await joined(alice, true);
  const about = { name: 'Ted', address: '***2222', mode: 'monitor', target: alice, stayNumber: 1 } as const;
  await store.rooms.apply(sales, { kind: 'supervisor-sent', callSid: ted, ...about, ageMs: 0 });
  await joined(ted, false);
  const fault = { readsLost: 0 };
  const app = await startApp({
    store: {
      ...store,
      rooms: {
        ...store.rooms,
        lastKnown: () => undefined,
        async read(room) {
          if (fault.readsLost-- > 0) {
            throw new Error('late');
          }
          return store.rooms.read(room);
        },
      },
    },
    space: space.client as Partial<ConferenceApi>,
    people,
    tokens: [TOKEN.entry],
    env: { MODERATOR_NUMBERS: '', SUPERVISOR_NUMBERS: '', ROSTER_FILE: 'roster.json' },
  });
  onTestFinished(() => app.stop());
  const { ask } = await createApiClient(app.port);
  const barge = () =>
    ask('PUT', '/rooms/sales/supervisors/ted-1/mode', { token: TOKEN.secret, body: { mode: 'barge' } });
  return { app, space, fault, barge };
}

it('a supervisor who may only listen is not unmuted, also if the store did not answer the first question', async () => {
  const { barge, space, fault } = await start(MAY_LISTEN);
  expect(await barge()).toMatchObject({ status: 403, body: { code: 'not_allowed' } });
  fault.readsLost = 1;
  expect(await barge()).toMatchObject({ status: 503, body: { code: 'store_away' } });
  expect(space.requests).toEqual([]);
});

it('a supervisor who loses the right during the change is not unmuted', async () => {
  const { app, barge, space } = await start(MAY_ALL);
  const change = space.client.changeParticipant;
  space.client.changeParticipant = (...request) => {
    app.roster.replace(parseRoster(rosterText(MAY_LISTEN), { file: 'roster.json', hasPinKey: true }));
    return change(...request);
  };
  expect(await barge()).toMatchObject({ status: 403, body: { code: 'not_allowed', action: { status: 'failed' } } });
  expect(space.party(ted)).toMatchObject({ isMuted: true });
});
