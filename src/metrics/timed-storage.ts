import { StoreError } from '../redis/store-error';
import type { RoomStorage } from '../rooms/room-storage';

/** An operation on rooms. */
export type StoreOperation = 'read' | 'write' | 'list' | 'changes';

/** Why an operation failed. */
export const STORE_FAILURES = ['unavailable', 'misconfigured', 'unreadable'] as const satisfies StoreError['code'][];

export type StoreFailure = (typeof STORE_FAILURES)[number];

/**
 * The same storage, with its operations timed. A write that another server forestalled has not failed.
 *
 * @param report called when an operation is over; `failure` undefined if it succeeded
 */
export function timeStorage(
  storage: RoomStorage,
  report: (operation: StoreOperation, ms: number, failure?: StoreFailure) => void,
): RoomStorage {
  /** Runs one operation. */
  async function timed<T>(operation: StoreOperation, work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    try {
      const result = await work();
      report(operation, performance.now() - startedAt);
      return result;
    } catch (error) {
      report(operation, performance.now() - startedAt, error instanceof StoreError ? error.code : 'unavailable');
      throw error;
    }
  }

  return {
    ...storage,
    read: (...args) => timed('read', () => storage.read(...args)),
    write: (...args) => timed('write', () => storage.write(...args)),
    list: () => timed('list', () => storage.list()),
    changes: (...args) => timed('changes', () => storage.changes(...args)),
  };
}
