import type { Prompts } from '../calls/prompts';
import { english } from '../calls/prompts-en';
import { MODES, type Mode } from '../rooms/mode';
import type { RoomName } from '../rooms/room';
import { readStory, type Story } from './story';

/** The telephone numbers of a story's people. */
export interface Cast {
  /** The moderator. */
  alice: string;
  /** Two callers. */
  bob: string;
  carol: string;
  /** The supervisor. */
  ted: string;
}

export const TUTORIAL_CAST: Cast = {
  alice: '+15557788999',
  bob: '+15550001111',
  carol: '+15550003333',
  ted: '+15550002222',
};

/** How the tutorial's story differs from the first one of the demo. */
export interface TutorialOptions {
  /** The modes that Ted has the right of: steps with others are left out. All by default. */
  modes?: ReadonlySet<string>;
  /** What Alice and Ted press as soon as their calls are answered; nothing by default. */
  keys?: { alice?: string | undefined; ted?: string | undefined };
  /** What the server says; English by default. */
  prompts?: Prompts;
}

/**
 * The story of the tutorial: customers meet an agent; a supervisor coaches, listens, barges in, and waits.
 *
 * @param room by default the server's default room
 */
export function tutorialStory(cast: Cast, room?: string, options: TutorialOptions = {}): Story {
  const { modes = new Set(MODES), keys = {}, prompts = english } = options;
  const suffix = room === undefined ? '' : `/${encodeURIComponent(room)}`;
  const nobodyThere =
    room === undefined ? 'no conversation' : prompts.wait('nobody-there', room as RoomName, undefined);
  const talking = { Bob: ['Alice'], Alice: ['Bob'] };
  const bob = { call: 'Bob', to: `/conference${suffix}` };
  const alice = { call: 'Alice', to: `/conference${suffix}`, keys: keys.alice };
  const ted = (mode: Mode) => ({
    call: 'Ted',
    to: `/coach${suffix}${mode === 'coach' ? '' : `?mode=${mode}`}`,
    keys: keys.ted,
  });
  const supervising = (mode: Mode, note: string) => ({
    ...ted(mode),
    note,
    hears: { ...hearing(mode), Ted: ['Bob', 'Alice'] },
  });
  const leaving = { hangUp: 'Ted', hears: talking, quiet: true };
  return readStory({
    people: { Alice: cast.alice, Bob: cast.bob, Carol: cast.carol, Ted: cast.ted },
    steps: [
      { ...bob, note: 'a customer; he hears music until an agent is in', hears: { Bob: ['music'] } },
      {
        call: 'Carol',
        to: `/conference${suffix}`,
        note: 'a second customer; they do not hear each other',
        hears: { Bob: ['music'], Carol: ['music'] },
      },
      {
        ...alice,
        note: 'the agent; everybody hears everybody',
        hears: { Bob: ['Carol', 'Alice'], Carol: ['Bob', 'Alice'], Alice: ['Bob', 'Carol'] },
      },
      { hangUp: 'Carol', note: 'the others go on talking', hears: talking },
      ...(modes.has('coach')
        ? [{ ...supervising('coach', 'only Alice hears him: he coaches'), quiet: true }, leaving]
        : []),
      ...(modes.has('monitor')
        ? [
            { ...supervising('monitor', 'nobody hears him: he listens'), quiet: true },
            ...(modes.has('barge') ? [leaving, supervising('barge', 'everybody hears him: he barges in')] : []),
            {
              hangUp: 'Alice',
              note: 'the conversation ends; Ted waits for the next one',
              hears: { Ted: [] },
              told: { Ted: prompts.wait('over', undefined, undefined) },
            },
            { ...bob, hears: { Bob: ['music'], Ted: [] } },
            { ...alice, note: 'the next conversation; Ted is not in it yet', hears: { ...talking, Ted: [] } },
            {
              wait: 30,
              note: 'nobody hears Ted: he joins as a listener',
              hears: { ...talking, Ted: ['Bob', 'Alice'] },
              told: { Ted: prompts.rejoined.monitor },
            },
            { hangUp: 'Ted', hears: talking },
          ]
        : []),
      { hangUp: 'Alice', note: 'the conversation ends for Bob too', hears: {} },
      {
        ...ted('coach'),
        note: 'no conversation yet: he is asked to wait',
        hears: { Ted: [] },
        told: { Ted: nobodyThere },
      },
      { hangUp: 'Ted', hears: {} },
    ],
  });
}

/** Whom Alice and Bob hear while they talk and Ted supervises in a mode. */
export function hearing(mode: Mode): { Alice: string[]; Bob: string[] } {
  return {
    Bob: mode === 'barge' ? ['Alice', 'Ted'] : ['Alice'],
    Alice: mode === 'monitor' ? ['Bob'] : ['Bob', 'Ted'],
  };
}

/** The supervisor's PIN in {@link keypadStory}. */
export const TUTORIAL_PIN = '48213';

/** The number of the second agent in {@link keypadStory}, who may moderate only `support`. */
export const TUTORIAL_AGENT = '+15550005555';

/**
 * A supervisor calls from an unknown telephone: PIN, menu of conversations, keypad. Then an agent dials a room that is not
 * theirs.
 */
export function keypadStory(cast: Cast): Story {
  const sales = { Bob: ['Alice'], Alice: ['Bob'] };
  return readStory({
    people: { Alice: cast.alice, Bob: cast.bob, Carol: TUTORIAL_AGENT, Ted: '+15550004444' },
    steps: [
      { call: 'Alice', to: '/conference/sales', note: 'an agent', hears: { Alice: ['music'] } },
      { call: 'Bob', to: '/conference/sales', note: 'a customer', hears: sales },
      { call: 'Carol', to: '/conference/support', note: 'an agent in another room, without customers yet' },
      {
        call: 'Ted',
        to: '/supervisor',
        note: 'from an unknown telephone',
        told: { Ted: 'enter your PIN' },
      },
      {
        press: 'Ted',
        keys: `${TUTORIAL_PIN}#`,
        note: 'he hears the menu of conversations',
        told: { Ted: 'For Alice, press 1. For Carol, no caller yet, press 2.' },
      },
      {
        press: 'Ted',
        keys: '1',
        note: 'nobody hears him: he listens',
        hears: { ...sales, Carol: ['music'], Ted: ['Alice', 'Bob'] },
        told: { Ted: 'You are listening to Alice' },
        quiet: true,
      },
      {
        press: 'Ted',
        keys: '*',
        note: 'the keypad menu; nobody hears him meanwhile',
        hears: { ...sales, Carol: ['music'], Ted: [] },
        told: { Ted: 'Nobody hears you now' },
        quiet: true,
      },
      {
        press: 'Ted',
        keys: '2',
        note: 'only Alice hears him: he coaches',
        hears: { Bob: ['Alice'], Alice: ['Bob', 'Ted'], Carol: ['music'], Ted: ['Alice', 'Bob'] },
        quiet: true,
      },
      { press: 'Ted', keys: '*' },
      {
        press: 'Ted',
        keys: '4',
        note: 'he moves on to Carol; nobody hears him',
        hears: { ...sales, Carol: [], Ted: ['Carol'] },
        told: { Ted: 'You are listening to Carol' },
      },
      { press: 'Ted', keys: '*' },
      { press: 'Ted', keys: '9', hears: { ...sales, Carol: [] }, told: { Ted: 'Goodbye' } },
      { hangUp: 'Carol', hears: sales },
      {
        call: 'Carol',
        to: '/conference/sales',
        note: 'not her room: she joins as a customer',
        hears: { Bob: ['Alice', 'Carol'], Alice: ['Bob', 'Carol'], Carol: ['Alice', 'Bob'] },
        told: { Carol: 'You are not an agent on this line' },
      },
    ],
  });
}
