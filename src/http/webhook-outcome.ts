import type { RequestRecord } from './request-log';

/**
 * How a request to a route of the Space ended.
 *
 * - `answered`: as intended
 * - `fallback`: the handler failed, and the call got the route's fallback
 * - `refused`: our Space sent it, but it is invalid
 * - `unverified`: it was not shown to be from our Space
 * - `failed`: with status 5xx
 * - `aborted`: the client was gone before its answer
 */
export const WEBHOOK_OUTCOMES = ['answered', 'fallback', 'refused', 'unverified', 'failed', 'aborted'] as const;

export type WebhookOutcome = (typeof WEBHOOK_OUTCOMES)[number];

/** @param status the HTTP status of the answer */
export function webhookOutcome(
  status: number,
  { isAborted, webhook, isFallback }: Pick<RequestRecord, 'isAborted' | 'webhook' | 'isFallback'>,
): WebhookOutcome {
  if (status >= 500) {
    return 'failed';
  }
  if (webhook === undefined) {
    return 'unverified';
  }
  if (isAborted) {
    return 'aborted';
  }
  if (status >= 400) {
    return 'refused';
  }
  return isFallback ? 'fallback' : 'answered';
}
