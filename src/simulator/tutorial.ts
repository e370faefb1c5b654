import { readStory, type Story } from './story';

/** Who plays in the tutorial's story. */
export interface Cast {
  /** The moderator's telephone number. */
  alice: string;
  /** Two callers'. */
  bob: string;
  carol: string;
  /** A supervisor's. */
  ted: string;
}

export const TUTORIAL_CAST: Cast = {
  alice: '+15557788999',
  bob: '+15550001111',
  carol: '+15550003333',
  ted: '+15550002222',
};

/**
 * The story that the server exists for, from the first ring to the last.
 *
 * @param room undefined for the server's usual one
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
        note: 'a customer, who waits with music',
        hears: { Bob: ['music'] },
      },
      {
        call: 'Carol',
        to: `/conference${suffix}`,
        note: 'another customer: they do not hear each other',
        hears: { Bob: ['music'], Carol: ['music'] },
      },
      {
        call: 'Alice',
        to: `/conference${suffix}`,
        note: 'the agent: they talk',
        hears: { Bob: ['Carol', 'Alice'], Carol: ['Bob', 'Alice'], Alice: ['Bob', 'Carol'] },
      },
      { hangUp: 'Carol', note: 'the others talk on', hears: talking },
      {
        call: 'Ted',
        to: `/coach${suffix}`,
        note: 'her supervisor whispers: Alice hears him, Bob does not',
        hears: { Bob: ['Alice'], Alice: ['Bob', 'Ted'], Ted: ['Bob', 'Alice'] },
        quiet: true,
      },
      { hangUp: 'Ted', hears: talking, quiet: true },
      {
        call: 'Ted',
        to: `/coach${suffix}?mode=monitor`,
        note: 'he listens, and nobody hears him',
        hears: { ...talking, Ted: ['Bob', 'Alice'] },
        quiet: true,
      },
      { hangUp: 'Ted', hears: talking, quiet: true },
      {
        call: 'Ted',
        to: `/coach${suffix}?mode=barge`,
        note: 'he steps in, and everybody hears him',
        hears: { Bob: ['Alice', 'Ted'], Alice: ['Bob', 'Ted'], Ted: ['Bob', 'Alice'] },
      },
      { hangUp: 'Alice', note: 'the conversation is over for all', hears: {} },
      {
        call: 'Ted',
        to: `/coach${suffix}`,
        note: 'he finds nobody to coach, and is asked to wait',
        hears: { Ted: [] },
        told: { Ted: 'nobody' },
      },
      { hangUp: 'Ted', hears: {} },
    ],
  });
}
