import { MODE_KEYS } from '../../calls/outcome';
import type { Prompts } from '../../calls/prompts';
import { MODES, type Mode } from '../../rooms/mode';
import { SMOKE_TEST_ROOM } from '../../rooms/smoke-test';
import { readStory, type Story } from '../story';
import { type Cast, hearing, tutorialStory } from '../tutorial';

/** Ted, as a part needs him. */
export interface TedsCall {
  /** Where he calls from. */
  from: string;
  /** What he presses as soon as his call is answered; undefined for nothing. */
  keys: string | undefined;
  /** The modes that he has the right of. */
  modes: ReadonlySet<Mode>;
  /** The mode in which he starts on `/supervisor`. */
  startsIn: Mode;
}

/** A supervisor who is known by PIN alone. */
export interface Stranger {
  from: string;
  pin: string;
  /** The mode in which they start on `/supervisor`. */
  startsIn: Mode;
}

/** Who plays in a smoke test. */
export interface SmokeTestCast extends Pick<Cast, 'alice' | 'bob' | 'carol'> {
  /** What Alice presses as soon as her call is answered; undefined for nothing. */
  aliceKeys: string | undefined;
  /** Ted at his own telephone; undefined if he has none. */
  ted: TedsCall | undefined;
  /** A supervisor at a telephone that is not in the roster, and their PIN; or why there is none. */
  stranger: Stranger | { leftOut: string };
}

/** A part, or why it is left out. A story of the user's own has no title. */
export type Part = { title?: string } & ({ story: Story } | { leftOut: string });

export interface PartsOptions {
  /** By default, all parts are played in {@link SMOKE_TEST_ROOM}. */
  room: string;
  /** What the server says. */
  prompts: Prompts;
}

/** The parts of a smoke test, in the order of playing. */
export function smokeTestParts(cast: SmokeTestCast, { room, prompts }: PartsOptions): Part[] {
  const { ted, stranger } = cast;
  const noTelephone = 'Ted has neither number nor address';
  const noMonitor = 'Ted has no right to monitor';
  const elsewhere = `/supervisor offers a smoke test the room ${SMOKE_TEST_ROOM} alone`;
  const isElsewhere = room !== SMOKE_TEST_ROOM;
  return [
    {
      title: 'Ted dials the room (/coach).',
      ...(ted === undefined ? { leftOut: noTelephone } : { story: coachStory(cast, ted, { room, prompts }) }),
    },
    {
      title: 'Ted dials the supervisors’ line (/supervisor) and uses the keypad.',
      ...(isElsewhere
        ? { leftOut: elsewhere }
        : ted?.modes.has('monitor')
          ? { story: lineStory(cast, ted, prompts) }
          : { leftOut: ted === undefined ? noTelephone : noMonitor }),
    },
    {
      title: 'Ted dials the supervisors’ line from an unknown telephone, with a PIN.',
      ...(isElsewhere
        ? { leftOut: elsewhere }
        : 'leftOut' in stranger
          ? stranger
          : { story: pinStory(cast, stranger, prompts) }),
    },
    {
      title: 'Ted is sent to an agent who is gone.',
      ...(ted === undefined ? { leftOut: noTelephone } : { story: staleTargetStory(cast, ted, room) }),
    },
  ];
}

function coachStory(cast: SmokeTestCast, { from, keys, modes }: TedsCall, { room, prompts }: PartsOptions): Story {
  return tutorialStory({ ...cast, ted: from }, room, { modes, keys: { alice: cast.aliceKeys, ted: keys }, prompts });
}

/** A story of the agent, the customer, and Ted at this telephone. */
function storyOf({ alice, bob }: SmokeTestCast, ted: string, steps: readonly object[]): Story {
  return readStory({ people: { Alice: alice, Bob: bob, Ted: ted }, steps });
}

/** The agent's call, and the customer's before it. */
function conversation({ aliceKeys }: SmokeTestCast, room: string) {
  const to = `/conference/${encodeURIComponent(room)}`;
  return {
    bob: { call: 'Bob', to, note: 'a customer' },
    alice: { call: 'Alice', to, keys: aliceKeys, note: 'the agent' },
  };
}

/**
 * The keypad in every mode. At the end the agent is followed by another conversation while Ted is at the keypad: what he
 * asked for the first must not reach the second.
 */
function lineStory(cast: SmokeTestCast, { from, keys, modes, startsIn }: TedsCall, prompts: Prompts): Story {
  const { bob, alice } = conversation(cast, SMOKE_TEST_ROOM);
  const talking = hearing('monitor');
  const ted = ['Bob', 'Alice'];
  const heardBy: Record<Mode, string> = {
    monitor: 'nobody hears him: he listens',
    coach: 'only Alice hears him: he coaches',
    barge: 'everybody hears him: he talks to everyone',
  };
  const menu = (hears: object) => ({ press: 'Ted', keys: '*', note: 'the keypad; nobody hears him meanwhile', hears });
  const next = startsIn === 'barge' ? 'monitor' : startsIn;
  return storyOf(cast, from, [
    bob,
    { ...alice, hears: talking },
    {
      call: 'Ted',
      to: '/supervisor',
      keys,
      note: 'the only conversation: he is in at once',
      hears: { ...hearing(startsIn), Ted: ted },
      told: { Ted: prompts.rejoined[startsIn] },
    },
    ...(['coach', 'barge', 'monitor'] as const)
      .filter((mode) => modes.has(mode))
      .flatMap((mode) => [
        menu({ ...talking, Ted: [] }),
        {
          press: 'Ted',
          keys: MODE_KEYS[mode],
          note: heardBy[mode],
          hears: { ...hearing(mode), Ted: ted },
          told: { Ted: prompts.rejoined[mode] },
          quiet: true,
        },
      ]),
    menu({ ...talking, Ted: [] }),
    { hangUp: 'Alice', note: 'meanwhile the conversation ends', hears: { Ted: [] } },
    { ...alice, note: 'and the next one begins', hears: { Ted: [], Alice: ['music'] } },
    {
      press: 'Ted',
      keys: MODE_KEYS.monitor,
      note: 'he chose for the first, so he must choose anew',
      hears: { Ted: [], Alice: ['music'] },
      told: { Ted: prompts.news['conversation-over'] },
    },
    { press: 'Ted', keys: '1', note: 'the first conversation of the menu' },
    {
      wait: 3,
      note: 'if agents have extensions, the menu waits for more digits',
      hears: { Ted: ['Alice'], Alice: next === 'coach' ? ['Ted'] : [] },
    },
    { press: 'Ted', keys: '*' },
    { press: 'Ted', keys: '9', hears: { Alice: [] }, told: { Ted: prompts.goodbye } },
  ]);
}

function pinStory(cast: SmokeTestCast, { from, pin, startsIn }: Stranger, prompts: Prompts): Story {
  const { bob, alice } = conversation(cast, SMOKE_TEST_ROOM);
  const talking = hearing('monitor');
  return storyOf(cast, from, [
    bob,
    { ...alice, hears: talking },
    {
      call: 'Ted',
      to: '/supervisor',
      note: 'from a telephone that is not in the roster',
      hears: { ...talking, Ted: [] },
      told: { Ted: prompts.askPin.asked },
    },
    {
      press: 'Ted',
      keys: `${pin}#`,
      hears: { ...hearing(startsIn), Ted: ['Bob', 'Alice'] },
      told: { Ted: prompts.rejoined[startsIn] },
    },
    { press: 'Ted', keys: '*', hears: { ...talking, Ted: [] } },
    { press: 'Ted', keys: '9', hears: talking, told: { Ted: prompts.goodbye } },
  ]);
}

/** Ted is sent to an agent who has left without a report, and joins the next one all the same. */
function staleTargetStory(cast: SmokeTestCast, { from, keys, modes }: TedsCall, room: string): Story {
  const { bob, alice } = conversation(cast, room);
  const mode = modes.has('coach') ? 'coach' : 'monitor';
  return storyOf(cast, from, [
    { ...alice, hears: { Alice: ['music'] } },
    { hangUp: 'Alice', unreported: true, note: 'the callbacks are lost', hears: {} },
    {
      call: 'Ted',
      to: `/coach/${encodeURIComponent(room)}?mode=${mode}`,
      keys,
      note: 'the Space refuses him: Alice is gone; he is asked to hold',
      fails: { Ted: 13240 },
      hears: { Ted: [] },
    },
    { ...bob, hears: { Bob: ['music'], Ted: [] } },
    { ...alice, note: 'the next agent', hears: { Bob: ['Alice'], Alice: ['Bob'], Ted: [] } },
    {
      wait: 30,
      note: 'Ted is with her now',
      hears: { ...hearing(mode), Ted: ['Bob', 'Alice'] },
    },
    { hangUp: 'Ted', hears: hearing('monitor') },
    { hangUp: 'Alice', hears: {} },
  ]);
}

/** The modes of MODES in a set of rights. */
export function modesIn(rights: ReadonlySet<string>): ReadonlySet<Mode> {
  return new Set(MODES.filter((mode) => rights.has(mode)));
}
