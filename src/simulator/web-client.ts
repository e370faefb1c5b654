import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { computeSignature } from '../signalwire/signature';
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
  /** The address that answered, after redirects; without the fields of a GET. */
  url: string;
  status: number;
  /** Without parameters, in lower case; empty if there was none. */
  contentType: string;
  text: string;
}

/** Sends requests as a Space does. */
export interface WebClient {
  /**
   * Sends a signed request and reads the answer, whatever its status.
   *
   * @throws CallError when there is no answer in time, or none that the platform would take
   */
  send(request: WebRequest): Promise<WebResponse>;
  /** Lets go of its connections. */
  close(): void;
}

/** How long the platform waits, in milliseconds: to connect, and then for the whole answer. */
export interface Patience {
  connectMs: number;
  readMs: number;
}

/** The platform's limits. */
const PATIENCE: Patience = { connectMs: 2_000, readMs: 5_000 };
const MAX_REDIRECTS = 3;
const MAX_BYTES = 64 * 1024;

/**
 * @param signingKey undefined sends no signature, for servers that check none
 * @param patience the platform's own unless tests have less of it
 */
export function createWebClient(signingKey: string | undefined, patience: Patience = PATIENCE): WebClient {
  const agents = { 'http:': new HttpAgent({ keepAlive: true }), 'https:': new HttpsAgent({ keepAlive: true }) };

  async function send(request: WebRequest, redirects = 0): Promise<WebResponse> {
    const url = parseUrl(request.url);
    if (request.method === 'GET') {
      for (const [name, value] of Object.entries(request.fields)) {
        url.searchParams.append(name, value);
      }
    }
    const fields = request.method === 'GET' ? {} : request.fields;
    const signature = signingKey && computeSignature(signingKey, { url: url.href, fields });
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
    const { response, text } = await exchange(url, request.method, headers, body);
    const status = response.statusCode ?? 0;
    const { location } = response.headers;
    if ([301, 302, 303, 307, 308].includes(status) && location !== undefined) {
      if (redirects === MAX_REDIRECTS) {
        throw new CallError(CODES.tooManyRedirects, `${url.href} was redirected more than ${MAX_REDIRECTS} times.`);
      }
      const target = URL.canParse(location, url.href) ? new URL(location, url).href : location;
      const next = status >= 307 ? { ...request, url: target } : { url: target, method: 'GET' as const, fields: {} };
      return send(next, redirects + 1);
    }
    const contentType = (response.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
    return { url: request.url, status, contentType, text };
  }

  function exchange(
    url: URL,
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
      const fail = (error: unknown) => {
        clearTimeout(timer);
        req.destroy();
        reject(error instanceof CallError ? error : toCallError(error as NodeJS.ErrnoException, url));
      };
      const timeOut = (what: string, ms: number) =>
        setTimeout(() => fail(new CallError(CODES.noAnswer, `${url.href} did not ${what} within ${ms / 1000} s.`)), ms);
      let timer = timeOut('take the connection', patience.connectMs);
      const connected = () => {
        clearTimeout(timer);
        timer = timeOut('answer', patience.readMs);
      };
      req.on('socket', (socket) => {
        if (socket.connecting) {
          socket.once(isSecure ? 'secureConnect' : 'connect', connected);
        } else {
          connected();
        }
      });
      req.on('error', (error: NodeJS.ErrnoException) => {
        if (req.reusedSocket && error.code === 'ECONNRESET') {
          // The server closed the kept connection as this request was on its way.
          clearTimeout(timer);
          resolve(exchange(url, method, headers, body));
        } else {
          fail(error);
        }
      });
      req.on('response', (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > MAX_BYTES) {
            fail(new CallError(CODES.tooLarge, `${url.href} answered with more than 64 kB.`));
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

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new CallError(CODES.badHost, `"${text.slice(0, 200)}" is no absolute http or https url.`);
  }
  url.hash = '';
  return url;
}

function toCallError(error: NodeJS.ErrnoException, url: URL): CallError {
  const { code = '' } = error;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new CallError(CODES.badHost, `${url.hostname} is no host that can be found.`);
  }
  if (/CERT|^ERR_TLS/.test(code)) {
    return new CallError(CODES.badCertificate, `${url.href}: its certificate is not to be trusted (${code}).`);
  }
  if (/^HPE_|^EPROTO$|^ERR_SSL/.test(code)) {
    return new CallError(CODES.badProtocol, `${url.href} does not speak ${url.protocol.slice(0, -1)} (${code}).`);
  }
  return new CallError(CODES.noAnswer, `${url.href} does not answer (${code || error.message}).`);
}
