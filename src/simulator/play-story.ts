import { setTimeout as sleep } from 'node:timers/promises';
import { type Call, SPACE_NUMBER } from './call';
import type { CallError } from './call-error';
import type { Sound } from './hearing';
import type { Space } from './space';
import { type Action, MUSIC, type Step, type Story } from './story';

/** What one person on the line hears: a row of the table of who hears whom. */
export interface Row {
  who: string;
  /** The names of those they hear, in the order of entering. */
  voices: string[];
  sounds: readonly Sound[];
}

/** How a step went. */
export interface StepReport {
  /** Counted from 1. */
  number: number;
  /** The step's action; `end` is what happens after the last step. */
  action: Action | { kind: 'end' };
  note: string | undefined;
  /** Everybody on the line, in the order of calling. */
  rows: Row[];
  /** What people were told: spoken texts, and URLs of recordings. */
  told: { who: string; text: string }[];
  /** Calls that ended. */
  ended: { who: string; status: Call['status'] }[];
  errors: { who: string; error: CallError; expected: boolean }[];
  /** Number of beeps played. */
  beeps: number;
  /** Differences from what the story expects, as sentences. */
  problems: string[];
}

type Outcome = Pick<StepReport, 'rows' | 'told' | 'ended' | 'errors' | 'beeps'>;

/** What a step can check. */
type Expectations = Pick<Step, 'hears' | 'told' | 'quiet' | 'fails'>;

/** What each person on the line hears now. Later calls of the same person are numbered: `Bob 2`. */
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

/** Pause between two steps, in simulated milliseconds. */
const STEP_MS = 1_000;

/**
 * Plays a story against the server at `url`, with a report for each step, and finally hangs up all calls. It stops early
 * after an unexpected error, or when the server accepts none of three attempts at a status callback. If anything goes
 * wrong after the last step, there is one more report.
 *
 * @param url without a trailing slash
 * @param signal stops the story after the current step
 */
export async function* playStory(
  story: Story,
  space: Space,
  url: string,
  signal?: AbortSignal,
): AsyncGenerator<StepReport> {
  const calls = new Map<string, Call>();
  let seen = new Map<Call, CallProgress>();
  let beepsBefore = 0;
  try {
    for (const [index, step] of story.steps.entries()) {
      if (signal?.aborted) {
        return;
      }
      const obstacles = await act(step.action);
      await space.runUntilIdle();
      space.loseCallbacks(false);
      const outcome = outcomeOf(step);
      seen = new Map([...calls.values()].map((call) => [call, progressOf(call)]));
      beepsBefore = space.conferences.beepCount();
      const { action, note } = step;
      yield { number: index + 1, action, note, ...outcome, problems: [...obstacles, ...compare(step, outcome)] };
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

  /** Hangs up all calls, and waits for every callback: delayed ones and retries too. */
  async function end(): Promise<void> {
    for (const call of calls.values()) {
      call.hangUp();
    }
    await space.clock.settle();
    while (space.callbacks().pending > 0) {
      await space.clock.advance(STEP_MS);
    }
  }

  /** Returns the problems that prevented it. */
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
      return [`${action.who} cannot ${action.kind === 'press' ? 'press keys' : 'hang up'}: not on the line.`];
    }
    if (action.kind === 'press') {
      return press(present, action.who, action.keys);
    }
    if (action.unreported) {
      space.loseCallbacks(true);
      present.drop();
      // Callbacks are dated to the second, and only their date tells the server that another conference is later.
      await sleep(1_000 - (space.wallClock() % 1_000));
    } else {
      present.hangUp();
    }
    return [];
  }

  function press(call: Call, who: string, keys: string): string[] {
    return call.press(keys) ? [] : [`${who} pressed keys that nothing was waiting for.`];
  }

  /** What happened since the previous step. */
  function outcomeOf({ fails }: Expectations): Outcome {
    const names = new Map([...calls].map(([who, call]) => [call, who]));
    const rows = rowsOf(space, (call) => names.get(call) ?? 'somebody');
    const changes = [...calls].map(([who, call]) => ({ who, call, since: seen.get(call) ?? NO_PROGRESS }));
    return {
      rows,
      beeps: space.conferences.beepCount() - beepsBefore,
      told: changes.flatMap(({ who, call, since }) => call.told.slice(since.told).map((text) => ({ who, text }))),
      ended: changes.flatMap(({ who, call, since }) =>
        call.isOver && !since.isOver ? [{ who, status: call.status }] : [],
      ),
      errors: changes.flatMap(({ who, call, since }) =>
        call.errors.slice(since.errors).map((error) => ({ who, error, expected: fails?.get(who) === error.code })),
      ),
    };
  }
}

/** How much of a call has been reported so far. */
export interface CallProgress {
  told: number;
  errors: number;
  isOver: boolean;
}

/** Nothing of the call has been reported yet. */
export const NO_PROGRESS: CallProgress = { told: 0, errors: 0, isOver: false };

export function progressOf({ told, errors, isOver }: Call): CallProgress {
  return { told: told.length, errors: errors.length, isOver };
}

/** The differences between what a step expects and what happened. */
function compare({ hears, told, quiet, fails }: Expectations, report: Outcome): string[] {
  const failures = report.errors.filter(({ expected }) => !expected);
  if (failures.length > 0) {
    // Everything else follows from these.
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
