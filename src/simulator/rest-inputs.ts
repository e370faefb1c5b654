import { z } from 'zod';
import { CALL_EVENTS, CALL_STATUSES } from './call';
import { type ErrorShape, INVALID, RestError } from './rest-error';
import { booleanText, httpMethod, wholeNumberText } from './values';

export const DEFAULT_PAGE_SIZE = 50;

/** SignalWire's error codes for invalid fields; others have {@link INVALID}. */
const FIELD_CODES: Readonly<Record<string, number>> = {
  CallSidToCoach: 16_002,
  From: 21_213,
  FriendlyName: 20_002,
  PageSize: 54_454,
  To: 21_211,
  Url: 21_205,
};

const UNKNOWN_PARAMETER = 90_000;

const url = z.url({ protocol: /^https?$/ });
/** SignalWire does not document how to clear an address; an empty one does it on Twilio. */
const clearableUrl = z.union([z.literal(''), url]);
const method = z.enum(['GET', 'POST']);
/** A field that may be repeated, or hold several values, separated by spaces. */
const repeated = <T extends string>(known: readonly T[]) =>
  z
    .union([z.string(), z.array(z.string())])
    .transform((values) => [values].flat().flatMap((value) => value.split(' ')))
    .pipe(z.array(z.enum(known)));
const paging = {
  Page: wholeNumberText(0, 1_000_000).default(0),
  PageSize: wholeNumberText(1, 1_000).default(DEFAULT_PAGE_SIZE),
  PageToken: z.string().optional(),
};

/** The parameters of each request. Unknown ones are errors. */
export const inputs = {
  conferences: z.strictObject({
    FriendlyName: z.string().min(1).max(64).optional(),
    Status: z.enum(['init', 'in-progress', 'completed']).optional(),
    ...paging,
  }),
  conference: z.strictObject({
    Status: z.string().optional(),
    AnnounceUrl: url.optional(),
    AnnounceMethod: httpMethod,
  }),
  participants: z.strictObject({ Muted: booleanText.optional(), Hold: booleanText.optional(), ...paging }),
  calls: z.strictObject({
    From: z.string().optional(),
    To: z.string().optional(),
    Status: z.enum(CALL_STATUSES).optional(),
    ...paging,
  }),
  list: z.strictObject(paging),
  participant: z
    .strictObject({
      Muted: booleanText.optional(),
      Hold: booleanText.optional(),
      HoldUrl: url.optional(),
      HoldMethod: z.enum(['GET', 'POST']).default('GET'),
      Coaching: booleanText.optional(),
      CallSidToCoach: z.string().optional(),
      AnnounceUrl: url.optional(),
      AnnounceMethod: httpMethod,
      WaitUrl: url.optional(),
      WaitMethod: httpMethod,
    })
    .refine(({ Coaching, CallSidToCoach }) => Coaching !== true || CallSidToCoach !== undefined, {
      path: ['CallSidToCoach'],
      message: 'is required when Coaching is true',
    }),
  newCall: z.strictObject({
    To: z.string().min(1),
    From: z.string().min(1),
    Url: url,
    Method: httpMethod,
    FallbackUrl: url.optional(),
    FallbackMethod: httpMethod,
    StatusCallback: url.optional(),
    StatusCallbackMethod: httpMethod,
    StatusCallbackEvent: repeated(CALL_EVENTS).default(['completed']),
  }),
  call: z
    .strictObject({
      Url: url.optional(),
      Method: httpMethod,
      Status: z.enum(['canceled', 'completed']).optional(),
    })
    .refine(({ Url, Status }) => (Url === undefined) !== (Status === undefined), {
      message: 'Url or Status is required, and not both.',
    }),
  newRecording: z.strictObject({
    RecordingStatusCallback: url.optional(),
    RecordingStatusCallbackMethod: httpMethod,
    RecordingStatusCallbackEvent: repeated(['in-progress', 'completed', 'absent']).default(['completed']),
    Trim: z.enum(['trim-silence', 'do-not-trim']).default('do-not-trim'),
  }),
  recording: z.strictObject({
    Status: z.enum(['paused', 'in-progress', 'stopped']),
    PauseBehavior: z.enum(['skip', 'silence']).default('silence'),
  }),
  recordings: z.strictObject({ CallSid: z.string().optional(), ConferenceSid: z.string().optional(), ...paging }),
  numbers: z.strictObject({ PhoneNumber: z.string().optional(), ...paging }),
  number: z.strictObject({
    VoiceUrl: clearableUrl.optional(),
    VoiceMethod: method.optional(),
    VoiceFallbackUrl: clearableUrl.optional(),
    VoiceFallbackMethod: method.optional(),
    StatusCallback: clearableUrl.optional(),
    StatusCallbackMethod: method.optional(),
  }),
} as const;

/**
 * Validates the parameters of a request.
 *
 * @param shape how this resource reports errors
 * @throws RestError for the first invalid parameter
 */
export function readInput<T extends z.ZodType>(schema: T, given: unknown, shape: ErrorShape = 'object'): z.infer<T> {
  const result = schema.safeParse({ ...(given as object) });
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new RestError(shape === 'list' ? 400 : 422, codeOf(issue), messageOf(issue), shape);
  }
  return result.data;
}

/**
 * Refuses the query of a request that takes none.
 *
 * @param status as described: 400 for reading one resource, 422 for changes
 * @throws RestError
 */
export function refuseParameters(query: object, status: 400 | 422): void {
  const names = Object.keys(query);
  if (names.length > 0) {
    throw new RestError(status, UNKNOWN_PARAMETER, `Unknown parameter ${names.join(', ')}.`);
  }
}

function codeOf(issue: z.core.$ZodIssue | undefined): number {
  const field = String(issue?.path[0]);
  if (issue?.code === 'unrecognized_keys') {
    return UNKNOWN_PARAMETER;
  }
  const isMissing = issue?.code === 'invalid_type';
  return field.endsWith('Url') && !isMissing ? 21_402 : (FIELD_CODES[field] ?? INVALID);
}

function messageOf(issue: z.core.$ZodIssue | undefined): string {
  if (issue?.code === 'unrecognized_keys') {
    return `Unknown parameter ${issue.keys.join(', ')}.`;
  }
  return [issue?.path.join(), issue?.message].filter(Boolean).join(': ');
}
