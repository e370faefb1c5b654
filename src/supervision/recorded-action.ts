import { randomUUID } from 'node:crypto';
import { type Action, conflictOf } from '../rooms/action';
import { isQuieter, type Obstacle, obstacleTo, type WantedAction } from '../rooms/action-obstacle';
import type { RoomName, RoomState } from '../rooms/room';
import type { ActionUpdated } from '../rooms/room-event';
import type { Rooms } from '../rooms/rooms';

/** Why an action was not begun. */
export type Refusal =
  | Obstacle
  | 'store-away'
  | 'room-unknown'
  | 'not-private'
  | 'not-a-moderator'
  | 'no-conference'
  | 'no-moderator'
  | 'no-recording'
  | 'space-away';

/** An action that was not begun. `other`: the action in its way. */
export interface RefusedAction {
  kind: 'refused';
  refusal: Refusal;
  other?: Action | undefined;
}

/** The result of an action: the action as the room has it, with the room; or why it was not begun. */
export type ActionResult = { kind: 'settled'; action: Action; state: RoomState; now: number } | RefusedAction;

/** An action that the room has taken. */
export interface BegunAction {
  kind: 'begun';
  action: Action;
  /** The room when the action began. */
  state: RoomState;
  /** The store's clock then. */
  now: number;
}

/**
 * Records an action as requested, before anything is done for it. While the store is away, one after which less is heard
 * begins with what this server knows, and is recorded later. Never rejects.
 */
export async function beginAction(
  rooms: Pick<Rooms, 'record' | 'recordNow' | 'read'>,
  room: RoomName,
  { by, ...wanted }: WantedAction & { by: string },
): Promise<BegunAction | RefusedAction> {
  const id = randomUUID();
  const event = { kind: 'action-requested', id, by, ...wanted, ageMs: 0 } as const;
  let started = await rooms.recordNow(room, event);
  if (!started.isKnown && isQuieter(wanted)) {
    // Nobody stays heard because the store is away: this server tells the others later.
    await rooms.record(room, event);
    started = await rooms.read(room);
  }
  if (!started.isKnown) {
    return refuseUnstored();
  }
  const { state, now } = started;
  if (state.isForeign) {
    return { kind: 'refused', refusal: 'no-conference' };
  }
  const action = state.actions?.find((one) => one.id === id);
  if (action === undefined && !started.isStored) {
    return refuseUnstored();
  }
  if (action === undefined) {
    const refusal = obstacleTo(state, wanted, now) ?? 'busy';
    return { kind: 'refused', refusal, other: conflictOf(state, wanted, now) };
  }
  return { kind: 'begun', action, state, now };

  function refuseUnstored(): RefusedAction {
    // It may have been written all the same.
    void rooms.record(room, { kind: 'action-updated', id, status: 'failed', reason: 'store-away', ageMs: 0 });
    return { kind: 'refused', refusal: 'store-away' };
  }
}

/** Records how an action went on, and reads the room. Never rejects. */
export async function updateAction(
  rooms: Pick<Rooms, 'record' | 'read'>,
  begun: BegunAction,
  update: Omit<ActionUpdated, 'kind' | 'id'>,
): Promise<ActionResult> {
  const { id } = begun.action;
  const { room } = begun.state;
  await rooms.record(room, { kind: 'action-updated', id, ...update, ageMs: 0 });
  const after = await rooms.read(room);
  const { state, now } = after.isKnown ? after : begun;
  const action = state.actions?.find((one) => one.id === id) ?? { ...begun.action, ...update };
  return { kind: 'settled', action, state, now };
}
