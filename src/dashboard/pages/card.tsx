import type { ParticipantView, RoomView } from '../../api/schemas';
import { actionUrl } from '../action-url';
import { type Alert, isCaller, isInside, talkingSince } from '../attention';
import type { BoardRoom } from '../board';
import { type RoomAccess, waitingSince } from '../board-model';
import { hearingOf, type SupervisorView } from '../hearing';
import { labelOf } from '../label';
import type { Texts } from '../texts-en';
import { Elapsed, HearingBadge, Hidden, type Shown, wordsOf } from './elements';

export interface CardProps extends Shown {
  room: BoardRoom;
  access: RoomAccess;
}

/** A room on the board. The browser morphs it, and moves it only while nobody is about to use the board. */
export function Card({ room: { view, attention }, access, texts, now }: CardProps) {
  const { room } = view;
  const id = cardId(room);
  return (
    <article
      id={id}
      class={`card${access.ownCall === undefined ? '' : ' own'}`}
      data-room={room}
      tabIndex={-1}
      aria-labelledby={`${id}-title`}
    >
      <header>
        <h3 id={`${id}-title`}>{room}</h3>
        <State view={view} texts={texts} now={now} />
      </header>
      <p class="alerts">
        {attention.alerts.map((alert) => (
          <AlertMark alert={alert} texts={texts} now={now} />
        ))}
        <RecordingMark view={view} texts={texts} />
      </p>
      <ul class="people" aria-label={texts.card.participants(room)}>
        {view.participants.map((one) => (
          <Person participant={one} texts={texts} />
        ))}
      </ul>
      <Controls view={view} access={access} texts={texts} />
    </article>
  );
}

/** The id of a room's card. */
export function cardId(room: string): string {
  return `room-${encodeURIComponent(room)}`;
}

function State({ view, texts, now }: Shown & { view: RoomView }) {
  const talking = talkingSince(view);
  const waiting = waitingSince(view);
  const since = talking ?? waiting;
  const words =
    talking !== undefined ? texts.card.talking : waiting !== undefined ? texts.card.waiting : texts.card.alone;
  return (
    <span class="state">
      {words} {since === undefined ? null : <Elapsed since={since} now={now} />}
    </span>
  );
}

function AlertMark({ alert: { kind, since, isPresent }, texts, now }: Shown & { alert: Alert }) {
  return (
    <span class={`alert${isPresent ? '' : ' over'}`} data-kind={kind}>
      <span aria-hidden="true">▲ </span>
      {texts.alerts[kind]} {isPresent ? <Elapsed since={since} now={now} /> : texts.alertOver}
    </span>
  );
}

function RecordingMark({ view, texts }: { view: RoomView; texts: Texts }) {
  const state = recordingState(view);
  return state === undefined ? null : (
    <span class={`recording ${state}`}>
      <span aria-hidden="true">{state === 'running' ? '■ ' : '‖ '}</span>
      {state === 'running' ? texts.card.recording : texts.card.paused}
    </span>
  );
}

const OVER = new Set(['completed', 'stopped', 'absent', 'failed']);

/** The recordings of a room that are not over. */
export function openRecordings({ recordings }: RoomView): RoomView['recordings'] {
  return recordings.filter(({ status }) => !OVER.has(status));
}

/** Whether a room is being recorded. */
export function recordingState(view: RoomView): 'running' | 'paused' | undefined {
  const open = openRecordings(view);
  if (open.length === 0) {
    return undefined;
  }
  return open.some(({ status }) => status !== 'paused') ? 'running' : 'paused';
}

function Person({ participant, texts }: { participant: ParticipantView; texts: Texts }) {
  const { role, name, muted, onHold, speakingSince, supervision } = participant;
  const marks = [
    ...(isInside(participant) || supervision !== null ? [] : [texts.card.entering]),
    ...(onHold ? [texts.card.onHold] : []),
    ...(muted && supervision === null ? [texts.card.muted] : []),
  ];
  return (
    <li class={role} data-call={participant.callSid}>
      <span class="who">
        {labelOf(participant, texts)}
        {name === null ? null : <small> {texts.roles[role]}</small>}
      </span>
      {supervision === null ? null : (
        <HearingBadge
          hearing={wordsOf(hearingOf(participant as SupervisorView), texts.hearing.ofOther)}
          texts={texts}
        />
      )}
      {marks.map((mark) => (
        <span class="mark">{mark}</span>
      ))}
      {speakingSince === null ? null : (
        <span class="mark speaking">
          <span aria-hidden="true">♪</span>
          <Hidden>{texts.card.speaking}</Hidden>
        </span>
      )}
    </li>
  );
}

/** The actions that the viewer has a right to. A form holds them all: each button has an address of its own. */
function Controls({ view, access, texts }: { view: RoomView; access: RoomAccess; texts: Texts }) {
  const { room } = view;
  const { rights, ownCall, canBeCalled, canControl } = access;
  const hasAgent = view.target !== null;
  const canListen = canBeCalled && hasAgent;
  const canRecord = canControl && rights.has('record') && view.conferenceSid !== null;
  const hasMore = canControl && (rights.has('control') || canRecord || (access.canSendNotes && rights.has('coach')));
  return (
    <div class="controls">
      {canListen && ownCall === undefined ? (
        <form method="post">
          <button type="submit" class="mode monitor" formAction={actionUrl(room, 'listen')}>
            {texts.actions.listen}
            <Hidden> {room}</Hidden>
          </button>
        </form>
      ) : null}
      {hasMore ? (
        <details class="more">
          <summary>
            {texts.card.more}
            <Hidden> {room}</Hidden>
          </summary>
          <More view={view} access={access} texts={texts} canRecord={canRecord} />
        </details>
      ) : null}
    </div>
  );
}

function More({
  view,
  access: { rights, canSendNotes },
  texts,
  canRecord,
}: {
  view: RoomView;
  access: RoomAccess;
  texts: Texts;
  canRecord: boolean;
}) {
  const { room, participants } = view;
  const inside = participants.filter(isInside);
  const agents = inside.filter(({ role }) => role === 'moderator');
  const mayControl = rights.has('control');
  return (
    <div class="menu">
      {canSendNotes && rights.has('coach')
        ? agents.map((agent) => <NoteForm room={room} agent={agent} texts={texts} />)
        : null}
      <form method="post">
        {canRecord ? <RecordingButtons view={view} texts={texts} /> : null}
        {mayControl ? inside.map((one) => <ParticipantButtons room={room} participant={one} texts={texts} />) : null}
        {mayControl && view.conferenceSid !== null ? (
          <button type="submit" class="danger" formAction={actionUrl(room, 'end')}>
            {texts.actions.end}
          </button>
        ) : null}
      </form>
    </div>
  );
}

function NoteForm({ room, agent, texts }: { room: string; agent: ParticipantView; texts: Texts }) {
  const id = `note-${agent.callSid}`;
  return (
    <form method="post" action={actionUrl(room, 'note', { call: agent.callSid })} class="note">
      <label for={id}>{texts.actions.note(labelOf(agent, texts))}</label>
      <input id={id} name="text" maxLength={300} required autoComplete="off" aria-describedby={`${id}-hint`} />
      <small id={`${id}-hint`}>{texts.actions.noteHint}</small>
      <button type="submit">{texts.actions.sendNote}</button>
    </form>
  );
}

function RecordingButtons({ view, texts }: { view: RoomView; texts: Texts }) {
  const { room } = view;
  const open = openRecordings(view);
  const state = recordingState(view);
  return (
    <>
      {state === undefined ? (
        <button type="submit" formAction={actionUrl(room, 'record')}>
          {texts.actions.record}
        </button>
      ) : null}
      {state === 'running' ? (
        <button type="submit" formAction={actionUrl(room, 'pause')}>
          {texts.actions.pause}
        </button>
      ) : null}
      {open.some(({ pausedByUs }) => pausedByUs) ? (
        <button type="submit" formAction={actionUrl(room, 'resume')}>
          {texts.actions.resume}
        </button>
      ) : null}
      {open.map(({ recordingSid }) => (
        <button type="submit" class="danger" formAction={actionUrl(room, 'stop', { recording: recordingSid })}>
          {texts.actions.stop}
        </button>
      ))}
    </>
  );
}

function ParticipantButtons(props: { room: string; participant: ParticipantView; texts: Texts }) {
  const { room, participant, texts } = props;
  const { callSid: call, muted, onHold, role, supervision } = participant;
  const who = labelOf(participant, texts);
  const mayMute = supervision === null && role !== 'unknown';
  const mute = muted ? 'unmute' : 'mute';
  const hold = onHold ? 'unhold' : 'hold';
  return (
    <>
      {mayMute || (isCaller(participant) && !muted) ? (
        <button type="submit" formAction={actionUrl(room, mute, { call })}>
          {texts.actions[mute](who)}
        </button>
      ) : null}
      <button type="submit" formAction={actionUrl(room, hold, { call })}>
        {texts.actions[hold](who)}
      </button>
      <button type="submit" class="danger" formAction={actionUrl(room, 'remove', { call })}>
        {texts.actions.remove(who)}
      </button>
    </>
  );
}
