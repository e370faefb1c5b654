import { describe, expect, it } from '@jest/globals';
import { UserError } from '../../../src/ops/user-error';
import { parseStory } from '../../../src/simulator/story';
import { TUTORIAL_CAST, tutorialStory } from '../../../src/simulator/tutorial';

const problemsOf = (text: string): readonly string[] => {
  try {
    parseStory(text);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return (error as UserError).problems;
  }
};

const people = `people: { Bob: '+15550001111' }\n`;

describe('parseStory', () => {
  it('reads YAML', () => {
    const story = parseStory(`
      people: { Bob: '+15550001111', Alice: '+15557788999' }
      method: GET
      callbacks: { seed: 7, lose: 0.5, delaySeconds: 2 }
      space: { reportsCoaching: true }
      steps:
        - { call: Bob, to: /conference, fallback: /fallback, note: a customer, hears: { Bob: [music] } }
        - { callOut: Alice, to: /conference, statusCallback: /events/call, keys: '1' }
        - { press: Bob, keys: '12#' }
        - { wait: 2.5 }
        - { hangUp: Bob, hears: {}, told: { Alice: goodbye }, fails: { Bob: 13240 } }
    `);
    expect(story).toEqual({
      people: new Map([
        ['Bob', '+15550001111'],
        ['Alice', '+15557788999'],
      ]),
      method: 'GET',
      callbacks: { seed: 7, lose: 0.5, delaySeconds: 2 },
      space: { reportsCoaching: true },
      steps: [
        {
          action: { kind: 'call', who: 'Bob', to: '/conference', fallback: '/fallback' },
          note: 'a customer',
          hears: new Map([['Bob', ['music']]]),
        },
        { action: { kind: 'callOut', who: 'Alice', to: '/conference', statusCallback: '/events/call', keys: '1' } },
        { action: { kind: 'press', who: 'Bob', keys: '12#' } },
        { action: { kind: 'wait', seconds: 2.5 } },
        {
          action: { kind: 'hangUp', who: 'Bob' },
          hears: new Map(),
          told: new Map([['Alice', 'goodbye']]),
          fails: new Map([['Bob', 13_240]]),
        },
      ],
    });
  });

  it('reads JSON', () => {
    const text = JSON.stringify({ people: { Bob: '+1' }, steps: [{ call: 'Bob', to: '/conference' }] });
    expect(parseStory(text)).toMatchObject({ method: 'POST', steps: [{ action: { kind: 'call', who: 'Bob' } }] });
  });

  it.each<[string, string, string[]]>([
    ['nothing', '', ['The story must be a mapping.']],
    ['a list', '[1]', ['The story must be a mapping.']],
    ['invalid YAML', 'steps: [', ['The story cannot be read as YAML or JSON']],
    ['unquoted keys that YAML takes for an alias', `${people}steps: [{ press: Bob, keys: *1 }]`, ['need quotes.']],
    [
      '__proto__ as a name',
      `${people}steps: [{ wait: 1, hears: { __proto__: [Bob] } }]`,
      ['__proto__ is not allowed as a name'],
    ],
    ['two stories', `${people}steps: [{ wait: 1 }]\n---\n${people}`, ['it is more than one story']],
    ['a tag of YAML', "people: { Bob: !foo '+1' }\nsteps: [{ wait: 1 }]", ['The story cannot be read as YAML or JSON']],
    ['quiet: false', `${people}steps: [{ wait: 1, quiet: false }]`, ['Step 1, quiet must be true or omitted.']],
    ['no steps', `${people}steps: []`, ['steps must not be empty.']],
    ['no people', 'steps: [{ wait: 1 }]', ['people is missing.']],
    [
      'an unknown field of the story',
      `${people}steps: [{ wait: 1 }]\nperson: Bob`,
      ['The story has unknown fields: person.'],
    ],
    ['somebody called music', "people: { music: '+1' }\nsteps: [{ wait: 1 }]", ['people must not call anybody music']],
    [
      'an unknown step',
      `${people}steps: [{ wait: 1 }, { dial: Bob }]`,
      ['Step 2 must have exactly one of call, callOut, hangUp, press, wait; it has dial.'],
    ],
    ['a step in another letter case', `${people}steps: [{ hangup: Bob }]`, ['it has hangup (did you mean hangUp?).']],
    [
      'an empty step',
      `${people}steps: [{}]`,
      ['Step 1 must have exactly one of call, callOut, hangUp, press, wait; it has nothing.'],
    ],
    ['a step that is not a mapping', `${people}steps: [call]`, ['Step 1 must be a mapping.']],
    [
      'two steps in one',
      `${people}steps: [{ hangUp: Bob, wait: 1 }]`,
      ['Step 1 must have exactly one of call, callOut, hangUp, press, wait; it has hangUp, wait.'],
    ],
    ['an unknown check', `${people}steps: [{ wait: 1, heard: {} }]`, ['Step 1 has unknown fields: heard.']],
    ['a call without a path', `${people}steps: [{ call: Bob }]`, ['Step 1, to is missing.']],
    [
      'a call to another server',
      `${people}steps: [{ call: Bob, to: 'http://a.b' }]`,
      ['Step 1, to must be a path of the server, such as /conference.'],
    ],
    [
      'a status callback to another server',
      `${people}steps: [{ callOut: Bob, to: /a, statusCallback: 'http://a.b' }]`,
      ['Step 1, statusCallback must be a path of the server, such as /conference.'],
    ],
    ['another method', `${people}method: PUT\nsteps: [{ wait: 1 }]`, ['method must be GET or POST.']],
    [
      'an unquoted number',
      'people: { Bob: +15550001111 }\nsteps: [{ wait: 1 }]',
      ['people, Bob must be text: put the number in quotes.'],
    ],
    ['an empty number', "people: { Bob: '' }\nsteps: [{ wait: 1 }]", ['people, Bob must not be empty.']],
    ['invalid keys', `${people}steps: [{ press: Bob, keys: 1a }]`, ['Step 1, keys must be digits, * and #.']],
    [
      'keys without quotes',
      `${people}steps: [{ press: Bob, keys: 12 }]`,
      ['Step 1, keys must be text: put keys in quotes.'],
    ],
    ['a negative time', `${people}steps: [{ wait: -1 }]`, ['Step 1, wait must be at least 0.']],
    [
      'a code that is not a number',
      `${people}steps: [{ wait: 1, fails: { Bob: gone } }]`,
      ['Step 1, fails, Bob must be a number.'],
    ],
    [
      'a probability above 1',
      `${people}callbacks: { lose: 2 }\nsteps: [{ wait: 1 }]`,
      ['callbacks, lose must be at most 1.'],
    ],
    [
      'a setting of the Space that is not a boolean',
      `${people}space: { reportsCoaching: often }\nsteps: [{ wait: 1 }]`,
      ['space, reportsCoaching must be true or false.'],
    ],
    [
      'an unknown setting of the Space',
      `${people}space: { reportsCoach: true }\nsteps: [{ wait: 1 }]`,
      ['space has unknown fields: reportsCoach.'],
    ],
    [
      'unknown names',
      `${people}steps: [{ call: Ted, to: /coach, hears: { Bob: [music, Carol] } }]`,
      ['Step 1 names Ted, who is not in people.', 'Step 1 names Carol, who is not in people.'],
    ],
    [
      'unknown names in told and fails',
      `${people}steps: [{ wait: 1, told: { Ted: a }, fails: { toString: 1 } }]`,
      ['Step 1 names Ted, who is not in people.', 'Step 1 names toString, who is not in people.'],
    ],
  ])('refuses %s', (_what, text, problems) => {
    expect(problemsOf(text)).toEqual(problems.map((problem) => expect.stringContaining(problem)));
  });
});

describe('tutorialStory', () => {
  it('uses the given room and people', () => {
    const story = tutorialStory({ ...TUTORIAL_CAST, ted: '+15550004444' }, 'Sales 2');
    expect(story.people.get('Ted')).toBe('+15550004444');
    const paths = story.steps.map(({ action }) => (action.kind === 'call' ? action.to : ''));
    expect(paths.filter(Boolean)).toEqual([
      '/conference/Sales%202',
      '/conference/Sales%202',
      '/conference/Sales%202',
      '/coach/Sales%202',
      '/coach/Sales%202?mode=monitor',
      '/coach/Sales%202?mode=barge',
      '/conference/Sales%202',
      '/conference/Sales%202',
      '/coach/Sales%202',
    ]);
  });

  it('uses the default room when none is given', () => {
    expect(tutorialStory(TUTORIAL_CAST).steps[0]?.action).toMatchObject({ to: '/conference' });
  });
});
