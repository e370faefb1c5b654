import type { ParticipantView, RoomView } from '../../src/api/schemas';

/** The instant of these rooms, in milliseconds since 1970. */
export const NOW = Date.parse('2026-11-25T10:00:00Z');

/** ISO 8601, some seconds before {@link NOW}. */
export function ago(seconds: number): string {
  return new Date(NOW - seconds * 1_000).toISOString();
}

/** Somebody who has been in the conference for a minute. */
export function participant(more: Partial<ParticipantView> & { callSid: string }): ParticipantView {
  return {
    role: 'caller',
    name: null,
    number: '***1111',
    arrivedAt: null,
    joinedAt: ago(60),
    muted: false,
    onHold: false,
    onHoldSince: null,
    speakingSince: null,
    supervision: null,
    ...more,
  };
}

export const ALICE_IN = participant({ callSid: 'alice-1', role: 'moderator', name: 'Alice', number: '***8999' });
export const BOB_IN = participant({ callSid: 'bob-1' });

type Supervision = NonNullable<ParticipantView['supervision']>;

/** Ted, who listens unless told otherwise. */
export function tedIn(supervision: Partial<Supervision> = {}, more: Partial<ParticipantView> = {}): ParticipantView {
  return participant({
    callSid: 'ted-1',
    role: 'supervisor',
    name: 'Ted',
    number: '***2222',
    muted: true,
    supervision: {
      requestedMode: 'monitor',
      heardAs: 'monitor',
      confirmed: true,
      observedAt: ago(2),
      target: 'alice-1',
      moderator: 'Alice',
      ...supervision,
    },
    ...more,
  });
}

/** A room where these people are. */
export function roomWith(participants: ParticipantView[], more: Partial<RoomView> = {}): RoomView {
  return {
    room: 'sales',
    at: ago(0),
    conferenceSid: 'cf-1',
    target: participants.find(({ role }) => role === 'moderator')?.callSid ?? null,
    moderatorLeftAt: null,
    participants,
    recordings: [],
    actions: [],
    ...more,
  };
}
