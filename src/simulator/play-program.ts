import { PROMPTS } from '../calls/prompt-languages';
import { printable } from '../ops/printable';
import { SMOKE_TEST_ACCOUNT } from '../rooms/smoke-test';
import { findCastHints, findHints } from './hints';
import type { StepReport } from './play-story';
import type { Paint } from './report';
import { runStory } from './run-story';
import type { ServerAddress } from './server-address';
import type { Part } from './smoke-test/parts';
import { createSpace } from './space';
import type { Story } from './story';

/** What is played, one part after the other. */
export interface Program {
  /** Sentences that precede it. */
  cast: readonly string[];
  parts: readonly Part[];
  /** PINs, which are not printed. */
  pins: readonly string[];
  /** The room where a smoke test takes place; undefined for a story of the user's own. */
  room: string | undefined;
}

/** Where the results go. */
export interface Output {
  write: (text: string) => void;
  /** Says what to do about a failure. */
  complain: (sentence: string) => void;
  paint: Paint;
  signal: AbortSignal;
}

/** Plays the parts up to the first that fails. Resolves to whether all passed. */
export async function playProgram({ parts, room }: Program, server: ServerAddress, output: Output): Promise<boolean> {
  const { write, complain, signal } = output;
  const leftOut: string[] = [];
  for (const [index, part] of parts.entries()) {
    const name = `part ${index + 1}`;
    if ('leftOut' in part) {
      leftOut.push(name);
      write(`Part ${index + 1} is left out: ${part.leftOut}.\n`);
      continue;
    }
    if (part.title !== undefined) {
      write(`Part ${index + 1}: ${part.title}\n`);
    }
    const { passed, hints } = await playPart(part.story, room, server, output);
    if (signal.aborted) {
      return false;
    }
    if (!passed) {
      if (room !== undefined) {
        const rest = parts.length - index - 1;
        const unplayed = rest === 0 ? '' : ` ${rest} more part${rest === 1 ? ' was' : 's were'} not played.`;
        write(`The smoke test failed in ${name}.${unplayed}`);
      }
      hints.forEach(complain);
      return false;
    }
  }
  const isPlayed = leftOut.length < parts.length;
  if (room !== undefined) {
    const without = leftOut.length > 0 ? ` Left out: ${leftOut.join(', ')}.` : '';
    write(isPlayed ? `The smoke test passed.${without}` : 'Nothing was played.');
  }
  return isPlayed;
}

/** Plays one story. Returns what to do if it failed, too. */
async function playPart(
  story: Story,
  room: string | undefined,
  { config, url, detour, signingKey }: ServerAddress,
  { write, paint, signal }: Output,
): Promise<{ passed: boolean; hints: string[] }> {
  const { seed = Math.floor(Math.random() * 2 ** 31), delaySeconds = 0, ...chaos } = story.callbacks ?? {};
  if (story.callbacks !== undefined) {
    write(`Seed of the callbacks: ${seed}.\n`);
  }
  const space = createSpace({
    ...(room !== undefined && { accountSid: SMOKE_TEST_ACCOUNT }),
    signingKey,
    detour,
    chaos: { seed, delayMs: delaySeconds * 1000, ...chaos },
    ...story.space,
  });
  const prompts = PROMPTS[config.promptLanguage];
  const castHints = (report: StepReport) => (room === undefined ? [] : findCastHints(report, prompts));
  const endsAfter = (report: StepReport) => castHints(report).length > 0;
  const result = await runStory(story, { space, url, paint, write, signal, endsAfter });
  space.close();
  const elsewhere = space.conferences.all().find(({ name }) => room !== undefined && name !== room);
  const hints = [
    ...(elsewhere === undefined ? [] : [`The server let people into ${printable(elsewhere.name)} instead of ${room}.`]),
    ...findHints(result.reports, { config, url, detour, signingKey }),
    ...new Set(result.reports.flatMap(castHints)),
  ];
  return { passed: result.passed && elsewhere === undefined, hints };
}
