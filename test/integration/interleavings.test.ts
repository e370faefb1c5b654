import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { hasCaller, type RoomName, targetOf } from '../../src/rooms/room';
import type { RoomEvent } from '../../src/rooms/room-event';
import { createMemoryStore, createRedisStore, type Store } from '../../src/stores';
import { fuzzRuns } from '../support/fuzz';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';
import { roomNamed, sid } from '../support/room-stores';

const RUNS = fuzzRuns(1_000);

/** What is done in the world: by one of three moderators' calls, or two callers', in one of two rooms. */
type Act =
  | { kind: 'arrive' | 'join' | 'leave'; moderator: 0 | 1 | 2; room: 0 | 1 }
  | { kind: 'caller-joins' | 'caller-leaves'; caller: 0 | 1; room: 0 | 1 };

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('arrive' as const, 'arrive' as const, 'join' as const, 'join' as const, 'leave' as const),
      moderator: fc.constantFrom(0 as const, 1 as const, 2 as const),
      room: fc.constantFrom(0 as const, 0 as const, 1 as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('caller-joins' as const, 'caller-leaves' as const),
      caller: fc.constantFrom(0 as const, 1 as const),
      room: fc.constantFrom(0 as const, 0 as const, 1 as const),
    }),
  },
);

const story = fc.record({
  acts: fc.array(act, { minLength: 4, maxLength: 30, size: 'max' }),
  /** Whether the leave of any moderator ends the conference, as SignalWire says, or only that of the last one. */
  endsWithFirst: fc.boolean(),
  /** How the callbacks are told: in which order, which twice, and which never. */
  order: fc.array(fc.nat(), { minLength: 200, maxLength: 200 }),
  lose: fc.constantFrom(0, 0, 0.3),
  loseArrivals: fc.boolean(),
  /** Without dates, everything is told once, in order, at once, and nothing is lost. */
  isDated: fc.constantFrom(true, true, true, false),
});

/** A message of the Space, with the moment of what it tells. */
interface Message {
  room: 0 | 1;
  at: number;
  /** Webhooks come at once and in order; callbacks come when they like. */
  isWebhook: boolean;
  event: (ageMs: number, date: number | undefined) => RoomEvent;
  about: { moderator: string; isEnd: boolean } | undefined;
}

/** Time between two acts: callbacks are dated to the second. */
const STEP_MS = 2_000;

interface InRoom {
  conference: string | undefined;
  moderators: string[];
  callers: string[];
}

/** The world as it is: who is in which conference. Tells what the Space would say of it. */
class World {
  readonly messages: Message[] = [];
  readonly rooms: [InRoom, InRoom] = [
    { conference: undefined, moderators: [], callers: [] },
    { conference: undefined, moderators: [], callers: [] },
  ];
  /** Where each call's document sent it, in which it has not joined. */
  readonly arrived = new Map<string, { room: 0 | 1; at: number }>();
  private conferences = 0;
  private at = 0;

  constructor(private readonly endsWithFirst: boolean) {}

  do(one: Act): void {
    this.at += STEP_MS;
    const { room } = one;
    const present = this.rooms[room];
    if ('caller' in one) {
      const call = `bob-${one.caller}`;
      const isIn = this.rooms.some(({ callers }) => callers.includes(call));
      if (one.kind === 'caller-joins' && !isIn) {
        present.conference ??= this.startConference();
        present.callers.push(call);
        this.tellParticipant('joined', room, call, present.conference, false);
      } else if (one.kind === 'caller-leaves' && present.callers.includes(call)) {
        this.tellParticipant('left', room, call, present.conference as string, false);
        present.callers = present.callers.filter((other) => other !== call);
        this.endIfEmpty(room);
      }
      return;
    }
    const call = `m-${one.moderator}`;
    const isIn = this.rooms.some(({ moderators }) => moderators.includes(call));
    const arrival = this.arrived.get(call);
    switch (one.kind) {
      case 'arrive':
        if (!isIn && arrival === undefined) {
          this.arrived.set(call, { room, at: this.at });
          this.tell(room, true, { moderator: call, isEnd: false }, (ageMs) => ({
            kind: 'moderator-arrived',
            callSid: sid(call),
            ageMs,
          }));
        }
        return;
      case 'join':
        if (arrival?.room === room) {
          this.arrived.delete(call);
          present.conference ??= this.startConference();
          present.moderators.push(call);
          this.tellParticipant('joined', room, call, present.conference, true);
        }
        return;
      case 'leave':
        if (present.moderators.includes(call)) {
          this.leave(room, call);
        }
        return;
    }
  }

  private leave(room: 0 | 1, call: string): void {
    const present = this.rooms[room];
    const conference = present.conference as string;
    present.moderators = present.moderators.filter((other) => other !== call);
    this.tellParticipant('left', room, call, conference, true);
    this.tellDialEnded(room, call);
    if (this.endsWithFirst || present.moderators.length === 0) {
      for (const other of present.moderators) {
        this.tellParticipant('left', room, other, conference, true);
        this.tellDialEnded(room, other);
      }
      for (const other of present.callers) {
        this.tellParticipant('left', room, other, conference, false);
      }
      present.moderators = [];
      present.callers = [];
    }
    this.endIfEmpty(room);
  }

  private endIfEmpty(room: 0 | 1): void {
    const present = this.rooms[room];
    if (present.moderators.length + present.callers.length === 0 && present.conference !== undefined) {
      const conferenceSid = sid(present.conference);
      this.tell(room, false, undefined, (ageMs) => ({ kind: 'conference-ended', conferenceSid, ageMs }));
      present.conference = undefined;
    }
  }

  private startConference(): string {
    return `cf-${++this.conferences}`;
  }

  private tellDialEnded(room: 0 | 1, call: string): void {
    this.tell(room, true, { moderator: call, isEnd: true }, (ageMs) => ({
      kind: 'dial-ended',
      callSid: sid(call),
      ageMs,
    }));
  }

  private tellParticipant(
    kind: 'joined' | 'left',
    room: 0 | 1,
    call: string,
    conference: string,
    isModerator: boolean,
  ) {
    this.tell(room, false, isModerator ? { moderator: call, isEnd: kind === 'left' } : undefined, (ageMs, date) => ({
      kind,
      callSid: sid(call),
      conferenceSid: sid(conference),
      date,
      ageMs,
      isModerator,
    }));
  }

  private tell(room: 0 | 1, isWebhook: boolean, about: Message['about'], event: Message['event']): void {
    this.messages.push({ room, at: this.at, isWebhook, event, about });
  }
}

/** In which order the messages come: webhooks as they happened, callbacks anywhere, some twice, some never. */
function deliver(messages: readonly Message[], order: readonly number[], lose: number): Message[] {
  const random = (index: number) => ((order[index % order.length] ?? 0) % 1_000) / 1_000;
  const timed = messages.flatMap((message, index) => {
    if (message.isWebhook) {
      return [{ message, when: message.at }];
    }
    if (random(3 * index) < lose) {
      return [];
    }
    const late = { message, when: message.at + random(3 * index + 1) * 20_000 };
    return random(3 * index + 2) < 0.3 ? [late, { message, when: late.when + random(index) * 20_000 }] : [late];
  });
  return timed.sort((one, other) => one.when - other.when).map(({ message }) => message);
}

/**
 * Waits until the clock has moved on. A room's clock counts whole milliseconds, and gets ahead of the real one when more
 * events come than that: then an event that waited for the processor seems older than the one before it.
 */
async function untilNextInstant(): Promise<void> {
  const before = Date.now();
  while (Date.now() < before + 2) {
    await nextTurn();
  }
}

describe('what the Space tells, late, in any order, repeated and lost', () => {
  let redis: RedisServer;
  let runs = 0;

  beforeAll(async () => {
    redis = await startRedis();
  });

  afterAll(() => redis.dispose());

  it.each<[string, () => Store]>([
    ['the embedded store', () => createMemoryStore({ lifetimeMs: 3_600_000, monotonicNow: Date.now, now: Date.now })],
    [
      'Redis',
      () =>
        createRedisStore({
          urls: [redis.url],
          lifetimeMs: 3_600_000,
          auditMs: 3_600_000,
          timeoutMs: 5_000,
          onConnection: () => {},
        }),
    ],
  ])('never hands out a moderator who left, nor loses one who is there, with %s', async (_name, createStore) => {
    const store = createStore();
    await eventually(() => store.ping());
    let targets = 0;
    try {
      await fc.assert(
        fc.asyncProperty(story, async ({ acts, endsWithFirst, order, lose, loseArrivals, isDated }) => {
          const world = new World(endsWithFirst);
          for (const one of acts) {
            world.do(one);
          }
          const names: [RoomName, RoomName] = [roomNamed(`run${++runs}-0`), roomNamed(`run${runs}-1`)];
          const isLost = ({ isWebhook, about }: Message) =>
            isDated && loseArrivals && isWebhook && about?.isEnd === false;
          const all = isDated ? deliver(world.messages, order, lose) : world.messages;
          const told = all.filter((message) => !isLost(message));
          // Everything happened in the last minutes.
          const start = Date.now() - (acts.length + 1) * STEP_MS - 100_000;
          for (const { room, at, event } of told) {
            if (!isDated) {
              await untilNextInstant();
            }
            const ageMs = isDated ? Date.now() - (start + at) : 0;
            const date = isDated ? Math.floor((start + at) / 1_000) * 1_000 : undefined;
            await store.rooms.apply(names[room], event(ageMs, date));
          }
          for (const room of [0, 1] as const) {
            const { state } = await store.rooms.read(names[room]);
            const target = targetOf(state)?.callSid;
            targets += Number(target !== undefined);
            if (lose === 0 || !isDated) {
              // Exactly as it is in the world, but for those who arrived and whose arrival was lost.
              const waiting = [...world.arrived]
                .filter(([, arrival]) => arrival.room === room && !(isDated && loseArrivals))
                .sort(([, one], [, other]) => one.at - other.at)
                .map(([call]) => call);
              const present = world.rooms[room];
              expect(target).toBe(present.moderators.at(-1) ?? waiting.at(-1));
              if (isDated) {
                // Without dates nobody can tell a caller who comes back from a repeat.
                expect(hasCaller(state)).toBe(present.callers.length > 0);
              }
            } else {
              // Nobody of whom the last that was told is that they left.
              const last = told
                .filter((message) => message.room === room && message.about?.moderator === target)
                .sort((one, other) => one.at - other.at)
                .at(-1);
              expect(target !== undefined && last?.about?.isEnd).toBeFalsy();
            }
          }
        }),
        { numRuns: RUNS },
      );
    } finally {
      store.close();
    }
    expect(targets).toBeGreaterThan(RUNS / 4);
  });
});
