import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readServerSettings } from '../../../src/cli/settings';
import { PIN_KEY, rosterText } from '../../support/roster';
import { temporaryFolder } from '../../support/temporary-folder';

const ALICE = { name: 'Alice', number: '+15550004444', pin: '24680' };
const TED = { name: 'Ted', number: '+15550005555', pin: '13579' };

const production = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://coach.example.com',
  SIGNALWIRE_SIGNING_KEY: 'PSK_1',
};

/** The problems of these settings. */
const problemsOf = (env: Record<string, string>) =>
  readServerSettings(env).then(
    () => [],
    ({ problems }) => problems,
  );

describe('a server that cannot start reports its roster too', () => {
  it.each<[what: string, text: string, env: Record<string, string>, sentences: string[]]>([
    [
      'the settings have mistakes too: one report has all',
      JSON.stringify({ moderators: [{ ...ALICE, pin: undefined, number: '5' }] }),
      { ...production, SIGNALWIRE_SIGNING_KEY: '', PORT: 'x', SUPERVISOR_NUMBERS: '15550005555' },
      [
        'PORT must be a whole number from 0 to 65535.',
        'SUPERVISOR_NUMBERS (***5555): put + before the country code.',
        'SIGNALWIRE_SIGNING_KEY must be set in production: it proves that a webhook comes from your Space.',
        'FILE: moderators, entry 1 (Alice), number must be a telephone number in E.164 form, such as +15557788999.',
      ],
    ],
    [
      'the settings have mistakes too, and it names nobody',
      '{}',
      { ...production, PORT: 'x', MODERATOR_NUMBERS: '5' },
      [
        'PORT must be a whole number from 0 to 65535.',
        'MODERATOR_NUMBERS must be a telephone number in E.164 form, such as +15557788999.',
        'FILE: name a supervisor here or in SUPERVISOR_NUMBERS. Without one, nobody may supervise.',
      ],
    ],
    [
      'the settings have mistakes too, and it is no JSON',
      '{"moderators": []',
      { PORT: 'x' },
      [
        'PORT must be a whole number from 0 to 65535.',
        'FILE, line 1, column 18: this is not JSON: the file ends too early.',
      ],
    ],
    [
      'the settings alone have mistakes',
      rosterText({ moderators: [ALICE], supervisors: [TED] }),
      { ...production, PORT: 'x' },
      ['PORT must be a whole number from 0 to 65535.'],
    ],
  ])('when %s', async (_what, text, env, sentences) => {
    const file = join(temporaryFolder(), 'roster.json');
    writeFileSync(file, text);
    const problems = await problemsOf({ ROSTER_FILE: file, PIN_KEY, ...env });
    expect(problems).toEqual(sentences.map((sentence) => sentence.replace('FILE', file)));
    expect(problems.join()).not.toMatch(/24680|13579/);
  });

  it('when it is missing and the settings have mistakes', async () => {
    expect(await problemsOf({ ROSTER_FILE: '/nowhere/roster.json', PORT: 'x' })).toEqual([
      'PORT must be a whole number from 0 to 65535.',
      "Cannot read ROSTER_FILE /nowhere/roster.json: ENOENT: no such file or directory, open '/nowhere/roster.json'. Set it to a JSON file that can be read.",
    ]);
  });
});

it.each<[what: string, env: Record<string, string>, sentences: string[]]>([
  [
    'beside other mistakes',
    { PORT: 'x', SUPERVISER_NUMBERS: TED.number },
    [
      'PORT must be a whole number from 0 to 65535.',
      'SUPERVISER_NUMBERS is not a setting: did you mean SUPERVISOR_NUMBERS?',
    ],
  ],
  [
    'once',
    { ...production, MODERATOR_NUMBERS: ALICE.number, SUPERVISER_NUMBERS: TED.number },
    [
      'SUPERVISOR_NUMBERS must be set in production: without it, or a ROSTER_FILE, nobody may supervise. SUPERVISER_NUMBERS is set: did you mean SUPERVISOR_NUMBERS?',
    ],
  ],
])('a server that cannot start reports a misspelt name %s', async (_how, env, sentences) => {
  expect(await problemsOf(env)).toEqual(sentences);
});
