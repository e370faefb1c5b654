import type { Sid } from '../signalwire/sid';
import type { Mode } from './mode';

/**
 * What can be done to a live room through the API.
 *
 * - of a supervisor: `mode` changes how they are heard, `join` calls them.
 * - of a participant: `mute`, `unmute`, `hold`, `unhold`, `remove`; `note` speaks a text to a moderator.
 * - of the room: `end` ends the conference; `record`, `pause`, `resume` and `stop` are about recordings.
 * - `open` is in the trail alone: somebody opened the audio of a recording.
 */
export type ActionName =
  | 'mode'
  | 'join'
  | 'mute'
  | 'unmute'
  | 'hold'
  | 'unhold'
  | 'remove'
  | 'note'
  | 'end'
  | 'record'
  | 'pause'
  | 'resume'
  | 'stop'
  | 'open';

/**
 * - `requested`: recorded before the first request to the Space.
 * - `confirmed`: the Space was seen to have done it.
 * - `accepted`: the Space took it; nothing shows its effect.
 * - `failed`: see `reason`.
 */
export type ActionStatus = 'requested' | 'confirmed' | 'accepted' | 'failed';

/** Why an action failed, for programs. The Space's refusals and silence, and what came in between. */
export type ActionReason =
  | 'abandoned'
  | 'already-recording'
  | 'conversation-changed'
  | 'muted-by-server'
  | 'superseded'
  | 'left'
  | 'refused'
  | 'timeout'
  | 'unreachable'
  | 'unreadable'
  | 'ineffective'
  | 'no-key'
  | 'no-answer'
  | 'busy'
  | 'not-connected'
  | 'not-allowed'
  | 'is-a-supervisor'
  | 'store-away'
  | 'internal';

/** An action, from its request until it is settled. */
export interface Action {
  /** Unique. */
  id: string;
  name: ActionName;
  /** Who requested it, as the trail names them. */
  by: string;
  /** By the store's clock, in milliseconds since 1970. */
  requestedAt: number;
  status: ActionStatus;
  /** When it was confirmed, accepted or failed. */
  settledAt?: number | undefined;
  reason?: ActionReason | undefined;
  /** The participant's call; of `join` the call to the supervisor, once it is known; undefined for the whole room. */
  callSid?: Sid | undefined;
  /** Of `record`: the call. The action is not about its participant, so it is in the way of no other on them. */
  recordedCall?: Sid | undefined;
  /** When the participant joined: it is about this stay of the call and no other. */
  joinedAt?: number | undefined;
  /** Of `stop`; of `record` once it is known. */
  recordingSid?: Sid | undefined;
  /** Of `mode`, and of `join`: the mode that follows the join. */
  mode?: Mode | undefined;
  /** Of `mode` and `join`: the moderator's call in the conversation that is meant. */
  target?: Sid | undefined;
  /** Of `join`: the supervisor's name. */
  person?: string | undefined;
}

/** How long an action may stay `requested`, in milliseconds: then the server that carries it out is gone. */
const LIMIT_MS = 20_000;

/** The same for a join: the telephone rings, and its owner presses a key. */
const JOIN_LIMIT_MS = 120_000;

/** Whether an action is still being carried out. @param now the store's clock */
export function isInProgress({ status, requestedAt, name }: Action, now: number): boolean {
  return status === 'requested' && now - requestedAt < (name === 'join' ? JOIN_LIMIT_MS : LIMIT_MS);
}

/** The action that a call is subject to at the moment, other than its own join. */
export function actionOn(
  { actions = [] }: { actions?: readonly Action[] | undefined },
  callSid: Sid,
  now: number,
): Action | undefined {
  return actions.findLast((one) => one.callSid === callSid && one.name !== 'join' && isInProgress(one, now));
}

/**
 * Whether one action takes the place of another: it makes somebody unheard whom the other would make heard, or takes them
 * out, or pauses what the other would record.
 */
export function supersedes({ name, mode }: Pick<Action, 'name' | 'mode'>, other: Action): boolean {
  switch (name) {
    case 'remove':
      return other.name !== 'remove';
    case 'mute':
      return other.name === 'unmute';
    case 'mode':
      return mode === 'monitor' && other.name === 'mode' && other.mode !== 'monitor';
    case 'pause':
      return other.name === 'record' || other.name === 'resume';
    default:
      return false;
  }
}

/** Of these, a room carries out one at a time; only a pause takes the place of another. */
const ON_RECORDINGS: readonly ActionName[] = ['record', 'pause', 'resume'];

/** Reasons of actions that asked the Space for nothing. */
const NOTHING_SENT: ReadonlySet<ActionReason | undefined> = new Set(['already-recording', 'left', 'store-away']);

/** The latest of these actions in a room that asked the Space for something. It decides whether the room is to be recorded. */
export function latestOnRecordings({ actions = [] }: { actions?: readonly Action[] | undefined }): Action | undefined {
  return actions.findLast(({ name, reason }) => ON_RECORDINGS.includes(name) && !NOTHING_SENT.has(reason));
}

/**
 * The action in progress that another one would conflict with: on the same call, or on the recordings of the room. Two
 * pauses do not conflict.
 */
export function conflictOf(
  state: { actions?: readonly Action[] | undefined },
  { name, callSid }: Pick<Action, 'name' | 'callSid'>,
  now: number,
): Action | undefined {
  if (callSid !== undefined) {
    return actionOn(state, callSid, now);
  }
  const conflicting = ON_RECORDINGS.includes(name) ? ON_RECORDINGS : [];
  const isAnotherPause = (one: Action) => name === 'pause' && one.name === 'pause';
  return (state.actions ?? []).findLast(
    (one) => conflicting.includes(one.name) && !isAnotherPause(one) && isInProgress(one, now),
  );
}
