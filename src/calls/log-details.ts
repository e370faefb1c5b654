import { maskAddress } from '../people/address';
import { labelOf } from '../people/roster';
import { personOf } from './call-request';
import type { Outcome } from './outcome';
import type { Webhook, WebhookAnswer } from './webhook';

/** For the log: who called and what they got, or what a callback reported. */
export function logDetails({ fields }: Pick<Webhook, 'fields'>, { outcome, event }: WebhookAnswer): object {
  if (outcome === undefined) {
    // From its SID, the address of a recording can be guessed, and whoever has that can hear it.
    return event?.kind === 'recording-reported' ? { ...event, recordingSid: undefined } : { ...event };
  }
  // Notices are asked for by REST, and tell no number.
  const from = outcome.kind === 'notice' || outcome.kind === 'note' ? undefined : maskAddress(personOf(fields));
  return { from, ...detailsOf(outcome) };
}

function detailsOf(outcome: Outcome): object {
  const { kind } = outcome;
  if (kind === 'wait') {
    return { outcome: kind, reason: outcome.reason, ...(outcome.room !== undefined && { room: outcome.room }) };
  }
  if (kind !== 'join') {
    return { outcome: kind };
  }
  if (outcome.role !== 'supervisor') {
    return { outcome: kind, role: outcome.role, ...(outcome.role === 'moderator' && { name: outcome.name }) };
  }
  const { role, person, state, context, target } = outcome;
  return { outcome: kind, role, name: labelOf(person), room: state.room, mode: context.mode, target: target.callSid };
}
