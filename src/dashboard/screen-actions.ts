import { reportOf } from '../api/action-replies';
import { type Operation, perform, requireRight } from '../api/operation';
import { problem, restNotConfigured } from '../api/problem';
import type { ParticipantView, RoomView } from '../api/schemas';
import { viewRoom } from '../api/views';
import { MODES } from '../rooms/mode';
import type { RoomName } from '../rooms/room';
import type { Rooms } from '../rooms/rooms';
import { parseSid, type Sid } from '../signalwire/sid';
import type { ParticipantActions } from '../supervision/participant-actions';
import type { ScreenAction } from './action-url';
import { isInside } from './attention';
import { byRole, labelOf } from './label';
import type { Texts } from './texts-en';
import type { Viewer } from './viewer';

/** The parameters of an action, as they were posted. */
export type ActionParameters = Readonly<
  Partial<Record<'call' | 'mode' | 'target' | 'text' | 'recording' | 'conference' | 'sure', string>>
>;

/** What became of an action. */
export type ActionOutcome =
  | { kind: 'done'; said: keyof Texts['results'] }
  /** It cannot be undone, so the person is asked first. `conference`: which one the question is about, if it is about one. */
  | { kind: 'confirm'; question: string; yes: string; conference?: string };

/** Does what somebody asked for on the screen. @throws Problem */
export type ScreenActions = (
  viewer: Viewer,
  room: RoomName,
  action: ScreenAction,
  parameters: ActionParameters,
) => Promise<ActionOutcome>;

export interface ScreenActionsOptions {
  /** Those of the API: whoever may not do something there may not do it here. */
  operations: readonly Operation[];
  rooms: Pick<Rooms, 'read'>;
  /** Undefined when the Space's REST API is not configured. */
  participants: Pick<ParticipantActions, 'remove'> | undefined;
  texts: Texts;
  /** Whether somebody may still do what they were allowed to a moment ago. */
  isStillAllowed: (viewer: Viewer) => boolean;
}

/** The operation of the API that each action is, with its body. */
const OPERATIONS: Readonly<
  Record<Exclude<ScreenAction, 'leave'>, [string, (given: ActionParameters, viewer: Viewer) => unknown]>
> = {
  listen: ['callSupervisor', (_given, { name }) => ({ supervisor: name, mode: 'monitor' })],
  mode: ['changeMode', ({ mode, target }) => ({ mode, target })],
  note: ['sendNote', ({ text }) => ({ text })],
  mute: ['changeParticipant', () => ({ muted: true })],
  unmute: ['changeParticipant', () => ({ muted: false })],
  hold: ['changeParticipant', () => ({ onHold: true })],
  unhold: ['changeParticipant', () => ({ onHold: false })],
  remove: ['removeParticipant', () => undefined],
  record: ['startRecording', () => undefined],
  pause: ['changeRecordings', () => ({ status: 'paused' })],
  resume: ['changeRecordings', () => ({ status: 'in-progress' })],
  stop: ['stopRecording', () => undefined],
  end: ['endConference', () => undefined],
};

export function createScreenActions(options: ScreenActionsOptions): ScreenActions {
  const { rooms, participants, texts, isStillAllowed } = options;
  const operations = new Map(options.operations.map((one) => [one.id, one]));

  function operationOf(action: keyof typeof OPERATIONS): Operation {
    const [id] = OPERATIONS[action];
    return operations.get(id) as Operation;
  }

  async function readRoom(room: RoomName): Promise<RoomView> {
    const found = await rooms.read(room);
    if (!found.isKnown) {
      throw problem('store_away', 'The store does not answer, and this server does not know the room.');
    }
    return viewRoom(found.state);
  }

  /** @throws Problem unless this is the viewer's own call, as a supervisor */
  async function requireOwnCall(viewer: Viewer, room: RoomName, call: Sid): Promise<void> {
    const { participants: people } = await readRoom(room);
    const own = people.find(({ callSid }) => callSid === call);
    if (own === undefined) {
      throw problem('not_in_room', 'This call is not in the conference.');
    }
    // An agent may have the same name.
    if (viewer.role !== 'supervisor' || own.supervision === null || own.name !== viewer.name) {
      throw problem('not_allowed', 'This is not your call.');
    }
  }

  /** @throws Problem if another conversation has begun since the person was asked */
  async function requireSameConference(room: RoomName, asked = ''): Promise<void> {
    const { conferenceSid } = await readRoom(room);
    if (conferenceSid !== null && conferenceSid !== asked) {
      throw problem('conversation_changed', 'This is another conversation than the one that was asked about.');
    }
  }

  async function leave(viewer: Viewer, room: RoomName, call: Sid): Promise<ActionOutcome> {
    if (participants === undefined) {
      throw restNotConfigured();
    }
    reportOf(await participants.remove(room, call, viewer.actor.name), undefined);
    return { kind: 'done', said: 'leave' };
  }

  /** The question before an action that cannot be undone; undefined for others. @throws Problem without the right to it */
  async function questionOf(
    { actor }: Viewer,
    action: ScreenAction,
    room: RoomName,
    { call, recording }: ActionParameters,
  ): Promise<ActionOutcome | undefined> {
    if (action !== 'remove' && action !== 'end' && action !== 'stop') {
      return undefined;
    }
    // The question names people.
    requireRight(operationOf(action), { actor, room, body: undefined });
    const view = await readRoom(room);
    const inside = byRole(view.participants).filter(isInside);
    const yes = texts.confirm.yes[action];
    switch (action) {
      case 'remove': {
        const who = view.participants.find(({ callSid }) => callSid === call);
        const name = who === undefined ? texts.unnamed.unknown : labelOf(who, texts);
        return { kind: 'confirm', question: texts.confirm.remove(name, room), yes };
      }
      case 'end':
        return {
          kind: 'confirm',
          question: texts.confirm.end(room, namesOf(inside)),
          yes,
          conference: view.conferenceSid ?? '',
        };
      case 'stop': {
        const recorded = view.recordings.find(({ recordingSid }) => recordingSid === recording)?.callSid;
        const people = recorded === null ? inside : inside.filter(({ callSid }) => callSid === recorded);
        return { kind: 'confirm', question: texts.confirm.stop(room, namesOf(people)), yes };
      }
    }
  }

  function namesOf(people: readonly ParticipantView[]): string {
    const names = people.map((one) => labelOf(one, texts));
    return names.length === 0 ? texts.confirm.everybody : new Intl.ListFormat(texts.language).format(names);
  }

  return async (viewer, room, action, given) => {
    const question = given.sure === 'yes' ? undefined : await questionOf(viewer, action, room, given);
    if (question !== undefined) {
      return question;
    }
    if (action === 'end') {
      requireRight(operationOf(action), { actor: viewer.actor, room, body: undefined });
      await requireSameConference(room, given.conference);
    }
    const sid = parseSid(action === 'stop' ? given.recording : given.call);
    if (action === 'mode' || action === 'leave') {
      await requireOwnCall(viewer, room, requireSid(sid));
    }
    if (action === 'leave') {
      return leave(viewer, room, requireSid(sid));
    }
    const [, bodyOf] = OPERATIONS[action];
    const operation = operationOf(action);
    await perform(operation, {
      actor: viewer.actor,
      room,
      ...(operation.path.includes('Sid}') && { sid: requireSid(sid) }),
      body: bodyOf(given, viewer),
      isStillAllowed: () => isStillAllowed(viewer),
    });
    const said = action === 'mode' ? (MODES.find((mode) => mode === given.mode) ?? 'monitor') : action;
    return { kind: 'done', said };
  };
}

/** @throws Problem */
function requireSid(sid: Sid | undefined): Sid {
  if (sid === undefined) {
    throw problem('invalid_parameter', 'A SID has 1 to 64 letters, digits, - or _.');
  }
  return sid;
}
