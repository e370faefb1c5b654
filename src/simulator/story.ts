import { parse as parseYaml, YAMLParseError } from 'yaml';
import { z } from 'zod';

/** What people besides others may be demanded to hear. Beeps and announcements pass by, and are shown only. */
const MUSIC = 'music';

/** What must hold when a step is over. What is left out is not looked at. */
export interface Expectation {
  /** Everyone on the line, with all whom they hear by name, and `music`. Who is not named is not on the line. */
  hears?: Record<string, string[]> | undefined;
  /** Words in what somebody was told in this step, whatever their letter case. */
  told?: Record<string, string> | undefined;
  /** SignalWire's code of what went wrong with somebody's call in this step. Nothing else may go wrong. */
  fails?: Record<string, number> | undefined;
}

export type Action =
  /** Somebody dials a number whose webhook is this path of the server. */
  | { kind: 'call'; who: string; to: string; fallback: string | undefined }
  | { kind: 'hangUp'; who: string }
  | { kind: 'press'; who: string; keys: string }
  | { kind: 'wait'; seconds: number };

export interface Step extends Expectation {
  action: Action;
  /** A few words for who reads along. */
  note: string | undefined;
}

/** A story that cannot be played. Each problem is a sentence that begins with its place. */
export class StoryError extends Error {
  override readonly name = 'StoryError';

  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

const name = z.string().min(1);
const path = z.string().regex(/^\//, 'must be a path of the server, such as /conference');
const probability = z.number().min(0).max(1).optional();
const expectation = {
  note: z.string().optional(),
  hears: z.record(name, z.array(name)).optional(),
  told: z.record(name, z.string().min(1)).optional(),
  fails: z.record(name, z.int()).optional(),
};

const actions = {
  call: z.strictObject({ call: name, to: path, fallback: path.optional(), ...expectation }),
  hangUp: z.strictObject({ hangUp: name, ...expectation }),
  press: z.strictObject({
    press: name,
    keys: z.string('must be a text, in quotes').regex(/^[0-9*#]+$/, 'must be digits, * and #'),
    ...expectation,
  }),
  wait: z.strictObject({ wait: z.number().min(0).max(86_400), ...expectation }),
} as const;

const KINDS = Object.keys(actions) as (keyof typeof actions)[];

const step = z.record(z.string(), z.unknown()).transform((given, context): Step => {
  const kinds = KINDS.filter((kind) => kind in given);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    context.addIssue(`must have one of ${KINDS.join(', ')}, and has ${Object.keys(given).join(', ') || 'nothing'}`);
    return z.NEVER;
  }
  const result = actions[kind].safeParse(given);
  if (!result.success) {
    for (const { path, message } of result.error.issues) {
      context.addIssue({ code: 'custom', path: [...path], message });
    }
    return z.NEVER;
  }
  const { note, hears, told, fails, ...rest } = result.data;
  return { action: toAction(rest), note, hears, told, fails };
});

const story = z.strictObject({
  people: z.record(name, z.string('must be a text: put the number in quotes').min(1)),
  method: z.enum(['GET', 'POST']).default('POST'),
  callbacks: z
    .strictObject({
      seed: z.int().optional(),
      lose: probability,
      duplicate: probability,
      reorder: probability,
      delaySeconds: z.number().min(0).max(3_600).optional(),
    })
    .optional(),
  steps: z.array(step).min(1, 'must have a step'),
});

/**
 * A story of calls, and of who hears whom after each step: `people` are names with telephone numbers, `method` is how
 * the numbers' webhooks are asked, `callbacks` what befalls status callbacks, probabilities from 0 to 1.
 */
export type Story = z.output<typeof story>;

type Given = { [K in keyof typeof actions]: z.infer<(typeof actions)[K]> }[keyof typeof actions];

function toAction(given: Omit<Given, keyof Expectation | 'note'>): Action {
  if ('call' in given) {
    const { call, to, fallback } = given as z.infer<typeof actions.call>;
    return { kind: 'call', who: call, to, fallback };
  }
  if ('press' in given) {
    const { press, keys } = given as z.infer<typeof actions.press>;
    return { kind: 'press', who: press, keys };
  }
  if ('hangUp' in given) {
    return { kind: 'hangUp', who: (given as z.infer<typeof actions.hangUp>).hangUp };
  }
  return { kind: 'wait', seconds: (given as z.infer<typeof actions.wait>).wait };
}

/**
 * Reads a story from text: YAML, of which JSON is a part. docs/stories.md tells how to write one.
 *
 * @throws StoryError with every problem of its form or, if there is none, of its names
 */
export function parseStory(text: string): Story {
  return readStory(readYaml(text));
}

/**
 * Reads a story as it is in a file, parsed.
 *
 * @throws StoryError with every problem of its form or, if there is none, of its names
 */
export function readStory(given: unknown): Story {
  const result = story.safeParse(given);
  if (!result.success) {
    throw new StoryError(result.error.issues.map(({ path, message }) => `${placeOf(path)} ${message}.`));
  }
  const strangers = result.data.steps.flatMap(({ action, hears = {}, told = {}, fails = {} }, index) => {
    const named = [
      ...('who' in action ? [action.who] : []),
      ...Object.entries(hears).flatMap(([who, whom]) => [who, ...whom.filter((one) => one !== MUSIC)]),
      ...Object.keys(told),
      ...Object.keys(fails),
    ];
    return [...new Set(named)]
      .filter((one) => !Object.hasOwn(result.data.people, one))
      .map((one) => `${placeOf(['steps', index])} names ${one}, who is not among the people.`);
  });
  if (strangers.length > 0) {
    throw new StoryError(strangers);
  }
  return result.data;
}

function readYaml(text: string): unknown {
  try {
    return parseYaml(text);
  } catch (error) {
    throw error instanceof YAMLParseError
      ? new StoryError([`This is neither YAML nor JSON: ${error.message.split('\n')[0]}.`])
      : error;
  }
}

/** A place in the file, steps counted from one as people do. */
function placeOf(path: readonly PropertyKey[]): string {
  const [first, second, ...rest] = path;
  if (first === 'steps' && typeof second === 'number') {
    return [`Step ${second + 1}`, ...rest].join(', ');
  }
  return path.length === 0 ? 'The story' : path.join(', ');
}
