import type { Task } from '../ops/in-parallel';
import type { ConferenceApi, SpaceCall } from '../signalwire/conference-api';
import type { Sid } from '../signalwire/sid';
import type { RequestBudget } from './request-budget';
import type { ObservedParticipant } from './room-event';
import type { RoomName } from './room-name';
import type { Rooms } from './rooms';

/** A participant whose call is to be looked up, as seen at `askedAt` of the monotonic clock. */
interface PendingLookup {
  room: RoomName;
  conferenceSid: Sid;
  participant: ObservedParticipant;
  askedAt: number;
}

export interface CallLookupsOptions {
  rooms: Pick<Rooms, 'record'>;
  space: Pick<ConferenceApi, 'findCall'>;
  budget: RequestBudget;
  /** The person on a call, by its numbers. */
  identify: (call: SpaceCall, isModerator: boolean) => NonNullable<ObservedParticipant['person']>;
  /** Told of each supervisor found. */
  onSupervisor: (room: RoomName) => void;
  monotonicNow: () => number;
}

/** Looks up each call once, for the participants that no webhook told us of. */
export interface CallLookups {
  /** The participant with their person, if their call was looked up. */
  withPerson(participant: ObservedParticipant): ObservedParticipant;
  /** Whether a call waits to be looked up. */
  isPending(callSid: Sid): boolean;
  add(question: PendingLookup): void;
  /** The look-ups that wait. They never reject. */
  tasks(): Iterable<Task>;
}

/** How many calls are remembered, and how many may wait. */
const MAX_CALLS = 10_000;

export function createCallLookups(options: CallLookupsOptions): CallLookups {
  const { rooms, space, budget, identify, onSupervisor, monotonicNow } = options;
  const calls = new Map<Sid, SpaceCall>();
  const questions = new Map<Sid, PendingLookup>();

  function identified(participant: ObservedParticipant): ObservedParticipant {
    const call = calls.get(participant.callSid);
    return call === undefined ? participant : { ...participant, person: identify(call, participant.isModerator) };
  }

  function remember(call: SpaceCall): void {
    calls.set(call.callSid, call);
    const [oldest] = calls.keys();
    if (calls.size > MAX_CALLS && oldest !== undefined) {
      calls.delete(oldest);
    }
  }

  async function lookUp(question: PendingLookup): Promise<void> {
    const { room, conferenceSid, askedAt } = question;
    const { callSid } = question.participant;
    if (!budget.has(1)) {
      return;
    }
    questions.delete(callSid);
    budget.spend(1);
    // A failed look-up is asked again when the room is compared again.
    const call = await space.findCall(callSid).catch(() => undefined);
    if (call !== undefined) {
      remember(call);
    }
    const participant = identified(question.participant);
    if (participant.person?.role === 'supervisor') {
      onSupervisor(room);
    }
    const ageMs = monotonicNow() - askedAt;
    await rooms.record(room, { kind: 'participant-observed', conferenceSid, participant, ageMs });
  }

  return {
    withPerson: identified,
    isPending: (callSid) => questions.has(callSid),
    add(question) {
      const { callSid } = question.participant;
      if (!calls.has(callSid) && (questions.size < MAX_CALLS || questions.has(callSid))) {
        questions.set(callSid, question);
      }
    },
    *tasks() {
      for (const question of questions.values()) {
        yield () => lookUp(question);
      }
    },
  };
}
