import { renderToStaticMarkup } from 'preact-render-to-string';
import { withBasePath } from './base-path';
import type { Board, BoardRoom } from './board';
import {
  type Abilities,
  accessTo,
  arrange,
  type Presence,
  presencesOf,
  type RoomAccess,
  type Section,
  totalsOf,
  visibleRooms,
} from './board-model';
import { Card } from './pages/card';
import { TopLine } from './pages/rooms';
import { You } from './pages/you';
import type { Texts } from './texts-en';
import type { Viewer } from './viewer';

/** What one person sees at one moment, as HTML. */
export interface ScreenParts {
  top: string;
  you: string;
  /** The rooms they may see, by name: the HTML, and the board's change that it shows. */
  cards: ReadonlyMap<string, { html: string; changedAt: number }>;
  order: readonly [Section, readonly string[]][];
  /** Where they are. */
  presences: readonly Presence[];
}

/** Renders the parts of the rooms page. */
export interface ScreenView {
  /**
   * @param options.isForStream the browser counts on, so the durations in cards may be older than the rest: cards that many
   * people see are rendered once
   */
  partsFor(viewer: Viewer, options: { isForStream: boolean }): ScreenParts;
}

export interface ScreenViewOptions {
  board: Pick<Board, 'rooms' | 'changes'>;
  texts: Texts;
  can: Abilities;
  /** See {@link basePathOf}. */
  basePath: string;
  /** Milliseconds since 1970. */
  now: () => number;
}

interface CachedCards {
  changedAt: number;
  /** By what the viewer may do. */
  variants: Map<string, string>;
}

export function createScreenView({ board, texts, can, basePath, now }: ScreenViewOptions): ScreenView {
  const cache = new Map<string, CachedCards>();
  /** What is the same for everybody who sees the same rooms, as of the board's latest change. */
  let shared = { changes: -1, byScope: new Map<string, Shared>() };

  function sharedBy(viewer: Viewer): Shared {
    if (shared.changes !== board.changes) {
      shared = { changes: board.changes, byScope: new Map() };
      forgetRooms();
    }
    const { rights, rooms } = viewer.actor;
    const scope = `${rights.has('see')} ${rooms === 'all' ? '*' : [...rooms].sort().join('\n')}`;
    let known = shared.byScope.get(scope);
    if (known === undefined) {
      const visible = visibleRooms(board.rooms, viewer);
      known = { rooms: visible, order: arrange(visible) };
      shared.byScope.set(scope, known);
    }
    return known;
  }

  function forgetRooms(): void {
    for (const room of cache.keys()) {
      if (!board.rooms.has(room)) {
        cache.delete(room);
      }
    }
  }

  function renderCard(room: BoardRoom, access: RoomAccess): string {
    return withBasePath(renderToStaticMarkup(<Card room={room} access={access} texts={texts} now={now()} />), basePath);
  }

  function cachedCard(room: BoardRoom, access: RoomAccess): string {
    const { changedAt } = room;
    let cards = cache.get(room.view.room);
    if (cards?.changedAt !== changedAt) {
      cards = { changedAt, variants: new Map() };
      cache.set(room.view.room, cards);
    }
    const variant = variantOf(access);
    const html = cards.variants.get(variant) ?? renderCard(room, access);
    cards.variants.set(variant, html);
    return html;
  }

  return {
    partsFor(viewer, { isForStream }) {
      const { rooms, order } = sharedBy(viewer);
      const presences = presencesOf(board.rooms, viewer);
      const cards = rooms.map((room): [string, { html: string; changedAt: number }] => {
        const access = accessTo(room.view, viewer, presences, can);
        const html = isForStream ? cachedCard(room, access) : renderCard(room, access);
        return [room.view.room, { html, changedAt: room.changedAt }];
      });
      return {
        top: renderToStaticMarkup(<TopLine totals={totalsOf(rooms)} texts={texts} now={now()} />),
        you: renderYou(viewer, presences),
        cards: new Map(cards),
        order,
        presences,
      };
    },
  };

  function renderYou(viewer: Viewer, presences: readonly Presence[]): string {
    const you = <You viewer={viewer} presences={presences} can={can} texts={texts} now={now()} />;
    return withBasePath(renderToStaticMarkup(you), basePath);
  }
}

interface Shared {
  rooms: BoardRoom[];
  order: [Section, string[]][];
}

/** Two viewers with the same variant see the same card. */
function variantOf({ rights, ownCall, canBeCalled }: RoomAccess): string {
  return `${[...rights].join()} ${ownCall?.callSid ?? ''} ${canBeCalled}`;
}
