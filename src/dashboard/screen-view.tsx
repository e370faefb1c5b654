import { renderToStaticMarkup } from 'preact-render-to-string';
import type { RoomView } from '../api/schemas';
import { withBasePath } from './base-path';
import type { Board, BoardRoom } from './board';
import {
  type Abilities,
  accessTo,
  arrange,
  type FailedCall,
  failedCallTo,
  type Presence,
  presencesOf,
  type RoomAccess,
  type Section,
  totalsOf,
  visibleRooms,
} from './board-model';
import { Card } from './pages/card';
import { TopLine } from './pages/top-line';
import { You } from './pages/you';
import type { Texts } from './texts-en';
import type { Viewer } from './viewer';

/** A card as HTML; the same object as long as it looks the same. */
export interface CardHtml {
  readonly html: string;
}

/** What one person sees at one moment, as HTML. */
export interface ScreenParts {
  top: string;
  you: string;
  /** By room. */
  cards: ReadonlyMap<string, CardHtml>;
  /** The same array as before if nothing has moved. */
  order: readonly [Section, readonly string[]][];
}

/** Renders the parts of the rooms page. */
export interface ScreenView {
  /** With every card, and durations as of now. */
  pageFor(viewer: Viewer): ScreenParts;
  /**
   * For a browser, which counts on by itself: durations may be older, so that what many people see is rendered once.
   *
   * @param since only cards of rooms that have changed since this change of the board; all unless given
   */
  partsFor(viewer: Viewer, since?: number): ScreenParts;
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

/** What is the same for many viewers until the board changes. */
interface Snapshot {
  changes: number;
  /** The rooms where supervisors are, or are called to. */
  supervised: ReadonlyMap<string, BoardRoom>;
  /** By the rooms that somebody may see; and as it was before the latest change. */
  byScope: Map<string, Scope>;
  before: ReadonlyMap<string, Scope>;
}

interface Scope {
  rooms: readonly BoardRoom[];
  order: ScreenParts['order'];
  top: string;
}

export function createScreenView({ board, texts, can, basePath, now }: ScreenViewOptions): ScreenView {
  /** By room, then by variant; with the change of the board that was rendered. */
  const cards = new Map<string, Map<string, { card: CardHtml; renderedAt: number }>>();
  const panels = new WeakMap<Viewer, { key: string; html: string }>();
  let snapshot: Snapshot = { changes: -1, supervised: new Map(), byScope: new Map(), before: new Map() };

  function current(): Snapshot {
    if (snapshot.changes !== board.changes) {
      const supervised = new Map([...board.rooms].filter(([, { view }]) => hasSupervisors(view)));
      snapshot = { changes: board.changes, supervised, byScope: new Map(), before: snapshot.byScope };
      forgetRooms();
    }
    return snapshot;
  }

  function scopeOf(viewer: Viewer): Scope {
    const { byScope, before } = current();
    const { rights, rooms } = viewer.actor;
    const key = `${rights.has('see')} ${rooms === 'all' ? '*' : [...rooms].sort().join('\n')}`;
    let scope = byScope.get(key);
    if (scope === undefined) {
      const visible = visibleRooms(board.rooms, viewer);
      const order = arrange(visible);
      const last = before.get(key)?.order;
      const isSame = last !== undefined && JSON.stringify(last) === JSON.stringify(order);
      scope = { rooms: visible, order: isSame ? last : order, top: renderTop(visible) };
      byScope.set(key, scope);
    }
    return scope;
  }

  function forgetRooms(): void {
    for (const room of cards.keys()) {
      if (!board.rooms.has(room)) {
        cards.delete(room);
      }
    }
  }

  function renderTop(rooms: readonly BoardRoom[]): string {
    return renderToStaticMarkup(<TopLine totals={totalsOf(rooms)} texts={texts} now={now()} />);
  }

  function renderYou(viewer: Viewer, presences: readonly Presence[], failedCall: FailedCall | undefined): string {
    const you = <You {...{ viewer, presences, failedCall, can, texts }} now={now()} />;
    return withBasePath(renderToStaticMarkup(you), basePath);
  }

  function renderCard(room: BoardRoom, access: RoomAccess): string {
    return withBasePath(renderToStaticMarkup(<Card room={room} access={access} texts={texts} now={now()} />), basePath);
  }

  function cachedCard(room: BoardRoom, access: RoomAccess): CardHtml {
    const { changedAt: renderedAt, view } = room;
    const variants = cards.get(view.room) ?? new Map<string, { card: CardHtml; renderedAt: number }>();
    cards.set(view.room, variants);
    const variant = variantOf(access);
    const before = variants.get(variant);
    if (before?.renderedAt === renderedAt) {
      return before.card;
    }
    const html = renderCard(room, access);
    const isSame = before !== undefined && withoutTimes(html) === withoutTimes(before.card.html);
    const card = isSame ? before.card : { html };
    variants.set(variant, { card, renderedAt });
    return card;
  }

  /** As long as somebody is where they were, and signed in as they were, their panel stays the same. */
  function cachedYou(viewer: Viewer, presences: readonly Presence[], failedCall: FailedCall | undefined): string {
    const key = JSON.stringify([presences, failedCall]);
    const known = panels.get(viewer);
    if (known?.key === key) {
      return known.html;
    }
    const html = renderYou(viewer, presences, failedCall);
    panels.set(viewer, { key, html });
    return html;
  }

  return {
    pageFor(viewer) {
      const { rooms, order } = scopeOf(viewer);
      const presences = presencesOf(board.rooms, viewer);
      const rendered = rooms.map((room): [string, CardHtml] => [
        room.view.room,
        { html: renderCard(room, accessTo(room.view, viewer, presences, can)) },
      ]);
      const you = renderYou(viewer, presences, failedCallTo(board.rooms, viewer));
      return { top: renderTop(rooms), you, cards: new Map(rendered), order };
    },

    partsFor(viewer, since = -1) {
      const { rooms, order, top } = scopeOf(viewer);
      const presences = presencesOf(current().supervised, viewer);
      const changed = rooms
        .filter(({ changedAt }) => changedAt > since)
        .map((room) => [room.view.room, cachedCard(room, accessTo(room.view, viewer, presences, can))] as const);
      const you = cachedYou(viewer, presences, failedCallTo(current().supervised, viewer));
      return { top, you, cards: new Map(changed), order };
    },
  };
}

/** HTML without the durations in it: the browser counts them itself. */
export function withoutTimes(html: string): string {
  return html.replace(/>[0-9:]+<\/time>/g, '></time>');
}

function hasSupervisors({ participants, actions }: RoomView): boolean {
  return actions.length > 0 || participants.some(({ supervision }) => supervision !== null);
}

/** Two viewers with the same variant see the same card. */
function variantOf({ rights, ownCall, canBeCalled }: RoomAccess): string {
  return `${[...rights].join()} ${ownCall?.callSid ?? ''} ${canBeCalled}`;
}
