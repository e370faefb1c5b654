import type { CallError } from './call-error';
import type { Hearing } from './hearing';
import type { Method } from './laml-parser';

/** The number of the Space that people dial by default. */
export const SPACE_NUMBER = '+15550009999';

/** `outbound-api`: made by the REST API; `outbound-dial`: made by a `<Dial>`. */
export type CallDirection = 'inbound' | 'outbound-api' | 'outbound-dial';

/** The values of `StatusCallbackEvent`. */
export const CALL_EVENTS = ['initiated', 'ringing', 'answered', 'completed'] as const;

export type CallEvent = (typeof CALL_EVENTS)[number];

/** The two numbers of a call, and its webhooks: those of the dialled number, or those given to REST. */
export interface CallSettings {
  /** `inbound` by default. On an outbound call the person is `to`. */
  direction?: CallDirection;
  /** How long an outbound call is queued, in simulated milliseconds; 0 by default. */
  queuedMs?: number;
  /** Undefined leaves `From` out of requests, as a Space may. */
  from: string | undefined;
  /** {@link SPACE_NUMBER} by default. */
  to?: string;
  /** The webhook that answers with the first document. */
  url: string;
  method?: Method;
  /** The webhook to use if another one fails; none by default. */
  fallbackUrl?: string;
  fallbackMethod?: Method;
  /** Where the call's events are reported; none by default. */
  statusCallback?: string;
  statusCallbackMethod?: Method;
  /** `completed` by default: the end of the call, whatever its final status. */
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

/** A call at the Space. It plays the documents that the server answers with until it is over. */
export interface Call {
  readonly sid: string;
  readonly direction: CallDirection;
  readonly from: string | undefined;
  readonly to: string;
  readonly startedAt: number;
  /** Undefined until it is answered. */
  readonly answeredAt: number | undefined;
  readonly updatedAt: number;
  readonly status: CallStatus;
  /** Errors so far, in order. A call can go on after one, through its fallback URL or an `action`. */
  readonly errors: readonly CallError[];
  /** What it was told so far: spoken texts, and the URLs of recordings. */
  readonly told: readonly string[];
  /**
   * Whether a prompt that ends is playing to it, outside a conference. A `<Gather>` that waits at most a second counts too,
   * because nobody can react so fast.
   */
  readonly isSpokenTo: boolean;
  readonly isOver: boolean;
  /** What the person hears now. */
  hearing(): Hearing;
  /**
   * Presses keys: digits, `*` and `#`. Only a `<Gather>`, or a `<Dial hangupOnStar>`, listens to keys.
   *
   * @returns whether anything was listening
   */
  press(keys: string): boolean;
  /** Answers an outbound call that rings; otherwise does nothing. */
  answer(): void;
  /** Hangs up, or cancels it before it is answered. */
  hangUp(as?: 'completed' | 'canceled'): void;
  /** Hangs up without requesting the `action` of its `<Dial>`. */
  drop(): void;
  /** Interrupts the current document, and continues with the one at `url`. */
  redirect(url: string, method: Method): void;
}

/** The number of the person's telephone. Undefined if a Space has left it out. */
export function numberOf({ direction, from, to }: Pick<Call, 'direction' | 'from' | 'to'>): string | undefined {
  return direction === 'inbound' ? from : to;
}

/** Time since it was answered, up to its end, in whole seconds. */
export function durationOfCall({ answeredAt, updatedAt }: Call): number {
  return answeredAt === undefined ? 0 : Math.floor((updatedAt - answeredAt) / 1000);
}

/** Whether `status` is final. */
export function isFinal(status: CallStatus): boolean {
  return status !== 'queued' && status !== 'ringing' && status !== 'in-progress';
}
