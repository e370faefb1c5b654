/**
 * The store could not do its work. `misconfigured`: it refuses us or is no such store, and waiting will not help;
 * `unavailable`: it is down, slow or starting; `unreadable`: one record holds something else, others are not affected.
 * The message of `misconfigured` is a sentence that names the setting.
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
