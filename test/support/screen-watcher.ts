import type { RoomView } from '../../src/api/schemas';
import type { Participant } from '../../src/simulator/conferences';
import type { RestRequest } from '../../src/simulator/rest-api';
import type { Space } from '../../src/simulator/space';
import type { TestPage } from './browser';
import { eventually } from './redis-server';
import { type Moment, recordHistory, type SpaceHistory } from './space-history';

/** Somebody on the line, as the roster has them; callers have no name. */
export interface ScreenPart {
  role: 'moderator' | 'caller' | 'supervisor';
  name: string | undefined;
}

/** How the screen shows one supervisor. */
interface Badge {
  callSid: string;
  room: string;
  look: string;
  isOpen: boolean;
  words: string;
}

/** What a browser shows. */
interface Shown {
  link: string;
  cards: Badge[];
  /** The own panel, a line for each place. */
  you: string[];
}

/** How long the browser may take to show what the server knows, in real milliseconds. */
const SHOW_MS = 3_000;

/** How long something that nobody reports may be shown wrong, in simulated milliseconds. */
export const LIMIT_MS = 10_000;

/**
 * Collects every badge that the page shows as confirmed, from the start of each page on, also one that is there for a
 * moment only. It runs in the page.
 */
const COLLECT = `
  window.confirmed = [];
  const last = new Map();
  const look = () => {
    for (const badge of document.querySelectorAll('#board li[data-call] .hearing')) {
      const callSid = badge.closest('li').dataset.call;
      const words = badge.classList.contains('open') ? undefined : badge.textContent;
      if (words !== last.get(callSid)) {
        last.set(callSid, words);
        if (words !== undefined) window.confirmed.push({ callSid, look: badge.classList[1], words });
      }
    }
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
`;

const READ = `({
  link: document.body.dataset.link ?? '',
  cards: [...document.querySelectorAll('#board article:not(.gone) li[data-call] .hearing')].map((badge) => ({
    callSid: badge.closest('li').dataset.call,
    room: badge.closest('article').dataset.room,
    look: badge.classList[1],
    isOpen: badge.classList.contains('open'),
    words: badge.textContent,
  })),
  you: [...document.querySelectorAll('#you .presence')].map(({ dataset }) =>
    [dataset.room, dataset.status, dataset.mode, dataset.heard].join(' ')),
})`;

/** Watches, in a story, that a browser shows nothing as confirmed but what the Space does. */
export class ScreenWatcher {
  readonly parts = new Map<string, ScreenPart>();
  readonly history: SpaceHistory;
  /** What was wrong. */
  readonly wrong = new Set<string>();
  /** What was seen, so that a test can tell whether its stories were worth telling. */
  readonly counts = { confirmed: 0, open: 0, changes: 0, waits: 0, late: 0, flashes: 0 };
  /** Since when the screen has called something confirmed that is not so, by supervisor. */
  private readonly untrue = new Map<string, number>();
  /** When the screen was last seen to show what the server knows, in simulated milliseconds. */
  private checkedAt = 0;

  /** @param lateMs how long a change that the Space reports may take to be shown, in simulated milliseconds */
  constructor(
    private readonly space: Space,
    private readonly page: TestPage,
    private readonly lateMs: number,
  ) {
    this.history = recordHistory(space, () => {});
  }

  /** Makes a page fit to be watched; once for each. */
  static async prepare(page: TestPage): Promise<void> {
    await page.addInitScript(COLLECT);
  }

  /**
   * Holds a request that changes how a supervisor is heard until the screen shows that they are not confirmed, as it must
   * before. Whatever becomes of somebody who is muted and stays so, nobody hears them.
   */
  async holdUntilOpen({ method, path, form }: RestRequest): Promise<void> {
    const callSid = path.split('/')[4] ?? '';
    const isChange = ['Muted', 'Hold', 'Coaching', 'CallSidToCoach'].some((name) => name in form);
    if (method !== 'POST' || !isChange || this.parts.get(callSid)?.role !== 'supervisor') {
      return;
    }
    const place = this.space.conferences.participant(callSid);
    if (place === undefined || (place.muted && form.Muted !== 'false')) {
      return;
    }
    this.counts.changes++;
    let shown: Shown | undefined;
    try {
      await eventually(async () => {
        shown = await this.read();
        const badges = shown.cards.filter((badge) => badge.callSid === callSid);
        if (badges.length === 0 || !badges.every(({ isOpen }) => isOpen)) {
          this.counts.waits++;
          throw new Error('The screen does not show it yet.');
        }
      }, SHOW_MS);
    } catch {
      this.note('changed while the screen calls them confirmed', { callSid, form, place: placeOf(place), shown });
    }
  }

  /**
   * Waits until the screen shows what the API tells, and compares it with who hears whom.
   *
   * @param ask the rooms as the API tells them now
   */
  async check(ask: () => Promise<RoomView[]>): Promise<void> {
    let shown: Shown | undefined;
    let rooms: RoomView[] = [];
    try {
      await eventually(async () => {
        rooms = await ask();
        shown = await this.read();
        if (!isSame(shown, rooms)) {
          throw new Error('The screen shows something else than the API.');
        }
      }, SHOW_MS);
    } catch {
      const known = rooms.map(({ participants }) => participants.filter(({ supervision }) => supervision !== null));
      this.note('the screen shows something else than the API', { shown, known });
      return;
    }
    await this.checkFlashes();
    this.checkTruth(shown?.cards ?? []);
    this.checkedAt = this.space.clock.now();
  }

  /** Whoever was shown as confirmed, if only for a moment, was heard so at a time not long before. */
  private async checkFlashes(): Promise<void> {
    const now = this.space.clock.now();
    const flashes = await this.page.evaluate<Pick<Badge, 'callSid' | 'look' | 'words'>[]>('confirmed.splice(0)');
    for (const flash of flashes) {
      this.counts.flashes++;
      const moments = this.history.between(flash.callSid, Math.min(this.checkedAt, now - LIMIT_MS), now);
      if (!moments.some((one) => this.isLike(flash, one))) {
        this.note('shown as confirmed, and never was so', { flash, moments });
      }
    }
  }

  private checkTruth(badges: readonly Badge[]): void {
    const now = this.space.clock.now();
    for (const callSid of this.untrue.keys()) {
      if (!badges.some((badge) => badge.callSid === callSid && !badge.isOpen)) {
        this.untrue.delete(callSid);
      }
    }
    for (const badge of badges) {
      const { callSid, isOpen } = badge;
      this.counts[isOpen ? 'open' : 'confirmed']++;
      const moment = this.history.now(callSid);
      const mistake = isOpen ? undefined : this.mistakeIn(badge, moment);
      if (mistake === undefined) {
        this.untrue.delete(callSid);
        continue;
      }
      this.counts.late++;
      const since = this.untrue.get(callSid) ?? Math.max(this.checkedAt, moment?.at ?? 0);
      this.untrue.set(callSid, since);
      if (now - since > (mistake.isReported ? this.lateMs : LIMIT_MS) || (mistake.isReported && this.lateMs === 0)) {
        this.note(`shown as confirmed, but ${mistake.what} for ${now - since} ms`, { badge, moment });
      }
    }
  }

  /** What is not so of what the screen confirms, and whether the Space reports such a change. */
  private mistakeIn(badge: Badge, moment: Moment | undefined): { what: string; isReported: boolean } | undefined {
    const place = this.space.conferences.participant(badge.callSid);
    if (place === undefined || moment === undefined) {
      return { what: 'they have left', isReported: true };
    }
    if (!this.isLike(badge, moment)) {
      // Nothing but a list of the participants tells whom somebody coaches.
      const isMuted = badge.look === 'monitor';
      return { what: 'heard otherwise', isReported: isMuted !== (moment.muted || moment.hold) };
    }
    const heardBy = this.listenersOf(badge.callSid);
    const allowed = this.listenersFor(badge, place);
    // Other supervisors do not count.
    const wrong = heardBy.filter((one) => !allowed.includes(one) && this.parts.get(one)?.role !== 'supervisor');
    const missing = badge.look === 'barge' ? allowed.filter((one) => !heardBy.includes(one)) : [];
    return wrong.length + missing.length === 0
      ? undefined
      : { what: `heard by ${heardBy} instead of ${allowed}`, isReported: false };
  }

  private isLike({ look, words }: Pick<Badge, 'look' | 'words'>, moment: Moment): boolean {
    if (moment.conferenceSid === undefined) {
      return false;
    }
    if (words.includes('on hold')) {
      return moment.hold;
    }
    if (look !== 'coach') {
      return !moment.hold && moment.mode === look;
    }
    const agent = moment.coaches === undefined ? undefined : this.parts.get(moment.coaches);
    return !moment.hold && moment.mode === 'coach' && words.includes(`by ${agent?.name} only`);
  }

  private listenersOf(callSid: string): string[] {
    return [...this.space.hearing()].flatMap(([{ sid }, { voices }]) => (voices.includes(callSid) ? [sid] : []));
  }

  /** Who may hear them, if what is shown is so; of `barge`, who must. */
  private listenersFor({ look, words }: Badge, place: Participant): string[] {
    const { conference } = place;
    if (look === 'monitor' || conference.status !== 'in-progress') {
      return [];
    }
    return conference.participants
      .filter((one) => one !== place && !one.hold)
      .map(({ callSid }) => callSid)
      .filter((sid) => look === 'barge' || words.includes(`by ${this.parts.get(sid)?.name} only`));
  }

  private async read(): Promise<Shown> {
    return this.page.evaluate<Shown>(READ);
  }

  private note(what: string, about: object): void {
    this.wrong.add(`at ${this.space.clock.now()}: ${what}: ${JSON.stringify(about)}`);
  }
}

/** Whether the screen shows the supervisors of these rooms as the API does: on the cards, and Ted's in his panel. */
function isSame({ link, cards, you }: Shown, rooms: readonly RoomView[]): boolean {
  const supervisors = rooms.flatMap(({ room, participants }) =>
    participants.flatMap((one) => (one.supervision === null ? [] : [{ room, ...one, supervision: one.supervision }])),
  );
  const onCards = cards.map(({ callSid, room, look, isOpen }) => [callSid, room, isOpen ? 'open' : look].join(' '));
  const expected = supervisors.map(({ callSid, room, joinedAt, onHold, supervision }) => {
    const { confirmed, heardAs } = supervision;
    const look = joinedAt === null || !confirmed ? 'open' : onHold ? 'monitor' : heardAs;
    return [callSid, room, look].join(' ');
  });
  const own = supervisors.filter(({ name }) => name === 'Ted');
  const places = own.map(({ room, joinedAt, supervision: { confirmed } }) =>
    [room, joinedAt !== null && confirmed ? 'confirmed' : 'open'].join(' '),
  );
  const inPanel = you.map((line) => {
    const [room, status] = line.split(' ');
    return [room, status === 'confirmed' ? 'confirmed' : 'open'].join(' ');
  });
  return (
    link === 'live' &&
    JSON.stringify(onCards.sort()) === JSON.stringify(expected.sort()) &&
    JSON.stringify(inPanel.sort()) === JSON.stringify(places.sort())
  );
}

function placeOf({ muted, hold, callSidToCoach }: Participant): object {
  return { muted, hold, callSidToCoach };
}
