import type { Sid } from '../signalwire/sid';
import { type Action, type ActionReason, isInProgress, supersedes } from './action';
import { MAX_ACTIONS, obstacleTo } from './action-obstacle';
import { coachesWrongCall, isInConference, isOpen, type Stay } from './room';
import { addActionFact, addFact, changeStay, openStayOf, type RoomDraft } from './room-draft';
import type { EventOf } from './room-event';

/** How long a settled action is kept, in milliseconds. */
const KEPT_MS = 600_000;

/** Somebody requested an action through the API. It is not added if it cannot begin: see {@link obstacleTo}. */
export function actionRequested(draft: RoomDraft, event: EventOf<'action-requested'>, at: number): void {
  const { id, name, by, callSid, mode, target, person, recordedCall, recordingSid } = event;
  const isKnown = draft.actions.some((one) => one.id === id);
  if (isKnown || obstacleTo(draft, event, draft.now) !== undefined) {
    return;
  }
  for (const other of draft.actions) {
    if (other.callSid === callSid && isInProgress(other, draft.now) && supersedes(event, other)) {
      settle(draft, other, { status: 'failed', reason: 'superseded' }, at);
    }
  }
  const stay = callSid === undefined ? undefined : openStayOf(draft, callSid);
  const joinedAt = stay?.joinedAt;
  const about = { callSid, joinedAt, mode, target, person, recordedCall, recordingSid };
  const action: Action = { id, name, by, requestedAt: at, status: 'requested', ...about };
  draft.actions = [...withRoomForOne(draft), action];
  draft.hasChanged = true;
  if (name !== 'mode' || stay?.supervision === undefined) {
    addActionFact(draft, action, stayOf(draft, action), at);
  } else if (stay.supervision.mode === mode) {
    addFact(draft, stay, 'mode', at, 'api');
  } else {
    changeStay(draft, stay, { supervision: { ...stay.supervision, mode } });
  }
}

/** The server that carries out an action reports how far it is, perhaps late. What has been settled does not change any more. */
export function actionUpdated(draft: RoomDraft, event: EventOf<'action-updated'>, at: number): void {
  const { id, status, reason, callSid, recordingSid } = event;
  const action = draft.actions.find((one) => one.id === id);
  if (action?.callSid !== undefined && event.isHeardUnknown) {
    forgetHeard(draft, action.callSid, at);
  }
  if (action === undefined || !isOpenAt(action, at)) {
    return;
  }
  if (status === 'requested') {
    const learned = { callSid: action.callSid ?? callSid, recordingSid: action.recordingSid ?? recordingSid };
    const known = replace(draft, action, { ...action, ...learned });
    const isOver = draft.stays.some((stay) => stay.callSid === callSid && stay.callEndedAt !== undefined);
    if (known.name === 'join' && isOver) {
      settle(draft, known, { status: 'failed', reason: 'left' }, at);
    }
    return;
  }
  settle(draft, action, { status, reason }, at);
}

/** Whether an action was not settled at some time. One counts as abandoned too early if its server could not tell its end. */
function isOpenAt(action: Action, at: number): boolean {
  const { status, reason } = action;
  return status === 'requested' || (reason === 'abandoned' && isInProgress({ ...action, status: 'requested' }, at));
}

/** Ends the actions whose server is gone, and forgets the old ones. */
export function settleAbandoned(draft: RoomDraft): void {
  for (const action of draft.actions) {
    if (action.status === 'requested' && !isInProgress(action, draft.now)) {
      const isDone = action.name === 'mode' && isConfirmed(draft, action);
      settle(draft, action, isDone ? { status: 'confirmed' } : { status: 'failed', reason: 'abandoned' }, draft.now);
    }
  }
  const isKept = ({ settledAt }: Action) => settledAt === undefined || settledAt + KEPT_MS > draft.now;
  if (!draft.actions.every(isKept)) {
    draft.actions = draft.actions.filter(isKept);
    draft.hasChanged = true;
  }
}

/** Settles the actions on participants whose stay has ended: whoever comes back is subject to none of them. */
export function settleEnded(draft: RoomDraft): void {
  for (const action of draft.actions) {
    const isAboutStay = action.status === 'requested' && action.joinedAt !== undefined;
    if (isAboutStay && stayOf(draft, action)?.leftAt !== undefined) {
      const isDone = action.name === 'remove';
      settle(draft, action, isDone ? { status: 'confirmed' } : { status: 'failed', reason: 'left' }, draft.now);
    }
  }
}

/** Settles the join by which a call was made. */
export function settleJoins(draft: RoomDraft, callSid: Sid, end: Pick<Action, 'status' | 'reason'>, at: number): void {
  const join = draft.actions.find(
    (one) => one.name === 'join' && one.callSid === callSid && one.status === 'requested',
  );
  if (join !== undefined) {
    settle(draft, join, end, at);
  }
}

/** Confirms the joins of supervisors who are in the conference now. */
export function confirmJoins(draft: RoomDraft): void {
  for (const { name, status, callSid } of draft.actions) {
    const stay = name === 'join' && status === 'requested' && callSid && openStayOf(draft, callSid);
    if (stay && stay.supervision !== undefined && isInConference(stay)) {
      settleJoins(draft, stay.callSid, { status: 'confirmed' }, stay.joinedAt ?? draft.now);
    }
  }
}

/** The server itself changed a supervisor's mode: a change that somebody requested is over. Returns that change. */
export function cancelModeChange(draft: RoomDraft, callSid: Sid, reason: ActionReason, at: number): Action | undefined {
  const action = draft.actions.findLast((one) => one.callSid === callSid && one.name === 'mode');
  return action?.status === 'requested'
    ? replace(draft, action, { ...action, status: 'failed', reason, settledAt: at })
    : undefined;
}

function settle(
  draft: RoomDraft,
  action: Action,
  { status, reason }: Pick<Action, 'status' | 'reason'>,
  at: number,
): void {
  const settled = replace(draft, action, { ...action, status, reason, settledAt: at });
  const stay = stayOf(draft, action);
  if (action.name !== 'mode') {
    addActionFact(draft, settled, stay, at);
  } else if (status === 'failed' && stay?.supervision !== undefined && isOpen(stay)) {
    // Whatever was requested, nobody is to hear them now.
    const muted = changeStay(draft, stay, { supervision: { ...stay.supervision, mode: 'monitor' } });
    addFact(draft, muted, 'mode', at, 'api', { by: action.by, reason });
  }
}

/** The stay that an action is about; of a join or a recording, the call's latest. */
function stayOf(draft: RoomDraft, { callSid, recordedCall = callSid, joinedAt }: Action): Stay | undefined {
  return draft.stays.findLast(
    (stay) => stay.callSid === recordedCall && (joinedAt === undefined || stay.joinedAt === joinedAt),
  );
}

/** The actions without the oldest settled ones, if there are too many. */
function withRoomForOne({ actions }: RoomDraft): Action[] {
  let surplus = actions.length + 1 - MAX_ACTIONS;
  return actions.filter(({ status }) => status === 'requested' || surplus-- <= 0);
}

function replace(draft: RoomDraft, action: Action, next: Action): Action {
  draft.actions = draft.actions.map((one) => (one === action ? next : one));
  draft.hasChanged = true;
  return next;
}

function isConfirmed(draft: RoomDraft, { callSid, mode }: Action): boolean {
  const stay = callSid === undefined ? undefined : openStayOf(draft, callSid);
  return stay?.supervision !== undefined && stay.supervision.heard === mode && !coachesWrongCall(stay.supervision);
}

/** A request to unmute a supervisor got no answer: nobody knows whether they are heard, unless it was reported since. */
function forgetHeard(draft: RoomDraft, callSid: Sid, at: number): void {
  const stay: Stay | undefined = openStayOf(draft, callSid);
  if (stay?.supervision !== undefined && (stay.supervision.heardAt ?? 0) <= at) {
    const supervision = { ...stay.supervision, heard: 'unknown', heardAt: undefined } as const;
    changeStay(draft, stay, { isMuted: undefined, supervision });
  }
}
