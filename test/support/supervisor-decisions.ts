import type { CallContext, RoomContext } from '../../src/calls/call-context';
import type { PinPrompt, RoomMenu, RoomWait, SupervisorDecision, SupervisorJoin } from '../../src/calls/outcome';
import type { SupervisorInput, SupervisorNeed, SupervisorView } from '../../src/calls/supervisor-flow';
import { SUPERVISOR_RIGHTS } from '../../src/people/rights';
import type { SupervisorEntry } from '../../src/people/roster';
import type { Action } from '../../src/rooms/action';
import { emptyRoom, type Stay } from '../../src/rooms/room';
import type { RoomEntry } from '../../src/rooms/room-entry';
import type { Lookup } from '../../src/rooms/rooms';

/** The time of every decision. */
export const NOW = 1_000_000;

/** The supervisor, unless a test says otherwise. */
export const TED: SupervisorEntry = {
  name: 'Ted',
  address: undefined,
  pin: undefined,
  requirePin: false,
  password: undefined,
  email: undefined,
  rooms: 'all',
  mode: undefined,
  rights: SUPERVISOR_RIGHTS,
};

/** What is known, should it be asked for. */
export interface Known extends Pick<SupervisorView, 'prompt' | 'pin'> {
  who?: SupervisorView['who'];
  /** Who is in the room, by the store or else REST. */
  room?: Stay[] | 'unknown';
  /** The actions requested through the API. */
  actions?: Action[];
  /** The same by the store alone, where it differs. */
  stored?: Stay[];
  list?: RoomEntry[] | 'unknown';
  isLate?: boolean;
}

type Decision<Input> = (input: Input, view: SupervisorView) => SupervisorDecision | SupervisorNeed;

/** Decides as the handlers do: gives what is asked for, and fails if that is not known. `asked`: what was, in order. */
export function decisionOf<Input extends SupervisorInput>(
  decide: Decision<Input>,
  input: Input,
  known: Known,
): { decision: SupervisorDecision; asked: string[] } {
  const asked: string[] = [];
  const extensions = { nameOf: (digits: string) => (digits === '12' ? 'Alice' : undefined), has: () => false };

  function read(need: SupervisorNeed, view: SupervisorView): Partial<SupervisorView> {
    if (need.needs === 'room') {
      const { room, withRest } = need;
      asked.push(withRest ? room : `${room} in the store`);
      const stays = expected(withRest ? known.room : (known.stored ?? known.room), room);
      const { actions } = known;
      const state = { ...emptyRoom(room), stays: stays === 'unknown' ? [] : stays, actions };
      const found: Lookup = stays === 'unknown' ? { isKnown: false } : { isKnown: true, state, now: NOW };
      return { rooms: new Map(view.rooms).set(room, { found, withRest }) };
    }
    asked.push(need.needs);
    return need.needs === 'list'
      ? { list: { rooms: expected(known.list, 'list'), isLate: known.isLate ?? false } }
      : { [need.needs]: expected(known[need.needs], need.needs) };
  }

  let view: SupervisorView = { who: known.who ?? { person: TED }, extensions, now: NOW };
  let step = decide(input, view);
  while ('needs' in step) {
    view = { ...view, ...read(step, view) };
    step = decide(input, view);
  }
  return { decision: step, asked };
}

function expected<T>(value: T | undefined, what: string): T {
  if (value === undefined) {
    throw new Error(`Asked for, and not expected by this test: ${what}`);
  }
  return value;
}

/**
 * What is decided, in one line. After the semicolon: what the next request carries and this one did not, or `no …` for
 * what this one did and the next does not.
 */
export function outcomeOf<Input extends SupervisorInput>(decide: Decision<Input>, input: Input, known: Known): string {
  const { decision } = decisionOf(decide, input, known);
  const { kind, refusal, lockout } = decision;
  const { reason, room, target, menu, prompt, announcement, previousMode, context, state } = decision as Fields;
  const rooms = menu?.choices.map((choice) => choice.room) ?? [];
  const news = announcement?.news ?? menu?.news;
  const mode = context?.mode && `to ${context.mode}`;
  const other = state !== undefined && state.room !== ('room' in input ? input.room : undefined) && `in ${state.room}`;
  const told = [
    [kind, reason, prompt?.why, prompt?.tryNumber, ...rooms, room, target?.name, other, mode],
    [announcement && 'told', news],
    [previousMode && `after ${previousMode}`],
    [menu?.page ? `page ${menu.page}` : undefined],
    [refusal && 'refused', ...Object.values(refusal ?? {})],
    [lockout && 'locked out'],
  ].map((words) => words.filter((word) => word !== undefined && word !== false).join(' '));
  const isLine = kind === 'choose' || (kind === 'wait' && room === undefined);
  const before = isLine ? lineContextOf(input.context) : input.context;
  const changed = context === undefined ? '' : changes(carriedBy(before), carriedBy(context));
  return told.filter((part) => part !== '').join(', ') + (changed && `; ${changed}`);
}

type Fields = Partial<
  Pick<SupervisorJoin, 'target' | 'announcement' | 'previousMode' | 'state'> &
    Omit<RoomWait, 'kind' | 'target'> & { prompt: PinPrompt; menu: RoomMenu }
>;

/** What an address of the supervisors' line carries; only other addresses carry more. */
function lineContextOf({ mode, attempt, stay, waits, token }: CallContext): CallContext {
  return { mode, attempt, stay, waits, token };
}

/** The fields but the mode, as text. */
function carriedBy(context: CallContext | RoomContext): Map<string, string> {
  const { mode, named, ...rest } = { named: undefined, ...context };
  const fields = { ...rest, named: named && `${named.target}/${named.conferenceSid}` };
  return new Map(
    Object.entries(fields).flatMap(([name, value]) =>
      value === undefined || value === false ? [] : [[name, value === true ? name : `${name}=${value}`]],
    ),
  );
}

function changes(before: Map<string, string>, after: Map<string, string>): string {
  const added = [...after].filter(([name, text]) => before.get(name) !== text).map(([, text]) => text);
  const dropped = [...before.keys()].filter((name) => !after.has(name)).map((name) => `no ${name}`);
  return [...added.sort(), ...dropped.sort()].join(' ');
}
