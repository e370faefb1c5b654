import { type Document, parseDocument } from 'yaml';
import { z } from 'zod';
import { UserError } from '../ops/user-error';
import { behaviourSettings } from './behaviour';
import { hintLetterCase } from './letter-case';

/** Stands for waiting music in `hears`. Beeps and announcements are shown, but not checked by `hears`. */
export const MUSIC = 'music';

const name = z.string().min(1);
const path = z.string().regex(/^\//, 'must be a path of the server, such as /conference');
const keys = z.string('must be text: put keys in quotes').regex(/^[0-9*#]+$/, 'must be digits, * and #');
const probability = z.number().min(0).max(1).optional();
const byName = <T extends z.ZodType>(value: T) =>
  z.record(name, value).transform((given) => new Map(Object.entries(given)));

/** What is checked when a step is over; omitted fields are not checked. */
const expectations = {
  /** A comment, printed with the step. */
  note: z.string().optional(),
  /** Everybody on the line, each with the names of all they hear, and {@link MUSIC}. */
  hears: byName(z.array(name)).optional(),
  /** Words that somebody was told in this step, in any letter case. */
  told: byName(z.string().min(1)).optional(),
  /** No beep was played in this step. */
  quiet: z.literal(true, 'must be true or omitted').optional(),
  /** The error code with which somebody's call failed in this step. Any other failure is a problem. */
  fails: byName(z.int()).optional(),
};

/** The webhook is `to`, a path of the server. `keys` are pressed as soon as the first document is played. */
const callSettings = {
  to: path,
  fallback: path.optional(),
  statusCallback: path.optional(),
  keys: keys.optional(),
};

const steps = {
  /** Somebody dials a number of the Space. */
  call: z
    .strictObject({ call: name, ...callSettings, ...expectations })
    .transform(({ call: who, to, fallback, statusCallback, keys, ...rest }) => ({
      ...rest,
      action: { kind: 'call' as const, who, to, fallback, statusCallback, keys },
    })),
  /** The Space calls somebody, who answers at once. */
  callOut: z
    .strictObject({ callOut: name, ...callSettings, ...expectations })
    .transform(({ callOut: who, to, fallback, statusCallback, keys, ...rest }) => ({
      ...rest,
      action: { kind: 'callOut' as const, who, to, fallback, statusCallback, keys },
    })),
  hangUp: z
    .strictObject({
      hangUp: name,
      /** The server is told nothing of it: neither by the `action` nor by status callbacks. */
      unreported: z.literal(true, 'must be true or omitted').optional(),
      ...expectations,
    })
    .transform(({ hangUp: who, unreported, ...rest }) => ({
      ...rest,
      action: { kind: 'hangUp' as const, who, ...(unreported !== undefined && { unreported }) },
    })),
  press: z
    .strictObject({
      press: name,
      keys,
      ...expectations,
    })
    .transform(({ press: who, keys, ...rest }) => ({ ...rest, action: { kind: 'press' as const, who, keys } })),
  wait: z
    .strictObject({ wait: z.number().min(0).max(86_400), ...expectations })
    .transform(({ wait: seconds, ...rest }) => ({ ...rest, action: { kind: 'wait' as const, seconds } })),
} as const;

const STEP_KINDS = Object.keys(steps) as (keyof typeof steps)[];

/** One thing that happens, and what is checked after it. */
export type Step = z.output<(typeof steps)[keyof typeof steps]>;

export type Action = Step['action'];

const step = z.record(z.string(), z.unknown()).transform((given, context): Step => {
  const names = Object.keys(given);
  const kinds = STEP_KINDS.filter((kind) => names.includes(kind));
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    const hints = names.map((name) => hintLetterCase(name, STEP_KINDS)).join('');
    context.addIssue(
      `must have exactly one of ${STEP_KINDS.join(', ')}; it has ${names.join(', ') || 'nothing'}${hints}`,
    );
    return z.NEVER;
  }
  const result = steps[kind].safeParse(given, { error: describeIssue });
  if (!result.success) {
    for (const { path, message } of result.error.issues) {
      context.addIssue({ code: 'custom', path: [...path], message });
    }
    return z.NEVER;
  }
  return result.data;
});

const story = z.strictObject({
  people: byName(z.string('must be text: put the number in quotes').min(1, 'must not be empty')).refine(
    (people) => !people.has(MUSIC),
    `must not call anybody ${MUSIC}: that word stands for waiting music`,
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
  steps: z.array(step).min(1, 'must not be empty'),
});

/**
 * A story of calls, with who hears whom after each step. `people` maps names to telephone numbers, `method` is that of the
 * webhooks, `callbacks` disturbs status callbacks, and `space` sets the Space's {@link behaviourSettings}.
 */
export type Story = z.output<typeof story>;

/**
 * Parses a story in YAML or JSON. docs/stories.md describes the format.
 *
 * @throws UserError with every problem of the format or, if there is none, every unknown name
 */
export function parseStory(text: string): Story {
  const document = parseDocument(text, { logLevel: 'error' });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    const what = problem.code === 'MULTIPLE_DOCS' ? 'it is more than one story' : problem.message.split('\n')[0];
    throw new UserError([`The story cannot be read as YAML or JSON: ${what}`]);
  }
  return readStory(toPlain(document));
}

/** The values of a document. Aliases are resolved only here, so unknown or too many of them are errors here. */
function toPlain(document: Document): unknown {
  try {
    return document.toJS({
      reviver(name, value) {
        if (name === '__proto__') {
          throw new Error('__proto__ is not allowed as a name');
        }
        return value;
      },
    });
  } catch (error) {
    throw new UserError([
      `The story cannot be read as YAML or JSON: ${(error as Error).message}. Texts that begin with * or & need quotes.`,
    ]);
  }
}

/**
 * Validates a story.
 *
 * @throws UserError with every problem of the format or, if there is none, every unknown name
 */
export function readStory(given: unknown): Story {
  const result = story.safeParse(given, { error: describeIssue });
  if (!result.success) {
    throw new UserError(result.error.issues.map(({ path, message }) => `${locationOf(path)} ${message}.`));
  }
  const { people } = result.data;
  const unknownNames = result.data.steps.flatMap(({ action, hears, told, fails }, index) => {
    const named = [
      ...('who' in action ? [action.who] : []),
      ...[...(hears ?? [])].flatMap(([who, whom]) => [who, ...whom.filter((one) => one !== MUSIC)]),
      ...(told?.keys() ?? []),
      ...(fails?.keys() ?? []),
    ];
    return [...new Set(named)]
      .filter((one) => !people.has(one))
      .map((one) => `${locationOf(['steps', index])} names ${one}, who is not in people.`);
  });
  if (unknownNames.length > 0) {
    throw new UserError(unknownNames);
  }
  return result.data;
}

const KINDS_OF_VALUE: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

/** Says what is wrong with a value, to follow its location; undefined leaves it to zod. */
const describeIssue: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${KINDS_OF_VALUE[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be ${issue.values.join(' or ')}`;
    case 'unrecognized_keys':
      return `has unknown fields: ${issue.keys.join(', ')}`;
    case 'too_small':
      return issue.origin === 'string' ? 'must not be empty' : `must be at least ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    default:
      return undefined;
  }
};

/** A location in the file; steps are counted from 1. */
function locationOf(path: readonly PropertyKey[]): string {
  const [first, second, ...rest] = path;
  if (first === 'steps' && typeof second === 'number') {
    return [`Step ${second + 1}`, ...rest].join(', ');
  }
  return path.length === 0 ? 'The story' : path.join(', ');
}
