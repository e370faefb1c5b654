/**
 * An operation of the store failed. `misconfigured`: it refuses this server or is not a Redis, and retrying does not help;
 * its message is a sentence that names the setting. `unavailable`: it is down, slow or starting. `unreadable`: one record
 * is invalid; others are not affected.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError';

  constructor(
    readonly code: 'unavailable' | 'misconfigured' | 'unreadable',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
