import { randomUUID } from 'node:crypto';
import { type Behaviour, DEFAULT_BEHAVIOUR } from './behaviour';
import type { Call, CallSettings } from './call';
import { type CallbackCounts, type Chaos, createCallbacks } from './callbacks';
import { type Clock, createClock } from './clock';
import { type Conferences, createConferences } from './conferences';
import type { Hearing } from './hearing';
import { createPhoneNumber, type NumberSettings, type PhoneNumber } from './phone-numbers';
import { placeCall } from './place-call';
import { createWebClient, type Detour, type Timeouts } from './web-client';

/** Settings of a simulated Space; {@link Behaviour} is {@link DEFAULT_BEHAVIOUR} unless given. */
export interface SpaceOptions extends Partial<Behaviour> {
  /** The REST API's credentials; random by default. */
  accountSid?: string;
  apiToken?: string;
  /** Signs its requests; undefined leaves them unsigned. */
  signingKey: string | undefined;
  /** Its phone numbers, which REST shows; none by default. Calls do not use their webhooks. */
  numbers?: readonly NumberSettings[];
  /** How long it waits for the server; {@link PLATFORM_TIMEOUTS} by default. */
  timeouts?: Timeouts;
  /** Another way to the server than its addresses name; none by default. */
  detour?: Detour | undefined;
  /** Why nobody answers an outbound call to this number; by default somebody does. */
  unanswered?: (to: string) => 'busy' | 'no-answer' | undefined;
  /**
   * Whether an outbound call to this number rings until {@link Call.answer}, at most a minute; by default each is answered
   * as soon as it rings.
   */
  rings?: (to: string) => boolean;
  /** Disturbs its status callbacks; by default not at all. */
  chaos?: Chaos;
  /**
   * The server's clock, in milliseconds since 1970. Events are dated by it, less their simulated age; REST's answers have
   * it in their header `Date`.
   */
  wallClock?: () => number;
}

/** A simulated SignalWire Space: it places calls, holds conferences, and knows who hears whom. */
export interface Space {
  accountSid: string;
  /** The REST API's password; its user is `accountSid`. */
  apiToken: string;
  behaviour: Behaviour;
  clock: Clock;
  conferences: Conferences;
  numbers: readonly PhoneNumber[];
  /** Every call so far, oldest first. */
  calls: readonly Call[];
  /** Places a call, inbound or outbound. `clock.settle` and `runUntilIdle` wait for its consequences. */
  call(settings: CallSettings): Call;
  /** What each live call hears now. */
  hearing(): Map<Call, Hearing>;
  /** Runs simulated time until no prompt is playing, at most an hour: then it is people's turn to act. */
  runUntilIdle(): Promise<void>;
  /** What became of the status callbacks so far. */
  callbacks(): CallbackCounts;
  /** Loses every status callback from now on, or no longer; those that a {@link Chaos} loses are lost all the same. */
  loseCallbacks(isLosing: boolean): void;
  /** The fields of the status callbacks that the server has not accepted: lost, given up, or under way. */
  undelivered(): Record<string, string>[];
  /** The server's clock, in milliseconds since 1970. */
  wallClock(): number;
  /** Formats a simulated time as RFC 2822: the wall clock's time, less the simulated time that has passed since. */
  dateOf(time: number): string;
  /** Closes its connections. */
  close(): void;
}

/** How often `runUntilIdle` checks whether it can stop, in simulated milliseconds. */
const IDLE_STEP_MS = 250;
const MAX_RUN_MS = 3_600_000;

export function createSpace(options: SpaceOptions): Space {
  const { signingKey, chaos = { seed: 0 }, wallClock = Date.now } = options;
  const { unanswered = () => undefined, rings = () => false } = options;
  const { accountSid = randomUUID(), apiToken = randomUUID() } = options;
  const behaviour: Behaviour = { ...DEFAULT_BEHAVIOUR, ...options };
  const clock = createClock();
  const client = createWebClient(signingKey, options.timeouts, behaviour, options.detour);
  const callbacks = createCallbacks({ clock, client, chaos });
  const dateOf = (time: number) => toRfc2822(wallClock() - (clock.now() - time));
  const conferences = createConferences({ accountSid, clock, client, callbacks, behaviour, dateOf });
  const numbers = (options.numbers ?? []).map((settings) => createPhoneNumber(settings, clock.now()));
  const calls: Call[] = [];
  const live = new Set<Call>();
  const shared = { accountSid, clock, client, callbacks, conferences, behaviour, dateOf, unanswered, rings, onEnd };

  function onEnd(call: Call): void {
    live.delete(call);
    conferences.recordings.stopAll({ callSid: call.sid });
  }

  return {
    accountSid,
    apiToken,
    behaviour,
    clock,
    conferences,
    numbers,
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
    loseCallbacks: callbacks.loseAll,
    undelivered: callbacks.undelivered,
    wallClock,
    dateOf,
    close: client.close,
  };
}

function toRfc2822(time: number): string {
  return new Date(time).toUTCString().replace('GMT', '+0000');
}
