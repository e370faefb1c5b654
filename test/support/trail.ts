import type { Store } from '../../src/stores';
import { type AuditRecord, readTrail } from '../../src/supervision/trail';

/** The lines of the audit trail about supervisors, and about callers who were not let in. */
export async function supervisorsTrail(store: Pick<Store, 'rooms' | 'refusals'>): Promise<AuditRecord[]> {
  const records: AuditRecord[] = [];
  for await (const record of readTrail(store, 0)) {
    if (record.role !== 'moderator') {
      records.push(record);
    }
  }
  return records;
}
