import { type Document, parseDocument } from 'yaml';
import { z } from 'zod';
import { behaviourSettings } from './behaviour';
import { hintLetterCase } from './letter-case';

/** What somebody may be demanded to hear besides people. Beeps and announcements pass by, and are shown only. */
export const MUSIC = 'music';

/** A story that cannot be played. Each problem is a sentence that begins with its place. */
export class StoryError extends Error {
  override readonly name = 'StoryError';

  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

const name = z.string().min(1);
const path = z.string().regex(/^\//, 'must be a path of the server, such as /conference');
const keys = z.string('must be a text: put keys in quotes').regex(/^[0-9*#]+$/, 'must be digits, * and #');
const probability = z.number().min(0).max(1).optional();
const byName = <T extends z.ZodType>(value: T) =>
  z.record(name, value).transform((given) => new Map(Object.entries(given)));

/** What must hold when a step is over; what is left out is not looked at. */
const expectation = {
  /** A few words for who reads along. */
  note: z.string().optional(),
  /** Everyone on the line, with all whom they hear by name, and {@link MUSIC}. */
  hears: byName(z.array(name)).optional(),
  /** Words in what somebody was told in this step, whatever their letter case. */
  told: byName(z.string().min(1)).optional(),
  /** That nobody heard a beep in this step. */
  quiet: z.literal(true, 'must be true, or be left out').optional(),
  /** SignalWire's code of what went wrong with somebody's call in this step. Nothing else may go wrong. */
  fails: byName(z.int()).optional(),
};

/** A number's webhook is `to`, a path of the server. Keys are pressed as soon as somebody listens. */
const callSettings = {
  to: path,
  fallback: path.optional(),
  statusCallback: path.optional(),
  keys: keys.optional(),
};

const steps = {
  /** Somebody dials a number of the Space. */
  call: z
    .strictObject({ call: name, ...callSettings, ...expectation })
    .transform(({ call: who, to, fallback, statusCallback, keys, ...rest }) => ({
      ...rest,
      action: { kind: 'call' as const, who, to, fallback, statusCallback, keys },
    })),
  /** The Space calls somebody, who answers at once. */
  callOut: z
    .strictObject({ callOut: name, ...callSettings, ...expectation })
    .transform(({ callOut: who, to, fallback, statusCallback, keys, ...rest }) => ({
      ...rest,
      action: { kind: 'callOut' as const, who, to, fallback, statusCallback, keys },
    })),
  hangUp: z
    .strictObject({ hangUp: name, ...expectation })
    .transform(({ hangUp: who, ...rest }) => ({ ...rest, action: { kind: 'hangUp' as const, who } })),
  press: z
    .strictObject({
      press: name,
      keys,
      ...expectation,
    })
    .transform(({ press: who, keys, ...rest }) => ({ ...rest, action: { kind: 'press' as const, who, keys } })),
  wait: z
    .strictObject({ wait: z.number().min(0).max(86_400), ...expectation })
    .transform(({ wait: seconds, ...rest }) => ({ ...rest, action: { kind: 'wait' as const, seconds } })),
} as const;

const KINDS = Object.keys(steps) as (keyof typeof steps)[];

/** One thing that happens, and what must hold after it. */
export type Step = z.output<(typeof steps)[keyof typeof steps]>;

export type Action = Step['action'];

const step = z.record(z.string(), z.unknown()).transform((given, context): Step => {
  const names = Object.keys(given);
  const kinds = KINDS.filter((kind) => names.includes(kind));
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    const hints = names.map((name) => hintLetterCase(name, KINDS)).join('');
    context.addIssue(`must have one of ${KINDS.join(', ')}, and has ${names.join(', ') || 'nothing'}${hints}`);
    return z.NEVER;
  }
  const result = steps[kind].safeParse(given, { error: inWords });
  if (!result.success) {
    for (const { path, message } of result.error.issues) {
      context.addIssue({ code: 'custom', path: [...path], message });
    }
    return z.NEVER;
  }
  return result.data;
});

const story = z.strictObject({
  people: byName(z.string('must be a text: put the number in quotes').min(1, 'must not be empty')).refine(
    (people) => !people.has(MUSIC),
    `must not name anybody ${MUSIC}: that is heard by who waits`,
  ),
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
  space: behaviourSettings.optional(),
  steps: z.array(step).min(1, 'must have a step'),
});

/**
 * A story of calls, and of who hears whom after each step: `people` are names with telephone numbers, `method` is how
 * the numbers' webhooks are asked, `callbacks` what befalls status callbacks, probabilities from 0 to 1, `space` how the
 * Space behaves where its documentation is silent.
 */
export type Story = z.output<typeof story>;

/**
 * Reads a story from text: YAML, of which JSON is a part. docs/stories.md tells how to write one.
 *
 * @throws StoryError with every problem of its form or, if there is none, of its names
 */
export function parseStory(text: string): Story {
  const document = parseDocument(text, { logLevel: 'error' });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    const what = problem.code === 'MULTIPLE_DOCS' ? 'it is more than one story' : problem.message.split('\n')[0];
    throw new StoryError([`The story cannot be read as YAML or JSON: ${what}`]);
  }
  return readStory(toPlain(document));
}

/** The values of a document. Aliases are resolved only here: there may be too many, or none with that name. */
function toPlain(document: Document): unknown {
  try {
    return document.toJS({
      reviver(name, value) {
        if (name === '__proto__') {
          throw new Error('__proto__ is no name');
        }
        return value;
      },
    });
  } catch (error) {
    throw new StoryError([
      `The story cannot be read as YAML or JSON: ${(error as Error).message}. Texts that begin with * or & need quotes.`,
    ]);
  }
}

/**
 * Reads a story as it is in a file, parsed.
 *
 * @throws StoryError with every problem of its form or, if there is none, of its names
 */
export function readStory(given: unknown): Story {
  const result = story.safeParse(given, { error: inWords });
  if (!result.success) {
    throw new StoryError(result.error.issues.map(({ path, message }) => `${placeOf(path)} ${message}.`));
  }
  const { people } = result.data;
  const strangers = result.data.steps.flatMap(({ action, hears, told, fails }, index) => {
    const named = [
      ...('who' in action ? [action.who] : []),
      ...[...(hears ?? [])].flatMap(([who, whom]) => [who, ...whom.filter((one) => one !== MUSIC)]),
      ...(told?.keys() ?? []),
      ...(fails?.keys() ?? []),
    ];
    return [...new Set(named)]
      .filter((one) => !people.has(one))
      .map((one) => `${placeOf(['steps', index])} names ${one}, who is not among the people.`);
  });
  if (strangers.length > 0) {
    throw new StoryError(strangers);
  }
  return result.data;
}

const KINDS_OF_VALUE: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'names with values',
  record: 'names with values',
};

/** What is wrong with a value, to be read after its place; undefined leaves it to zod. */
const inWords: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${KINDS_OF_VALUE[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be ${issue.values.join(' or ')}`;
    case 'unrecognized_keys':
      return `has ${issue.keys.join(', ')}, which means nothing there`;
    case 'too_small':
      return issue.origin === 'string' ? 'must not be empty' : `must be at least ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    default:
      return undefined;
  }
};

/** A place in the file, steps counted from one as people do. */
function placeOf(path: readonly PropertyKey[]): string {
  const [first, second, ...rest] = path;
  if (first === 'steps' && typeof second === 'number') {
    return [`Step ${second + 1}`, ...rest].join(', ');
  }
  return path.length === 0 ? 'The story' : path.join(', ');
}
