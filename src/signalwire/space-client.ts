import { RestClient } from '@signalwire/compatibility-api';
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
 * `timeout`, `unreachable`: no answer; `refused`: an HTTP error, see `status`; `unreadable`: something else than the
 * documented answer.
 */
export class SpaceError extends Error {
  override readonly name = 'SpaceError';

  constructor(
    readonly code: 'timeout' | 'unreachable' | 'refused' | 'unreadable',
    message: string,
    readonly status?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A moderator in a running conference. */
export interface SeenModerator {
  callSid: Sid;
  conferenceSid: Sid;
  /** How long ago they entered, in milliseconds. */
  enteredAgoMs: number;
}

/** What we ask of the Space's REST API. Every question is answered within one time-out, or rejects with a SpaceError. */
export interface SpaceClient {
  /**
   * The moderator in the running conference of that name, and how long ago they entered; undefined when there is none.
   */
  findModerator(room: string): Promise<SeenModerator | undefined>;
  /** The moderators of all running conferences; of one with several the last to enter. */
  listModerators(): Promise<(SeenModerator & { room: string })[]>;
  /**
   * Plays the document at an address to one participant of the running conference of that name.
   *
   * @returns false when that call is not in it
   */
  announce(room: string, callSid: Sid, url: string): Promise<boolean>;
  /**
   * Lets nobody hear a participant: mutes it, then makes it coach `target`, so that a slipped mute reaches them alone.
   *
   * @param target undefined leaves it as it is
   * @returns whether it was heard before; whether it is muted and coaches the target now, as it was read back;
   *   undefined when that call is not in the conference
   */
  silence(
    room: string,
    callSid: Sid,
    target: Sid | undefined,
  ): Promise<{ wasHeard: boolean; isMuted: boolean; isLed: boolean } | undefined>;
  /** Takes a participant out of the conference of that name, if it is there, started or not. */
  remove(room: string, callSid: Sid): Promise<void>;
  /** Takes a participant out of the conference of that name if that has not started; whether it was there. */
  removeWaiting(room: string, callSid: Sid): Promise<boolean>;
}

/**
 * A client of the Space's REST API, with the SDK for the calls and our own transport below it: the SDK's waits 30 s
 * and reports an HTML error page as a syntax error without a status.
 *
 * @param options.timeoutMs how long one question may take in all, however many requests it needs
 * @param options.now milliseconds since 1970
 */
export function createSpaceClient(
  settings: SpaceSettings,
  options: { timeoutMs: number; now: () => number },
): SpaceClient {
  return {
    findModerator: (room) =>
      ask(async (client) => {
        const conferenceSid = await findConference(client, room);
        return conferenceSid && findModeratorIn(client, conferenceSid);
      }),

    listModerators: () =>
      ask(async (client) => {
        const rooms: { room: string; conferenceSid: Sid }[] = [];
        for await (const { sid, friendlyName } of readAll(await client.conferences.page({ status: 'in-progress' }))) {
          const conferenceSid = parseSid(String(sid));
          if (conferenceSid !== undefined) {
            rooms.push({ room: String(friendlyName), conferenceSid });
          }
        }
        const found = await Promise.all(
          rooms.map(async ({ room, conferenceSid }) => {
            // One that has ended since is no reason to know none of the others.
            const moderator = await unlessGone(findModeratorIn(client, conferenceSid));
            return moderator && { room, ...moderator };
          }),
        );
        return found.filter((one) => one !== undefined);
      }),

    announce: (room, callSid, url) =>
      ask(async (client) => {
        const conferenceSid = await findConference(client, room);
        const participants = conferenceSid && client.conferences(conferenceSid).participants;
        return unlessGone(participants?.(callSid).update({ announceUrl: url, announceMethod: 'POST' })).then(Boolean);
      }),

    silence: (room, callSid, target) =>
      ask(async (client) => {
        const conferenceSid = await findConference(client, room);
        if (conferenceSid === undefined) {
          return undefined;
        }
        const participant = client.conferences(conferenceSid).participants(callSid);
        const read = async () => {
          const found = (await unlessGone(participant.fetch())) as
            | { muted: unknown; callSidToCoach?: unknown }
            | undefined;
          return (
            found && {
              isMuted: String(found.muted) === 'true',
              isLed: target === undefined || found.callSidToCoach === target,
            }
          );
        };
        const before = await read();
        if (before === undefined || (before.isMuted && before.isLed)) {
          return before && { ...before, wasHeard: false };
        }
        if ((await unlessGone(participant.update({ muted: true }))) === undefined) {
          return undefined;
        }
        if (target !== undefined) {
          // A target that is not there (yet) is refused; the mute holds all the same, and the reading tells.
          await participant.update({ coaching: true, callSidToCoach: target }).catch(ignoreRefusal);
        }
        const after = await read();
        return after && { ...after, wasHeard: !before.isMuted };
      }),

    remove: (room, callSid) =>
      ask(async (client) => {
        for (const status of ['init', 'in-progress'] as const) {
          await removeFrom(client, room, callSid, status);
        }
      }),

    removeWaiting: (room, callSid) => ask((client) => removeFrom(client, room, callSid, 'init')),
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
        : new SpaceError('unreadable', 'The Space answered something unexpected.', undefined, { cause: error });
    }
  }

  /** The conference of that name that has started, or waits to be. */
  async function findConference(
    client: Client,
    room: string,
    status: 'init' | 'in-progress' = 'in-progress',
  ): Promise<Sid | undefined> {
    const page = await client.conferences.page({ friendlyName: room, status });
    for await (const { sid, friendlyName } of readAll(page)) {
      const conferenceSid = parseSid(String(sid));
      if (friendlyName === room && conferenceSid !== undefined) {
        return conferenceSid;
      }
    }
    return undefined;
  }

  async function removeFrom(
    client: Client,
    room: string,
    callSid: Sid,
    status: 'init' | 'in-progress',
  ): Promise<boolean> {
    const conferenceSid = await findConference(client, room, status);
    const removed = conferenceSid && client.conferences(conferenceSid).participants(callSid).remove();
    return (await unlessGone(removed?.then(() => true))) ?? false;
  }

  async function findModeratorIn(client: Client, conferenceSid: Sid): Promise<SeenModerator | undefined> {
    const moderators: SeenModerator[] = [];
    for await (const participant of readAll(await client.conferences(conferenceSid).participants.page())) {
      const callSid = parseSid(String(participant.callSid));
      // The Space knows no roles; only our moderators end the conference by leaving it.
      const endsConference = String(participant.endConferenceOnExit) === 'true';
      if (callSid !== undefined && endsConference && String(participant.status) !== 'completed') {
        moderators.push({ callSid, conferenceSid, enteredAgoMs: ageOf(participant.dateCreated, options.now()) });
      }
    }
    // Of several the last to enter, as everywhere.
    return moderators.sort((one, other) => one.enteredAgoMs - other.enteredAgoMs)[0];
  }
}

type Client = ReturnType<typeof RestClient>;

/** What came of a request about a participant; undefined when there is none such. */
async function unlessGone<T>(request: Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof SpaceError && error.status === 404) {
      return undefined;
    }
    throw error;
  }
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof SpaceError) || error.code !== 'refused') {
    throw error;
  }
}

/** Everything on this page and those after it. Not the SDK's `list`, which leaves rejections of later pages unhandled. */
async function* readAll<T>(firstPage: { getInstance(payload: never): T }): AsyncGenerator<T> {
  // The SDK's types know neither the instances nor that the last page has no next one.
  type PageOf = { instances: T[]; nextPage(): Promise<PageOf> | undefined };
  let page = firstPage as unknown as PageOf | undefined;
  while (page !== undefined) {
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
          ? new SpaceError('timeout', 'The Space did not answer in time.', undefined, { cause })
          : new SpaceError('unreachable', 'The Space could not be reached.', undefined, { cause });
      }
      if (!response.ok) {
        throw new SpaceError('refused', `The Space answered with status ${response.status}.`, response.status);
      }
      try {
        return { statusCode: response.status, body: response.status === 204 ? undefined : JSON.parse(text) };
      } catch (cause) {
        throw new SpaceError('unreadable', 'The Space did not answer with JSON.', response.status, { cause });
      }
    },
  };
}

/** What is given of a request's parameters, as text. */
function given(parameters: Record<string, unknown> = {}): [string, string][] {
  return Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
}
