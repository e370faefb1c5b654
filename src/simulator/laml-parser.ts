import { SaxesParser } from 'saxes';
import { z } from 'zod';
import { CallError, CODES } from './call-error';
import { hintLetterCase } from './letter-case';
import { booleanText, httpMethod, wholeNumberText } from './values';

/** `text`, spoken `loop` times; 0 is endless. */
export interface Say {
  verb: 'Say';
  text: string;
  loop: number;
}

/** A recording, played `loop` times; 0 is endless. */
export interface Play {
  verb: 'Play';
  url: string;
  loop: number;
}

export interface Pause {
  verb: 'Pause';
  seconds: number;
}

export type Prompt = Say | Play | Pause;

export interface Gather {
  verb: 'Gather';
  action: string | undefined;
  method: Method;
  timeoutSeconds: number;
  finishOnKey: string;
  numDigits: number | undefined;
  actionOnEmptyResult: boolean;
  prompts: Prompt[];
}

export interface Redirect {
  verb: 'Redirect';
  url: string;
  method: Method;
}

export interface Dial {
  verb: 'Dial';
  action: string | undefined;
  method: Method;
  timeLimitSeconds: number;
  hangupOnStar: boolean;
  room: string;
  conference: ConferenceAttributes;
}

export type Verb = Prompt | Gather | Redirect | Dial | { verb: 'Reject'; reason: string } | { verb: 'Hangup' };

export type Method = 'GET' | 'POST';

const address = z.string().min(1, 'must not be empty');
const words = <T extends string>(known: readonly T[]) =>
  z
    .string()
    .transform((text) => text.split(' '))
    .pipe(z.array(z.enum(known)));

const PROMPT = { loop: wholeNumberText().default(1) };
const CONFERENCE_EVENTS = ['start', 'end', 'join', 'leave', 'mute', 'hold', 'speaker'] as const;

/** The values of `statusCallbackEvent`. */
export type ConferenceEventName = (typeof CONFERENCE_EVENTS)[number];

const conferenceAttributes = z.strictObject({
  beep: z.enum(['true', 'false', 'onEnter', 'onExit']).default('true'),
  coach: z.string().min(1, 'must not be empty').optional(),
  endConferenceOnExit: booleanText.default(false),
  eventCallbackUrl: address.optional(),
  maxParticipants: wholeNumberText(1).optional(),
  muted: booleanText.default(false),
  record: z.enum(['do-not-record', 'record-from-start']).default('do-not-record'),
  recordingStatusCallback: address.optional(),
  recordingStatusCallbackEvent: words(['in-progress', 'completed', 'absent', 'failed']).default([
    'completed',
    'failed',
  ]),
  recordingStatusCallbackMethod: httpMethod,
  startConferenceOnEnter: booleanText.default(true),
  statusCallback: address.optional(),
  statusCallbackEvent: words(CONFERENCE_EVENTS).default([]),
  statusCallbackMethod: httpMethod,
  trim: z.enum(['trim-silence', 'do-not-trim']).default('trim-silence'),
  waitMethod: httpMethod,
  waitUrl: address.optional(),
});

/** The attributes of a `<Conference>`, with the platform's defaults. */
export type ConferenceAttributes = z.infer<typeof conferenceAttributes>;

/** The attributes of each element: SignalWire's, as far as they are simulated. */
const attributesOf = {
  Say: z.strictObject({ voice: z.string().optional(), language: z.string().optional(), ...PROMPT }),
  Play: z.strictObject(PROMPT),
  Pause: z.strictObject({ length: wholeNumberText().default(1) }),
  Gather: z.strictObject({
    action: address.optional(),
    actionOnEmptyResult: booleanText.default(false),
    finishOnKey: z
      .string()
      .regex(/^[0-9*#]*$/, 'must be telephone keys')
      .default('#'),
    input: z.literal('dtmf', 'must be dtmf: speech is not simulated').optional(),
    method: httpMethod,
    numDigits: wholeNumberText(1).optional(),
    timeout: wholeNumberText().default(5),
  }),
  Redirect: z.strictObject({ method: httpMethod }),
  Dial: z.strictObject({
    action: address.optional(),
    hangupOnStar: booleanText.default(false),
    method: httpMethod,
    timeLimit: wholeNumberText(1).default(14_400),
  }),
  Conference: conferenceAttributes,
  Reject: z.strictObject({ reason: z.enum(['rejected', 'busy']).default('rejected') }),
  Hangup: z.strictObject({}),
} as const;

type ElementName = keyof typeof attributesOf;

/** SignalWire's limit for one `<Say>`. */
const MAX_SPOKEN_CHARACTERS = 4_096;

const MAX_ROOM_CHARACTERS = 64;

/** Errors quote names and texts from the document, which can be long. */
const MAX_REASON_CHARACTERS = 300;

/**
 * Parses a document strictly: anything unknown is an error, letter case included.
 *
 * @param allowed the verbs that are allowed; all of them by default
 * @throws CallError 12100 with the first problem
 */
export function parseLaml(text: string, allowed?: readonly Verb['verb'][]): Verb[] {
  const root = parseXml(text);
  if (root.name !== 'Response') {
    throw parseError(`the root element is <${root.name}> instead of <Response>`);
  }
  requireNone(Object.keys(root.attributes), root, 'attribute');
  requireNoText(root);
  return root.children.map((element) => {
    const verb = toVerb(element);
    if (allowed !== undefined && !allowed.includes(verb.verb)) {
      throw parseError(`<${verb.verb}> is not allowed here, only ${allowed.map((name) => `<${name}>`).join(', ')}`);
    }
    return verb;
  });
}

interface Element {
  name: string;
  attributes: Record<string, string>;
  children: Element[];
  text: string;
}

function parseXml(text: string): Element {
  const top: Element = { name: '', attributes: {}, children: [], text: '' };
  const open = [top];
  const parser = new SaxesParser();
  const add = (more: string) => {
    const last = open.at(-1);
    if (last !== undefined) {
      last.text += more;
    }
  };
  parser.on('error', (error) => {
    throw parseError(error.message);
  });
  parser.on('xmldecl', ({ version }) => {
    if (version !== '1.0') {
      throw parseError('only XML 1.0 is supported');
    }
  });
  parser.on('doctype', () => {
    throw parseError('a document type is not allowed');
  });
  parser.on('opentag', ({ name, attributes }) => {
    const element: Element = { name, attributes, children: [], text: '' };
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  parser.on('closetag', () => void open.pop());
  parser.on('text', add);
  parser.on('cdata', add);
  parser.write(text).close();
  return top.children[0] ?? top;
}

function toVerb(element: Element): Verb {
  switch (element.name) {
    case 'Say':
    case 'Play':
    case 'Pause':
      return toPrompt(element);
    case 'Gather': {
      const { timeout, action, input: _, numDigits, ...rest } = attributes('Gather', element);
      requireNoText(element);
      const prompts = element.children.map((child) => {
        if (child.name !== 'Say' && child.name !== 'Play' && child.name !== 'Pause') {
          throw parseError(`<Gather> may contain <Say>, <Play> and <Pause>, not <${child.name}>`);
        }
        return toPrompt(child);
      });
      return { verb: 'Gather', timeoutSeconds: timeout, action, numDigits, prompts, ...rest };
    }
    case 'Redirect':
      return { verb: 'Redirect', url: textOf(element), ...attributes('Redirect', element) };
    case 'Dial': {
      const { timeLimit, action, ...rest } = attributes('Dial', element);
      const [conference, ...others] = element.children;
      if (conference?.name !== 'Conference' || others.length > 0) {
        throw parseError('<Dial> must contain one <Conference>: nothing else is simulated');
      }
      requireNoText(element);
      return {
        verb: 'Dial',
        action,
        timeLimitSeconds: timeLimit,
        room: roomOf(conference),
        conference: attributes('Conference', conference),
        ...rest,
      };
    }
    case 'Reject':
      requireEmpty(element);
      return { verb: 'Reject', ...attributes('Reject', element) };
    case 'Hangup':
      requireEmpty(element);
      return { verb: 'Hangup', ...attributes('Hangup', element) };
    default:
      throw parseError(`unknown verb <${element.name}>${hintLetterCase(element.name, Object.keys(attributesOf))}`);
  }
}

function toPrompt(element: Element): Prompt {
  switch (element.name) {
    case 'Say': {
      const { loop } = attributes('Say', element);
      const text = textOf(element);
      if (text.length > MAX_SPOKEN_CHARACTERS) {
        throw parseError(`<Say> has ${text.length} characters, more than ${MAX_SPOKEN_CHARACTERS}`);
      }
      return { verb: 'Say', text, loop };
    }
    case 'Play':
      return { verb: 'Play', url: textOf(element), ...attributes('Play', element) };
    default:
      requireEmpty(element);
      return { verb: 'Pause', seconds: attributes('Pause', element).length };
  }
}

function attributes<T extends ElementName>(name: T, element: Element): z.infer<(typeof attributesOf)[T]> {
  const schema = attributesOf[name];
  requireNone(
    Object.keys(element.attributes).filter((attribute) => !Object.hasOwn(schema.shape, attribute)),
    element,
    'attribute',
    Object.keys(schema.shape),
  );
  const result = schema.safeParse(element.attributes);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw parseError(`<${name} ${issue?.path.join('.')}>: ${issue?.message}`);
  }
  return result.data as z.infer<(typeof attributesOf)[T]>;
}

function textOf(element: Element): string {
  requireNone(
    element.children.map(({ name }) => name),
    element,
    'element',
  );
  if (element.text === '') {
    throw parseError(`<${element.name}> is empty`);
  }
  return element.text;
}

/** The name of a room. The REST API cannot filter by a longer one. */
function roomOf(conference: Element): string {
  const room = textOf(conference);
  if (room.length > MAX_ROOM_CHARACTERS || room.trim() !== room) {
    throw parseError(`a room name has 1 to ${MAX_ROOM_CHARACTERS} characters, without white space around it`);
  }
  return room;
}

function requireEmpty(element: Element): void {
  requireNone(
    element.children.map(({ name }) => name),
    element,
    'element',
  );
  requireNoText(element);
}

function requireNoText({ name, text }: Element): void {
  if (text.trim() !== '') {
    throw parseError(`<${name}> must not contain the text "${text.trim().slice(0, 40)}"`);
  }
}

function requireNone([found]: string[], { name }: Element, what: string, known: readonly string[] = []): void {
  if (found !== undefined) {
    throw parseError(`<${name}> has no ${what} ${found}${hintLetterCase(found, known)}`);
  }
}

function parseError(what: string): CallError {
  return new CallError(
    CODES.badDocument,
    `Document parse failure: ${what.slice(0, MAX_REASON_CHARACTERS).replace(/\.$/, '')}.`,
  );
}
