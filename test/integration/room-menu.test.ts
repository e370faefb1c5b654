import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { RoomEvent } from '../../src/rooms/room-event';
import { ALICE, startApp, TED, type TestApp } from '../support/app';
import { roomNamed, sid } from '../support/room-stores';

const ROOMS = 1_100;
const call = { CallSid: 'ted-1', From: TED };

let app: TestApp;

beforeAll(async () => {
  app = await startApp({ people: { moderators: [{ name: 'Alice', number: ALICE, extension: '201' }] } });
  for (let index = 0; index < ROOMS; index++) {
    // Every number from 1 to 1,100, in no order; each hundredth room has a caller.
    const number = ((index * 7) % ROOMS) + 1;
    await fill(`room-${number}`, { hasCaller: number % 100 === 0 });
  }
});

afterAll(() => app.stop());

async function fill(room: string, { name, hasCaller }: { name?: string; hasCaller: boolean }): Promise<void> {
  const joined = {
    kind: 'joined',
    conferenceSid: sid(`cf-${room}`),
    isModerator: false,
    date: undefined,
    ageMs: 0,
  } as const;
  const events: RoomEvent[] = [
    { kind: 'moderator-arrived', callSid: sid(`agent-${room}`), name, ageMs: 0 },
    ...(hasCaller ? [{ ...joined, callSid: sid(`bob-${room}`) }] : []),
  ];
  await Promise.all(events.map((event) => app.store.rooms.apply(roomNamed(room), event)));
}

/** The rooms that the menu's page offers, and its last sentence. */
async function pageOf(path: string): Promise<[string[], string | undefined]> {
  const { text } = await app.post(path, call);
  return [
    [...text.matchAll(/For the agent in (room-\d+(?:, no caller yet)?), press/g)].map(([, room = '']) => room),
    /(?:For more conversations|To hear the list again), press pound/.exec(text)?.[0],
  ];
}

const alone = (...numbers: number[]) => numbers.map((number) => `room-${number}, no caller yet`);

it.each<[string, string, string[], string]>([
  [
    'first those with a caller',
    '/supervisor',
    ['room-100', 'room-200', 'room-300', 'room-400', 'room-500', 'room-600', 'room-700', 'room-800', 'room-900'],
    'For more conversations, press pound',
  ],
  [
    'then the others, by number',
    '/supervisor/room?page=0',
    ['room-1000', 'room-1100', ...alone(1, 2, 3, 4, 5, 6, 7)],
    'For more conversations, press pound',
  ],
  [
    'more of them on each page',
    '/supervisor/room?page=11',
    alone(98, 99, 101, 102, 103, 104, 105, 106, 107),
    'For more conversations, press pound',
  ],
  [
    'what is left on the last page',
    '/supervisor/room?page=121',
    alone(1098, 1099),
    'To hear the list again, press pound',
  ],
])('a menu of 1,100 rooms offers %s', async (_what, path, rooms, last) => {
  expect(await pageOf(path)).toEqual([rooms, last]);
});

it('an extension leads to the room with a caller where one agent leads several', async () => {
  await fill('early', { name: 'Alice', hasCaller: false });
  await fill('late', { name: 'Alice', hasCaller: true });
  const { text } = await app.post('/supervisor/room', { ...call, Digits: '201' });
  expect(text).toContain('coach="agent-late"');
});
