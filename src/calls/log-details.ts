import { maskAddress } from '../people/address';
import { labelOf } from '../people/roster';
import type { Outcome } from './outcome';
import type { WebhookAnswer } from './webhook';

/** The fields of a call's request and its outcome for the log. */
export function logDetails(input: WebhookAnswer['input'], outcome: Outcome | undefined): object {
  return {
    ...(input?.call !== undefined && { from: maskAddress(input.call.from) }),
    ...(input?.room !== undefined && { room: input.room }),
    ...(outcome !== undefined && detailsOf(outcome)),
  };
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
