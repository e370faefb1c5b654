import type { Sid } from '../signalwire/sid';
import {
  type About,
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

/** How many lines of the trail are kept: nothing but this process can read them. */
const MAX_RECORDS = 5_000;

/** Visits and the audit trail in this process: a restart forgets both. */
export function createMemorySupervisionStore({ lifetimeMs, now }: MemorySupervisionStoreOptions): SupervisionStore {
  const stays = new Map<Sid, Stay>();
  /** Stays that ended, in that order; the visit is undefined while only its end was told. */
  const past = new Map<Sid, { stay: number; visit: Visit | undefined; endedAt: number }>();
  const trail: AuditRecord[] = [];

  function append(record: AuditRecord): void {
    if (!trail.some(({ id }) => id === record.id)) {
      trail.push(record);
      trail.splice(0, trail.length - MAX_RECORDS);
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

  function isAbout({ visit, beganAt }: Stay, about: About): boolean {
    return 'stay' in about ? visit.stay === about.stay : now() - about.agoMs + CALLBACK_RESOLUTION_MS >= beganAt;
  }

  function forget(): void {
    for (const callSid of stays.keys()) {
      present(callSid);
    }
    for (const [callSid, { endedAt }] of past) {
      if (endedAt + REMEMBERED_AFTER_END_MS > now()) {
        return;
      }
      past.delete(callSid);
    }
  }

  return {
    async refuse(event) {
      append(event);
    },

    async begin(visit, event, { agoMs }) {
      forget();
      const { callSid, stay } = visit;
      const last = past.get(callSid);
      if (stay > Math.max(stays.get(callSid)?.visit.stay ?? 0, last?.stay ?? 0)) {
        stays.set(callSid, { visit, beganAt: now() - agoMs, confirmed: false });
        append(toRecord(event, visit, false));
      } else if (stay === last?.stay && last.visit === undefined) {
        last.visit = visit;
        if ((stays.get(callSid)?.visit.stay ?? 0) < stay) {
          stays.delete(callSid);
        }
        append(toRecord(event, visit, false));
      }
    },

    async confirm(room, callSid, event, about) {
      const stay = present(callSid);
      if (stay?.visit.room !== room || stay.confirmed || !isAbout(stay, about)) {
        return undefined;
      }
      stay.confirmed = true;
      append(toRecord(event, stay.visit, true));
      return stay.visit;
    },

    async change(visit, event) {
      const stay = present(visit.callSid);
      if (stay?.visit.stay === visit.stay && JSON.stringify(stay.visit) !== JSON.stringify(visit)) {
        stay.visit = visit;
        append(toRecord(event, visit, stay.confirmed));
      }
    },

    async end(room, callSid, event, about) {
      forget();
      const stay = present(callSid);
      if (stay?.visit.room === room && isAbout(stay, about)) {
        stays.delete(callSid);
        if (stay.visit.stay > (past.get(callSid)?.stay ?? 0)) {
          past.delete(callSid);
          past.set(callSid, { stay: stay.visit.stay, visit: stay.visit, endedAt: now() });
        }
        append(toRecord(event, stay.visit, stay.confirmed));
      } else if ('stay' in about && about.stay > Math.max(stay?.visit.stay ?? 0, past.get(callSid)?.stay ?? 0)) {
        // Its beginning is yet to come, and must not outlive its end.
        past.delete(callSid);
        past.set(callSid, { stay: about.stay, visit: undefined, endedAt: now() });
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
      yield* trail
        .filter(({ at }) => Date.parse(at) >= since)
        .sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
    },
  };
}
