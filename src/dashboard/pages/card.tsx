import type { ParticipantView, RoomView } from '../../api/schemas';
import { actionUrl } from '../action-url';
import { type Alert, isInside, talkingSince, waitingSince } from '../attention';
import type { BoardRoom } from '../board';
import type { RoomAccess } from '../board-model';
import { hearingOf, type SupervisorView } from '../hearing';
import { byRole, labelOf } from '../label';
import type { Texts } from '../texts-en';
import { ActionButton, Elapsed, HearingBadge, Hidden, type Shown, wordsOf } from './elements';

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
      <ul class="people" aria-label={texts.card.participants(room)} tabIndex={mayScroll(view) ? 0 : undefined}>
        {byRole(view.participants).map((one) => (
          <Person participant={one} texts={texts} />
        ))}
      </ul>
      <Controls view={view} access={access} texts={texts} />
    </article>
  );
}

/** Whether the list may be longer than its place on the card: then it can be scrolled by keyboard. */
function mayScroll({ participants }: RoomView): boolean {
  return participants.length > 2;
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
        <form method="post" class="listen">
          <ActionButton class="mode monitor" url={actionUrl(room, 'listen')}>
            {texts.actions.listen}
            <Hidden> {room}</Hidden>
          </ActionButton>
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
  const inside = byRole(participants).filter(isInside);
  const agents = inside.filter(({ role }) => role === 'moderator');
  const mayControl = rights.has('control');
  return (
    <div class="menu">
      <form method="post" class="room-buttons">
        {canRecord ? <RecordingButtons view={view} texts={texts} /> : null}
        {mayControl && view.conferenceSid !== null ? (
          <ActionButton class="danger" url={actionUrl(room, 'end')}>
            {texts.actions.end}
          </ActionButton>
        ) : null}
      </form>
      {canSendNotes && rights.has('coach')
        ? agents.map((agent) => <NoteForm room={room} agent={agent} texts={texts} />)
        : null}
      {mayControl ? inside.map((one) => <ParticipantButtons room={room} participant={one} texts={texts} />) : null}
    </div>
  );
}

function NoteForm({ room, agent, texts }: { room: string; agent: ParticipantView; texts: Texts }) {
  const id = `note-${agent.callSid}`;
  return (
    <form method="post" action={actionUrl(room, 'note', { call: agent.callSid })} class="note">
      <label for={id}>{texts.actions.note(labelOf(agent, texts))}</label>
      <input id={id} name="text" maxLength={300} required autoComplete="off" aria-describedby={`${id}-hint`} />
      <button type="submit">{texts.actions.sendNote}</button>
      <small id={`${id}-hint`}>{texts.actions.noteHint}</small>
    </form>
  );
}

/** All of them, whatever can be done now, so that none comes to stand where another one was. */
function RecordingButtons({ view, texts }: { view: RoomView; texts: Texts }) {
  const { room } = view;
  const open = openRecordings(view);
  const state = recordingState(view);
  const canResume = open.some(({ pausedByUs }) => pausedByUs);
  return (
    <>
      <ActionButton url={actionUrl(room, 'record')} aria-disabled={state !== undefined}>
        {texts.actions.record}
      </ActionButton>
      <ActionButton url={actionUrl(room, 'pause')} aria-disabled={state !== 'running'}>
        {texts.actions.pause}
      </ActionButton>
      <ActionButton url={actionUrl(room, 'resume')} aria-disabled={!canResume}>
        {texts.actions.resume}
      </ActionButton>
      <ActionButton
        class="danger"
        url={actionUrl(room, 'stop', { recording: open.at(-1)?.recordingSid })}
        aria-disabled={open.length === 0}
      >
        {texts.actions.stop}
      </ActionButton>
    </>
  );
}

function ParticipantButtons(props: { room: string; participant: ParticipantView; texts: Texts }) {
  const { room, participant, texts } = props;
  const { callSid: call, muted, onHold, role, supervision } = participant;
  const who = labelOf(participant, texts);
  const mute = muted ? 'unmute' : 'mute';
  const hold = onHold ? 'unhold' : 'hold';
  // Somebody unknown may be a supervisor: they may be muted, but not unmuted.
  const mayMute = supervision === null && (role !== 'unknown' || mute === 'mute');
  return (
    <form method="post" class="participant-buttons" id={`buttons-${call}`}>
      <span class="who">{who}</span>
      {mayMute ? <NamedButton url={actionUrl(room, mute, { call })} label={texts.actions[mute]} who={who} /> : <span />}
      <NamedButton url={actionUrl(room, hold, { call })} label={texts.actions[hold]} who={who} />
      <NamedButton class="danger" url={actionUrl(room, 'remove', { call })} label={texts.actions.remove} who={who} />
    </form>
  );
}

/** A button in the row of a participant; screen readers hear their name too. */
function NamedButton({ label, who, ...rest }: { url: string; class?: string; label: string; who: string }) {
  return (
    <ActionButton {...rest}>
      {label}
      <Hidden> {who}</Hidden>
    </ActionButton>
  );
}
