import type { AuditRecord } from '../supervision/trail';
import { csvHeader, csvLine } from '../supervision/trail-csv';
import type { AuditRow, StayRow } from './audit-rows';

/** A row of the export: a stay (`kind` is `stay`, `reached` its loudest mode) or a line. */
type ExportedRow = { kind: string } & Partial<Omit<StayRow, 'isConfirmed' | 'isPartial' | keyof AuditRecord>> &
  Omit<Partial<AuditRecord>, 'kind'>;

const COLUMNS = [
  'kind',
  'at',
  'start',
  'end',
  'duration',
  'supervisor',
  'number',
  'room',
  'moderator',
  'reached',
  'confirmed',
  'modes',
  'action',
  'by',
  'status',
  'reason',
  'lockedOut',
  'limit',
  'method',
  'ip',
  'startKnown',
  'endKnown',
  'callSid',
  'stay',
  'moderatorCallSid',
  'callerCallSids',
  'conferenceSid',
  'recordingSid',
  'source',
] as const satisfies readonly (keyof ExportedRow)[];

/** The first line of the export. */
export const AUDIT_CSV_HEADER = csvHeader(COLUMNS);

/** A row of the audit page as a line of CSV. */
export function auditCsvLine(row: AuditRow): string {
  if (row.kind === 'line') {
    return csvLine<ExportedRow>(row.record, COLUMNS);
  }
  const { isConfirmed, isPartial: _isPartial, ...stay } = row;
  return csvLine<ExportedRow>({ ...stay, confirmed: isConfirmed }, COLUMNS);
}

/** The last line of an export that is not complete. */
export function auditCsvIncomplete(): string {
  return csvLine<ExportedRow>({ kind: 'incomplete' }, COLUMNS);
}
