import type { z } from 'zod';
import type { Action, ActionReason } from '../rooms/action';
import { isOpen, type RoomState } from '../rooms/room';
import type { Sid } from '../signalwire/sid';
import type { ActionResult, Refusal } from '../supervision/recorded-action';
import { type Problem, type ProblemCode, problem, REASON_CODES } from './problem';
import type { recordingsReport } from './schemas';
import { viewAction, viewParticipant, viewRecording } from './views';

/** Why an action was not begun, for people. */
const REFUSALS: Readonly<Record<Refusal, readonly [ProblemCode, string]>> = {
  'not-in-room': ['not_in_room', 'This call is not in the conference.'],
  'not-a-supervisor': ['not_a_supervisor', 'Only a supervisor has a mode.'],
  'is-a-supervisor': ['is_a_supervisor', 'This is or may be a supervisor: change their mode instead.'],
  busy: ['busy', 'Another action is in the way. Try again in a few seconds.'],
  'conversation-changed': ['conversation_changed', 'The conversation has changed. Look at the room, then try again.'],
  'store-away': ['store_away', 'The store does not answer, so nothing was done. Try again soon.'],
  'room-unknown': ['store_away', 'The room is unknown while the store does not answer. Try again soon.'],
  'not-private': [
    'notes_not_private',
    'Callers might hear the note. If you have tested that they do not, set ANNOUNCE_IS_PRIVATE=true.',
  ],
  'not-a-moderator': ['not_a_moderator', "This is not an agent's call."],
  'no-moderator': ['no_moderator', 'No agent is in this room.'],
  'no-recording': ['no_such_recording', 'This room has no such recording.'],
  'space-away': ['space_unreachable', 'Only the Space could tell, and it did not.'],
  'no-conference': ['no_conference', 'No conference is running in this room.'],
};

/** Why an action failed, for people. Each is followed by what holds now. */
const REASONS: Readonly<Record<ActionReason, string>> = {
  abandoned: 'The action was not finished in time.',
  'already-recording': 'This call has a recording that is not over. Resume it if it was paused here, or stop it.',
  'conversation-changed': 'The conversation changed meanwhile.',
  'muted-by-server': 'The server muted the supervisor meanwhile.',
  superseded: 'A later action took the place of this one.',
  left: 'The participant left the conference meanwhile.',
  refused: 'The Space refused.',
  timeout: 'The Space did not answer in time.',
  unreachable: 'The Space could not be reached.',
  unreadable: 'The Space gave an answer that could not be read.',
  ineffective: 'The Space took the change, but did not make it.',
  'no-key': 'No key was pressed.',
  'no-answer': 'Nobody answered.',
  busy: 'The line was busy.',
  'not-connected': 'The number could not be reached.',
  'is-a-supervisor': 'This is a supervisor: change their mode instead.',
  'not-allowed': 'They may not do that any more.',
  'store-away': 'The store did not answer.',
  internal: 'Something went wrong; see the log.',
};

/** The report of an action. @throws Problem if it was refused or failed */
export function reportOf(result: ActionResult, callSid: Sid | undefined) {
  return report(result, (state) => ({ participant: participantOf(state, callSid) }));
}

/** The report of an action on recordings. @throws Problem if it was refused or failed */
export function recordingsReportOf(result: ActionResult): z.output<typeof recordingsReport> {
  return report(result, ({ recordings = [] }) => ({ recordings: recordings.map(viewRecording) }));
}

/** The problem of an action that was not begun. @param other the action in its way */
export function refusalProblem(refusal: Refusal, other?: Action): Problem {
  const [code, sentence] = REFUSALS[refusal];
  return problem(code, sentence, other && { by: other.by, action: viewAction(other) });
}

/** The problem of a request that the Space did not carry out. */
export function failureProblem(reason: ActionReason): Problem {
  return problem(REASON_CODES[reason], REASONS[reason]);
}

/** @param show the part of the room's present state to report */
function report<Shown extends object>(result: ActionResult, show: (state: RoomState) => Shown) {
  if (result.kind === 'refused') {
    throw refusalProblem(result.refusal, result.other);
  }
  const { action, state } = result;
  const reported = { action: viewAction(action), ...show(state) };
  if (action.status === 'failed') {
    const { reason = 'abandoned' } = action;
    const isMode = action.name === 'mode' && action.mode !== 'monitor';
    const outcome = isMode ? ' The supervisor is muted, or is being muted.' : '';
    throw problem(REASON_CODES[reason], `${REASONS[reason]}${outcome}`, reported);
  }
  return reported;
}

function participantOf(state: RoomState, callSid: Sid | undefined) {
  const stay = state.stays.find((one) => one.callSid === callSid && isOpen(one));
  return stay === undefined ? null : viewParticipant(state, stay);
}
