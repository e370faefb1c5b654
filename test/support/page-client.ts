import { type IncomingHttpHeaders, request } from 'node:http';
import { PASSWORD } from './screen-bench';

export interface PageReply {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

export interface PageRequest {
  cookie?: string | undefined;
  /** As a page of the server itself would send it, unless given. */
  headers?: Record<string, string>;
  /** Sent as a form, or as it is. */
  form?: Record<string, string> | string;
}

/** Asks a server for pages, as a browser would, or otherwise. */
export interface PageClient {
  send(method: string, path: string, options?: PageRequest): Promise<PageReply>;
  /** Signs somebody in. Returns the cookie. @throws Error if they are not let in */
  enter(name: string): Promise<string>;
  /** Reads a stream until `text` is in it, or it ends; then gives it up. Returns what came. */
  listen(path: string, cookie: string | undefined, text: string): Promise<string>;
}

/** What a browser adds to a form of the server's own page. */
export const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin' };

export function createPageClient(url: string): PageClient {
  const { hostname: host, port } = new URL(url);

  function open(method: string, path: string, { cookie, headers = SAME_ORIGIN, form }: PageRequest) {
    const body = typeof form === 'object' ? new URLSearchParams(form).toString() : form;
    const req = request({
      host,
      port,
      method,
      path,
      agent: false,
      headers: {
        accept: 'text/html',
        ...(cookie !== undefined && { cookie }),
        ...(body !== undefined && {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': String(Buffer.byteLength(body)),
        }),
        ...headers,
      },
    });
    return { req, body };
  }

  const send: PageClient['send'] = (method, path, options = {}) =>
    new Promise((resolve, reject) => {
      const { req, body } = open(method, path, options);
      req.on('error', reject);
      req.on('response', async (res) => {
        let text = '';
        for await (const chunk of res.setEncoding('utf8')) {
          text += chunk;
        }
        resolve({ status: res.statusCode ?? 0, headers: res.headers, text });
      });
      req.end(body);
    });

  return {
    send,

    async enter(name) {
      const { status, headers } = await send('POST', '/sign-in', { form: { name, password: PASSWORD } });
      const [cookie] = (headers['set-cookie'] ?? []).map((line) => line.split(';')[0] ?? '');
      if (status !== 303 || cookie === undefined) {
        throw new Error(`${name} could not sign in: ${status}`);
      }
      return cookie;
    },

    listen: (path, cookie, wanted) =>
      new Promise((resolve, reject) => {
        const { req } = open('GET', path, { cookie });
        req.on('error', reject);
        req.on('response', async (res) => {
          let text = '';
          for await (const chunk of res.setEncoding('utf8')) {
            text += chunk;
            if (text.includes(wanted)) {
              break;
            }
          }
          resolve(text);
        });
        req.end();
      }),
  };
}
