import { playStory, type StepReport } from './play-story';
import { type Paint, renderStep } from './report';
import type { Space } from './space';
import type { Story } from './story';

/**
 * Plays a story and tells it on the terminal as it goes, with the outcome at the end.
 *
 * @returns how each step went that was played
 */
export async function tellStory(
  story: Story,
  { space, url, paint, write }: { space: Space; url: string; paint: Paint; write: (text: string) => void },
): Promise<StepReport[]> {
  const reports: StepReport[] = [];
  for await (const report of playStory(story, space, url)) {
    write(renderStep(report, paint));
    reports.push(report);
  }
  const played = reports.length;
  const wrong = reports.filter(({ problems }) => problems.length > 0).length;
  const left = story.steps.length - played;
  const outcome =
    wrong === 0 ? `All ${played} steps went as the story demands.` : `${wrong} of ${played} steps went wrong.`;
  const { lost } = space.callbacks();
  const lines = [
    paint(wrong === 0 ? 'green' : 'red', outcome),
    ...(left > 0 ? [`The ${left} steps after that were not played.`] : []),
    ...(lost > 0 ? [`${lost} status callbacks did not arrive.`] : []),
  ];
  write(`${lines.join('\n')}\n`);
  return reports;
}
