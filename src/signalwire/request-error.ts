/**
 * A request that cannot be served as it is. The message is a sentence for whoever sent it, and safe to show them;
 * `code` is for programs and the log.
 */
export class RequestError extends Error {
  override readonly name = 'RequestError';

  constructor(
    /** The HTTP status, 4xx. */
    readonly status: number,
    readonly code: string,
    message: string,
    /** More for the log, which the sender must not see. */
    readonly detail?: string,
  ) {
    super(message);
  }
}
