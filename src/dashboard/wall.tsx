import { type NextFunction, type Request, type Response, Router } from 'express';
import type { Logger } from 'pino';
import { renderToStaticMarkup } from 'preact-render-to-string';
import { answerWithStream, formatEvent, formatRetry } from '../api/server-sent-events';
import type { Tokens, WallEntry } from '../people/tokens';
import type { RoomName } from '../rooms/room';
import { withBasePath } from './base-path';
import type { Board } from './board';
import type { AssetUrls } from './pages/layout';
import { Wall, WallPage } from './pages/wall';
import type { Texts } from './texts-en';
import { wallOf } from './wall-model';

export interface WallOptions {
  board: Board;
  tokens: Pick<Tokens, 'findWall'>;
  texts: Texts;
  assets: AssetUrls;
  /** See {@link withBasePath}. */
  basePath: string;
  log: Logger;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** `/wall/:token`, and the stream that keeps it up to date. */
export interface Walls {
  routes: Router;
  /** Ends every stream. @param retryMs when a browser comes back, in milliseconds; called for each */
  close(retryMs: () => number): void;
}

/** How often walls are brought up to date, and their tokens looked up, in milliseconds. */
const TICK_MS = 1_000;

/** A browser hears from the server at least every so many ticks. */
const HEARTBEAT_TICKS = 5;

/** The same address may hang in several places. */
const MAX_STREAMS_PER_WALL = 30;

/** A browser with more unsent bytes is disconnected. */
const MAX_BEHIND_BYTES = 1_048_576;

/** Besides those of every page. The address is a secret: no other site may learn it, and no search engine. */
const HEADERS = { 'Referrer-Policy': 'no-referrer', 'X-Robots-Tag': 'noindex' };

interface Stream {
  token: string;
  name: string;
  res: Response;
  /** What was sent last. */
  rooms: WallEntry['rooms'] | undefined;
  changes: number;
  store: Board['store'];
  ticks: number;
}

/**
 * Walls for TVs. They stream Server-Sent Events with JSON:
 *
 * - `wall` `{ "now": …, "store": "ok", "version": "/assets/wall-….js", "html": "…" }`: at first, and when something changed,
 *   at most once a second.
 * - `heartbeat`: the same without `html`, every few seconds.
 * - `gone`: the token is not valid any more. The end.
 */
export function createWalls(options: WallOptions): Walls {
  const { board, tokens, texts, assets, basePath, log, now } = options;
  const streams = new Set<Stream>();
  let stopListening: (() => void) | undefined;
  let ticks: NodeJS.Timeout | undefined;
  let isClosed = false;

  const routes = Router({ caseSensitive: true, strict: true });
  routes.get('/wall/:token', sendWall);
  routes.get('/wall/:token/live', openStream);
  return {
    routes,
    close(retryMs) {
      isClosed = true;
      for (const stream of [...streams]) {
        stream.res.end(formatRetry(retryMs()));
        remove(stream);
      }
    },
  };

  /** The wall of a request; without one, the answer is that of every address that does not exist. */
  function wallIn(req: Request, res: Response): WallEntry | undefined {
    const wall = tokens.findWall(String(req.params.token));
    if (wall !== undefined) {
      res.locals.actor = wall.name;
      res.set(HEADERS);
    }
    return wall;
  }

  async function sendWall(req: Request, res: Response, next: NextFunction): Promise<void> {
    const wall = wallIn(req, res);
    if (wall === undefined) {
      next();
      return;
    }
    await board.whenReady();
    const page = (
      <WallPage texts={texts} assets={assets} wall={stateOf(wall)} isStoreAway={board.store !== 'ok'} now={now()} />
    );
    res.type('html').send(`<!doctype html>${withBasePath(renderToStaticMarkup(page), basePath)}`);
  }

  async function openStream(req: Request, res: Response, next: NextFunction): Promise<void> {
    const wall = wallIn(req, res);
    if (wall === undefined) {
      next();
      return;
    }
    await board.whenReady();
    if (isClosed || [...streams].filter(({ name }) => name === wall.name).length >= MAX_STREAMS_PER_WALL) {
      res.status(503).end();
      return;
    }
    const { store } = board;
    const stream: Stream = {
      token: String(req.params.token),
      name: wall.name,
      res,
      rooms: undefined,
      changes: -1,
      store,
      ticks: 0,
    };
    answerWithStream(res, () => {
      add(stream);
      update(stream);
      return () => remove(stream);
    });
  }

  function add(stream: Stream): void {
    streams.add(stream);
    // Keeps the board up to date.
    stopListening ??= board.subscribe(() => {});
    ticks ??= setInterval(() => streams.forEach(update), TICK_MS);
  }

  function remove(stream: Stream): void {
    streams.delete(stream);
    if (streams.size === 0) {
      stopListening?.();
      stopListening = undefined;
      clearInterval(ticks);
      ticks = undefined;
    }
  }

  /** A fault in a page must not end the process, which has calls to answer. */
  function update(stream: Stream): void {
    try {
      send(stream);
    } catch (error) {
      log.error({ err: error }, 'Wall not updated; its stream ends');
      remove(stream);
      stream.res.destroy();
    }
  }

  function send(stream: Stream): void {
    const { res } = stream;
    const wall = tokens.findWall(stream.token);
    if (wall === undefined) {
      remove(stream);
      res.end(formatEvent('gone', '{}'));
      return;
    }
    if (res.writableLength > MAX_BEHIND_BYTES) {
      remove(stream);
      res.destroy();
      return;
    }
    const isNew = stream.rooms !== wall.rooms || stream.changes !== board.changes || stream.store !== board.store;
    const about = { now: now(), store: board.store, version: assets.wallScript };
    if (isNew) {
      stream.rooms = wall.rooms;
      stream.changes = board.changes;
      stream.store = board.store;
      stream.ticks = 0;
      const html = renderToStaticMarkup(<Wall texts={texts} wall={stateOf(wall)} now={now()} />);
      res.write(formatEvent('wall', JSON.stringify({ ...about, html })));
    } else if (++stream.ticks >= HEARTBEAT_TICKS) {
      stream.ticks = 0;
      res.write(formatEvent('heartbeat', JSON.stringify(about)));
    }
  }

  function stateOf({ rooms }: WallEntry) {
    return wallOf([...board.rooms.values()].filter(({ view }) => rooms === 'all' || rooms.has(view.room as RoomName)));
  }
}
