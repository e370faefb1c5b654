import type { Task } from '../ops/in-parallel';
import { putLast } from '../ops/put-last';
import type { ConferenceApi, SpaceCall } from '../signalwire/conference-api';
import type { Sid } from '../signalwire/sid';
import type { RequestBudget } from './request-budget';
import type { RoomName } from './room';
import type { ObservedParticipant } from './room-event';
import type { Rooms } from './rooms';

/** A participant, as REST showed them, whose call must be looked up. */
interface PendingLookup {
  room: RoomName;
  conferenceSid: Sid;
  participant: ObservedParticipant;
  /** When REST was asked for the participant, by the monotonic clock. */
  askedAt: number;
}

export interface CallLookupsOptions {
  rooms: Pick<Rooms, 'record'>;
  space: Pick<ConferenceApi, 'findCall'>;
  budget: RequestBudget;
  /** The person on a call, by its telephone numbers. */
  identify: (call: SpaceCall, isModerator: boolean) => NonNullable<ObservedParticipant['person']>;
  /** Called for each supervisor found. */
  onSupervisor: (room: RoomName) => void;
  monotonicNow: () => number;
}

/** Looks up the calls of participants that no webhook announced, each call once. */
export interface CallLookups {
  /** The participant with `person`, if their call was looked up. */
  withPerson(participant: ObservedParticipant): ObservedParticipant;
  /** Whether a look-up of this call is pending. */
  isPending(callSid: Sid): boolean;
  add(lookup: PendingLookup): void;
  /** The pending look-ups. They never reject. */
  tasks(): Iterable<Task>;
}

/** How many calls are remembered, and how many look-ups may be pending. */
const MAX_CALLS = 10_000;

export function createCallLookups(options: CallLookupsOptions): CallLookups {
  const { rooms, space, budget, identify, onSupervisor, monotonicNow } = options;
  const calls = new Map<Sid, SpaceCall>();
  const pending = new Map<Sid, PendingLookup>();

  function withPerson(participant: ObservedParticipant): ObservedParticipant {
    const call = calls.get(participant.callSid);
    return call === undefined ? participant : { ...participant, person: identify(call, participant.isModerator) };
  }

  function remember(call: SpaceCall): void {
    putLast(calls, call.callSid, call, MAX_CALLS);
  }

  async function lookUp(lookup: PendingLookup): Promise<void> {
    const { room, conferenceSid, askedAt } = lookup;
    const { callSid } = lookup.participant;
    if (!budget.has(1)) {
      return;
    }
    pending.delete(callSid);
    budget.spend(1);
    // The next comparison of the room adds a failed look-up again.
    const call = await space.findCall(callSid).catch(() => undefined);
    if (call !== undefined) {
      remember(call);
    }
    const participant = withPerson(lookup.participant);
    if (participant.person?.role === 'supervisor') {
      onSupervisor(room);
    }
    const ageMs = monotonicNow() - askedAt;
    await rooms.record(room, { kind: 'participant-observed', conferenceSid, participant, ageMs });
  }

  return {
    withPerson,
    isPending: (callSid) => pending.has(callSid),
    add(lookup) {
      const { callSid } = lookup.participant;
      if (!calls.has(callSid) && (pending.size < MAX_CALLS || pending.has(callSid))) {
        pending.set(callSid, lookup);
      }
    },
    *tasks() {
      for (const lookup of pending.values()) {
        yield () => lookUp(lookup);
      }
    },
  };
}
