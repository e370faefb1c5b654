import { SpaceError } from './conference-api';

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
 * The part of the SDK's `httpClient` that we use. Every failure is a {@link SpaceError}.
 *
 * @param baseUrl replaces the scheme and host of the SDK's addresses, which are always https
 * @param signal aborts the request at the deadline
 */
export function createTransport(baseUrl: string, signal: AbortSignal) {
  return {
    async request(request: TransportRequest): Promise<{ statusCode: number; body: unknown }> {
      const { pathname, search } = new URL(request.uri);
      const url = new URL(pathname + search, baseUrl);
      for (const [name, value] of definedParameters(request.params)) {
        url.searchParams.append(name, value);
      }
      const authorization = `Basic ${Buffer.from(`${request.username}:${request.password}`).toString('base64')}`;
      let response: Response;
      let text: string;
      try {
        response = await fetch(url, {
          method: request.method,
          headers: { ...request.headers, authorization },
          ...(request.method === 'POST' && { body: new URLSearchParams(definedParameters(request.data)) }),
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
        return {
          statusCode: response.status,
          body: response.status === 204 ? undefined : JSON.parse(text, dropNonObjects),
        };
      } catch (cause) {
        const { status } = response;
        throw new SpaceError('unreadable', 'The Space did not answer with JSON.', { status, cause });
      }
    },
  };
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
