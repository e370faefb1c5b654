import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { putLast } from '../ops/put-last';
import type { Address } from '../people/address';
import { obstacleTo } from '../rooms/action-obstacle';
import type { Mode } from '../rooms/mode';
import { type RoomName, type RoomState, targetOf } from '../rooms/room';
import type { RoomEvent } from '../rooms/room-event';
import type { Rooms } from '../rooms/rooms';
import { type ConferenceApi, SpaceError } from '../signalwire/conference-api';
import type { Sid } from '../signalwire/sid';
import type { ActionResult } from './action-runner';
import type { ChangeMode } from './mode-change';

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
    if (targetOf(found.state) === undefined) {
      return { kind: 'refused', refusal: 'no-moderator' };
    }
    const id = randomUUID() as string as Sid;
    const wanted = { name: 'join', person, mode } as const;
    const started = await rooms.recordNow(room, { kind: 'action-requested', id, by, ...wanted, ageMs: 0 });
    if (!started.isKnown) {
      return { kind: 'refused', refusal: 'store-away' };
    }
    const requested = started.state.actions?.find((one) => one.id === id);
    if (requested === undefined) {
      return { kind: 'refused', refusal: obstacleTo(started.state, wanted, started.now) ?? 'busy' };
    }
    const update = await callUp(room, address, id);
    await rooms.record(room, { kind: 'action-updated', id, ...update, ageMs: 0 });
    const after = await rooms.read(room);
    const latest = after.isKnown ? after : started;
    const action = latest.state.actions?.find((one) => one.id === id) ?? { ...requested, ...update };
    return { kind: 'settled', action, state: latest.state, now: latest.now };
  };

  /** Makes the call, once: repeated, it would ring twice. */
  async function callUp(room: RoomName, to: Address, id: Sid): Promise<Update> {
    try {
      const url = calloutUrl(room, id);
      const { callSid } = await space.createCall({ from: callerId, to, url, statusCallback: callEndedUrl(room) });
      return { status: 'requested', callSid };
    } catch (err) {
      log.warn({ err, room, id }, 'Supervisor could not be called');
      return { status: 'failed', reason: err instanceof SpaceError ? err.code : 'unreadable' };
    }
  }
}

type Update = Pick<Extract<RoomEvent, { kind: 'action-updated' }>, 'status' | 'reason' | 'callSid'>;

/** How long after a join its mode may follow, in milliseconds. Later, the supervisor would not expect it. */
const FOLLOW_MS = 30_000;

/** How many joins are remembered. */
const MAX_JOINS = 10_000;

/**
 * Watches rooms for supervisors who have joined after a call of ours, and changes them to the mode that was requested for
 * them. Any server may do it: the room takes the first change alone.
 */
export function createJoinFollower({ changeMode }: { changeMode: ChangeMode }) {
  const followed = new Map<string, true>();

  /** Takes a room's new state. Returns at once. */
  return (state: RoomState): void => {
    for (const { id, name, status, settledAt = 0, callSid, mode, by } of state.actions ?? []) {
      const isDue = name === 'join' && status === 'confirmed' && state.at - settledAt < FOLLOW_MS && !followed.has(id);
      if (isDue && callSid !== undefined && mode !== undefined) {
        putLast(followed, id, true, MAX_JOINS);
        if (mode !== 'monitor' && !hasChanged(state, callSid)) {
          void changeMode(state.room, callSid, mode, { by });
        }
      }
    }
  };
}

/** Whether somebody has changed the mode of this supervisor already. */
function hasChanged({ actions = [] }: RoomState, callSid: Sid): boolean {
  return actions.some((one) => one.name === 'mode' && one.callSid === callSid);
}
