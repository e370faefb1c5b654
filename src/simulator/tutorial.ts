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

/**
 * The story of the tutorial: customers meet an agent; a supervisor coaches, listens, barges in, and waits.
 *
 * @param room by default the server's default room
 */
export function tutorialStory(cast: Cast, room?: string): Story {
  const suffix = room === undefined ? '' : `/${encodeURIComponent(room)}`;
  const talking = { Bob: ['Alice'], Alice: ['Bob'] };
  return readStory({
    people: { Alice: cast.alice, Bob: cast.bob, Carol: cast.carol, Ted: cast.ted },
    steps: [
      {
        call: 'Bob',
        to: `/conference${suffix}`,
        note: 'a customer; he hears music until an agent is in',
        hears: { Bob: ['music'] },
      },
      {
        call: 'Carol',
        to: `/conference${suffix}`,
        note: 'a second customer; they do not hear each other',
        hears: { Bob: ['music'], Carol: ['music'] },
      },
      {
        call: 'Alice',
        to: `/conference${suffix}`,
        note: 'the agent; everybody hears everybody',
        hears: { Bob: ['Carol', 'Alice'], Carol: ['Bob', 'Alice'], Alice: ['Bob', 'Carol'] },
      },
      { hangUp: 'Carol', note: 'the others go on talking', hears: talking },
      {
        call: 'Ted',
        to: `/coach${suffix}`,
        note: 'only Alice hears him: he coaches',
        hears: { Bob: ['Alice'], Alice: ['Bob', 'Ted'], Ted: ['Bob', 'Alice'] },
        quiet: true,
      },
      { hangUp: 'Ted', hears: talking, quiet: true },
      {
        call: 'Ted',
        to: `/coach${suffix}?mode=monitor`,
        note: 'nobody hears him: he listens',
        hears: { ...talking, Ted: ['Bob', 'Alice'] },
        quiet: true,
      },
      { hangUp: 'Ted', hears: talking, quiet: true },
      {
        call: 'Ted',
        to: `/coach${suffix}?mode=barge`,
        note: 'everybody hears him: he barges in',
        hears: { Bob: ['Alice', 'Ted'], Alice: ['Bob', 'Ted'], Ted: ['Bob', 'Alice'] },
      },
      {
        hangUp: 'Alice',
        note: 'the conversation ends; Ted waits for the next one',
        hears: { Ted: [] },
        told: { Ted: 'That conversation is over' },
      },
      { call: 'Bob', to: `/conference${suffix}`, hears: { Bob: ['music'], Ted: [] } },
      {
        call: 'Alice',
        to: `/conference${suffix}`,
        note: 'the next conversation; Ted is not in it yet',
        hears: { ...talking, Ted: [] },
      },
      {
        wait: 30,
        note: 'nobody hears Ted: he joins as a listener',
        hears: { ...talking, Ted: ['Bob', 'Alice'] },
        told: { Ted: 'Nobody hears you' },
      },
      { hangUp: 'Ted', hears: talking },
      { hangUp: 'Alice', note: 'the conversation ends for Bob too', hears: {} },
      {
        call: 'Ted',
        to: `/coach${suffix}`,
        note: 'no conversation yet: he is asked to wait',
        hears: { Ted: [] },
        told: { Ted: 'no conversation' },
      },
      { hangUp: 'Ted', hears: {} },
    ],
  });
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
