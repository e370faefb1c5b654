import { randomUUID } from 'node:crypto';
import { type Behaviour, DEFAULT_BEHAVIOUR } from './behaviour';
import { type Call, type CallSettings, placeCall } from './call';
import { type CallbackCounts, type Chaos, createCallbacks } from './callbacks';
import { type Clock, createClock } from './clock';
import { type Conferences, createConferences } from './conferences';
import type { Hearing } from './hearing';
import { createWebClient, type Timeouts } from './web-client';

/** What it does where the documentation is silent is the default unless given: see {@link DEFAULT_BEHAVIOUR}. */
export interface SpaceOptions extends Partial<Behaviour> {
  /** What its REST API is entered with; random by default. */
  accountSid?: string;
  apiToken?: string;
  /** What its requests are signed with; undefined leaves them unsigned. */
  signingKey: string | undefined;
  /** How long it waits for the server; {@link PLATFORM_TIMEOUTS} by default. */
  timeouts?: Timeouts;
  /** What may befall its status callbacks; nothing by default. */
  chaos?: Chaos;
  /** The server's clock, milliseconds since 1970, by which events are dated: with their true age. */
  wallClock?: () => number;
}

/** A SignalWire Space on the desk: it places calls, holds conferences, and knows who hears whom. */
export interface Space {
  accountSid: string;
  /** What its REST API asks for, with the account's SID. */
  apiToken: string;
  clock: Clock;
  conferences: Conferences;
  /** Every call so far, oldest first. */
  calls: readonly Call[];
  /** Someone dials a number that is configured like this, or is called. `settle` and `runUntilIdle` wait for what follows. */
  call(settings: CallSettings): Call;
  /** What every call that is not over hears now. */
  hearing(): Map<Call, Hearing>;
  /**
   * Lets simulated time pass until nobody is being spoken to, to the next point at which people act; an hour at the
   * most.
   */
  runUntilIdle(): Promise<void>;
  /** How status callbacks fared. */
  callbacks(): CallbackCounts;
  /** The fields of the status callbacks that the server has not taken: lost, given up, or on their way. */
  undelivered(): Record<string, string>[];
  /** The server's clock, milliseconds since 1970. */
  wallClock(): number;
  /** A simulated moment as RFC 2822 has it, with its true age by the wall clock. */
  dateOf(time: number): string;
  /** Lets go of its connections. */
  close(): void;
}

/** How often `runUntilIdle` looks whether somebody is still being spoken to, in simulated milliseconds. */
const IDLE_STEP_MS = 250;
const MAX_RUN_MS = 3_600_000;

export function createSpace(options: SpaceOptions): Space {
  const { signingKey, chaos = { seed: 0 }, wallClock = Date.now } = options;
  const { accountSid = randomUUID(), apiToken = randomUUID() } = options;
  const behaviour: Behaviour = { ...DEFAULT_BEHAVIOUR, ...options };
  const clock = createClock();
  const client = createWebClient(signingKey, options.timeouts, behaviour);
  const callbacks = createCallbacks({ clock, client, chaos });
  const dateOf = (time: number) => toRfc2822(wallClock() - (clock.now() - time));
  const conferences = createConferences({ accountSid, clock, client, callbacks, behaviour, dateOf });
  const calls: Call[] = [];
  const live = new Set<Call>();
  const shared = { accountSid, clock, client, callbacks, conferences, behaviour, dateOf, onEnd };

  function onEnd(call: Call): void {
    live.delete(call);
    conferences.recordings.stopAll({ callSid: call.sid });
  }

  return {
    accountSid,
    apiToken,
    clock,
    conferences,
    calls,

    call(settings) {
      const call = placeCall(settings, shared);
      calls.push(call);
      live.add(call);
      return call;
    },

    hearing() {
      const inside = new Map<string, Hearing>();
      for (const conference of conferences.live()) {
        for (const [sid, hearing] of conferences.hearing(conference)) {
          inside.set(sid, hearing);
        }
      }
      return new Map([...live].map((call) => [call, inside.get(call.sid) ?? call.hearing()]));
    },

    async runUntilIdle() {
      await clock.advance(0);
      const deadline = clock.now() + MAX_RUN_MS;
      while (clock.now() < deadline && [...live].some((call) => call.isSpokenTo)) {
        await clock.advance(IDLE_STEP_MS);
      }
    },

    callbacks: callbacks.counts,
    undelivered: callbacks.undelivered,
    wallClock,
    dateOf,
    close: client.close,
  };
}

function toRfc2822(time: number): string {
  return new Date(time).toUTCString().replace('GMT', '+0000');
}
