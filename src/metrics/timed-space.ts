import { type ConferenceApi, SpaceError } from '../signalwire/conference-api';

/** How a question or a change by REST ended; all but `ok` are codes of {@link SpaceError}. */
export const REST_OUTCOMES = ['ok', 'refused', 'timeout', 'unreachable', 'unreadable'] as const satisfies (
  | 'ok'
  | SpaceError['code']
)[];

export type RestOutcome = (typeof REST_OUTCOMES)[number];

type Method = (...args: unknown[]) => Promise<unknown>;

/**
 * The same API, with every method timed.
 *
 * @param timerOf called once for each method; the result is called when a request is over
 */
export function timeSpace(
  space: ConferenceApi,
  timerOf: (operation: string) => (outcome: RestOutcome, ms: number) => void,
): ConferenceApi {
  const timed = Object.entries(space).map(([name, method]: [string, Method]) => {
    const report = timerOf(name);
    const timedMethod: Method = async (...args) => {
      const startedAt = performance.now();
      try {
        const answer = await method(...args);
        report('ok', performance.now() - startedAt);
        return answer;
      } catch (error) {
        report(error instanceof SpaceError ? error.code : 'unreadable', performance.now() - startedAt);
        throw error;
      }
    };
    return [name, timedMethod] as const;
  });
  return Object.fromEntries(timed) as unknown as ConferenceApi;
}
