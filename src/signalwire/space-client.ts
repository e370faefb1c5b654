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

/** What we ask of the Space's REST API. */
export interface SpaceClient {
  /**
   * The moderator in the running conference of that name, and how long ago they entered; undefined when there is none.
   *
   * @throws SpaceError
   */
  findModerator(room: string): Promise<{ callSid: Sid; conferenceSid: Sid; enteredAgoMs: number } | undefined>;
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
    async findModerator(room) {
      const deadline = AbortSignal.timeout(options.timeoutMs);
      const client = RestClient(settings.projectId, settings.apiToken, {
        signalwireSpaceUrl: new URL(settings.url).host,
        httpClient: createTransport(settings.url, deadline) as never,
      });
      try {
        const { conferences } = client;
        for await (const conference of readAll(await conferences.page({ friendlyName: room, status: 'in-progress' }))) {
          const conferenceSid = parseSid(conference.sid);
          if (conference.friendlyName === room && conferenceSid !== undefined) {
            const moderators = [];
            for await (const participant of readAll(await conferences(conferenceSid).participants.page())) {
              const callSid = parseSid(participant.callSid);
              // The Space knows no roles; only our moderators end the conference by leaving it.
              const endsConference = String(participant.endConferenceOnExit) === 'true';
              if (callSid !== undefined && endsConference && String(participant.status) !== 'completed') {
                const enteredAgoMs = ageOf(participant.dateCreated, options.now());
                moderators.push({ callSid, conferenceSid, enteredAgoMs });
              }
            }
            // Of several the last to enter, as everywhere.
            return moderators.sort((one, other) => one.enteredAgoMs - other.enteredAgoMs)[0];
          }
        }
        return undefined;
      } catch (error) {
        throw error instanceof SpaceError
          ? error
          : new SpaceError('unreadable', 'The Space answered something unexpected.', undefined, { cause: error });
      }
    },
  };
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
  headers?: Record<string, string>;
}

/**
 * What the SDK asks of its `httpClient`, for the reading that we do; every failure is a {@link SpaceError}. The SDK
 * always says https; `baseUrl` may say otherwise.
 */
function createTransport(baseUrl: string, signal: AbortSignal) {
  return {
    async request(request: TransportRequest): Promise<{ statusCode: number; body: unknown }> {
      const asked = new URL(request.uri);
      const url = new URL(asked.pathname + asked.search, baseUrl);
      for (const [name, value] of Object.entries(request.params ?? {})) {
        if (value !== undefined) {
          url.searchParams.append(name, String(value));
        }
      }
      const authorization = `Basic ${Buffer.from(`${request.username}:${request.password}`).toString('base64')}`;
      let response: Response;
      let text: string;
      try {
        response = await fetch(url, {
          method: request.method,
          headers: { ...request.headers, authorization },
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
        return { statusCode: response.status, body: JSON.parse(text) };
      } catch (cause) {
        throw new SpaceError('unreadable', 'The Space did not answer with JSON.', response.status, { cause });
      }
    },
  };
}
