import type { Sid } from '../signalwire/sid';
import {
  AUDIT_BOUNDS,
  type AuditRecord,
  CALLBACK_RESOLUTION_MS,
  REMEMBERED_AFTER_END_MS,
  type SupervisionStore,
  toRecord,
  type Visit,
} from './audit';

interface Stay {
  visit: Visit;
  beganAt: number;
  confirmed: boolean;
}

export interface MemorySupervisionStoreOptions {
  /** How long a visit is remembered whose end nobody told, in milliseconds. */
  lifetimeMs: number;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** Visits and the audit trail in this process: a restart forgets both. */
export function createMemorySupervisionStore({ lifetimeMs, now }: MemorySupervisionStoreOptions): SupervisionStore {
  const stays = new Map<Sid, Stay>();
  /** Visits that ended, in that order. */
  const past = new Map<Sid, { visit: Visit; endedAt: number }>();
  let trail: AuditRecord[] = [];

  function append(record: AuditRecord): void {
    trail.push(record);
    // A tenth more than is kept, so that it is not cut for each.
    if (trail.length > AUDIT_BOUNDS.events * 1.1) {
      trail = trail.slice(-AUDIT_BOUNDS.events);
    }
  }

  function present(callSid: Sid): Stay | undefined {
    const stay = stays.get(callSid);
    if (stay !== undefined && stay.beganAt + lifetimeMs <= now()) {
      stays.delete(callSid);
      return undefined;
    }
    return stay;
  }

  function forget(): void {
    for (const [callSid, { endedAt }] of past) {
      if (endedAt + REMEMBERED_AFTER_END_MS > now()) {
        return;
      }
      past.delete(callSid);
    }
  }

  return {
    async append(event) {
      append(toRecord(event, undefined, false));
    },

    async begin(visit, event) {
      if (JSON.stringify(stays.get(visit.callSid)?.visit) !== JSON.stringify(visit)) {
        stays.set(visit.callSid, { visit, beganAt: now(), confirmed: false });
        append(toRecord(event, visit, false));
      }
    },

    async confirm(room, callSid, event, { agoMs }) {
      const stay = present(callSid);
      if (stay?.visit.room === room && !stay.confirmed && now() - agoMs + CALLBACK_RESOLUTION_MS >= stay.beganAt) {
        stay.confirmed = true;
        append(toRecord(event, stay.visit, true));
      }
    },

    async change(visit, event) {
      const stay = present(visit.callSid);
      if (stay?.visit.room === visit.room && stay.visit.since === visit.since) {
        stay.visit = visit;
        append(toRecord(event, visit, stay.confirmed));
      }
    },

    async end(room, callSid, event, { agoMs }) {
      const stay = present(callSid);
      if (stay?.visit.room === room && now() - agoMs + CALLBACK_RESOLUTION_MS >= stay.beganAt) {
        stays.delete(callSid);
        forget();
        past.delete(callSid);
        past.set(callSid, { visit: stay.visit, endedAt: now() });
        append(toRecord(event, stay.visit, stay.confirmed));
      }
    },

    find: async (callSid) => present(callSid)?.visit,

    async findLast(callSid) {
      forget();
      return present(callSid)?.visit ?? past.get(callSid)?.visit;
    },

    list: async (room) =>
      [...stays.keys()].flatMap((callSid) => {
        const visit = present(callSid)?.visit;
        return visit?.room === room ? [visit] : [];
      }),

    async *read(since) {
      const oldest = Math.max(since, now() - AUDIT_BOUNDS.ageMs);
      const seen = new Set<string>();
      for (const record of trail) {
        if (!seen.has(record.id) && Date.parse(record.at) >= oldest) {
          seen.add(record.id);
          yield record;
        }
      }
    },
  };
}
