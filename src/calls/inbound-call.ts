import type { Request } from 'express';
import { z } from 'zod';
import { type PhoneNumber, parsePhoneNumber } from '../people/phone-number';
import { fieldsOf, parseFields, sidField, textField } from '../signalwire/fields';
import type { Sid } from '../signalwire/sid';
import { type Approach, DEFAULT_MODE, MAX_ATTEMPTS, MODES } from '../supervision/mode';

/** A call that asks for a document. */
export interface InboundCall {
  callSid: Sid;
  /** Undefined when it is withheld, no telephone number, or sent twice. */
  from: PhoneNumber | undefined;
}

const inboundCall = z.object({ CallSid: sidField, From: textField.transform(parsePhoneNumber) });

/** @throws RequestError 400 that names the field */
export function parseInboundCall(req: Request): InboundCall {
  const { CallSid, From } = parseFields(inboundCall, fieldsOf(req));
  return { callSid: CallSid, from: From };
}

const dialOutcome = z.object({ DialCallStatus: textField, ErrorCode: textField });

/** The codes of a coach whose target is gone, or not in the conference: as documented, and as REST lists it. */
const STALE_TARGET_CODES: readonly (string | undefined)[] = ['13240', '16002'];

/** Whether a `<Dial>` into a conference never got there, from the fields of its `action`. */
export function didDialFail(req: Request): boolean {
  const { DialCallStatus, ErrorCode } = parseFields(dialOutcome, fieldsOf(req));
  // After a conference it is `answered` or `completed`; nothing at all is no reason to call back in.
  const hasEntered = /^(answered|completed|)$/i.test(DialCallStatus ?? '');
  return !hasEntered || STALE_TARGET_CODES.includes(ErrorCode);
}

const approach = z.object({
  mode: z.enum(MODES, `must be one of ${MODES.join(', ')}.`).default(DEFAULT_MODE),
  // Ours alone; a spoilt one counts as the last, so that nothing goes on for ever.
  attempt: z.coerce.number().pipe(z.int().min(0).max(MAX_ATTEMPTS)).catch(MAX_ATTEMPTS).default(0),
});

/**
 * Reads the query that supervisors' addresses carry.
 *
 * @throws RequestError 400 that names the modes there are
 */
export function parseApproach(req: Request): Approach {
  return parseFields(approach, req.query);
}
