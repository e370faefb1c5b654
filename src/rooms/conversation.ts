import type { Sid } from '../signalwire/sid';
import { type RoomState, type Stay, type SupervisorStay, startOf } from './room';

/** Identifies a conversation. One moderator's call can lead several, one after the other, each in its own conference. */
export interface ConversationId {
  /** The moderator's call. */
  target: Sid;
  /** Undefined while the moderator has not been seen in a conference. */
  conferenceSid: Sid | undefined;
}

/** Whether both are the same conversation. An unknown conference equals only an unknown one. */
export function isSameConversation(one: ConversationId, other: ConversationId): boolean {
  return one.target === other.target && one.conferenceSid === other.conferenceSid;
}

/** The conversation that a moderator leads. */
export function conversationOf({ callSid, conferenceSid }: Stay): ConversationId {
  return { target: callSid, conferenceSid };
}

/**
 * The conversation that a supervisor is or was in: by their own conference, otherwise by that of the moderator they were
 * sent to. Undefined without a target.
 */
export function supervisedConversation(
  { stays }: Pick<RoomState, 'stays'>,
  stay: SupervisorStay,
): ConversationId | undefined {
  const { target } = stay.supervision;
  if (target === undefined) {
    return undefined;
  }
  // A later stay of the target leads another conversation.
  const led = stays.filter((one) => one.callSid === target && startOf(one) <= startOf(stay)).at(-1);
  return { target, conferenceSid: stay.conferenceSid ?? led?.conferenceSid };
}
