import type { LiveFeed } from '../api/live-feed';
import type { RoomView } from '../api/schemas';

/** What a follower is told. A room without participants has become empty. */
export interface RoomListener {
  /** Every live room; replaces what was told before. */
  onSnapshot(rooms: readonly RoomView[]): void;
  onRoom(room: RoomView): void;
  /** `away`: changes may be missing until it is `ok`. Told again every few seconds. */
  onStore(store: 'ok' | 'away'): void;
}

type FeedEvent =
  | { event: 'snapshot'; data: { rooms: readonly RoomView[] } }
  | { event: 'room'; data: RoomView }
  | { event: 'store' | 'heartbeat'; data: { store: 'ok' | 'away' } };

/**
 * Follows every room by the live feed of the API, so that people and programs see the same.
 *
 * @returns stops following
 */
export function followRooms(feed: Pick<LiveFeed, 'subscribe'>, listener: RoomListener): () => void {
  const reader = { owner: 'screen', rooms: 'all', isStillAllowed: () => true } as const;
  return feed.subscribe(reader, undefined, {
    writableLength: 0,
    write(chunk) {
      for (const event of parseEvents(Buffer.from(chunk).toString())) {
        tell(listener, event);
      }
    },
    end() {},
    destroy() {},
  });
}

function tell(listener: RoomListener, event: FeedEvent): void {
  switch (event.event) {
    case 'snapshot':
      listener.onSnapshot(event.data.rooms);
      break;
    case 'room':
      listener.onRoom(event.data);
      break;
    case 'store':
    case 'heartbeat':
      listener.onStore(event.data.store);
      break;
  }
}

/** Parses what the feed writes at once: whole events of one line of data each, and perhaps when to come back. */
function parseEvents(text: string): FeedEvent[] {
  return text.split('\n\n').flatMap((block) => {
    const fields = new Map(block.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string]));
    const data = fields.get('data');
    return data === undefined ? [] : [{ event: fields.get('event'), data: JSON.parse(data) } as FeedEvent];
  });
}
