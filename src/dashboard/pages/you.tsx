import { isAllowed } from '../../people/rights';
import { MODES, type Mode } from '../../rooms/mode';
import type { RoomName } from '../../rooms/room';
import { actionUrl } from '../action-url';
import type { Abilities, FailedCall, Presence } from '../board-model';
import { hearingOf, type SupervisorView } from '../hearing';
import type { Texts } from '../texts-en';
import type { Viewer } from '../viewer';
import { ActionButton, Ago, HearingBadge, type Shown, wordsOf } from './elements';

export interface YouProps extends Shown {
  viewer: Viewer;
  presences: readonly Presence[];
  failedCall: FailedCall | undefined;
  can: Abilities;
}

/** The panel that tells a supervisor who hears them, and lets them choose. The browser replaces it as a whole. */
export function You({ viewer, presences, failedCall, can, texts, now }: YouProps) {
  const isCallable = can.control && can.callout && viewer.person.address !== undefined;
  return (
    <section id="you" class="you" aria-labelledby="you-title">
      <h2 id="you-title">{texts.you.title}</h2>
      {presences.length === 0 ? (
        <p class="nowhere" data-short={texts.you.nowhere}>
          {texts.you.nowhere} {isCallable ? texts.you.howToListen : texts.you.howToDial}
        </p>
      ) : null}
      {presences.length === 0 && failedCall !== undefined ? (
        <p class="failed-call">
          <Ago sentence={sentenceOf(failedCall, texts)} since={failedCall.at} now={now} />
        </p>
      ) : null}
      {presences.length > 1 ? <p class="several">{texts.you.several}</p> : null}
      {presences.map(({ room, call }) =>
        call === undefined ? (
          <div class="presence" data-status="entering">
            <p class="where">{texts.you.inRoom(room)}</p>
            <p class="who">
              <span class="hearing unknown open">{texts.hearing.called}</span>
            </p>
          </div>
        ) : (
          <PresenceIn room={room} call={call} viewer={viewer} can={can} texts={texts} now={now} />
        ),
      )}
    </section>
  );
}

function sentenceOf({ room, reason }: FailedCall, { you }: Texts): string {
  return you.notReached(room, you.notReachedWhy[reason ?? ''] ?? you.notReachedWhy.other);
}

function PresenceIn(props: Omit<YouProps, 'presences' | 'failedCall'> & { room: string; call: SupervisorView }) {
  const { room, call, viewer, can, texts, now } = props;
  const hearing = hearingOf(call);
  const { status, requested, heard, observedAt } = hearing;
  const words = wordsOf(hearing, texts.hearing);
  return (
    <div class="presence" data-status={status} data-room={room} data-mode={requested} data-heard={heard ?? 'unknown'}>
      <p class="where">{texts.you.inRoom(room)}</p>
      <p class="who">
        <HearingBadge hearing={{ ...words, requested: undefined }} texts={texts} />
      </p>
      <p class="status">
        {status === 'confirmed' && observedAt !== undefined ? (
          <Ago sentence={texts.hearing.confirmed} since={Date.parse(observedAt)} now={now} />
        ) : null}
        {status === 'confirmed' && observedAt === undefined ? texts.hearing.confirmedPlain : null}
        {status !== 'confirmed' && status !== 'entering' && requested !== undefined
          ? texts.hearing.requested(texts.modes[requested])
          : null}
      </p>
      {can.control && status !== 'entering' ? (
        <form method="post" class="modes">
          {MODES.filter((mode) => isAllowed(viewer.actor, mode, room as RoomName)).map((mode) => (
            <ModeButton room={room} call={call} mode={mode} isPressed={requested === mode} label={texts.modes[mode]} />
          ))}
          <ActionButton class="leave" url={actionUrl(room, 'leave', { call: call.callSid })}>
            {texts.you.leave}
          </ActionButton>
        </form>
      ) : null}
    </div>
  );
}

function ModeButton(props: { room: string; call: SupervisorView; mode: Mode; isPressed: boolean; label: string }) {
  const { room, call, mode, isPressed, label } = props;
  const target = call.supervision.target ?? undefined;
  return (
    <ActionButton
      class={`mode ${mode}`}
      data-mode={mode}
      aria-pressed={isPressed}
      url={actionUrl(room, 'mode', { call: call.callSid, mode, target })}
    >
      {label}
    </ActionButton>
  );
}
