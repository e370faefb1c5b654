import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { formatEvent, formatRetry } from '../api/server-sent-events';
import { StoreError } from '../redis/store-error';
import type { Board } from './board';
import { type CardHtml, type ScreenParts, type ScreenView, withoutTimes } from './screen-view';
import type { Viewer } from './viewer';

/** Where a stream is written; a response is one. */
export interface StreamOutput {
  /** Bytes that wait to be sent. */
  readonly writableLength: number;
  write(text: string): unknown;
  end(): unknown;
  destroy(): unknown;
}

/**
 * Keeps people's screens up to date, by Server-Sent Events with JSON:
 *
 * - `board` `{ "now": …, "store": "ok", "cards": { "sales": "<article …>" }, "order": [["talking", ["sales"]], …],
 *   "top": "<dl …>", "you": "<section …>" }`: what has changed. A room that `order` lacks is gone. Without `cards` no room
 *   has changed, and so on. While the rooms are not known it has only `now` and `store`.
 * - `heartbeat` `{ "now": …, "store": "ok" }`: every few seconds.
 * - `signed-out`: the end.
 */
export interface ScreenStreams {
  /**
   * Starts a stream.
   *
   * @param lastId the last id that the browser got: only what has changed since is sent, if this server knows it
   * @returns stops sending; call it when the output was closed
   */
  open(viewer: Viewer, lastId: string | undefined, out: StreamOutput): () => void;
  /** The id of what this viewer would be sent now. */
  idFor(viewer: Viewer): string;
  /** How many streams this person has. */
  countOf(name: string): number;
  /** Ends every stream. @param retryMs when a browser comes back, in milliseconds; called for each */
  close(retryMs: () => number): void;
}

export interface ScreenStreamsOptions {
  board: Board;
  view: ScreenView;
  /** The viewer as they are now; undefined if they are signed out. @throws StoreError if that is unknown */
  refresh: (viewer: Viewer) => Promise<Viewer | undefined>;
  /** Whether the roster still has the viewer as they were when they signed in. */
  isStillInRoster: (viewer: Viewer) => boolean;
  /** Different for each process: an id of another one is of no use. */
  epoch: string;
  log: Logger;
  /** Milliseconds since 1970. */
  now: () => number;
  heartbeatMs?: number;
  /** A browser with more unsent bytes, besides its first message, is disconnected. */
  maxBehindBytes?: number;
}

interface Stream {
  viewer: Viewer;
  /** Of what was sent: see `scopeOf`. */
  scope: string;
  out: StreamOutput;
  store: Board['store'];
  /** Undefined until the rooms are known. */
  sent: (Pick<ScreenParts, 'top' | 'you' | 'order'> & { changes: number }) | undefined;
  /** By room, the card that the browser has, if this stream has sent it. */
  cards: Map<string, CardHtml>;
  maxBehindBytes: number;
}

export function createScreenStreams(options: ScreenStreamsOptions): ScreenStreams {
  const {
    board,
    view,
    refresh,
    isStillInRoster,
    epoch,
    log,
    now,
    heartbeatMs = 5_000,
    maxBehindBytes = 1_048_576,
  } = options;
  const streams = new Set<Stream>();
  let stopListening: (() => void) | undefined;
  let heartbeats: NodeJS.Timeout | undefined;
  let isScheduled = false;

  /** The board tells of each room; what belongs together is sent together. */
  function schedule(): void {
    if (!isScheduled) {
      isScheduled = true;
      setImmediate(() => {
        isScheduled = false;
        for (const stream of streams) {
          orEnd(stream, () => update(stream));
        }
      });
    }
  }

  /** A fault in a page must not end the process, which has calls to answer. */
  function orEnd(stream: Stream, work: () => void): void {
    try {
      work();
    } catch (error) {
      log.error({ err: error }, 'Screen not updated; its stream ends');
      remove(stream);
      stream.out.destroy();
    }
  }

  function update(stream: Stream): void {
    const { sent, viewer } = stream;
    const scope = scopeOf(viewer);
    const isStoreNew = stream.store !== board.store;
    stream.store = board.store;
    if (!board.isKnown || sent === undefined) {
      stream.scope = scope;
      if (board.isKnown) {
        sendAll(stream);
      } else if (isStoreNew) {
        send(stream, 'board', { now: now(), store: board.store });
      }
      return;
    }
    // With other rights, every card may look different.
    const parts = view.partsFor(viewer, scope === stream.scope ? sent.changes : undefined);
    const { top, you, order } = parts;
    const isNew = ([room, card]: [string, CardHtml]) => stream.cards.get(room) !== card;
    const cards = new Map([...parts.cards].filter(isNew));
    noteCards(stream.cards, cards, order === sent.order ? undefined : order);
    const changes = {
      ...(order !== sent.order && { order }),
      ...(isOther(top, sent.top) && { top }),
      ...(isOther(you, sent.you) && { you }),
    };
    stream.scope = scope;
    stream.sent = { top, you, order, changes: board.changes };
    if (isStoreNew || cards.size > 0 || Object.keys(changes).length > 0) {
      send(stream, 'board', { now: now(), store: board.store, ...changes }, cards.size > 0 ? cards : undefined);
    }
  }

  /** @param lastId see `open` */
  function sendAll(stream: Stream, lastId?: string): void {
    const parts = view.partsFor(stream.viewer, changesIn(lastId, `${epoch}.${stream.scope}.`));
    const { top, you, order } = parts;
    stream.sent = { top, you, order, changes: board.changes };
    stream.cards = new Map(parts.cards);
    send(stream, 'board', { now: now(), store: board.store, order, top, you }, parts.cards);
  }

  /** @param order if it has changed: rooms that it lacks are gone */
  function noteCards(cards: Stream['cards'], changed: ScreenParts['cards'], order?: ScreenParts['order']): void {
    for (const [room, card] of changed) {
      cards.set(room, card);
    }
    if (order !== undefined) {
      const shown = new Set(order.flatMap(([, rooms]) => rooms));
      for (const room of cards.keys()) {
        if (!shown.has(room)) {
          cards.delete(room);
        }
      }
    }
  }

  function send(stream: Stream, event: string, data: object, cards?: ScreenParts['cards']): void {
    const { out } = stream;
    if (out.writableLength > stream.maxBehindBytes) {
      remove(stream);
      out.destroy();
    } else {
      out.write(formatEvent(event, encode(data, cards), idOf(stream.scope)));
    }
  }

  const idOf = (scope: string) => `${epoch}.${scope}.${board.changes}`;

  async function beat(stream: Stream): Promise<void> {
    try {
      const viewer = await refresh(stream.viewer);
      if (!streams.has(stream)) {
        return;
      }
      if (viewer === undefined) {
        signOut(stream);
        return;
      }
      stream.viewer = viewer;
      orEnd(stream, () => update(stream));
    } catch (error) {
      if (!(error instanceof StoreError)) {
        log.error({ err: error }, 'Session not checked');
      }
      // Whoever was signed in when the store went away stays so until it is back, unless they are removed meanwhile.
      if (streams.has(stream) && !isStillInRoster(stream.viewer)) {
        signOut(stream);
      }
    }
    if (streams.has(stream)) {
      send(stream, 'heartbeat', { now: now(), store: board.store });
    }
  }

  function signOut(stream: Stream): void {
    send(stream, 'signed-out', {});
    remove(stream);
    stream.out.end();
  }

  function remove(stream: Stream): void {
    streams.delete(stream);
    if (streams.size === 0) {
      stopListening?.();
      stopListening = undefined;
      clearInterval(heartbeats);
    }
  }

  return {
    open(viewer, lastId, out) {
      const stream: Stream = {
        viewer,
        scope: scopeOf(viewer),
        out,
        store: board.store,
        sent: undefined,
        cards: new Map(),
        maxBehindBytes: Number.POSITIVE_INFINITY,
      };
      if (streams.size === 0) {
        stopListening = board.subscribe(schedule);
        heartbeats = setInterval(() => {
          for (const one of streams) {
            void beat(one);
          }
        }, heartbeatMs);
      }
      streams.add(stream);
      if (board.isKnown) {
        sendAll(stream, lastId);
      } else {
        send(stream, 'board', { now: now(), store: board.store });
      }
      stream.maxBehindBytes = out.writableLength + maxBehindBytes;
      return () => remove(stream);
    },

    idFor: (viewer) => idOf(scopeOf(viewer)),

    countOf: (name) => [...streams].filter(({ viewer }) => viewer.actor.name === name).length,

    close(retryMs) {
      for (const stream of streams) {
        remove(stream);
        stream.out.write(formatRetry(retryMs()));
        stream.out.end();
      }
    },
  };
}

/** The number of changes in an id that begins so; undefined for another one, or none. */
function changesIn(id = '', beginning: string): number | undefined {
  const changes = id.slice(beginning.length);
  return id.startsWith(beginning) && /^[0-9]{1,15}$/.test(changes) ? Number(changes) : undefined;
}

/** What decides, besides the rooms, how the cards of somebody look. */
function scopeOf({ name, person, actor }: Viewer): string {
  const parts = JSON.stringify([name, person.address !== undefined, [...actor.rights], [...actor.rooms]]);
  return createHash('sha256').update(parts).digest('base64url').slice(0, 10);
}

/** Whether two parts differ in more than durations. */
function isOther(one: string, other: string): boolean {
  return one !== other && withoutTimes(one) !== withoutTimes(other);
}

/** The JSON of each card's HTML: the same card goes to many people. */
const encodedCards = new WeakMap<object, string>();

/** The data as JSON, with `cards` by room. */
function encode(data: object, cards?: ScreenParts['cards']): string {
  const text = JSON.stringify(data);
  if (cards === undefined) {
    return text;
  }
  const members = [...cards].map(([room, card]) => {
    const html = encodedCards.get(card) ?? JSON.stringify(card.html);
    encodedCards.set(card, html);
    return `${JSON.stringify(room)}:${html}`;
  });
  return `${text.slice(0, -1)},"cards":{${members.join()}}}`;
}
