import type { Sid } from '../signalwire/sid';
import type { AuditRecord } from '../supervision/trail';

/** A line of the trail. */
export interface Line {
  /** Milliseconds since 1970. */
  at: number;
  record: AuditRecord;
}

/** The lines of one stay of a supervisor, in the order in which they were written. */
export interface LinesOfStay {
  callSid: Sid;
  stayNumber: number | undefined;
  lines: Line[];
  /** When the call's next stay began before a line said that this one had ended; undefined otherwise. */
  supersededAt: number | undefined;
}

/** The lines in the order in which they were read, without repeated ones. */
export async function readLines(records: AsyncIterable<AuditRecord> | Iterable<AuditRecord>): Promise<Line[]> {
  const known = new Set<string>();
  const lines: Line[] = [];
  for await (const record of records) {
    const key = JSON.stringify(record);
    if (!known.has(key)) {
      known.add(key);
      lines.push({ at: Date.parse(record.at), record });
    }
  }
  return lines;
}

/**
 * The supervisors' stays, in the order of their first lines. Lines without a number belong to the stay whose document becomes
 * known later, unless that stay had ended by then.
 */
export function linesByStay(lines: readonly Line[]): LinesOfStay[] {
  const stays: LinesOfStay[] = [];
  for (const line of lines) {
    const { kind, role, callSid, stay: stayNumber } = line.record;
    if (role !== 'supervisor' || kind === 'action' || kind === 'told' || callSid === undefined) {
      continue;
    }
    const ofCall = stays.filter((one) => one.callSid === callSid);
    const open = ofCall.findLast((one) => !hasEnded(one));
    const known =
      stayNumber === undefined
        ? open
        : (ofCall.findLast((one) => one.stayNumber === stayNumber && !(kind === 'arrived' && hasEnded(one))) ??
          (open?.stayNumber === undefined ? open : undefined));
    if (known !== undefined) {
      known.stayNumber ??= stayNumber;
      known.lines.push(line);
      continue;
    }
    // A call is in one stay at a time. The end of this one was lost with the store, unless it is reported later.
    if (open !== undefined && (stayNumber ?? 0) > (open.stayNumber ?? 0)) {
      open.supersededAt ??= line.at;
    }
    stays.push({ callSid, stayNumber, lines: [line], supersededAt: undefined });
  }
  return stays;
}

function hasEnded({ lines, supersededAt }: LinesOfStay): boolean {
  return supersededAt !== undefined || lines.some(({ record: { kind } }) => kind === 'left');
}
