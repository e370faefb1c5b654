import { playStory, type StepReport } from './play-story';
import { type Paint, printable, renderStep } from './report';
import type { Space } from './space';
import type { Story } from './story';

/** How a story went. */
export interface Outcome {
  /** Whether everything was as the story demands, and the server asked for status callbacks and took each. */
  isRight: boolean;
  /** The steps that were played. */
  reports: readonly StepReport[];
}

/**
 * Plays a story and tells it on the terminal as it goes, with the outcome at the end.
 *
 * @param options.signal see {@link playStory}
 */
export async function tellStory(
  story: Story,
  options: { space: Space; url: string; paint: Paint; write: (text: string) => void; signal?: AbortSignal },
): Promise<Outcome> {
  const { space, url, paint, write, signal } = options;
  const reports: StepReport[] = [];
  for await (const report of playStory(story, space, url, signal)) {
    if (signal?.aborted) {
      continue;
    }
    write(renderStep(report, paint));
    reports.push(report);
  }
  if (signal?.aborted) {
    return { isRight: false, reports };
  }
  const played = reports.length;
  const wrong = reports.filter(({ problems }) => problems.length > 0).length;
  const left = story.steps.length - played;
  const { delivered, lost, refused, refusal } = space.callbacks();
  const isReported = delivered + lost + refused > 0 || space.conferences.all().length === 0;
  const summary =
    wrong === 0 ? `All ${played} steps went as the story demands.` : `${wrong} of ${played} steps went wrong.`;
  const lines = [
    paint(wrong === 0 ? 'green' : 'red', summary),
    ...(left > 0 ? [`The ${left} steps after that were not played.`] : []),
    ...(lost > 0 ? [`${lost} status callbacks were lost, as the story would have it.`] : []),
    ...(delivered > 0 ? [`The server took ${delivered} status callbacks.`] : []),
    ...(isReported ? [] : [paint('red', 'The server asked for no status callback: it would not learn who leaves.')]),
    ...(refused > 0
      ? [paint('red', `The server did not take ${refused} status callbacks: ${printable(refusal ?? '')}`)]
      : []),
  ];
  write(`${lines.join('\n')}\n`);
  return { isRight: wrong === 0 && refused === 0 && isReported, reports };
}
