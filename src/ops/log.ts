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

/**
 * What a log may hold of an error and its causes. One with a code is foreseen: neither it nor its cause needs a stack.
 */
function describeError(error: unknown, isForeseen = false): ErrorDescription | unknown {
  if (!(error instanceof Error)) {
    return error;
  }
  const { code } = error as { code?: unknown };
  const withoutStack = isForeseen || code !== undefined;
  return {
    type: error.name,
    message: error.message,
    ...(code !== undefined && { code }),
    ...(!withoutStack && { stack: error.stack }),
    ...(error.cause instanceof Error && { cause: describeError(error.cause, withoutStack) as ErrorDescription }),
  };
}
