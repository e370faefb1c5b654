/** How a check ended. `skipped`: it could not be made. */
export type Status = 'ok' | 'warning' | 'error' | 'skipped';

/** What a check found. */
export interface Finding {
  /** The check, such as `redis.latency`; stable. */
  id: string;
  status: Status;
  /** What is: sentences without secrets. */
  message: string;
  /** What to do, in sentences; null if there is nothing to do, or the message says it. */
  remedy: string | null;
}

/** A finding that is as it should be. */
export function ok(id: string, message: string): Finding {
  return { id, status: 'ok', message, remedy: null };
}

/** A finding that should be changed, though calls work. */
export function warning(id: string, message: string, remedy: string | null): Finding {
  return { id, status: 'warning', message, remedy };
}

/** A finding with which calls fail, or go where they should not. */
export function error(id: string, message: string, remedy: string | null): Finding {
  return { id, status: 'error', message, remedy };
}

/** Checks that could not be made, all for the same reason. */
export function skipped(ids: readonly string[], message: string, remedy: string | null = null): Finding[] {
  return ids.map((id) => ({ id, status: 'skipped', message, remedy }));
}

/** How many errors and warnings there are: `2 errors, no warnings.` */
export function summaryOf(findings: readonly Finding[]): string {
  const countOf = (status: Status) => formatCount(findings.filter((one) => one.status === status).length, status);
  return `${countOf('error')}, ${countOf('warning')}.`.replace(/^no/, 'No');
}

/** A number of things: `no tokens`, `1 token`, `2 tokens`. @param thing in the singular */
export function formatCount(number: number, thing: string): string {
  return `${number || 'no'} ${thing}${number === 1 ? '' : 's'}`;
}
