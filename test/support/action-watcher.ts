import type { Action } from '../../src/rooms/action';
import type { Mode } from '../../src/rooms/mode';
import {
  coachesWrongCall,
  isInConference,
  isOpen,
  parseRoomName,
  type RoomName,
  type RoomState,
  supervisorsOf,
} from '../../src/rooms/room';
import type { RoomEvent } from '../../src/rooms/room-event';
import type { RestRequest } from '../../src/simulator/rest-api';
import type { Space } from '../../src/simulator/space';
import { type Moment, recordHistory, type SpaceHistory } from './space-history';

export type StoryRole = 'moderator' | 'caller' | 'supervisor';

/** Something that a program asked the API for. */
export interface StoryAction {
  /** Unique: the action's requester in trail and room. */
  by: string;
  name: 'mode' | 'mute' | 'unmute' | 'hold' | 'unhold' | 'remove' | 'end' | 'join';
  room: RoomName;
  callSid: string | undefined;
  mode: Mode | undefined;
  conferenceSid: string | undefined;
  /** The number of the Space's latest change when it was requested. */
  from: number;
}

/** The answer to an action, as far as the watcher needs it; `cut` if the server was killed. */
export type StoryAnswer = 'cut' | { code: string | undefined; action: AnsweredAction | undefined };

interface AnsweredAction {
  by: string;
  status: string;
  reason: string | null;
  requestedAt: string;
}

/** A reason why a supervisor may be heard by everybody: they, or a program, chose it for this conversation. */
interface Choice {
  by: string;
  conferenceSid: string | undefined;
  leader: string | undefined;
  requestedAt: number | undefined;
}

/** Why an action can be over while its server still makes a request for it. */
const OVERTAKEN: ReadonlySet<string | undefined> = new Set([
  'superseded',
  'conversation-changed',
  'muted-by-server',
  'abandoned',
  'left',
]);

/** How long the server has to mute a supervisor whom somebody else unmuted, in simulated milliseconds. */
export const LIMIT_MS = 10_000;
/** A callback's date is cut to the second, and clocks go on by a millisecond with each event at one moment. */
const DATE_MS = 1_200;

/** Watches a story with actions: what is heard, what states say, and what the servers ask the Space for. */
export class ActionWatcher {
  readonly roles = new Map<string, StoryRole>();
  /** The mode with which a supervisor's call came: a number's, or that of the API's call to them. */
  readonly arrivals = new Map<string, { mode: Mode; by: string }>();
  readonly history: SpaceHistory;
  /** What was wrong. */
  readonly wrong = new Set<string>();
  /** The longest that a caller heard a supervisor whom they should not hear, in simulated milliseconds; -1 for never. */
  longest = { ms: -1, what: '' };
  /** What was seen, so that a test can tell whether its stories were worth telling. */
  readonly counts = { barges: 0, requested: 0, confirmedStates: 0, outside: 0, shown: 0 };
  // By the supervisor's call.
  private readonly choices = new Map<string, Choice[]>();
  private readonly excusedUntil = new Map<string, number>();
  private readonly places = new Map<string, string | undefined>();
  /** The latest change of mode that failed while the supervisor could be heard. */
  private readonly failed = new Map<string, { at: number; conferenceSid: string | undefined; by: string }>();
  /** The supervisors whom the store does not know since it was wiped. */
  private readonly forgotten = new Set<string>();
  /** Since when somebody hears whom they should not hear. */
  private readonly breaches = new Map<string, number>();
  /** The actions without an answer. */
  private readonly open = new Set<StoryAction>();
  /** When a room was last compared with the Space. */
  private readonly observed = new Map<RoomName, number>();
  /** Since when a room shows something other than the Space. */
  private readonly mismatches = new Map<string, number>();
  /** The requests to the Space that were made for actions after these were settled. */
  private readonly overdue = new Map<string, number>();

  constructor(
    private readonly space: Space,
    private readonly startedAt: number,
  ) {
    this.history = recordHistory(space, () => this.look());
  }

  get now(): number {
    return this.space.clock.now();
  }

  /** The moderator who entered a call's conference last. */
  leaderOf(callSid: string): string | undefined {
    const participants = this.space.conferences.participant(callSid)?.conference.participants ?? [];
    return participants.findLast((one) => this.roles.get(one.callSid) === 'moderator')?.callSid;
  }

  /** Looks at who hears whom now. */
  look(): void {
    this.lookAtArrivals();
    const present = new Map<string, string>();
    for (const [listener, { voices }] of this.space.hearing()) {
      for (const voice of voices) {
        if (this.roles.get(voice) === 'supervisor' && this.roles.get(listener.sid) === 'caller') {
          const isChosen = this.isChosen(voice);
          this.counts.barges += Number(isChosen);
          if (!isChosen && !this.isExcused(voice)) {
            const { mode, muted } = this.history.now(voice) ?? {};
            const chosen = JSON.stringify(this.choices.get(voice));
            present.set(`${listener.sid} hears ${voice}`, `mode ${mode}, muted ${muted}, chosen ${chosen}`);
          }
        }
      }
    }
    for (const breach of this.breaches.keys()) {
      if (!present.has(breach)) {
        this.breaches.delete(breach);
      }
    }
    for (const [breach, how] of present) {
      const since = this.breaches.get(breach) ?? this.now;
      this.breaches.set(breach, since);
      if (this.now - since > this.longest.ms) {
        this.longest = { ms: this.now - since, what: `${breach}: ${how}` };
      }
    }
    for (const [callSid, { at, conferenceSid, by }] of this.failed) {
      const { muted, conferenceSid: place } = this.history.now(callSid) ?? {};
      if (muted || place !== conferenceSid) {
        this.failed.delete(callSid);
      } else if (this.now - at > LIMIT_MS) {
        this.failed.delete(callSid);
        this.wrong.add(`${by} failed, and ${callSid} is heard 10 s later`);
      }
    }
  }

  /** Whoever enters a conference chose, by their number or key, how they are heard there. */
  private lookAtArrivals(): void {
    for (const [callSid, role] of this.roles) {
      const place = this.space.conferences.participant(callSid);
      const conferenceSid = place?.conference.sid;
      if (role === 'supervisor' && this.places.get(callSid) !== conferenceSid) {
        this.places.set(callSid, conferenceSid);
        const isBarging = place !== undefined && !place.muted && place.callSidToCoach === undefined;
        const arrival = this.arrivals.get(callSid);
        this.choices.set(callSid, []);
        if (isBarging || (arrival?.mode === 'barge' && arrival.by !== 'document')) {
          this.choose(callSid, arrival?.by ?? 'document', 0);
        }
        this.arrivals.delete(callSid);
      }
    }
  }

  private choose(callSid: string, by: string, requestedAt: number | undefined): void {
    const conferenceSid = this.space.conferences.participant(callSid)?.conference.sid;
    const choice = { by, conferenceSid, leader: this.leaderOf(callSid), requestedAt };
    this.choices.set(callSid, [...(this.choices.get(callSid) ?? []), choice]);
  }

  private isChosen(callSid: string): boolean {
    const conferenceSid = this.space.conferences.participant(callSid)?.conference.sid;
    const leader = this.leaderOf(callSid);
    return (this.choices.get(callSid) ?? []).some(
      (one) => one.conferenceSid === conferenceSid && one.leader === leader,
    );
  }

  private isExcused(callSid: string): boolean {
    return this.forgotten.has(callSid) || this.now < (this.excusedUntil.get(callSid) ?? 0);
  }

  /** Another client of the Space has changed a participant. */
  changedOutside(callSid: string): void {
    this.counts.outside++;
    this.failed.delete(callSid);
    this.excusedUntil.set(callSid, this.now + LIMIT_MS);
  }

  /** The store has forgotten everything: what supervisors are heard as when a server finds them counts as chosen. */
  wiped(): void {
    this.failed.clear();
    this.mismatches.clear();
    for (const [callSid, role] of this.roles) {
      if (role === 'supervisor' && this.space.conferences.participant(callSid) !== undefined) {
        this.forgotten.add(callSid);
      }
    }
  }

  /** The supervisors in a conference whom no server has found since the store was wiped. */
  unfound(): string[] {
    return [...this.forgotten].filter((callSid) => this.space.conferences.participant(callSid) !== undefined);
  }

  /** An action is sent to a server. */
  requested(action: StoryAction): void {
    this.open.add(action);
    const { callSid, name, mode, by } = action;
    if (name === 'mode' && callSid !== undefined) {
      this.failed.delete(callSid);
      if (mode === 'barge') {
        this.choose(callSid, by, undefined);
      }
    }
  }

  /** A server has answered. What was confirmed was so; what failed leaves nobody heard. */
  answered(action: StoryAction, answer: StoryAnswer): void {
    this.open.delete(action);
    const { callSid = '', name, by, conferenceSid } = action;
    if (answer === 'cut') {
      return;
    }
    if (answer.action?.by !== by) {
      this.choices.set(
        callSid,
        (this.choices.get(callSid) ?? []).filter((one) => one.by !== by),
      );
      return;
    }
    const { status, reason } = answer.action;
    if (status === 'confirmed' && !this.wasTrue(action)) {
      this.wrong.add(`confirmed, and was not: ${JSON.stringify([action, this.history.since(callSid, action.from)])}`);
    }
    if (name !== 'mode') {
      return;
    }
    const requestedAt = Date.parse(answer.action.requestedAt);
    const hasFailed = status === 'failed';
    const kept = (this.choices.get(callSid) ?? []).flatMap((one) => {
      if (one.by === by) {
        return hasFailed ? [] : [{ ...one, requestedAt }];
      }
      return one.requestedAt !== undefined && one.requestedAt < requestedAt ? [] : [one];
    });
    this.choices.set(callSid, kept);
    const isAlone = ![...this.open].some((one) => one.callSid === callSid);
    if (hasFailed && isAlone && !this.forgotten.has(callSid) && !this.isExcused(callSid)) {
      this.failed.set(callSid, { at: this.now, conferenceSid, by: `${by} (${action.mode}, ${reason})` });
    }
  }

  /** Whether the Space had it so at some moment between request and answer. */
  private wasTrue({ name, callSid, from, mode, conferenceSid }: StoryAction): boolean {
    if (name === 'end') {
      return this.space.conferences.all().some(({ sid, status }) => sid === conferenceSid && status === 'completed');
    }
    const isTrue: Record<string, (one: Moment) => boolean> = {
      mode: (one) => one.mode === mode,
      mute: ({ muted }) => muted,
      unmute: ({ muted }) => !muted,
      hold: ({ hold }) => hold,
      unhold: ({ hold }) => !hold,
    };
    return this.history
      .since(callSid ?? '', from)
      .some((one) =>
        name === 'remove'
          ? one.conferenceSid !== conferenceSid
          : one.conferenceSid !== undefined && isTrue[name]?.(one) === true,
      );
  }

  /** Checks that actions whose answers have come, and nothing else has happened since, have not undone each other. */
  checkKept(answered: readonly (readonly [StoryAction, StoryAnswer])[]): void {
    const begun = answered.flatMap(([action, answer]) =>
      answer !== 'cut' && answer.action?.by === action.by ? [{ ...action, ...answer.action }] : [],
    );
    for (const one of begun) {
      const { callSid = '', name, requestedAt, status } = one;
      const isLast = !begun.some((other) => other.callSid === callSid && other.requestedAt > requestedAt);
      const now = this.history.now(callSid);
      const isSo: Partial<Record<StoryAction['name'], boolean>> = {
        mute: now?.muted === true,
        unmute: now?.muted === false,
        hold: now?.hold === true,
        unhold: now?.hold === false,
        mode: now?.mode === one.mode,
      };
      if (isLast && status === 'confirmed' && now?.conferenceSid === one.conferenceSid && isSo[name] === false) {
        this.wrong.add(`${name} was undone: ${JSON.stringify([begun, this.history.since(callSid, one.from)])}`);
      }
    }
  }

  /** A store has applied an event. Whatever the room says is confirmed was so. */
  applied({ kind }: RoomEvent, state: RoomState): void {
    if (kind === 'room-observed') {
      this.observed.set(state.room, this.now);
    }
    for (const stay of supervisorsOf(state)) {
      const { callSid, supervision } = stay;
      if (this.forgotten.delete(callSid)) {
        const { mode, conferenceSid } = this.history.now(callSid) ?? {};
        if (mode === 'barge' && conferenceSid !== undefined) {
          this.choose(callSid, 'adopted', 0);
        }
      }
      const { heard, heardAt, mode, target } = supervision;
      if (isInConference(stay) && heard === mode && !coachesWrongCall(supervision) && heardAt !== undefined) {
        this.counts.confirmedStates++;
        const at = heardAt - this.startedAt;
        const moments = this.history.between(callSid, at - DATE_MS, at + DATE_MS - 1_000);
        const wasSo = (one: Moment) =>
          one.conferenceSid !== undefined && one.mode === heard && (heard !== 'coach' || one.coaches === target);
        if (!moments.some(wasSo)) {
          this.wrong.add(
            `${callSid} was not ${heard} at ${at} (after ${kind} at ${this.now}): ${JSON.stringify([supervision, moments])}`,
          );
        }
      }
    }
  }

  /** The actions that a request to the Space must have been recorded as; undefined if it may come from anything. */
  neededFor({ method, path, form }: RestRequest): { names: string[]; callSid?: string; room: RoomName } | undefined {
    const [, , conferenceSid, , callSid] = path.split('/');
    const conference = this.space.conferences.all().find(({ sid }) => sid === conferenceSid);
    const room = parseRoomName(conference?.name ?? '');
    if (!path.startsWith('/Conferences/') || room === undefined || method === 'GET') {
      return undefined;
    }
    if (callSid === undefined) {
      return form.Status === 'completed' ? { names: ['end'], room } : undefined;
    }
    const isSupervisor = this.roles.get(callSid) === 'supervisor';
    const names = [
      ...(method === 'DELETE' && !isSupervisor ? ['remove'] : []),
      ...(form.Muted === 'false' ? [isSupervisor ? 'mode' : 'unmute'] : []),
      ...(form.Muted === 'true' && !isSupervisor ? ['mute'] : []),
      ...(form.Hold === undefined ? [] : [form.Hold === 'true' ? 'hold' : 'unhold']),
    ];
    return names.length === 0 ? undefined : { names, callSid, room };
  }

  /**
   * Checks that the room shows an action as requested before a request is carried out. One request may be under way when
   * something else settles its action.
   */
  checkRequested(state: RoomState, { names, callSid }: { names: string[]; callSid?: string }): void {
    for (const name of names) {
      const about = (state.actions ?? []).filter((one) => one.callSid === callSid && one.mode !== 'monitor');
      const known = about.filter((one) => one.name === name);
      // An unmute that a mute took the place of mutes once more, and a removal is over when somebody else has carried it out.
      const isOvertaken = ({ name, status, reason }: Action) =>
        OVERTAKEN.has(reason) || (name === 'remove' && status === 'confirmed');
      const settled = about.findLast(
        (one) => isOvertaken(one) && (one.name === name || (one.name === 'unmute' && name === 'mute')),
      );
      this.counts.requested++;
      if (known.some(({ status }) => status === 'requested')) {
        continue;
      }
      const overdue = settled === undefined ? 0 : (this.overdue.get(`${name} ${settled.id}`) ?? 0);
      if (settled === undefined || overdue > 0) {
        this.wrong.add(`${name} of ${callSid} without a request (${overdue}): ${JSON.stringify(state.actions)}`);
      } else {
        this.overdue.set(`${name} ${settled.id}`, overdue + 1);
      }
    }
  }

  /**
   * Checks that a room shows its participants as they are.
   *
   * @param from the Space's latest change before the server could learn of it
   * @param isSwept whether the room was just compared with the Space; otherwise only callbacks can have told
   */
  checkShown(state: RoomState, from: number, isSwept: boolean): void {
    for (const stay of state.stays) {
      const { callSid, supervision, isMuted, isOnHold } = stay;
      const real = this.history.since(callSid, from);
      const isStable = real.length === 1 && real[0]?.conferenceSid === stay.conferenceSid;
      const [one] = real;
      if (!isOpen(stay) || !isInConference(stay) || !isStable || one === undefined) {
        continue;
      }
      // Of a callback and an answer of REST in one second, nobody knows which is newer: the next sweep decides.
      const second = Math.floor((this.startedAt + one.at) / 1_000) * 1_000;
      const isDecided = (since = 0) => isSwept || since < second;
      const shown: [string, unknown, unknown][] = [
        ...(isDecided(stay.muteChangedAt) ? [['muted', isMuted, one.muted] as [string, unknown, unknown]] : []),
        ...(isDecided(stay.holdChangedAt) ? [['onHold', isOnHold, one.hold] as [string, unknown, unknown]] : []),
        ...(isSwept && supervision !== undefined
          ? [['heardAs', supervision.heard, one.mode] as [string, unknown, unknown]]
          : []),
      ];
      for (const [what, told, is] of shown) {
        this.counts.shown++;
        const key = `${callSid} ${what} ${one.number}`;
        if (told === is || (told === undefined && !isSwept)) {
          this.mismatches.delete(key);
        } else if (!isSwept || this.mismatches.has(key)) {
          this.wrong.add(
            `${what} of ${callSid} is shown as ${told} at ${this.now} since ${this.mismatches.get(key)}: ${JSON.stringify([stay, one])}`,
          );
        } else {
          this.mismatches.set(key, this.now);
        }
      }
    }
  }

  /** Whether a room was compared with the Space at this moment. */
  wasSwept(room: RoomName): boolean {
    return this.observed.get(room) === this.now;
  }

  /** The Space did not let a room be compared: what is wrong cannot be noticed for so long. */
  postpone(ms: number): void {
    for (const [breach, since] of this.breaches) {
      this.breaches.set(breach, since + ms);
    }
    for (const failure of this.failed.values()) {
      failure.at += ms;
    }
  }
}
