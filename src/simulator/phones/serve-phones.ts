import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import express, { type Express, type RequestHandler, type Response } from 'express';
import { formatEvent } from '../../api/server-sent-events';
import { renderPage } from './page';
import {
  createTelephones,
  KEYS,
  type PhoneAction,
  TELEPHONES,
  type Telephones,
  type TelephonesOptions,
} from './telephones';

/** The same folder from `src` and from `dist`: the browser's script is compiled. */
const ASSETS = join(__dirname, '../../../dist/simulator/phones/browser');

/** How often the page is compared with what it was, in milliseconds. */
const POLL_MS = 100;

const ACTIONS: readonly string[] = ['call', 'answer', 'hang-up', ...KEYS] satisfies PhoneAction[];

/** The demo's telephones, for a browser on this machine. */
export interface PhonesServer {
  /** Without a trailing slash. Known before anything is served, because the server's screen must allow its frame. */
  url: string;
  /**
   * Serves a page with the telephones of Alice, Bob and Ted, beside the server's own screen in a frame. It follows the
   * simulated Space as it is, but does not move its time.
   */
  serve(options: TelephonesOptions): void;
  /** Whether one of the telephones has this number and somebody looks at the page, who can answer it. */
  isAttended(number: string): boolean;
  /** Ends every connection. */
  close(): void;
}

/** Takes a port for the telephones. Nothing is answered there before {@link PhonesServer.serve}. */
export async function openPhones(): Promise<PhonesServer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  let isAttended: PhonesServer['isAttended'] = () => false;
  return {
    // The server's own name for itself: a browser sends its cookies to a frame only within the same site.
    url: `http://localhost:${port}`,
    serve(options) {
      const stream = createStream(createTelephones(options));
      isAttended = (number) => stream.hasReaders() && Object.values(options.numbers).includes(number);
      server.on('request', createApp({ ...options, port, stream }));
    },
    isAttended: (number) => isAttended(number),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface Stream {
  telephones: Telephones;
  /** Sends the page's state to a reader, now and after each change. */
  add(res: Response): void;
  hasReaders(): boolean;
}

function createStream(telephones: Telephones): Stream {
  const readers = new Set<Response>();
  let sent = '';
  let timer: NodeJS.Timeout | undefined;

  const read = () => formatEvent('state', JSON.stringify(telephones.state()));

  function send(): void {
    const now = read();
    if (now !== sent) {
      sent = now;
      for (const res of readers) {
        res.write(now);
      }
    }
  }

  return {
    telephones,
    hasReaders: () => readers.size > 0,
    add(res) {
      timer ??= setInterval(send, POLL_MS);
      readers.add(res);
      res.once('close', () => {
        readers.delete(res);
        if (readers.size === 0) {
          clearInterval(timer);
          timer = undefined;
        }
      });
      res.set('Content-Type', 'text/event-stream').write(read());
    },
  };
}

function createApp({ serverUrl, port, stream }: { serverUrl: string; port: number; stream: Stream }): Express {
  const { telephones } = stream;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(protect([`localhost:${port}`, `127.0.0.1:${port}`], serverUrl));

  app.get('/', (_req, res) => {
    res.type('html').send(renderPage(telephones, `${serverUrl}/`));
  });

  app.get('/events', (_req, res) => stream.add(res));

  app.post('/telephones/:id', express.urlencoded({ extended: false, limit: '1kb' }), (req, res) => {
    const telephone = TELEPHONES.find(({ id }) => id === req.params.id);
    const action: unknown = req.body?.do;
    if (telephone === undefined || typeof action !== 'string' || !ACTIONS.includes(action)) {
      res.status(400).type('text').send('There is no such telephone, or it cannot do this.');
      return;
    }
    const isHeard = telephones.act(telephone.id, action as PhoneAction);
    if (req.get('sec-fetch-mode') === 'navigate') {
      // A form without the script.
      res.redirect(303, '/');
    } else {
      res.type('text').send(isHeard ? '' : `${telephone.name}’s telephone is not asking for a key.`);
    }
  });

  app.use(express.static(ASSETS, { index: false }));
  return app;
}

/**
 * Lets only this page act, and nothing else be loaded into it. A page of another site may neither send its forms here nor
 * reach this server under a name of its own (DNS rebinding).
 */
function protect(hosts: readonly string[], serverUrl: string): RequestHandler {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    `frame-src ${new URL(serverUrl).origin}`,
  ].join('; ');
  return (req, res, next) => {
    const host = req.get('host') ?? '';
    const isOwn =
      req.get('origin') === `http://${host}` && (req.get('sec-fetch-site') ?? 'same-origin') === 'same-origin';
    if (!hosts.includes(host) || (req.method === 'POST' && !isOwn)) {
      res.status(403).type('text').send('Only the page of this address may do this.');
      return;
    }
    res.set({
      'Content-Security-Policy': policy,
      'X-Content-Type-Options': 'nosniff',
      // Without the origin, a form's request could not be told from another site's.
      'Referrer-Policy': 'same-origin',
      'Cache-Control': 'no-store',
    });
    next();
  };
}
