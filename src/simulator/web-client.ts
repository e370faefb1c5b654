import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { computeSignature } from '../signalwire/signature';
import { type Behaviour, DEFAULT_BEHAVIOUR } from './behaviour';
import { CallError, CODES } from './call-error';
import type { Method } from './laml-parser';

/** A request of the Space to the server under test. */
export interface WebRequest {
  /** Absolute. */
  url: string;
  method: Method;
  fields: Readonly<Record<string, string>>;
}

export interface WebResponse {
  /** The URL that answered, after redirects; without the fields of a GET. */
  url: string;
  status: number;
  /** Without parameters, in lower case; empty if missing. */
  contentType: string;
  /** Empty for audio, which is not read. */
  text: string;
}

/** Sends requests as a Space does. */
export interface WebClient {
  /**
   * Sends a signed request and reads the response, whatever its status.
   *
   * @throws CallError if there is no response in time, or the platform would not accept it
   */
  send(request: WebRequest): Promise<WebResponse>;
  /** Closes its connections. */
  close(): void;
}

/**
 * Another way to the server: a request to an address below `from` goes to the same below `to`, signed as for `from`. Both
 * without a slash at the end.
 */
export interface Detour {
  from: string;
  to: string;
}

/** How long the Space waits, in milliseconds: for a connection, then for the whole response. */
export interface Timeouts {
  connectMs: number;
  readMs: number;
}

/** SignalWire's own timeouts. */
export const PLATFORM_TIMEOUTS: Timeouts = { connectMs: 2_000, readMs: 5_000 };
// SignalWire's other limits.
const MAX_REDIRECTS = 3;
const MAX_BYTES = 64 * 1024;

/**
 * @param signingKey undefined sends no signatures
 * @param timeouts SignalWire's own by default
 * @param detour none by default
 */
export function createWebClient(
  signingKey: string | undefined,
  timeouts: Timeouts = PLATFORM_TIMEOUTS,
  { signsFragments, sortsQueries }: Pick<Behaviour, 'signsFragments' | 'sortsQueries'> = DEFAULT_BEHAVIOUR,
  detour?: Detour,
): WebClient {
  const agents = { 'http:': new HttpAgent({ keepAlive: true }), 'https:': new HttpsAgent({ keepAlive: true }) };

  async function send(request: WebRequest, redirects = 0): Promise<WebResponse> {
    const url = parseUrl(request.url);
    if (sortsQueries) {
      url.searchParams.sort();
    }
    if (request.method === 'GET') {
      // Append, so that the existing query stays as it is, letter for letter.
      url.search = [url.search.slice(1), String(new URLSearchParams(request.fields))].filter(Boolean).join('&');
    }
    const { hash } = url;
    url.hash = '';
    const fields = request.method === 'GET' ? {} : request.fields;
    const signature =
      signingKey && computeSignature(signingKey, { url: url.href + (signsFragments ? hash : ''), fields });
    const body = request.method === 'GET' ? undefined : new URLSearchParams(fields).toString();
    const headers = {
      accept: 'application/xml, text/xml',
      'user-agent': 'SignalWire (simulated by Conference Coach)',
      ...(signature && { 'x-signalwire-signature': signature }),
      ...(body !== undefined && {
        'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
        'content-length': String(Buffer.byteLength(body)),
      }),
    };
    const { response, text } = await exchange(takeDetour(url, detour), request.url, request.method, headers, body);
    const status = response.statusCode ?? 0;
    const { location } = response.headers;
    if ([301, 302, 303, 307, 308].includes(status) && location !== undefined) {
      if (redirects === MAX_REDIRECTS) {
        const what = `${request.url} was redirected more than ${MAX_REDIRECTS} times.`;
        throw new CallError(CODES.tooManyRedirects, what, { url: request.url });
      }
      const target = URL.canParse(location, url.href) ? new URL(location, url).href : location;
      // The fields of a GET are in its URL, so it is up to the redirect's URL to carry them.
      const isKept = request.method === 'POST' && status >= 307;
      const next = isKept ? { ...request, url: target } : { url: target, method: 'GET' as const, fields: {} };
      return send(next, redirects + 1);
    }
    return { url: request.url, status, contentType: contentTypeOf(response), text };
  }

  /** @param name the URL as errors name it */
  function exchange(
    url: URL,
    name: string,
    method: Method,
    headers: Record<string, string>,
    body: string | undefined,
  ): Promise<{ response: IncomingMessage; text: string }> {
    return new Promise((resolve, reject) => {
      const isSecure = url.protocol === 'https:';
      const req = (isSecure ? httpsRequest : httpRequest)(url, {
        method,
        headers,
        agent: agents[url.protocol as keyof typeof agents],
      });
      let mayRetry = true;
      const fail = (error: unknown) => {
        mayRetry = false;
        clearTimeout(timer);
        req.destroy();
        reject(error instanceof CallError ? error : toCallError(error as NodeJS.ErrnoException, url, name));
      };
      const timeOut = (what: string, ms: number) =>
        setTimeout(
          () => fail(new CallError(CODES.noAnswer, `${name} did not ${what} within ${ms / 1000} s.`, { url: name })),
          ms,
        );
      let timer = timeOut('accept the connection', timeouts.connectMs);
      const connected = () => {
        clearTimeout(timer);
        timer = timeOut('answer', timeouts.readMs);
      };
      req.on('socket', (socket) => {
        if (socket.connecting) {
          socket.once(isSecure ? 'secureConnect' : 'connect', connected);
        } else {
          connected();
        }
      });
      req.on('error', (error: NodeJS.ErrnoException) => {
        if (mayRetry && req.reusedSocket && error.code === 'ECONNRESET') {
          // The server closed the kept-alive connection while this request was under way.
          clearTimeout(timer);
          resolve(exchange(url, name, method, headers, body));
        } else {
          fail(error);
        }
      });
      req.on('response', (response) => {
        mayRetry = false;
        if (contentTypeOf(response).startsWith('audio/')) {
          clearTimeout(timer);
          response.destroy();
          resolve({ response, text: '' });
          return;
        }
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > MAX_BYTES) {
            fail(new CallError(CODES.tooLarge, `${name} answered with more than 64 kB.`, { url: name }));
          }
          chunks.push(chunk);
        });
        response.on('error', fail);
        response.on('end', () => {
          clearTimeout(timer);
          resolve({ response, text: Buffer.concat(chunks).toString('utf8') });
        });
      });
      req.end(body);
    });
  }

  return {
    send: (request) => send(request),
    close() {
      agents['http:'].destroy();
      agents['https:'].destroy();
    },
  };
}

const XML_TYPE = /^(text|application)\/([\w.-]+\+)?xml$/;

/**
 * The document in a response.
 *
 * @throws CallError for an error status or a content type that is not XML
 */
export function documentOf({ url, status, contentType, text }: WebResponse): string {
  if (status >= 400) {
    throw new CallError(CODES.badStatus, `${url} answered with status ${status}.`, { url, status });
  }
  if (!XML_TYPE.test(contentType)) {
    const type = contentType || 'no content type';
    throw new CallError(CODES.badContentType, `${url} answered with ${type}; expected text/xml.`, { url });
  }
  return text;
}

function contentTypeOf({ headers }: IncomingMessage): string {
  return (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

function takeDetour(url: URL, detour: Detour | undefined): URL {
  const rest = detour && url.href.startsWith(detour.from) ? url.href.slice(detour.from.length) : undefined;
  return detour !== undefined && rest !== undefined && /^($|[/?])/.test(rest) ? new URL(detour.to + rest) : url;
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new CallError(CODES.badHost, `"${text.slice(0, 200)}" is not an absolute http or https URL.`, { url: text });
  }
  return url;
}

function toCallError({ code = '', message }: NodeJS.ErrnoException, url: URL, name: string): CallError {
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new CallError(CODES.badHost, `Host ${url.hostname} not found.`, { url: name });
  }
  if (/CERT|^ERR_TLS/.test(code)) {
    return new CallError(CODES.badCertificate, `${name} has a certificate that cannot be trusted (${code}).`, {
      url: name,
    });
  }
  if (/^HPE_|^EPROTO$|^ERR_SSL/.test(code)) {
    const protocol = url.protocol.slice(0, -1);
    return new CallError(CODES.badProtocol, `${name} does not speak ${protocol} (${code}).`, { url: name });
  }
  return new CallError(CODES.noAnswer, `${name} does not answer (${code || message}).`, { url: name });
}
