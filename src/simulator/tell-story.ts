import { playStory, type StepReport } from './play-story';
import { type Paint, printable, renderStep } from './report';
import type { Space } from './space';
import type { Story } from './story';

/** How a story went. */
export interface Outcome {
  /** Whether everything was as the story demands, and every status callback that was sent was taken. */
  isRight: boolean;
  /** The steps that were played. */
  reports: readonly StepReport[];
}

/** Plays a story and tells it on the terminal as it goes, with the outcome at the end. */
export async function tellStory(
  story: Story,
  { space, url, paint, write }: { space: Space; url: string; paint: Paint; write: (text: string) => void },
): Promise<Outcome> {
  const reports: StepReport[] = [];
  for await (const report of playStory(story, space, url)) {
    write(renderStep(report, paint));
    reports.push(report);
  }
  const played = reports.length;
  const wrong = reports.filter(({ problems }) => problems.length > 0).length;
  const left = story.steps.length - played;
  const { lost, refused, refusal } = space.callbacks();
  const summary =
    wrong === 0 ? `All ${played} steps went as the story demands.` : `${wrong} of ${played} steps went wrong.`;
  const lines = [
    paint(wrong === 0 ? 'green' : 'red', summary),
    ...(left > 0 ? [`The ${left} steps after that were not played.`] : []),
    ...(lost > 0 ? [`${lost} status callbacks were lost, as the story would have it.`] : []),
    ...(refused > 0
      ? [paint('red', `The server did not take ${refused} status callbacks: ${printable(refusal ?? '')}`)]
      : []),
  ];
  write(`${lines.join('\n')}\n`);
  return { isRight: wrong === 0 && refused === 0, reports };
}
