import { RestClient } from '@signalwire/compatibility-api';
import { isFinalStatus } from './call-status';
import { parseSid, type Sid } from './sid';

export interface SpaceSettings {
  /** The Space's address with its scheme, such as `https://example.signalwire.com`. */
  url: string;
  projectId: string;
  apiToken: string;
}

/**
 * The Space's REST API could not be asked, or its answer could not be used.
 *
 * `timeout`, `unreachable`: no answer; `refused`: an HTTP error, see `status` and `spaceCode`; `unreadable`: something
 * else than the documented answer.
 */
export class SpaceError extends Error {
  override readonly name = 'SpaceError';
  readonly status: number | undefined;
  /** The Space's own error code, such as 20003; undefined when the answer has none. */
  readonly spaceCode: number | undefined;

  constructor(
    readonly code: 'timeout' | 'unreachable' | 'refused' | 'unreadable',
    message: string,
    details: ErrorOptions & { status?: number; spaceCode?: number | undefined } = {},
  ) {
    super(message, details);
    this.status = details.status;
    this.spaceCode = details.spaceCode;
  }
}

/** A conference that is not over. */
export interface SpaceConference {
  conferenceSid: Sid;
  room: string;
  hasStarted: boolean;
  /** In milliseconds, at least one; one if the Space gives no date. */
  ageMs: number;
}

/** A participant that has not left. A yes or no that the Space does not give counts as no. */
export interface SpaceParticipant {
  callSid: Sid;
  conferenceSid: Sid;
  isMuted: boolean;
  isOnHold: boolean;
  /** The call it coaches; undefined if it coaches nobody, or the Space does not name the call. */
  target: Sid | undefined;
  isCoaching: boolean;
  endsConference: boolean;
  /** In milliseconds, at least one; one if the Space gives no date. */
  joinAgeMs: number;
}

/** A call, over or not. */
export interface SpaceCall {
  callSid: Sid;
  isOver: boolean;
  /** As the Space writes it: E.164 or raw. */
  from: string | undefined;
  to: string | undefined;
  direction: string | undefined;
}

/** Changes to a participant; whatever is left out stays as it is. */
export interface ParticipantChange {
  muted?: boolean;
  /** The call to coach, which must be in the conference. */
  target?: Sid;
  /** A document to play, requested by POST. Everybody in the conference may hear it. */
  announceUrl?: string;
}

/** What we ask of the Space's REST API. Every question is answered within one time-out, or rejects with a SpaceError. */
export interface ConferenceApi {
  /**
   * The conferences that are not over, started or not. Entries without a SID or a name are left out.
   *
   * Two requests, and one more for each 1,000 conferences.
   *
   * @param room its exact name; every room if undefined
   */
  listConferences(room?: string): Promise<SpaceConference[]>;
  /**
   * The participants of a conference that have not left. Entries without a Call SID are left out.
   *
   * One request, one more for each 1,000 participants, and one more if there is none.
   *
   * @returns undefined when there is no such conference, or it is over
   */
  listParticipants(conferenceSid: Sid): Promise<SpaceParticipant[] | undefined>;
  /** @returns undefined when that call is not in that conference */
  findParticipant(conferenceSid: Sid, callSid: Sid): Promise<SpaceParticipant | undefined>;
  /**
   * Changes a participant, in one request.
   *
   * @returns the participant as the Space answered, which may not show the change; undefined when that call is not in
   *   that conference
   */
  changeParticipant(conferenceSid: Sid, callSid: Sid, change: ParticipantChange): Promise<SpaceParticipant | undefined>;
  /** Takes a participant out of a conference; false when that call is not in it. */
  removeParticipant(conferenceSid: Sid, callSid: Sid): Promise<boolean>;
  /** @returns undefined when there is no such call */
  findCall(callSid: Sid): Promise<SpaceCall | undefined>;
  /** Makes a call request another document, by POST; false when the call is over or unknown. */
  redirectCall(callSid: Sid, url: string): Promise<boolean>;
}

/**
 * A client of the Space's REST API, with the SDK for the calls and our own transport below it: the SDK's waits 30 s
 * and reports an HTML error page as a syntax error without a status.
 *
 * @param options.timeoutMs how long one question may take in all, however many requests it needs
 * @param options.now milliseconds since 1970
 */
export function createRestClient(
  settings: SpaceSettings,
  options: { timeoutMs: number; now: () => number },
): ConferenceApi {
  return {
    listConferences: (room) =>
      ask(async (client) => {
        const found = new Map<Sid, SpaceConference>();
        // One after the other, so that a conference that starts meanwhile is in both lists rather than in neither.
        for (const status of ['init', 'in-progress'] as const) {
          const filter = { status, pageSize: PAGE_SIZE, ...(room !== undefined && { friendlyName: room }) };
          for await (const one of readAll(await client.conferences.page(filter), 'conferences')) {
            const conferenceSid = sidIn(one.sid);
            const name = textIn(one.friendlyName);
            const isOther = room !== undefined && name !== room;
            if (conferenceSid !== undefined && name !== undefined && !isOther && one.status !== 'completed') {
              const ageMs = ageOf(one.dateCreated, options.now());
              found.set(conferenceSid, {
                conferenceSid,
                room: name,
                hasStarted: status === 'in-progress',
                ageMs,
              });
            }
          }
        }
        return [...found.values()];
      }),

    listParticipants: (conferenceSid) =>
      ask(async (client) => {
        const seen = await unlessGone(listParticipants(client, conferenceSid));
        if (seen === undefined || seen.length > 0) {
          return seen;
        }
        // The list of a conference that is over is empty, too.
        const conference = await unlessGone(client.conferences(conferenceSid).fetch());
        return conference === undefined || conference.status === 'completed' ? undefined : [];
      }),

    findParticipant: (conferenceSid, callSid) =>
      ask(async (client) => {
        const found = await unlessGone(client.conferences(conferenceSid).participants(callSid).fetch());
        return found && readParticipant(found, conferenceSid);
      }),

    changeParticipant: (conferenceSid, callSid, { muted, target, announceUrl }) =>
      ask(async (client) => {
        const changes = {
          ...(muted !== undefined && { muted }),
          ...(target !== undefined && { coaching: true, callSidToCoach: target }),
          ...(announceUrl !== undefined && { announceUrl, announceMethod: 'POST' }),
        };
        const request = client.conferences(conferenceSid).participants(callSid).update(changes);
        const changed = await unlessGone(request, isOverError);
        return changed && readParticipant(changed, conferenceSid);
      }),

    removeParticipant: (conferenceSid, callSid) =>
      ask(async (client) => {
        const request = client.conferences(conferenceSid).participants(callSid).remove();
        return (await unlessGone(request, isOverError)) !== undefined;
      }),

    findCall: (callSid) =>
      ask(async (client) => {
        const found = await unlessGone(client.calls(callSid).fetch());
        return found && readCall(found);
      }),

    redirectCall: (callSid, url) =>
      ask(async (client) => {
        const redirected = await unlessGone(client.calls(callSid).update({ url, method: 'POST' }), isOverError);
        return redirected !== undefined && !isFinalStatus(textIn(redirected.status));
      }),
  };

  async function ask<T>(question: (client: Client) => Promise<T>): Promise<T> {
    const deadline = AbortSignal.timeout(options.timeoutMs);
    const client = RestClient(settings.projectId, settings.apiToken, {
      signalwireSpaceUrl: new URL(settings.url).host,
      httpClient: createTransport(settings.url, deadline) as never,
    });
    try {
      return await question(client);
    } catch (error) {
      throw error instanceof SpaceError
        ? error
        : new SpaceError('unreadable', 'The Space answered something unexpected.', { cause: error });
    }
  }

  async function listParticipants(client: Client, conferenceSid: Sid): Promise<SpaceParticipant[]> {
    const seen: SpaceParticipant[] = [];
    const firstPage = await client.conferences(conferenceSid).participants.page({ pageSize: PAGE_SIZE });
    for await (const participant of readAll(firstPage, 'participants')) {
      const hasSid = sidIn(participant.callSid) !== undefined;
      const one = hasSid ? readParticipant(participant, conferenceSid) : undefined;
      if (one !== undefined) {
        seen.push(one);
      }
    }
    return seen;
  }

  /** @returns undefined when it has left */
  function readParticipant(given: Unread<ParticipantField>, conferenceSid: Sid): SpaceParticipant | undefined {
    if (given.status === 'completed') {
      return undefined;
    }
    const isCoaching = isTrue(given.coaching);
    return {
      callSid: requiredSid(given.callSid),
      conferenceSid,
      isMuted: isTrue(given.muted),
      isOnHold: isTrue(given.hold),
      target: isCoaching ? sidIn(given.callSidToCoach) : undefined,
      isCoaching,
      endsConference: isTrue(given.endConferenceOnExit),
      joinAgeMs: ageOf(given.dateCreated, options.now()),
    };
  }
}

type Client = ReturnType<typeof RestClient>;

/** The largest page of a list. */
const PAGE_SIZE = 1_000;
/** The code of a change to something that is over. */
const IS_OVER = 10_000;

/** Fields whose types the SDK only promises. */
type Unread<Field extends string> = { readonly [K in Field]?: unknown };
type ParticipantField =
  | 'callSid'
  | 'status'
  | 'muted'
  | 'hold'
  | 'coaching'
  | 'callSidToCoach'
  | 'endConferenceOnExit'
  | 'dateCreated';

function readCall(given: Unread<'sid' | 'status' | 'from' | 'to' | 'direction'>): SpaceCall {
  return {
    callSid: requiredSid(given.sid),
    isOver: isFinalStatus(textIn(given.status)),
    from: textIn(given.from),
    to: textIn(given.to),
    direction: textIn(given.direction),
  };
}

/** The Space sends booleans, or words. */
function isTrue(value: unknown): boolean {
  return String(value) === 'true';
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function sidIn(value: unknown): Sid | undefined {
  return typeof value === 'string' ? parseSid(value) : undefined;
}

function requiredSid(value: unknown): Sid {
  const sid = sidIn(value);
  if (sid === undefined) {
    throw new SpaceError('unreadable', 'The Space answered without a Call SID.');
  }
  return sid;
}

/** The result of a request; undefined when it failed because its subject is gone. */
async function unlessGone<T>(request: Promise<T> | undefined, isGone = isMissingError): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (isGone(error)) {
      return undefined;
    }
    throw error;
  }
}

function isMissingError(error: unknown): boolean {
  return error instanceof SpaceError && error.status === 404;
}

/** Whether a change failed because its subject is over or was never there. */
function isOverError(error: unknown): boolean {
  if (isMissingError(error)) {
    return true;
  }
  return error instanceof SpaceError && [400, 422].includes(error.status ?? 0) && error.spaceCode === IS_OVER;
}

/**
 * Everything on this page and those after it. Not the SDK's `list`, which leaves rejections of later pages unhandled.
 *
 * @param name the list's name in the answer; the SDK takes any answer with one unknown name for a list, or an empty one
 */
async function* readAll<T>(
  firstPage: { getInstance(payload: never): T },
  name: 'conferences' | 'participants',
): AsyncGenerator<T> {
  // The SDK's types know neither the instances nor that the last page has no next one.
  type PageOf = { instances: T[]; _payload: Record<string, unknown>; nextPage(): Promise<PageOf> | undefined };
  let page = firstPage as unknown as PageOf | undefined;
  while (page !== undefined) {
    if (!Array.isArray(page._payload[name])) {
      throw new SpaceError('unreadable', `The Space answered without a list of ${name}.`);
    }
    yield* page.instances;
    page = await page.nextPage();
  }
}

/** In whole milliseconds, at least one; one for a date that is missing, or that the SDK left as it could not read it. */
function ageOf(date: unknown, now: number): number {
  return date instanceof Date ? Math.max(1, now - date.getTime()) : 1;
}

interface TransportRequest {
  method: string;
  uri: string;
  username: string;
  password: string;
  params?: Record<string, unknown>;
  data?: Record<string, unknown>;
  headers?: Record<string, string>;
}

/**
 * What the SDK asks of its `httpClient`, as far as we use it; every failure is a {@link SpaceError}. The SDK always says
 * https; `baseUrl` may say otherwise.
 */
function createTransport(baseUrl: string, signal: AbortSignal) {
  return {
    async request(request: TransportRequest): Promise<{ statusCode: number; body: unknown }> {
      const asked = new URL(request.uri);
      const url = new URL(asked.pathname + asked.search, baseUrl);
      for (const [name, value] of given(request.params)) {
        url.searchParams.append(name, value);
      }
      const authorization = `Basic ${Buffer.from(`${request.username}:${request.password}`).toString('base64')}`;
      let response: Response;
      let text: string;
      try {
        response = await fetch(url, {
          method: request.method,
          headers: { ...request.headers, authorization },
          ...(request.method === 'POST' && { body: new URLSearchParams(given(request.data)) }),
          redirect: 'error',
          signal,
        });
        text = await response.text();
      } catch (cause) {
        throw signal.aborted
          ? new SpaceError('timeout', 'The Space did not answer in time.', { cause })
          : new SpaceError('unreachable', 'The Space could not be reached.', { cause });
      }
      if (!response.ok) {
        const { status } = response;
        throw new SpaceError('refused', `The Space answered with status ${status}.`, {
          status,
          spaceCode: spaceCodeIn(text),
        });
      }
      try {
        return { statusCode: response.status, body: response.status === 204 ? undefined : JSON.parse(text, skipOdd) };
      } catch (cause) {
        const { status } = response;
        throw new SpaceError('unreadable', 'The Space did not answer with JSON.', { status, cause });
      }
    },
  };
}

/** What is given of a request's parameters, as text. */
function given(parameters: Record<string, unknown> = {}): [string, string][] {
  return Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
}

/** Leaves entries that are no objects out of a list: the SDK gives up the whole page for one of them. */
function skipOdd(_name: string, value: unknown): unknown {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'object' && one !== null) : value;
}

/** The Space's code in the body of an error: `{code}`, or `{errors: [{code}]}`; the code is a number or its digits. */
function spaceCodeIn(text: string): number | undefined {
  let body: { code?: unknown; errors?: unknown } | null;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  const listed: { code?: unknown }[] = Array.isArray(body?.errors) ? body.errors : [];
  return [body, ...listed]
    .map((one) => String(one?.code))
    .filter((code) => /^\d{1,9}$/.test(code))
    .map(Number)[0];
}
