import { type DestinationStream, type Logger, pino } from 'pino';

/**
 * The log: one line of JSON each, with the level as a word and the time in ISO 8601.
 *
 * Errors are reduced to what they say, because clients hang more on them: a failed Redis command carries its
 * arguments, and with them the password.
 */
export function createLog(level: string, destination: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
    },
    destination,
  );
}

interface ErrorDescription {
  type: string;
  message: string;
  code?: unknown;
  stack?: string | undefined;
  cause?: ErrorDescription;
}

/** What a log may hold of an error and its causes. Errors with a code of ours are foreseen and need no stack. */
function describeError(error: unknown): ErrorDescription | unknown {
  if (!(error instanceof Error)) {
    return error;
  }
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    message: error.message,
    ...(code === undefined ? { stack: error.stack } : { code }),
    ...(error.cause instanceof Error && { cause: describeError(error.cause) as ErrorDescription }),
  };
}
