import type { AuditRecord } from '../../src/supervision/trail';
import type { StoryAction, StoryAnswer } from './action-watcher';

/**
 * Compares an action's answer with its lines in the trail: one when it was requested, one when it was settled. A change of
 * mode has lines of the supervisor's stay instead; the one about its failure has the reason.
 *
 * @param isComplete whether the store has kept everything since the action was requested
 * @returns what is wrong; nothing if they match
 */
export function compareActionTrail(
  trail: readonly AuditRecord[],
  { by, name }: StoryAction,
  answer: StoryAnswer,
  isComplete: boolean,
): string[] {
  const lines = trail.filter((one) => one.by === by && (name === 'mode' || one.action === name));
  const [requested, settled] = [true, false].map((isRequest) => {
    return lines.filter(({ status }) => (status === 'requested') === isRequest);
  }) as [AuditRecord[], AuditRecord[]];
  const action = answer === 'cut' || answer.action?.by !== by ? undefined : answer.action;
  const hasFailed = action?.status === 'failed';
  if (name === 'mode') {
    const reasons = lines.flatMap(({ reason }) => reason ?? []);
    if (reasons.length > 1) {
      return ['failed more than once'];
    }
    const isMissing = isComplete && hasFailed && action.reason !== 'left' && reasons[0] !== action.reason;
    return isMissing ? ['failed without its reason'] : [];
  }
  if (requested.length > 1 || settled.length > 1) {
    return ['has too many lines'];
  }
  if (action === undefined || !isComplete) {
    return [];
  }
  const hasEnded = action.status !== 'requested';
  if (requested.length !== 1 || (hasEnded && settled[0]?.status !== action.status)) {
    return ['lacks a line'];
  }
  return hasFailed && settled[0]?.reason !== action.reason ? ['has another reason'] : [];
}
