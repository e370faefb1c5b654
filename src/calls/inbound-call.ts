import type { Request } from 'express';
import { z } from 'zod';
import { type PhoneNumber, parsePhoneNumber } from '../people/phone-number';
import { fieldsOf, parseFields, sidField, textField } from '../signalwire/fields';
import type { Sid } from '../signalwire/sid';
import { DEFAULT_MODE, MODES } from '../supervision/mode';
import { type Approach, MAX_ATTEMPTS } from './laml';

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

/** Whether a `<Dial>` into a conference never got there, from the fields of its `action`. */
export function didDialFail(req: Request): boolean {
  const { DialCallStatus, ErrorCode } = parseFields(dialOutcome, fieldsOf(req));
  // After a conference it is `answered` or `completed`; a stale coach gives `failed` and code 13240, or 16002.
  return DialCallStatus === undefined ? ErrorCode !== undefined : !/^(answered|completed)$/.test(DialCallStatus);
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
