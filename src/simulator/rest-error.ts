import type { ErrorRequestHandler } from 'express';

/** The shapes in which errors come: a `list` when a call is made, `words` for a conference's recordings. */
export type ErrorShape = 'object' | 'list' | 'words';

/** An argument is wrong or missing, or the resource can no longer be changed. */
export const INVALID = 10_000;

/** An error response of the API: HTTP status, SignalWire's code, and a sentence. */
export class RestError extends Error {
  constructor(
    readonly status: number,
    readonly code: number,
    message: string,
    readonly shape: ErrorShape = 'object',
  ) {
    super(message);
  }
}

/** Responds with a {@link RestError} in its shape; with 500 to any other error. */
export const answerError: ErrorRequestHandler = (err, _req, res, _next) => {
  const { status = 500, code = 20001, message, shape = 'object' } = err as RestError;
  const more_info = 'https://signalwire.com/docs/compatibility-api/error-codes';
  const bodies = {
    object: { code, message, more_info, status },
    list: { errors: [{ code: String(code), message, more_info }] },
    words: { errors: [message] },
  };
  res.status(status).json(bodies[shape]);
};
