import { describe, expect, it } from '@jest/globals';
import { parseStory, StoryError } from '../../../src/simulator/story';
import { TUTORIAL_CAST, tutorialStory } from '../../../src/simulator/tutorial';

const problemsOf = (text: string): readonly string[] => {
  try {
    parseStory(text);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(StoryError);
    return (error as StoryError).problems;
  }
};

const people = `people: { Bob: '+15550001111' }\n`;

describe('parseStory', () => {
  it('reads YAML', () => {
    const story = parseStory(`
      people: { Bob: '+15550001111', Alice: '+15557788999' }
      method: GET
      callbacks: { seed: 7, lose: 0.5, delaySeconds: 2 }
      steps:
        - { call: Bob, to: /conference, fallback: /fallback, note: a customer, hears: { Bob: [music] } }
        - { press: Bob, keys: '12#' }
        - { wait: 2.5 }
        - { hangUp: Bob, hears: {}, told: { Alice: goodbye }, fails: { Bob: 13240 } }
    `);
    const nothing = { note: undefined, hears: undefined, told: undefined, fails: undefined };
    expect(story).toEqual({
      people: { Bob: '+15550001111', Alice: '+15557788999' },
      method: 'GET',
      callbacks: { seed: 7, lose: 0.5, delaySeconds: 2 },
      steps: [
        {
          ...nothing,
          action: { kind: 'call', who: 'Bob', to: '/conference', fallback: '/fallback' },
          note: 'a customer',
          hears: { Bob: ['music'] },
        },
        { ...nothing, action: { kind: 'press', who: 'Bob', keys: '12#' } },
        { ...nothing, action: { kind: 'wait', seconds: 2.5 } },
        {
          ...nothing,
          action: { kind: 'hangUp', who: 'Bob' },
          hears: {},
          told: { Alice: 'goodbye' },
          fails: { Bob: 13_240 },
        },
      ],
    });
  });

  it('reads JSON', () => {
    const text = JSON.stringify({ people: { Bob: '+1' }, steps: [{ call: 'Bob', to: '/conference' }] });
    expect(parseStory(text)).toMatchObject({ method: 'POST', steps: [{ action: { kind: 'call', who: 'Bob' } }] });
  });

  it.each<[string, string, string[]]>([
    ['nothing', '', ['The story Invalid input: expected object, received null.']],
    ['no YAML', 'steps: [', ['This is neither YAML nor JSON']],
    ['no steps', `${people}steps: []`, ['steps must have a step.']],
    ['an unknown part', `${people}steps: [{ wait: 1 }]\nperson: Bob`, ['The story Unrecognized key: "person".']],
    [
      'an unknown step',
      `${people}steps: [{ wait: 1 }, { dial: Bob }]`,
      ['Step 2 must have one of call, hangUp, press, wait, and has dial.'],
    ],
    ['an empty step', `${people}steps: [{}]`, ['Step 1 must have one of call, hangUp, press, wait, and has nothing.']],
    [
      'two steps in one',
      `${people}steps: [{ hangUp: Bob, wait: 1 }]`,
      ['Step 1 must have one of call, hangUp, press, wait, and has hangUp, wait.'],
    ],
    [
      'a call to nowhere',
      `${people}steps: [{ call: Bob }]`,
      ['Step 1, to Invalid input: expected string, received undefined.'],
    ],
    [
      'a call to another server',
      `${people}steps: [{ call: Bob, to: 'http://a.b' }]`,
      ['Step 1, to must be a path of the server, such as /conference.'],
    ],
    [
      'a number that is none',
      'people: { Bob: +15550001111 }\nsteps: [{ wait: 1 }]',
      ['people, Bob must be a text: put the number in quotes.'],
    ],
    ['keys that are none', `${people}steps: [{ press: Bob, keys: 1a }]`, ['Step 1, keys must be digits, * and #.']],
    ['keys without quotes', `${people}steps: [{ press: Bob, keys: 12 }]`, ['Step 1, keys must be a text, in quotes.']],
    ['time that runs back', `${people}steps: [{ wait: -1 }]`, ['Step 1, wait Too small: expected number to be >=0.']],
    [
      'an improbable probability',
      `${people}callbacks: { lose: 2 }\nsteps: [{ wait: 1 }]`,
      ['callbacks, lose Too big: expected number to be <=1.'],
    ],
    [
      'strangers',
      `${people}steps: [{ call: Ted, to: /coach, hears: { Bob: [music, Carol] } }]`,
      ['Step 1 names Ted, who is not among the people.', 'Step 1 names Carol, who is not among the people.'],
    ],
    [
      'a stranger who is told, or fails',
      `${people}steps: [{ wait: 1, told: { Ted: a }, fails: { toString: 1 } }]`,
      ['Step 1 names Ted, who is not among the people.', 'Step 1 names toString, who is not among the people.'],
    ],
  ])('refuses %s', (_what, text, problems) => {
    expect(problemsOf(text)).toEqual(problems.map((problem) => expect.stringContaining(problem)));
  });
});

describe('tutorialStory', () => {
  it('meets in the room it is told, with the people it is told', () => {
    const story = tutorialStory({ ...TUTORIAL_CAST, ted: '+15550004444' }, 'Sales 2');
    expect(story.people.Ted).toBe('+15550004444');
    const paths = story.steps.map(({ action }) => (action.kind === 'call' ? action.to : ''));
    expect(paths.filter(Boolean)).toEqual([
      '/conference/Sales%202',
      '/conference/Sales%202',
      '/coach/Sales%202',
      '/coach/Sales%202?mode=monitor',
      '/coach/Sales%202?mode=barge',
      '/coach/Sales%202',
    ]);
  });

  it('meets in the usual room when told none', () => {
    expect(tutorialStory(TUTORIAL_CAST).steps[0]?.action).toMatchObject({ to: '/conference' });
  });
});
