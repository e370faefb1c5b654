import { type DestinationStream, type Logger, pino } from 'pino';

/**
 * The log: lines of JSON, with the level as a word and the time in ISO 8601.
 *
 * Of an error only type, message, code, stack and causes are logged. Clients attach more: a failed Redis command
 * carries its arguments, and so the password.
 */
export function createLog(level: string, destination: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error) => describeError(error) },
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

/** The loggable parts of an error and its causes. An error with a code is expected: it and its causes need no stack. */
function describeError(error: unknown, isExpected = false): ErrorDescription | unknown {
  if (!(error instanceof Error)) {
    return error;
  }
  const { code } = error as { code?: unknown };
  const withoutStack = isExpected || code !== undefined;
  return {
    type: error.name,
    message: error.message,
    ...(code !== undefined && { code }),
    ...(!withoutStack && { stack: error.stack }),
    ...(error.cause instanceof Error && { cause: describeError(error.cause, withoutStack) as ErrorDescription }),
  };
}
