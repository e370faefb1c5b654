import { randomUUID } from 'node:crypto';
import type { Behaviour } from './behaviour';
import {
  type Call,
  type CallEvent,
  type CallSettings,
  type CallStatus,
  durationOfCall,
  isFinal,
  SPACE_NUMBER,
} from './call';
import { CallError, CODES } from './call-error';
import type { Callbacks } from './callbacks';
import type { Clock } from './clock';
import type { Conferences, Participant } from './conferences';
import { gatherDigits } from './gather';
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

/** What the calls of one Space share. */
export interface CallOptions {
  accountSid: string;
  clock: Clock;
  client: WebClient;
  callbacks: Callbacks;
  conferences: Conferences;
  behaviour: Behaviour;
  /** Formats a simulated time as RFC 2822. */
  dateOf: (time: number) => string;
  /** Why nobody answers an outbound call to this number; undefined if somebody does. */
  unanswered: (to: string) => 'busy' | 'no-answer' | undefined;
  /** Whether an outbound call to this number rings until somebody answers it; otherwise it is answered at once. */
  rings: (to: string) => boolean;
  /** Called once, when the call is over. */
  onEnd: (call: Call) => void;
}

/** Where a call continues. */
interface Target {
  url: string;
  method: Method;
  fields?: Record<string, string>;
}

/** What interrupts a document from outside: the end of the call, or another document. */
type Interruption =
  | { status: CallStatus; asksAction: boolean; target?: undefined }
  | { status?: undefined; target: Target };

/** More documents than this without a conference or a key are taken for a loop. */
const MAX_DOCUMENTS_IN_A_ROW = 100;

/** How long an outbound call rings before it is given up, in simulated milliseconds: SignalWire's default. */
const MAX_RINGING_MS = 60_000;

/** Places a call. It starts at once, and ends when its documents do. */
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
  /** The prompt that is being played outside a conference. */
  let prompted: Say | Play | undefined;
  let isBriefGather = false;
  let documentsInARow = 0;
  let onKey: ((key: string) => void) | undefined;
  let interruption: Interruption | undefined;
  let interrupter = new AbortController();
  let pickUp: (() => void) | undefined;

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
      return isBriefGather || (prompted !== undefined && prompted.loop > 0);
    },
    get isOver() {
      return isFinal(status);
    },
    hearing() {
      const participant = conferences.participant(sid);
      const outside = { voices: [], sounds: prompted === undefined ? [] : ['notice' as const] };
      return (participant && conferences.hearing(participant.conference).get(sid)) ?? outside;
    },
    press(keys) {
      const isHeard = onKey !== undefined;
      for (const key of keys) {
        onKey?.(key);
      }
      return isHeard;
    },
    answer: () => pickUp?.(),
    hangUp: (as = 'completed') => interrupt({ status: as, asksAction: options.behaviour.asksActionAfterHangUp }),
    drop: () => interrupt({ status: 'completed', asksAction: false }),
    redirect: (url, method) => interrupt({ target: { url, method } }),
  };
  void run();
  return call;

  function interrupt(by: Interruption): void {
    // A call that was hung up cannot be redirected.
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
        target = call.isOver ? undefined : await follow(asked);
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
    if (!isFinal(status)) {
      setStatus('completed');
    }
  }

  /** There is no fallback from a loop, or from a stale coach target, which the `action` handles. */
  function fallbackAfter({ code }: CallError, { url }: Target): Target | undefined {
    const isLoop = documentsInARow > MAX_DOCUMENTS_IN_A_ROW;
    return settings.fallbackUrl === undefined || code === CODES.staleCoach || isLoop
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
      const isAnswered = !options.rings(to) || (await ringUntilAnswered());
      setStatus(options.unanswered(to) ?? (isAnswered ? 'in-progress' : 'no-answer'));
    }
  }

  /** Resolves to whether somebody answered. */
  async function ringUntilAnswered(): Promise<boolean> {
    const picked = new AbortController();
    pickUp = () => picked.abort();
    await clock.sleep(MAX_RINGING_MS, AbortSignal.any([interrupter.signal, picked.signal])).catch(() => {});
    pickUp = undefined;
    throwIfInterrupted();
    return picked.signal.aborted;
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
    // As documented, an inbound call's events all carry the time at which the call began.
    const at = direction === 'inbound' ? startedAt : clock.now();
    const fields = {
      ...standardFields(),
      CallStatus: callStatus,
      SequenceNumber: String(reported++),
      ...(event === 'completed' && { CallDuration: String(durationOfCall(call)) }),
    };
    callbacks.send({ url, method, fields: () => ({ ...fields, Timestamp: dateOf(at) }) });
  }

  /** Fetches a document and plays it. Returns where the call continues; undefined if the document ends it. */
  async function follow(target: Target): Promise<Target | undefined> {
    if (++documentsInARow > MAX_DOCUMENTS_IN_A_ROW) {
      throw new CallError(
        CODES.tooManyRedirects,
        `Loop: ${MAX_DOCUMENTS_IN_A_ROW} documents in a row without a conference or a key, the last from ${target.url}.`,
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

  function throwIfInterrupted(): void {
    interrupter.signal.throwIfAborted();
  }

  async function gather(verb: Gather, base: string): Promise<Target | undefined> {
    const digits = await gatherDigits(verb, {
      clock,
      signal: interrupter.signal,
      prompt,
      listen(listener) {
        onKey =
          listener &&
          ((key) => {
            documentsInARow = 0;
            listener(key);
          });
      },
      wait(isWaiting) {
        isBriefGather = isWaiting && verb.timeoutSeconds <= 1;
      },
    });
    // The default action is the document's own URL.
    const target = { url: absolute(verb.action ?? base, base), method: verb.method, fields: { Digits: digits } };
    return digits !== '' || verb.actionOnEmptyResult ? target : undefined;
  }

  async function dial(verb: Dial, base: string): Promise<Target | undefined> {
    const target = verb.action === undefined ? undefined : { url: absolute(verb.action, base), method: verb.method };
    const out = new AbortController();
    let participant: Participant;
    try {
      const attributes = withAbsoluteUrls(verb.conference, base);
      const leg = {
        callSid: sid,
        standardFields,
        onRemoved: () => out.abort(),
        onAnnouncement: (what: string) => void told.push(what),
        onError: (error: CallError) => void errors.push(error),
      };
      participant = conferences.enter(leg, verb.room, attributes);
    } catch (error) {
      if (target === undefined || !(error instanceof CallError)) {
        throw error;
      }
      errors.push(error);
      return { ...target, fields: { DialCallStatus: 'failed', ErrorCode: String(error.code) } };
    }
    documentsInARow = 0;
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
    if (interruption?.status !== undefined && next !== undefined && interruption.asksAction) {
      setStatus(interruption.status);
      documentOf(await ask(next));
    }
    throwIfInterrupted();
    return next;
  }
}

/** Settles with `work`, or rejects as soon as the signal is aborted. */
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
