import { type Call, type CallSettings, numberOf } from '../call';
import type { Hearing, Sound } from '../hearing';
import type { Space } from '../space';

/** A telephone of the demo. */
export interface Telephone {
  /** Part of its elements' ids. */
  id: 'alice' | 'bob' | 'ted';
  name: string;
  role: string;
  /** The path of the webhook of the number that it dials. */
  path: string;
  /** Whether that number has the other webhooks of a line for agents and customers. */
  isConferenceLine: boolean;
}

export const TELEPHONES: readonly Telephone[] = [
  { id: 'alice', name: 'Alice', role: 'Agent', path: '/conference', isConferenceLine: true },
  { id: 'bob', name: 'Bob', role: 'Customer', path: '/conference', isConferenceLine: true },
  { id: 'ted', name: 'Ted', role: 'Supervisor', path: '/supervisor', isConferenceLine: false },
];

/** The keys of a telephone, row by row. */
export const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'] as const;

/** What can be done with a telephone: `call` dials, and a key is pressed. */
export type PhoneAction = 'call' | 'answer' | 'hang-up' | (typeof KEYS)[number];

/** Attributes of the page's elements, and their `text`, by the element's id. */
export type PageState = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The telephones of Alice, Bob and Ted at a simulated Space. */
export interface Telephones {
  numberOf(id: Telephone['id']): string;
  /** Everything on the page that changes, as it is now. */
  state(): PageState;
  /**
   * Does something with a telephone, unless it does not apply now, such as a call during a call.
   *
   * @returns false if a key was pressed that nothing was waiting for
   */
  act(id: Telephone['id'], action: PhoneAction): boolean;
}

export interface TelephonesOptions {
  space: Space;
  /** Of the server whose numbers are dialled, without a trailing slash. */
  serverUrl: string;
  /** The telephones' own numbers, in E.164. Every later call from or to one of them is shown, whoever placed it. */
  numbers: Readonly<Record<Telephone['id'], string>>;
  /** Who is on a call. */
  nameOf: (call: Call) => string;
}

const SOUNDS: Readonly<Record<Sound, string>> = { music: 'music', beep: 'a beep', notice: 'an announcement' };

const NOTHING: Hearing = { voices: [], sounds: [] };

const list = new Intl.ListFormat('en-GB');

export function createTelephones({ space, serverUrl, numbers, nameOf }: TelephonesOptions): Telephones {
  const earlier = new Set(space.calls);
  const latestCall = ({ id }: Telephone) =>
    space.calls.findLast((call) => numberOf(call) === numbers[id] && !earlier.has(call));

  /** The latest call, unless it is over. */
  function liveCall(telephone: Telephone): Call | undefined {
    const call = latestCall(telephone);
    return call?.isOver ? undefined : call;
  }

  function stateOf(telephone: Telephone, hearing: ReadonlyMap<Call, Hearing>): PageState {
    const { id, name } = telephone;
    const call = latestCall(telephone);
    const { voices, sounds } = (call && hearing.get(call)) ?? NOTHING;
    const isOn = call !== undefined && !call.isOver;
    const heard = [
      ...[...hearing.keys()].filter(({ sid }) => voices.includes(sid)).map(nameOf),
      ...sounds.map((sound) => SOUNDS[sound]),
    ];
    const lines = TELEPHONES.filter((other) => other !== telephone).map((speaker) => [
      lineId(speaker, telephone),
      { 'data-heard': yesOrNo(voices.includes(liveCall(speaker)?.sid ?? '')) },
    ]);
    return {
      [id]: { 'data-on': yesOrNo(isOn) },
      [`${id}-status`]: { text: statusOf(call) },
      [`${id}-hook`]: hookOf(name, call),
      [`${id}-hears`]: {
        text:
          call?.status === 'in-progress'
            ? `${name} hears ${list.format(heard) || 'nobody'}.`
            : `${name} is not on the line.`,
      },
      [`${id}-told`]: { text: call?.told.at(-1) ?? 'Nothing yet.' },
      [`${id}-music`]: { 'data-heard': yesOrNo(sounds.includes('music')) },
      ...Object.fromEntries(lines),
    };
  }

  return {
    numberOf: (id) => numbers[id],

    state() {
      const hearing = space.hearing();
      return Object.assign({}, ...TELEPHONES.map((telephone) => stateOf(telephone, hearing)));
    },

    act(id, action) {
      const telephone = TELEPHONES.find((one) => one.id === id) as Telephone;
      const live = liveCall(telephone);
      if (action === 'call') {
        if (live === undefined) {
          space.call(dialSettings(telephone, serverUrl, numbers[id]));
        }
        return true;
      }
      if (action === 'answer') {
        live?.answer();
        return true;
      }
      if (action === 'hang-up') {
        live?.hangUp();
        return true;
      }
      return live?.press(action) ?? false;
    },
  };
}

/** A call from a telephone to the number that it dials. */
export function dialSettings({ path, isConferenceLine }: Telephone, serverUrl: string, from: string): CallSettings {
  return {
    from,
    url: serverUrl + path,
    ...(isConferenceLine && { fallbackUrl: `${serverUrl}/fallback`, statusCallback: `${serverUrl}/events/call` }),
  };
}

/** The id of the line that shows whether `listener` hears `speaker`. */
export function lineId(speaker: Telephone, listener: Telephone): string {
  return `${speaker.id}-to-${listener.id}`;
}

function statusOf(call: Call | undefined): string {
  switch (call?.status) {
    case undefined:
      return 'Free';
    case 'queued':
    case 'ringing':
      return 'Ringing';
    case 'in-progress':
      return 'On the line';
    case 'failed':
      return `Failed with error ${call?.errors.at(-1)?.code}`;
    case 'busy':
    case 'no-answer':
      return 'Rejected';
    case 'completed':
    case 'canceled':
      return 'Free';
  }
}

/** The button that calls, answers or hangs up, whichever applies. */
function hookOf(name: string, call: Call | undefined) {
  if (call === undefined || call.isOver) {
    return { value: 'call', text: 'Call', 'aria-label': `Call from ${name}’s telephone` };
  }
  return call.direction !== 'inbound' && call.status === 'ringing'
    ? { value: 'answer', text: 'Answer', 'aria-label': `Answer ${name}’s telephone` }
    : { value: 'hang-up', text: 'Hang up', 'aria-label': `Hang up ${name}’s telephone` };
}

function yesOrNo(is: boolean): string {
  return is ? 'yes' : 'no';
}
