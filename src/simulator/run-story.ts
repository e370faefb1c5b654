import { printable } from '../ops/printable';
import { playStory, type StepReport } from './play-story';
import { type Paint, renderStep } from './report';
import type { Space } from './space';
import type { Story } from './story';

/** The result of a story. */
export interface StoryResult {
  /** Whether every step passed, and the server asked for status callbacks and accepted each. */
  passed: boolean;
  /** One for each step that was played. */
  reports: readonly StepReport[];
}

/**
 * Plays a story, and prints each step as it happens, then the result.
 *
 * @param options.signal see {@link playStory}
 * @param options.endsAfter whether the rest cannot pass either, and is not played
 */
export async function runStory(
  story: Story,
  options: {
    space: Space;
    url: string;
    paint: Paint;
    write: (text: string) => void;
    signal?: AbortSignal;
    endsAfter?: (report: StepReport) => boolean;
  },
): Promise<StoryResult> {
  const { space, url, paint, write, signal } = options;
  const reports: StepReport[] = [];
  const before = space.callbacks();
  for await (const report of playStory(story, space, url, signal)) {
    if (signal?.aborted) {
      continue;
    }
    write(renderStep(report, paint));
    reports.push(report);
    if (options.endsAfter?.(report)) {
      break;
    }
  }
  if (signal?.aborted) {
    return { passed: false, reports };
  }
  const played = reports.length;
  const wrong = reports.filter(({ problems }) => problems.length > 0).length;
  const left = story.steps.length - played;
  const after = space.callbacks();
  const delivered = after.delivered - before.delivered;
  const lost = after.lost - before.lost;
  const refused = after.refused - before.refused;
  const isReported = delivered + lost + refused > 0 || space.conferences.all().length === 0;
  const summary = wrong === 0 ? `All ${played} steps passed.` : `${wrong} of ${played} steps failed.`;
  const lines = [
    paint(wrong === 0 ? 'green' : 'red', summary),
    ...(left > 0 ? [`${left} more steps were not played.`] : []),
    ...(lost > 0 ? [`${lost} status callbacks were lost on purpose.`] : []),
    ...(delivered > 0 ? [`The server accepted ${delivered} status callbacks.`] : []),
    ...(isReported ? [] : [paint('red', 'The server asked for no status callbacks, so it cannot know who leaves.')]),
    ...(refused > 0
      ? [
          paint(
            'red',
            `The server did not accept ${refused} status callbacks. The last: ${printable(after.refusal ?? '')}`,
          ),
        ]
      : []),
  ];
  write(`${lines.join('\n')}\n`);
  return { passed: wrong === 0 && refused === 0 && isReported, reports };
}
