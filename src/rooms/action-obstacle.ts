import type { Sid } from '../signalwire/sid';
import { type Action, type ActionName, conflictOf, isInProgress } from './action';
import type { Mode } from './mode';
import { isInConference, isOpen, type RoomState, type Stay } from './room';

/** Why an action cannot begin. `busy`: another one is being carried out, on the same participant or on recordings. */
export type Obstacle = 'not-in-room' | 'not-a-supervisor' | 'is-a-supervisor' | 'busy' | 'conversation-changed';

/**
 * How many actions a room keeps; settled ones give way. As many may be in progress, but those after which less is heard
 * count their own name alone.
 */
export const MAX_ACTIONS = 30;

/** A requested action. `target`: of `mode`, the moderator's call in the conversation that is meant. */
export interface WantedAction {
  name: ActionName;
  callSid?: Sid | undefined;
  mode?: Mode | undefined;
  target?: Sid | undefined;
  /** Of `join`: the supervisor's name. */
  person?: string | undefined;
  /** Of `record`: the call. */
  recordedCall?: Sid | undefined;
  /** Of `stop`. */
  recordingSid?: Sid | undefined;
}

/** The first obstacle to an action; undefined if it can begin. @param now the store's clock */
export function obstacleTo(
  { stays, actions }: Pick<RoomState, 'stays' | 'actions'>,
  { name, callSid, mode, target, person }: WantedAction,
  now: number,
): Obstacle | undefined {
  // Others' actions must keep nobody from being muted.
  const counts = (one: Action) => isInProgress(one, now) && (!isQuieter({ name, mode }) || one.name === name);
  if (actions !== undefined && actions.filter(counts).length >= MAX_ACTIONS) {
    return 'busy';
  }
  if (name === 'join') {
    const isCalled = (one: Action) => one.name === 'join' && one.person === person && isInProgress(one, now);
    return actions?.some(isCalled) ? 'busy' : undefined;
  }
  const isBusy = !isQuieter({ name, mode }) && conflictOf({ actions }, { name, callSid }, now) !== undefined;
  if (callSid === undefined) {
    return isBusy ? 'busy' : undefined;
  }
  const stay = stays.find((one) => one.callSid === callSid && isOpen(one));
  if (stay === undefined || !isInConference(stay)) {
    return 'not-in-room';
  }
  if (name === 'mode' && stay.supervision === undefined) {
    return 'not-a-supervisor';
  }
  // Their mode decides whether they are muted. Somebody unknown may be a supervisor.
  if (isMute(name) && (stay.supervision !== undefined || (name === 'unmute' && stay.role === 'unknown'))) {
    return 'is-a-supervisor';
  }
  if (isBusy) {
    return 'busy';
  }
  return mode !== undefined && mode !== 'monitor' && !isConversationOf(stay, target)
    ? 'conversation-changed'
    : undefined;
}

function isMute(name: ActionName): boolean {
  return name === 'mute' || name === 'unmute';
}

/** Whether after an action less is heard or recorded. It may begin while another one is being carried out. */
export function isQuieter({ name, mode }: Pick<WantedAction, 'name' | 'mode'>): boolean {
  return name === 'remove' || name === 'mute' || name === 'pause' || mode === 'monitor';
}

function isConversationOf({ supervision }: Stay, target: Sid | undefined): boolean {
  return target !== undefined && supervision?.target === target;
}
