import { randomUUID } from 'node:crypto';
import type { Behaviour } from './behaviour';
import { CallError, CODES } from './call-error';
import type { Callbacks } from './callbacks';
import type { Clock } from './clock';
import type { Conferences, Participant } from './conferences';
import type { Hearing } from './hearing';
import {
  type ConferenceAttributes,
  type Dial,
  type Gather,
  type Method,
  type Play,
  type Prompt,
  parseLaml,
  type Say,
  type Verb,
} from './laml-parser';
import { durationOf, wordsOf } from './media';
import { documentOf, type WebClient, type WebResponse } from './web-client';

/** A number of the Space. */
export const SPACE_NUMBER = '+15550009999';

/** `outbound-api`: made by the REST API; `outbound-dial`: by a `<Dial>`. */
export type CallDirection = 'inbound' | 'outbound-api' | 'outbound-dial';

/** Events of a call that a status callback can subscribe to. */
export const CALL_EVENTS = ['initiated', 'ringing', 'answered', 'completed'] as const;

export type CallEvent = (typeof CALL_EVENTS)[number];

/** The two numbers of a call, and how the number is configured that is called, or the call that is made. */
export interface CallSettings {
  /** `inbound` unless given. On an outbound call the person is `to`, and answers as soon as it rings. */
  direction?: CallDirection;
  /** How long an outbound call waits for its turn, in simulated milliseconds; 0 unless given. */
  queuedMs?: number;
  /** Undefined sends none, as a Space may. */
  from: string | undefined;
  /** {@link SPACE_NUMBER} unless given. */
  to?: string;
  /** What the number asks for a document, and how. */
  url: string;
  method?: Method;
  /** What is asked instead when that fails; nothing by default. */
  fallbackUrl?: string;
  fallbackMethod?: Method;
  /** Where the call's events are reported; nowhere by default. */
  statusCallback?: string;
  statusCallbackMethod?: Method;
  /** Only `completed` by default, which is every way in which a call can end. */
  statusCallbackEvents?: readonly CallEvent[];
}

export const CALL_STATUSES = [
  'queued',
  'ringing',
  'in-progress',
  'completed',
  'busy',
  'no-answer',
  'failed',
  'canceled',
] as const;

export type CallStatus = (typeof CALL_STATUSES)[number];

/** A call at the Space, which plays the documents that the server answers with until it is over. */
export interface Call {
  readonly sid: string;
  readonly direction: CallDirection;
  readonly from: string | undefined;
  readonly to: string;
  readonly startedAt: number;
  /** Undefined until it was answered. */
  readonly answeredAt: number | undefined;
  readonly updatedAt: number;
  readonly status: CallStatus;
  /** What went wrong, in order; a call may go on after it, by its fallback url or an `action`. */
  readonly errors: readonly CallError[];
  /** Everything that was said to it, and what was played to it by its address. */
  readonly told: readonly string[];
  /**
   * Whether somebody is speaking to it, or a recording with an end is played to it, outside a conference; or it is
   * listened to for a second at the most, which leaves nobody time to do anything.
   */
  readonly isSpokenTo: boolean;
  readonly isOver: boolean;
  /** What it hears now. */
  hearing(): Hearing;
  /**
   * Presses keys: digits, `*` and `#`. Heard only by a `<Gather>`, or a `<Dial>` that hangs up on `*`.
   *
   * @returns whether anything listened
   */
  press(keys: string): boolean;
  /** Ends it: by hanging up, or before it was answered. */
  hangUp(as?: 'completed' | 'canceled'): void;
  /** Leaves whatever it is doing for another document. */
  redirect(url: string, method: Method): void;
}

export interface CallOptions {
  accountSid: string;
  clock: Clock;
  client: WebClient;
  callbacks: Callbacks;
  conferences: Conferences;
  behaviour: Behaviour;
  /** A simulated moment as RFC 2822 has it. */
  dateOf: (time: number) => string;
  /** Called once. */
  onEnd: (call: Call) => void;
}

/** A place to go on at. */
interface Target {
  url: string;
  method: Method;
  fields?: Record<string, string>;
}

/** Something outside the document that ends what the call is doing: the whole call, or to go on elsewhere. */
type Interruption = { status: CallStatus; target?: undefined } | { status?: undefined; target: Target };

/** How many documents one call may get without entering a conference or being pressed a key; then it is a loop. */
const MAX_DOCUMENTS_IN_A_ROW = 100;

/** Places a call. It begins at once, and ends by itself when its documents do. */
export function placeCall(settings: CallSettings, options: CallOptions): Call {
  const { accountSid, clock, client, callbacks, conferences, dateOf } = options;
  const { direction = 'inbound', from, to = SPACE_NUMBER, queuedMs = 0 } = settings;
  const sid = randomUUID();
  const startedAt = clock.now();
  const errors: CallError[] = [];
  const told: string[] = [];
  let updatedAt = startedAt;
  let answeredAt: number | undefined;
  let reported = 0;
  let status: CallStatus = 'queued';
  /** What is spoken or played to it outside a conference. */
  let prompted: Say | Play | undefined;
  let isBrieflyListenedTo = false;
  let inARow = 0;
  let onKey: ((key: string) => void) | undefined;
  let interruption: Interruption | undefined;
  let interrupter = new AbortController();

  const call: Call = {
    sid,
    direction,
    from,
    to,
    startedAt,
    errors,
    told,
    get answeredAt() {
      return answeredAt;
    },
    get updatedAt() {
      return updatedAt;
    },
    get status() {
      return status;
    },
    get isSpokenTo() {
      return isBrieflyListenedTo || (prompted !== undefined && prompted.loop > 0);
    },
    get isOver() {
      return isOver(status);
    },
    hearing() {
      const place = conferences.participant(sid);
      const outside = { voices: [], sounds: prompted === undefined ? [] : ['notice' as const] };
      return (place && conferences.hearing(place.conference).get(sid)) ?? outside;
    },
    press(keys) {
      const isHeard = onKey !== undefined;
      for (const key of keys) {
        onKey?.(key);
      }
      return isHeard;
    },
    hangUp: (as = 'completed') => interrupt({ status: as }),
    redirect: (url, method) => interrupt({ target: { url, method } }),
  };
  void run();
  return call;

  function interrupt(by: Interruption): void {
    // Who has hung up follows no redirect any more.
    interruption = interruption?.status === undefined ? by : interruption;
    interrupter.abort();
  }

  async function run(): Promise<void> {
    let target: Target | undefined = { url: settings.url, method: settings.method ?? 'POST' };
    let isFallback = false;
    let hasRung = false;
    while (target !== undefined) {
      const asked: Target = target;
      try {
        if (!hasRung) {
          hasRung = true;
          await ring();
        }
        target = await follow(asked);
        isFallback = false;
      } catch (error) {
        if (error instanceof CallError) {
          errors.push(error);
        }
        if (interruption !== undefined) {
          const { status: last = status, target: elsewhere } = interruption;
          interruption = undefined;
          interrupter = new AbortController();
          target = elsewhere;
          isFallback = false;
          setStatus(last);
        } else if (error instanceof CallError) {
          target = isFallback ? undefined : fallbackAfter(error, asked);
          isFallback = true;
          setStatus(target === undefined ? 'failed' : status);
        } else {
          throw error;
        }
      }
    }
    if (!isOver(status)) {
      setStatus('completed');
    }
  }

  /** Nothing leads out of a circle, and a stale coach is the `action`'s concern. */
  function fallbackAfter({ code }: CallError, { url }: Target): Target | undefined {
    const isCircle = inARow > MAX_DOCUMENTS_IN_A_ROW;
    return settings.fallbackUrl === undefined || code === CODES.staleCoach || isCircle
      ? undefined
      : {
          url: settings.fallbackUrl,
          method: settings.fallbackMethod ?? 'POST',
          fields: { ErrorCode: String(code), ErrorUrl: url },
        };
  }

  function setStatus(next: CallStatus): void {
    if (status !== next) {
      status = next;
      updatedAt = clock.now();
      if (status === 'ringing') {
        report('ringing');
      } else if (status === 'in-progress') {
        answeredAt = updatedAt;
        report('answered');
      } else {
        report('completed');
        options.onEnd(call);
      }
    }
  }

  async function ring(): Promise<void> {
    report('initiated', 'initiated');
    if (direction !== 'inbound') {
      await (queuedMs > 0 ? clock.sleep(queuedMs, interrupter.signal) : undefined);
      throwIfInterrupted();
    }
    setStatus('ringing');
    if (direction !== 'inbound') {
      setStatus('in-progress');
    }
  }

  function report(event: CallEvent, callStatus: string = status): void {
    const {
      statusCallback: url,
      statusCallbackMethod: method = 'POST',
      statusCallbackEvents = ['completed'],
    } = settings;
    if (url === undefined || !statusCallbackEvents.includes(event)) {
      return;
    }
    // Of an inbound call the documentation promises the date on which it began, whatever is reported.
    const at = direction === 'inbound' ? startedAt : clock.now();
    const fields = {
      ...standardFields(),
      CallStatus: callStatus,
      SequenceNumber: String(reported++),
      ...(event === 'completed' && { CallDuration: String(durationOfCall(call)) }),
    };
    callbacks.send({ url, method, fields: () => ({ ...fields, Timestamp: dateOf(at) }) });
  }

  /** Gets a document and plays it. Returns where it leads to, undefined when it ends the call. */
  async function follow(target: Target): Promise<Target | undefined> {
    if (++inARow > MAX_DOCUMENTS_IN_A_ROW) {
      throw new CallError(
        CODES.tooManyRedirects,
        `The documents lead in a circle: ${MAX_DOCUMENTS_IN_A_ROW} in a row, the last from ${target.url}.`,
      );
    }
    const response = await unlessAborted(ask(target), interrupter.signal);
    return play(parseLaml(documentOf(response)), response.url);
  }

  /** The fields of every request about this call. */
  function standardFields(): Record<string, string> {
    return {
      AccountSid: accountSid,
      ApiVersion: '2010-04-01',
      CallSid: sid,
      CallStatus: status,
      Direction: direction,
      ...(from !== undefined && { From: from }),
      To: to,
    };
  }

  function ask({ url, method, fields = {} }: Target): Promise<WebResponse> {
    return clock.hold(client.send({ url, method, fields: { ...standardFields(), ...fields } }));
  }

  async function play(verbs: readonly Verb[], base: string): Promise<Target | undefined> {
    for (const verb of verbs) {
      if (verb.verb === 'Reject' && status === 'ringing') {
        setStatus(verb.reason === 'busy' ? 'busy' : 'no-answer');
        return undefined;
      }
      setStatus('in-progress');
      let next: Target | undefined;
      switch (verb.verb) {
        case 'Reject':
        case 'Hangup':
          return undefined;
        case 'Redirect':
          return { url: absolute(verb.url, base), method: verb.method };
        case 'Gather':
          next = await gather(verb, base);
          break;
        case 'Dial':
          next = await dial(verb, base);
          break;
        default:
          await prompt(verb, interrupter.signal);
      }
      if (next !== undefined) {
        return next;
      }
    }
    return undefined;
  }

  async function prompt(prompt: Prompt, signal: AbortSignal): Promise<void> {
    if (prompt.verb === 'Pause') {
      await clock.sleep(durationOf(prompt), signal);
      return;
    }
    told.push(...wordsOf(prompt));
    prompted = prompt;
    try {
      await clock.sleep(durationOf(prompt), signal);
    } finally {
      prompted = undefined;
    }
  }

  /** Resolves to whether all that time passed before a key was pressed. */
  async function passes(ms: number, keyPressed: AbortSignal): Promise<boolean> {
    await clock.sleep(ms, AbortSignal.any([interrupter.signal, keyPressed])).catch(throwIfInterrupted);
    return !keyPressed.aborted;
  }

  function throwIfInterrupted(): void {
    interrupter.signal.throwIfAborted();
  }

  async function gather(verb: Gather, base: string): Promise<Target | undefined> {
    let digits = '';
    let finished = false;
    let pressed = new AbortController();
    onKey = (key) => {
      if (!finished) {
        finished = verb.finishOnKey.includes(key);
        digits += finished ? '' : key;
        finished ||= digits.length === verb.numDigits;
        inARow = 0;
        pressed.abort();
      }
    };
    try {
      for (const one of verb.prompts) {
        if (!pressed.signal.aborted) {
          await prompt(one, AbortSignal.any([interrupter.signal, pressed.signal])).catch(throwIfInterrupted);
        }
      }
      isBrieflyListenedTo = verb.timeoutSeconds <= 1;
      while (!finished) {
        pressed = new AbortController();
        if (await passes(verb.timeoutSeconds * 1000, pressed.signal)) {
          break;
        }
      }
    } finally {
      isBrieflyListenedTo = false;
      onKey = undefined;
    }
    // Without an action the document's own address is asked again.
    const target = { url: absolute(verb.action ?? base, base), method: verb.method, fields: { Digits: digits } };
    return digits !== '' || verb.actionOnEmptyResult ? target : undefined;
  }

  async function dial(verb: Dial, base: string): Promise<Target | undefined> {
    const target = verb.action === undefined ? undefined : { url: absolute(verb.action, base), method: verb.method };
    const out = new AbortController();
    let participant: Participant;
    try {
      const attributes = withAbsoluteUrls(verb.conference, base);
      const line = {
        callSid: sid,
        standardFields,
        removed: () => out.abort(),
        hears: (what: string) => void told.push(what),
        fails: (error: CallError) => void errors.push(error),
      };
      participant = conferences.enter(line, verb.room, attributes);
    } catch (error) {
      if (target === undefined || !(error instanceof CallError)) {
        throw error;
      }
      errors.push(error);
      return { ...target, fields: { DialCallStatus: 'failed', ErrorCode: String(error.code) } };
    }
    inARow = 0;
    if (verb.hangupOnStar && options.behaviour.starLeavesConferences) {
      onKey = (key) => {
        if (key === '*') {
          out.abort();
        }
      };
    }
    await clock.sleep(verb.timeLimitSeconds * 1000, AbortSignal.any([interrupter.signal, out.signal])).catch(() => {});
    onKey = undefined;
    if (conferences.participant(sid) === participant) {
      conferences.leave(participant);
    }
    const seconds = Math.floor((clock.now() - participant.enteredAt) / 1000);
    const outcome = {
      DialCallStatus: options.behaviour.completesDials ? 'completed' : 'answered',
      DialCallDuration: String(seconds),
    };
    const next = target && { ...target, fields: outcome };
    if (interruption?.status !== undefined && next !== undefined && options.behaviour.asksActionAfterHangUp) {
      setStatus(interruption.status);
      documentOf(await ask(next));
    }
    throwIfInterrupted();
    return next;
  }
}

/** How long it has been answered, in whole seconds. */
export function durationOfCall({ answeredAt, updatedAt }: Call): number {
  return answeredAt === undefined ? 0 : Math.floor((updatedAt - answeredAt) / 1000);
}

/** Waits for work no longer than until the signal is aborted. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal.reason);
  });
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function isOver(status: CallStatus): boolean {
  return status !== 'queued' && status !== 'ringing' && status !== 'in-progress';
}

function absolute(url: string, base: string): string {
  return URL.canParse(url, base) ? new URL(url, base).href : url;
}

function withAbsoluteUrls(attributes: ConferenceAttributes, base: string): ConferenceAttributes {
  const resolved = { ...attributes };
  for (const name of ['eventCallbackUrl', 'recordingStatusCallback', 'statusCallback', 'waitUrl'] as const) {
    const url = resolved[name];
    if (url !== undefined) {
      resolved[name] = absolute(url, base);
    }
  }
  return resolved;
}
