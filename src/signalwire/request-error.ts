/**
 * The sender's mistake in a request. The message is a sentence that is safe to show the sender; `code` is for programs
 * and the log.
 */
export class RequestError extends Error {
  override readonly name = 'RequestError';

  constructor(
    /** The HTTP status, 4xx. */
    readonly status: number,
    readonly code: string,
    message: string,
    /** For the log only: the sender must not see it. */
    readonly detail?: string,
  ) {
    super(message);
  }
}
