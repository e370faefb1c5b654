import type { ActionReason } from '../rooms/action';

/** An error of the API, answered as `application/problem+json` (RFC 9457). `code` is stable; the sentence may change. */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    readonly status: number,
    readonly code: ProblemCode,
    /** A sentence that is safe to show, with what to do if anything can be done. */
    detail: string,
    /** More members of the answer. */
    readonly more: object = {},
  ) {
    super(detail);
  }
}

/** The codes of problems, with the HTTP status of each. Programs rely on them. */
export const PROBLEM_STATUS = {
  invalid_json: 400,
  invalid_parameter: 400,
  malformed_request: 400,
  no_token: 401,
  wrong_token: 401,
  not_allowed: 403,
  cross_site: 403,
  not_found: 404,
  no_such_room: 404,
  no_such_supervisor: 404,
  no_such_recording: 404,
  not_in_room: 404,
  method_not_allowed: 405,
  not_a_supervisor: 409,
  not_a_moderator: 409,
  is_a_supervisor: 409,
  busy: 409,
  no_conference: 409,
  no_moderator: 409,
  already_recording: 409,
  no_address: 409,
  notes_not_private: 409,
  conversation_changed: 409,
  superseded: 409,
  muted_by_server: 409,
  left: 409,
  no_key: 409,
  no_answer: 409,
  line_busy: 409,
  not_connected: 409,
  request_in_progress: 409,
  length_required: 411,
  body_too_large: 413,
  not_json: 415,
  range_not_satisfiable: 416,
  invalid_body: 422,
  idempotency_key_reused: 422,
  internal_error: 500,
  space_refused: 502,
  space_unreachable: 502,
  space_unreadable: 502,
  ineffective: 502,
  store_away: 503,
  rest_not_configured: 503,
  calls_not_configured: 503,
  too_many_readers: 503,
  stopping: 503,
  abandoned: 503,
  space_timeout: 504,
} as const;

export type ProblemCode = keyof typeof PROBLEM_STATUS;

/** The code of an action's failure: of the problem that answers it, and as the action's reason. */
export const REASON_CODES = {
  abandoned: 'abandoned',
  'already-recording': 'already_recording',
  'conversation-changed': 'conversation_changed',
  'muted-by-server': 'muted_by_server',
  superseded: 'superseded',
  left: 'left',
  refused: 'space_refused',
  timeout: 'space_timeout',
  unreachable: 'space_unreachable',
  unreadable: 'space_unreadable',
  ineffective: 'ineffective',
  'no-key': 'no_key',
  'no-answer': 'no_answer',
  busy: 'line_busy',
  'not-connected': 'not_connected',
  'is-a-supervisor': 'is_a_supervisor',
  'not-allowed': 'not_allowed',
  'store-away': 'store_away',
  internal: 'internal_error',
} as const satisfies Readonly<Record<ActionReason, ProblemCode>>;

/** A problem with the status of its code. */
export function problem(code: ProblemCode, detail: string, more?: object): Problem {
  return new Problem(PROBLEM_STATUS[code], code, detail, more);
}

/** The body of an answer. */
export function problemBody({ status, code, message }: { status: number; code: string; message: string }): object {
  return { type: 'about:blank', title: titleOf(code), status, code, detail: message };
}

function titleOf(code: string): string {
  const words = code.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** One sentence for each problem. */
export function problemsIn({
  issues,
}: {
  issues: readonly { path: readonly PropertyKey[]; message: string }[];
}): string[] {
  return issues.map(({ path, message }) => (path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`));
}

/** The problem of an operation that needs the Space's REST API, when that is not configured. */
export function restNotConfigured(): Problem {
  return problem('rest_not_configured', 'Set SIGNALWIRE_SPACE_URL, SIGNALWIRE_PROJECT_ID and SIGNALWIRE_API_TOKEN.');
}

/** The problems of a request to the Space. */
export const SPACE_PROBLEMS: readonly ProblemCode[] = [
  'space_refused',
  'space_unreachable',
  'space_unreadable',
  'space_timeout',
  'rest_not_configured',
];

/** The problems of every action. */
export const ACTION_PROBLEMS: readonly ProblemCode[] = [
  ...SPACE_PROBLEMS,
  'busy',
  'superseded',
  'abandoned',
  'ineffective',
  'store_away',
];
