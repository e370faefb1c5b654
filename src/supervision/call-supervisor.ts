import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { putLast } from '../ops/put-last';
import type { Address } from '../people/address';
import type { Action } from '../rooms/action';
import type { Mode } from '../rooms/mode';
import { isOpen, type RoomName, type RoomState, targetOf } from '../rooms/room';
import type { ActionUpdated } from '../rooms/room-event';
import type { Rooms } from '../rooms/rooms';
import { type ConferenceApi, SpaceError } from '../signalwire/conference-api';
import type { Sid } from '../signalwire/sid';
import type { ChangeMode } from './mode-change';
import { type ActionResult, beginAction, type Refusal, updateAction } from './recorded-action';

export interface CallSupervisorOptions {
  rooms: Pick<Rooms, 'read' | 'record' | 'recordNow'>;
  space: Pick<ConferenceApi, 'createCall'>;
  /** The number of the Space that supervisors are called from. */
  callerId: string;
  /** Where a supervisor who answers is asked for a key. */
  calloutUrl: (room: RoomName, join: Sid) => string;
  /** Where the Space reports that the call is over. */
  callEndedUrl: (room: RoomName) => string;
  log: Logger;
}

/**
 * Calls a supervisor, who joins in `monitor` when they press a key; the mode follows. Resolves when the Space has taken the
 * call; never rejects.
 */
export type CallSupervisor = (
  room: RoomName,
  supervisor: { name: string; address: Address },
  mode: Mode,
  by: string,
) => Promise<ActionResult>;

export function createCallSupervisor(options: CallSupervisorOptions): CallSupervisor {
  const { rooms, space, callerId, calloutUrl, callEndedUrl, log } = options;

  return async (room, { name: person, address }, mode, by) => {
    const found = await rooms.read(room);
    if (!found.isKnown) {
      return { kind: 'refused', refusal: 'room-unknown' };
    }
    const target = found.state.isForeign ? undefined : targetOf(found.state)?.callSid;
    if (target === undefined) {
      return { kind: 'refused', refusal: 'no-moderator' };
    }
    const begun = await beginAction(rooms, room, { name: 'join', person, mode, target, by });
    // A UUID is a SID, too.
    return begun.kind === 'refused'
      ? begun
      : updateAction(rooms, begun, await callUp(room, address, begun.action.id as Sid));
  };

  /** Makes the call, once: repeated, it would ring twice. */
  async function callUp(room: RoomName, to: Address, id: Sid): Promise<Update> {
    try {
      const url = calloutUrl(room, id);
      const { callSid } = await space.createCall({ from: callerId, to, url, statusCallback: callEndedUrl(room) });
      return { status: 'requested', callSid };
    } catch (err) {
      log.warn({ err, room, id }, 'Supervisor could not be called');
      return { status: 'failed', reason: err instanceof SpaceError ? err.code : 'internal' };
    }
  }
}

type Update = Pick<ActionUpdated, 'status' | 'reason' | 'callSid'>;

/** How long after a join its mode may follow, in milliseconds. Later, the supervisor would not expect it. */
const FOLLOW_MS = 30_000;

/** How long to wait before another attempt, in milliseconds. */
const RETRY_MS = 1_000;

/** How many joins are remembered. */
const MAX_JOINS = 10_000;

export interface JoinFollowerOptions {
  rooms: Pick<Rooms, 'read'>;
  changeMode: ChangeMode;
  /** Whether the requester and the supervisor still have the rights for this join. `name`: who joined, as in the room. */
  isAllowed: (room: RoomName, join: Action, name: string | undefined) => boolean;
  log: Logger;
}

/**
 * Watches rooms for supervisors who have joined after a call of ours, and changes them to the mode that was requested for
 * them. Any server may do it: the room takes the first change alone.
 */
export function createJoinFollower({ rooms, changeMode, isAllowed, log }: JoinFollowerOptions) {
  const followed = new Map<string, true>();

  /** Takes a room's new state. Returns at once. */
  return (state: RoomState): void => {
    for (const join of state.actions ?? []) {
      const { id, name, status, settledAt = 0 } = join;
      const isDue = name === 'join' && status === 'confirmed' && state.at - settledAt < FOLLOW_MS && !followed.has(id);
      if (isDue) {
        putLast(followed, id, true, MAX_JOINS);
        void follow(state.room, join);
      }
    }
  };

  async function follow(room: RoomName, join: Action): Promise<void> {
    const { callSid, mode, by, target } = join;
    if (callSid === undefined || mode === undefined || mode === 'monitor') {
      return;
    }
    let refusal: Refusal | undefined;
    for (let waitedMs = 0; waitedMs < FOLLOW_MS; waitedMs += RETRY_MS) {
      const found = await rooms.read(room);
      if (found.isKnown && !isUntouched(found.state, join)) {
        return;
      }
      const result = await changeMode(room, callSid, mode, {
        by,
        target,
        isAllowed: ({ name }) => isAllowed(room, join, name),
      });
      if (result.kind === 'settled') {
        return;
      }
      refusal = result.refusal;
      if (!MAY_PASS.has(refusal)) {
        break;
      }
      await sleep(RETRY_MS, undefined, { ref: false });
    }
    log.warn({ room, callSid, mode, by, refusal }, 'Supervisor has joined, but their mode was not changed');
  }
}

/** Refusals after which another attempt may succeed. */
const MAY_PASS: ReadonlySet<Refusal> = new Set(['busy', 'store-away', 'room-unknown']);

/** Whether a supervisor is still in the stay that began with this join, and nobody has changed their mode. */
function isUntouched({ stays, actions = [] }: RoomState, { callSid, settledAt }: Action): boolean {
  const isSameStay = stays.some((stay) => stay.callSid === callSid && isOpen(stay) && stay.joinedAt === settledAt);
  const isChange = ({ name, reason, ...one }: Action) =>
    name === 'mode' && one.callSid === callSid && reason !== 'store-away';
  return isSameStay && !actions.some(isChange);
}
