import { type Call, SPACE_NUMBER } from './call';
import type { CallError } from './call-error';
import type { Sound } from './hearing';
import type { Space } from './space';
import { type Action, MUSIC, type Step, type Story } from './story';

/** What one person on the line hears. */
export interface Row {
  who: string;
  /** By name, in the order in which they entered. */
  voices: string[];
  sounds: readonly Sound[];
}

/** How a step went. */
export interface StepReport {
  /** Counted from 1. */
  number: number;
  /** The step's own, or that the story ends. */
  action: Action | { kind: 'end' };
  note: string | undefined;
  /** Everyone on the line, in the order in which they called. */
  rows: Row[];
  /** What was told to whom. */
  told: { who: string; text: string }[];
  /** Whose call ended, and how. */
  ended: { who: string; status: Call['status'] }[];
  errors: { who: string; error: CallError; expected: boolean }[];
  /** How many beeps were played. */
  beeps: number;
  /** In what it was not as the story demands: sentences. */
  problems: string[];
}

type Outcome = Pick<StepReport, 'rows' | 'told' | 'ended' | 'errors' | 'beeps'>;

/** What a step may demand. */
type Demands = Pick<Step, 'hears' | 'told' | 'quiet' | 'fails'>;

/** What everyone on the line at this Space hears now; of several with one name the later ones are numbered. */
export function rowsOf(space: Space, nameOf: (call: Call) => string): Row[] {
  const hearing = space.hearing();
  const names = new Map<string, string>();
  const used = new Map<string, number>();
  for (const call of hearing.keys()) {
    const name = nameOf(call);
    const count = (used.get(name) ?? 0) + 1;
    used.set(name, count);
    names.set(call.sid, count === 1 ? name : `${name} ${count}`);
  }
  const known = (sid: string) => names.get(sid) ?? 'somebody';
  return [...hearing].map(([{ sid }, { voices, sounds }]) => ({ who: known(sid), voices: voices.map(known), sounds }));
}

/** How long people take from one step to the next, in simulated milliseconds. */
const STEP_MS = 1_000;

/**
 * Plays a story against the server at `url`, step by step, and hangs up at the end for whoever is still on the line.
 * It stops early at an error that the story does not expect, and when the server takes a status callback in none of
 * three attempts. If something goes wrong after the last step, there is a last report about that.
 *
 * @param url without a slash at the end
 * @param signal stops after the step that is played
 */
export async function* playStory(
  story: Story,
  space: Space,
  url: string,
  signal?: AbortSignal,
): AsyncGenerator<StepReport> {
  const calls = new Map<string, Call>();
  let before = new Map<Call, Mark>();
  let beepsBefore = 0;
  try {
    for (const [index, step] of story.steps.entries()) {
      if (signal?.aborted) {
        return;
      }
      const refusals = await act(step.action);
      await space.runUntilIdle();
      const outcome = outcomeOf(step);
      before = new Map([...calls.values()].map((call) => [call, markOf(call)]));
      beepsBefore = space.conferences.beepCount();
      const { action, note } = step;
      yield { number: index + 1, action, note, ...outcome, problems: [...refusals, ...compare(step, outcome)] };
      if (outcome.errors.some(({ expected }) => !expected) || space.callbacks().refused > 0) {
        return;
      }
      await space.clock.advance(STEP_MS);
    }
    await end();
    const outcome = outcomeOf({});
    const problems = compare({}, outcome);
    if (problems.length > 0) {
      yield { number: story.steps.length + 1, action: { kind: 'end' }, note: undefined, ...outcome, problems };
    }
  } finally {
    await end();
  }

  /** What is under way is over after it: also callbacks that are late or tried again. */
  async function end(): Promise<void> {
    for (const call of calls.values()) {
      call.hangUp();
    }
    await space.clock.settle();
    while (space.callbacks().pending > 0) {
      await space.clock.advance(STEP_MS);
    }
  }

  /** Returns why it could not be done. */
  async function act(action: Action): Promise<string[]> {
    if (action.kind === 'wait') {
      await space.clock.advance(action.seconds * 1000);
      return [];
    }
    const present = calls.get(action.who);
    const isOnTheLine = present !== undefined && !present.isOver;
    if (action.kind === 'call' || action.kind === 'callOut') {
      if (isOnTheLine) {
        return [`${action.who} cannot ${action.kind === 'call' ? 'call' : 'be called'}: already on the line.`];
      }
      const call = space.call({
        ...(action.kind === 'call'
          ? { from: story.people.get(action.who) }
          : { direction: 'outbound-api', from: SPACE_NUMBER, to: story.people.get(action.who) ?? '' }),
        url: url + action.to,
        method: story.method,
        ...(action.fallback !== undefined && { fallbackUrl: url + action.fallback, fallbackMethod: story.method }),
        ...(action.statusCallback !== undefined && { statusCallback: url + action.statusCallback }),
      });
      calls.set(action.who, call);
      if (action.keys === undefined) {
        return [];
      }
      await space.clock.settle();
      return press(call, action.who, action.keys);
    }
    if (!isOnTheLine) {
      return [`${action.who} is not on the line.`];
    }
    if (action.kind === 'press') {
      return press(present, action.who, action.keys);
    }
    present.hangUp();
    return [];
  }

  function press(call: Call, who: string, keys: string): string[] {
    return call.press(keys) ? [] : [`${who} pressed keys that nothing was waiting for.`];
  }

  /** What happened since the step before. */
  function outcomeOf({ fails }: Demands): Outcome {
    const names = new Map([...calls].map(([who, call]) => [call, who]));
    const rows = rowsOf(space, (call) => names.get(call) ?? 'somebody');
    const news = [...calls].map(([who, call]) => ({ who, call, mark: before.get(call) ?? BEGINNING }));
    return {
      rows,
      beeps: space.conferences.beepCount() - beepsBefore,
      told: news.flatMap(({ who, call, mark }) => call.told.slice(mark.told).map((text) => ({ who, text }))),
      ended: news.flatMap(({ who, call, mark }) => (call.isOver && !mark.isOver ? [{ who, status: call.status }] : [])),
      errors: news.flatMap(({ who, call, mark }) =>
        call.errors.slice(mark.errors).map((error) => ({ who, error, expected: fails?.get(who) === error.code })),
      ),
    };
  }
}

/** How much has happened to a call at some moment. */
export interface Mark {
  told: number;
  errors: number;
  isOver: boolean;
}

/** A call of which nothing has been seen yet. */
export const BEGINNING: Mark = { told: 0, errors: 0, isOver: false };

export function markOf({ told, errors, isOver }: Call): Mark {
  return { told: told.length, errors: errors.length, isOver };
}

/** In what a step was not as it should be. */
function compare({ hears, told, quiet, fails }: Demands, report: Outcome): string[] {
  const failures = report.errors.filter(({ expected }) => !expected);
  if (failures.length > 0) {
    // All else follows from it.
    return failures.map(({ who, error }) => `${who}'s call failed with ${error.code}: ${error.message}`);
  }
  const problems: string[] = [];
  const heard = new Map(
    report.rows.map(({ who, voices, sounds }) => [who, [...voices, ...sounds.filter((sound) => sound === MUSIC)]]),
  );
  for (const who of hears === undefined ? [] : new Set([...hears.keys(), ...heard.keys()])) {
    const [expected, actual] = [hears?.get(who), heard.get(who)];
    if (expected === undefined) {
      problems.push(`${who} hears ${list(actual)}; expected: not on the line.`);
    } else if (actual === undefined) {
      problems.push(`${who} is not on the line; expected to hear: ${list(expected)}.`);
    } else if (JSON.stringify([...expected].sort()) !== JSON.stringify([...actual].sort())) {
      problems.push(`${who} hears ${list(actual)}; expected: ${list(expected)}.`);
    }
  }
  if (quiet && report.beeps > 0) {
    problems.push('A beep was played; expected: none.');
  }
  for (const [who, words] of told ?? []) {
    const texts = report.told.filter((one) => one.who === who).map(({ text }) => text);
    if (!texts.some((text) => text.toLowerCase().includes(words.toLowerCase()))) {
      const actual = texts.map((text) => `"${text}"`).join(', ') || 'nothing';
      problems.push(`${who} was told ${actual}; expected: "${words}".`);
    }
  }
  for (const [who, code] of fails ?? []) {
    if (!report.errors.some((one) => one.who === who && one.error.code === code)) {
      problems.push(`${who}'s call did not fail; expected: ${code}.`);
    }
  }
  return problems;
}

function list(whom: readonly string[] = []): string {
  return whom.join(', ') || 'nobody';
}
