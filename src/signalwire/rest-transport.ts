import { SpaceError, type SpaceSettings } from './conference-api';
import type { RunInSlot } from './request-slots';

interface TransportRequest {
  method: string;
  uri: string;
  params?: Record<string, unknown>;
  data?: Record<string, unknown>;
  headers?: Record<string, string>;
}

interface TransportResponse {
  statusCode: number;
  body: unknown;
  /** The header `Date`. */
  date: string | null;
}

export interface TransportOptions {
  /** Node's own, except in tests. */
  fetch: typeof fetch;
  /** Aborts requests at the deadline. */
  signal: AbortSignal;
  /** Limits the requests at once; waiting counts against the deadline. */
  runInSlot: RunInSlot;
}

/**
 * The part of the SDK's `httpClient` that we use. Every failure is a {@link SpaceError}.
 *
 * @param settings `url` replaces the scheme and host of the SDK's addresses, which are always https
 */
export function createTransport(settings: SpaceSettings, { fetch, signal, runInSlot }: TransportOptions) {
  return {
    async request(request: TransportRequest): Promise<TransportResponse> {
      const { pathname, search } = new URL(request.uri);
      const url = new URL(pathname + search, settings.url);
      for (const [name, value] of definedParameters(request.params)) {
        url.searchParams.append(name, value);
      }
      const { response, text } = await send(url, {
        method: request.method,
        headers: { ...request.headers, authorization: authorizationOf(settings) },
        ...(request.method === 'POST' && { body: new URLSearchParams(definedParameters(request.data)) }),
        redirect: 'error',
        signal,
      });
      const { status } = response;
      if (!response.ok) {
        throw refusalOf(status, text);
      }
      try {
        const body = status === 204 ? undefined : JSON.parse(text, dropNonObjects);
        return { statusCode: status, body, date: response.headers.get('date') };
      } catch {
        // Without the parser's error, which quotes the answer.
        throw new SpaceError('unreadable', 'The Space did not answer with JSON.', { status });
      }
    },
  };

  async function send(url: URL, init: RequestInit): Promise<{ response: Response; text: string }> {
    try {
      return await runInSlot(async () => {
        const response = await fetch(url, init);
        return { response, text: await response.text() };
      }, signal);
    } catch (cause) {
      throw signal.aborted
        ? new SpaceError('timeout', 'The Space did not answer in time.', { cause })
        : new SpaceError('unreachable', 'The Space could not be reached.', { cause });
    }
  }
}

/** The `Authorization` header of our requests. */
export function authorizationOf({ projectId, apiToken }: Pick<SpaceSettings, 'projectId' | 'apiToken'>): string {
  return `Basic ${Buffer.from(`${projectId}:${apiToken}`).toString('base64')}`;
}

/** The error of a response with this status and body. The Space's own words may quote what we sent, so they stay out. */
export function refusalOf(status: number, text: string): SpaceError {
  return new SpaceError('refused', `The Space answered with status ${status}.`, {
    status,
    spaceCode: spaceCodeIn(text),
  });
}

/** The parameters that have a value, as text. */
function definedParameters(parameters: Record<string, unknown> = {}): [string, string][] {
  return Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
}

/** Drops entries of lists that are not objects; because of one, the SDK would reject the whole page. */
function dropNonObjects(_name: string, value: unknown): unknown {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'object' && one !== null) : value;
}

/** The Space's error code in `{code}` or `{errors: [{code}]}`, as a number or its digits. */
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
