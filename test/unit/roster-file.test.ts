import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { UserError } from '../../src/ops/user-error';
import type { Email } from '../../src/people/email';
import { hashPin, type Pin } from '../../src/people/pin';
import { SUPERVISOR_RIGHTS } from '../../src/people/rights';
import { createRoster } from '../../src/people/roster';
import { parseRoster, readRosterFile } from '../../src/people/roster-file';
import { anyCharacter, fuzzRuns } from '../support/fuzz';
import { PIN_KEY } from '../support/roster';
import { temporaryFolder } from '../support/temporary-folder';

const hash = (pin: string) => hashPin(PIN_KEY, pin as Pin);
const alice = { name: 'Alice', number: '+15557788999' };
const carol = { name: 'Carol', number: '+15550003333' };
const ted = { name: 'Ted', number: '+15550002222' };
const secret = { pin: hash('24680') };
const password = `$scrypt$ln=15,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`;

function isJson(text: string): boolean {
  try {
    JSON.parse(text.replace(/^\uFEFF/, ''));
    return true;
  } catch {
    return false;
  }
}

const parse = (content: unknown, hasPinKey = true) =>
  parseRoster(typeof content === 'string' ? content : JSON.stringify(content), { file: 'roster.json', hasPinKey });

function problemsOf(content: unknown, hasPinKey = true): readonly string[] {
  try {
    parse(content, hasPinKey);
  } catch (error) {
    if (error instanceof UserError) {
      expect(error.message).toBe(error.problems.join('\n'));
      return error.problems;
    }
    throw error;
  }
  return [];
}

describe('parseRoster', () => {
  it('reads every field', () => {
    const content = {
      moderators: [
        {
          ...alice,
          ...secret,
          requirePin: true,
          password,
          email: 'Alice@Example.com',
          rooms: ['sales', 'Sales 2'],
          extension: '201',
        },
      ],
      supervisors: [
        {
          ...ted,
          pin: hash('13579'),
          requirePin: true,
          password,
          email: 'ted@example.com',
          rooms: ['sales'],
          mode: 'barge',
          rights: ['barge', 'audit'],
        },
      ],
    };
    expect(parse(content)).toEqual({
      moderators: [
        {
          name: 'Alice',
          address: '+15557788999',
          pin: hash('24680'),
          requirePin: true,
          password,
          email: 'alice@example.com',
          rooms: new Set(['sales', 'Sales 2']),
          extension: '201',
        },
      ],
      supervisors: [
        {
          name: 'Ted',
          address: '+15550002222',
          pin: hash('13579'),
          requirePin: true,
          password,
          email: 'ted@example.com',
          rooms: new Set(['sales']),
          mode: 'barge',
          rights: new Set(['barge', 'audit']),
        },
      ],
    });
  });

  it('needs only a name and a number, which are valid in all rooms', () => {
    const person = { pin: undefined, requirePin: false, password: undefined, email: undefined, rooms: 'all' };
    expect(parse({ moderators: [alice], supervisors: [ted] }, false)).toStrictEqual({
      moderators: [{ name: 'Alice', address: alice.number, ...person, extension: undefined }],
      supervisors: [{ name: 'Ted', address: ted.number, ...person, mode: undefined, rights: SUPERVISOR_RIGHTS }],
    });
  });

  it('accepts an address instead of a number, or only a PIN', () => {
    const content = {
      moderators: [
        { name: 'Alice', address: '"Alice" <SIP:alice@Example.com:5060;transport=tls>' },
        { name: 'Bob', ...secret },
      ],
      supervisors: [
        { name: 'Carol', ...secret, requirePin: true },
        { name: 'Ted', address: 'client:ted' },
      ],
    };
    const { moderators, supervisors } = parse(content);
    expect(moderators.map(({ name, address }) => [name, address])).toEqual([
      ['Alice', 'sip:alice@example.com'],
      ['Bob', undefined],
    ]);
    expect(supervisors.map(({ name, address }) => [name, address])).toEqual([
      ['Carol', undefined],
      ['Ted', 'client:ted'],
    ]);
    const roster = createRoster({ moderatorNumbers: [], supervisorNumbers: [] });
    roster.replace({ moderators, supervisors });
    expect(roster.moderators.byPin.get(secret.pin)?.name).toBe('Bob');
    expect(roster.moderators.byAddress.get(undefined)).toBeUndefined();
  });

  it('accepts people who have only a password or an email address, whom no telephone identifies', () => {
    const content = {
      moderators: [{ name: 'Alice', password }],
      supervisors: [{ name: 'Ted', email: 'Ted@Example.com' }],
    };
    const roster = createRoster({ moderatorNumbers: [], supervisorNumbers: [] });
    roster.replace(parse(content, false));
    const { moderators, supervisors } = roster;
    expect(moderators.byName.get('Alice')).toMatchObject({ address: undefined, pin: undefined, password });
    expect(supervisors.byEmail.get('ted@example.com' as Email)).toMatchObject({ name: 'Ted', address: undefined });
    expect(
      [moderators, supervisors].map(({ byAddress, byPin, byEmail, hasPins }) => [
        byAddress.get(undefined),
        byPin.get(undefined),
        byEmail.get(undefined),
        hasPins,
      ]),
    ).toEqual(Array(2).fill([undefined, undefined, undefined, false]));
  });

  it('lets a moderator and a supervisor have the same email address', () => {
    const both = { name: 'Alice', email: 'alice@example.com' };
    expect(problemsOf({ moderators: [both], supervisors: [both] })).toEqual([]);
  });

  it.each([
    ['moderators', 'moderator', 'MODERATOR_NUMBERS. Without one, no conference can start.'],
    ['supervisors', 'supervisor', 'SUPERVISOR_NUMBERS. Without one, nobody may supervise.'],
  ] as const)('asks for one of the %s who can phone, if there must be one', (list, role, end) => {
    const source = { file: 'roster.json', hasPinKey: true, mustName: [role] };
    const screenOnly = [
      { name: 'Carol', password },
      { name: 'Ted', email: 'ted@example.com' },
    ];
    const parseWith = (...others: object[]) =>
      parseRoster(JSON.stringify({ [list]: [...screenOnly, ...others] }), source);
    expect(() => parseWith()).toThrow(
      new UserError([`roster.json: name a ${role} with a number, address or pin here or in ${end}`]),
    );
    expect(parseWith({ name: 'Alice', ...secret })[list]).toHaveLength(3);
    expect(parseWith(alice)[list]).toHaveLength(3);
  });

  it.each([
    ['an empty object', '{}'],
    ['empty lists', '{"moderators":[],"supervisors":[]}'],
    ['a byte order mark', '\uFEFF{}'],
    ['spaces and line ends around it', '\r\n {} \r\n'],
  ])('accepts %s', (_what, text) => {
    expect(parse(text)).toEqual({ moderators: [], supervisors: [] });
  });

  it('lets one person moderate and supervise, with the same number, PIN and rooms', () => {
    const both = { ...alice, ...secret, rooms: ['sales'] };
    const { moderators, supervisors } = parse({ moderators: [both], supervisors: [both] });
    expect([moderators[0], supervisors[0]]).toEqual([
      expect.objectContaining({ name: 'Alice', pin: secret.pin }),
      expect.objectContaining({ name: 'Alice', pin: secret.pin }),
    ]);
  });

  it('allows many people without PIN and extension', () => {
    expect(problemsOf({ moderators: [alice, carol, ted], supervisors: [alice, carol, ted] })).toEqual([]);
  });

  it.each(['Zoë', "Seán O'Brien", 'D’Arcy', 'Smith, Ann (Sales)', 'A', '7of9', '李小龙', 'Jose\u0301', 'x'.repeat(64)])(
    'takes the name %s',
    (name) => {
      expect(parse({ moderators: [{ ...alice, name }] }).moderators[0]?.name).toBe(name);
    },
  );

  it.each(['monitor', 'coach', 'barge'])('accepts the mode %s', (mode) => {
    expect(parse({ supervisors: [{ ...ted, mode }] }).supervisors[0]?.mode).toBe(mode);
  });

  it.each(['20', '007', '999999'])('accepts the extension %s', (extension) => {
    expect(parse({ moderators: [{ ...alice, extension }] }).moderators[0]?.extension).toBe(extension);
  });

  const first = 'roster.json: moderators, entry 1 (Alice)';
  const ofTed = 'roster.json: supervisors, entry 1 (Ted)';
  const noNumber = 'must be a telephone number in E.164 form, such as +15557788999.';
  const noAddress = 'must be a SIP or client address, such as sip:alice@example.sip.signalwire.com or client:alice.';
  const noPin = 'must be what `npm run roster -- set-pin` writes for a PIN: 64 of 0-9 and a-f.';
  const noPassword = 'must be what `npm run roster -- set-password` writes for a password.';
  const noEmail = 'must be an email address, such as alice@example.com.';
  const noObject = 'must be an object: names in quotes, with values.';
  const noRoom = 'must be a room name: 1 to 64 letters A–Z without accents, digits, spaces, _, . or -.';
  const noName = "must be 1 to 64 letters, digits, spaces and .,'_()-, and begin with a letter or digit.";
  const moderator = (fields: object) => ({ moderators: [{ ...alice, ...fields }] });
  const supervisor = (fields: object) => ({ supervisors: [{ ...ted, ...fields }] });

  it.each<[what: string, content: unknown, problem: string]>([
    ['a list', [], `roster.json: the roster ${noObject}`],
    ['null', 'null', `roster.json: the roster ${noObject}`],
    ['a PIN', '24680', `roster.json: the roster ${noObject}`],
    ['moderators that are no list', { moderators: alice }, 'roster.json: moderators must be a list.'],
    ['supervisors that are no list', { supervisors: null }, 'roster.json: supervisors must be a list.'],
    ['an entry that is null', { moderators: [null] }, `roster.json: moderators, entry 1 ${noObject}`],
    ['an entry that is a number', { supervisors: [ted, '+1'] }, `roster.json: supervisors, entry 2 ${noObject}`],
    ['a misspelt list', { moderator: [alice] }, 'roster.json: the roster has unknown fields: moderator.'],
    [
      'an entry without a name',
      { moderators: [{ number: alice.number }] },
      'roster.json: moderators, entry 1, name is missing.',
    ],
    [
      'an entry without a number',
      { moderators: [{ name: 'Alice' }] },
      `${first} has no number, address, pin, password or email.`,
    ],
    [
      'requirePin of an entry that has nothing else',
      { moderators: [{ name: 'Alice', requirePin: false }] },
      `${first} has no number, address, pin, password or email.`,
    ],
    [
      'an entry with a PIN alone, and no name',
      { moderators: [secret] },
      'roster.json: moderators, entry 1, name is missing.',
    ],
    [
      'a number and an address',
      moderator({ address: 'client:alice' }),
      `${first} has a number and an address: remove one.`,
    ],
    ...['alice', 'alice@example.com', 'sip:alice', 'sip:anonymous@example.com', 'sip:alice:24680@a.b', ''].map(
      (address): [string, unknown, string] => [
        `the address ${JSON.stringify(address)}`,
        { moderators: [{ name: 'Alice', address }] },
        `${first}, address ${noAddress}`,
      ],
    ),
    [
      'an address that is a number',
      { moderators: [{ name: 'Alice', address: '+15557788999' }] },
      `${first}, address is a telephone number: put it in number.`,
    ],
    [
      'an address without quotes',
      { moderators: [{ name: 'Alice', address: 201 }] },
      `${first}, address must be text: put it in quotes.`,
    ],
    [
      'a number that is an address',
      moderator({ number: 'sip:alice@example.com' }),
      `${first}, number is a SIP or client address: put it in address.`,
    ],
    ['a misspelt field', moderator({ pinn: '24680' }), `${first} has unknown fields: pinn.`],
    ['two misspelt fields', moderator({ a: 1, b: 2 }), `${first} has unknown fields: a, b.`],
    ['a mode of a moderator', moderator({ mode: 'coach' }), `${first} has unknown fields: mode.`],
    [
      'an extension of a supervisor',
      supervisor({ extension: '20' }),
      'roster.json: supervisors, entry 1 (Ted) has unknown fields: extension.',
    ],
    [
      'a field that JavaScript has for itself',
      '{"moderators":[{"name":"Alice","number":"+15557788999","__proto__":{}}]}',
      `${first} has unknown fields: __proto__.`,
    ],
    ['a name that is a number', moderator({ name: 5 }), 'roster.json: moderators, entry 1, name must be text.'],
    [
      'a number without a plus',
      moderator({ number: '15557788999' }),
      `${first}, number (***8999): put + before the country code.`,
    ],
    [
      'a number with a space for the plus',
      moderator({ number: ' 15557788999' }),
      `${first}, number (***8999): remove the spaces; put + before the country code.`,
    ],
    ['a number with spaces', moderator({ number: '+1 555 7788999' }), `${first}, number (***8999): remove the spaces.`],
    ['a number without quotes', moderator({ number: 15557788999 }), `${first}, number must be text: put it in quotes.`],
    ['a PIN instead of its hash', moderator({ pin: '24680' }), `${first}, pin ${noPin}`],
    ['a PIN without quotes', moderator({ pin: 24680 }), `${first}, pin ${noPin}`],
    ['a PIN that is null', moderator({ pin: null }), `${first}, pin ${noPin}`],
    [
      'a password instead of its hash',
      moderator({ password: 'horse 24680 battery' }),
      `${first}, password ${noPassword}`,
    ],
    [
      'a hash whose cost would exhaust the memory',
      moderator({ password: password.replace('ln=15', 'ln=30') }),
      `${first}, password ${noPassword}`,
    ],
    ['a PIN for a password', moderator({ password: hash('24680') }), `${first}, password ${noPassword}`],
    ['a password that is null', supervisor({ password: null }), `${ofTed}, password ${noPassword}`],
    ['a name for an email address', moderator({ email: 'Alice' }), `${first}, email ${noEmail}`],
    ['two email addresses', supervisor({ email: ['a@b.cd', 'e@f.gh'] }), `${ofTed}, email ${noEmail}`],
    ['a hash cut short', moderator({ pin: hash('24680').slice(1) }), `${first}, pin ${noPin}`],
    ['a room that is none', moderator({ rooms: ['a/b'] }), `${first}, rooms, 1 ${noRoom}`],
    ['a room with an accent', moderator({ rooms: ['Büro'] }), `${first}, rooms, 1 ${noRoom}`],
    ['a second room that is none', moderator({ rooms: ['sales', ' '] }), `${first}, rooms, 2 ${noRoom}`],
    ['a room that is a number', moderator({ rooms: [7] }), `${first}, rooms, 1 ${noRoom}`],
    ['no rooms', moderator({ rooms: [] }), `${first}, rooms must name a room; leave it out for all rooms.`],
    ['a room without a list', moderator({ rooms: 'sales' }), `${first}, rooms must be a list of room names.`],
    ['requirePin that is a text', moderator({ requirePin: 'yes' }), `${first}, requirePin must be true or false.`],
    ['requirePin without a PIN', moderator({ requirePin: true }), `${first} has requirePin but no pin.`],
    ['an extension of one digit', moderator({ extension: '1' }), `${first}, extension must be 2 to 6 digits.`],
    ['an extension of seven', moderator({ extension: '1234567' }), `${first}, extension must be 2 to 6 digits.`],
    ['an extension with a star', moderator({ extension: '*20' }), `${first}, extension must be 2 to 6 digits.`],
    [
      'an extension without quotes',
      moderator({ extension: 201 }),
      `${first}, extension must be text: put it in quotes.`,
    ],
    [
      'a mode that is none',
      supervisor({ mode: 'whisper' }),
      'roster.json: supervisors, entry 1 (Ted), mode must be one of monitor, coach, barge.',
    ],
    [
      'a right that there is not',
      supervisor({ rights: ['see', 'Barge'] }),
      `${ofTed}, rights, 2 must be one of see, monitor, coach, barge, control, record, audit.`,
    ],
    ['rights without a list', supervisor({ rights: 'see' }), `${ofTed}, rights must be a list of rights.`],
    ['no rights', supervisor({ rights: [] }), `${ofTed}, rights must name a right.`],
    ['rights of a moderator', moderator({ rights: ['see'] }), `${first} has unknown fields: rights.`],
    ...['', '=A1', '+A', '-A', '@A', ' A', '(A)', 'A;B', 'A<B', 'A"B'].map((name): [string, unknown, string] => [
      `the name ${JSON.stringify(name)}`,
      moderator({ name }),
      `roster.json: moderators, entry 1 (${name}), name ${noName}`,
    ]),
    [
      'a name that is too long, in full',
      moderator({ name: 'x'.repeat(65) }),
      `roster.json: moderators, entry 1 (${'x'.repeat(64)}), name ${noName}`,
    ],
    [
      'one number twice',
      { moderators: [alice, carol, { ...ted, number: alice.number }] },
      'roster.json: moderators, entry 3 (Ted) has the same number as entry 1 (Alice).',
    ],
    [
      'one address twice',
      {
        supervisors: [
          { name: 'Carol', address: 'sip:desk@example.com' },
          ted,
          { name: 'Alice', address: 'SIP:desk@EXAMPLE.com:5061' },
        ],
      },
      'roster.json: supervisors, entry 3 (Alice) has the same address as entry 1 (Carol).',
    ],
    [
      'one name twice',
      { supervisors: [alice, carol, { ...ted, name: 'Carol' }] },
      'roster.json: supervisors, entry 3 (Carol) has the same name as entry 2 (Carol).',
    ],
    [
      'one PIN twice',
      {
        supervisors: [
          { ...carol, ...secret },
          { ...ted, ...secret },
        ],
      },
      'roster.json: supervisors, entry 2 (Ted) has the same PIN as entry 1 (Carol).',
    ],
    [
      'one email address twice, whatever its letter case',
      {
        supervisors: [
          { ...carol, email: 'desk@example.com' },
          { ...ted, email: 'Desk@EXAMPLE.com' },
        ],
      },
      'roster.json: supervisors, entry 2 (Ted) has the same email as entry 1 (Carol).',
    ],
    [
      'one extension twice',
      {
        moderators: [
          { ...alice, extension: '20' },
          { ...carol, extension: '20' },
        ],
      },
      'roster.json: moderators, entry 2 (Carol) has the same extension as entry 1 (Alice).',
    ],
  ])('refuses %s', (_what, content, problem) => {
    expect(problemsOf(content)).toEqual([problem]);
    expect(problem).not.toContain('24680');
  });

  it.each<[what: string, content: unknown, problem: string]>([
    ...['A\nB', 'A\u0000', '\u001b[31mA', 'A\u202eB'].map((name): [string, unknown, string] => [
      `the name ${JSON.stringify(name)}, which no terminal should show,`,
      moderator({ name }),
      `roster.json: moderators, entry 1, name ${noName}`,
    ]),
  ])('refuses %s', (_what, content, problem) => {
    expect(problemsOf(content)).toEqual([problem]);
  });

  it.each(['A\nB', 'A\u0000', '\u001b[31mA', 'A\u202eB'])('refuses the name %j', (name) => {
    expect(problemsOf(moderator({ name }))).toEqual([expect.stringContaining(`, name ${noName}`)]);
  });

  it.each(['moderators', 'supervisors'])('refuses a PIN of one of the %s without PIN_KEY', (role) => {
    expect(problemsOf({ [role]: [carol, { ...ted, ...secret }] }, false)).toEqual([
      'PIN_KEY must be set: 1 person in roster.json has a PIN. Set the key that PINs were hashed with.',
    ]);
  });

  it('reports a missing PIN_KEY once, with the number of people who have a PIN', () => {
    const people = Array.from({ length: 8 }, (_, index) => ({
      name: `Agent ${index}`,
      number: `+1555000100${index}`,
      pin: hash(String(20_000 + index)),
    }));
    const elsewhere = [
      { name: 'Bob', address: 'client:bob', pin: hash('13579') },
      { name: 'Carol', pin: hash('24680') },
    ];
    // Agent 4, Bob and Carol are in both lists.
    const content = {
      moderators: [alice, ...people.slice(0, 5), ...elsewhere],
      supervisors: [...people.slice(4), ...elsewhere],
    };
    expect(problemsOf(content, false)).toEqual([
      'PIN_KEY must be set: 10 people in roster.json have a PIN. Set the key that PINs were hashed with.',
    ]);
  });

  it.each([
    'a PIN that stands alone: 24680',
    '{"pin": 24680x}',
    '{"pin": "24680',
    '{\n  "pin": 24680\n  "a": 1\n}',
    '24680 13579',
  ])('does not quote a text that is not JSON: %j', (text) => {
    const [problem, ...others] = problemsOf(text);
    expect(problem).toMatch(/^roster\.json, line \d, column \d+: this is not JSON(: [a-z ]+)?\.$/);
    expect(others).toEqual([]);
  });

  it.each(['['.repeat(200_000), `${'['.repeat(200_000)}${']'.repeat(200_000)}`])(
    'refuses what is nested too deeply',
    (text) => {
      expect(problemsOf(text)).toHaveLength(1);
    },
  );

  it.each([
    ['a list', '{\n  "moderators": [],\n  "moderators": []\n}', 'line 3, column 3'],
    [
      'a field',
      '{"supervisors": [{"name": "Ted",\r\n"number": "+15550002222", "name": "Alice"}]}',
      'line 2, column 27',
    ],
    ['a name written with an escape', '{"moderators": [], "\\u006doderators": []}', 'line 1, column 20'],
  ])('refuses %s that appears twice', (_what, text, place) => {
    expect(problemsOf(text)).toEqual([`roster.json, ${place}: this name appears twice in one object.`]);
  });

  it.each<[what: string, text: string, place: string, hint: string]>([
    ['an empty file', '', 'line 1, column 1', ': the file is empty'],
    ['white space alone', ' \n\n', 'line 3, column 1', ': the file is empty'],
    ['a file that breaks off after a list', '{\n"moderators": [', 'line 2, column 16', ': the file ends too early'],
    [
      'a file that breaks off in a text',
      '{\n"moderators": [{"name": "Al',
      'line 2, column 25',
      ': a closing quote is missing',
    ],
    ['a trailing comma in a list', '{"moderators": [\n  1,\n]}', 'line 3, column 1', ': remove the comma before this'],
    ['a trailing comma in an object', '{"a": 1, }', 'line 1, column 10', ': remove the comma before this'],
    [
      'a missing comma',
      '{"moderators": [\n]\n  "pin": 24680\n}',
      'line 3, column 3',
      ': a comma is missing before this',
    ],
    ['a missing comma in a list', '[1 2]', 'line 1, column 4', ': a comma is missing before this'],
    ['a missing comma, with CRLF', '{\r\n"a": 1\r\n"b": 2}', 'line 3, column 1', ': a comma is missing before this'],
    ['a missing comma, with a BOM', '\uFEFF{"a": 1 "b": 2}', 'line 1, column 9', ': a comma is missing before this'],
    ['a missing colon', '{"a" 1}', 'line 1, column 6', ': a colon is missing before this'],
    ['a name in single quotes', "{'a': 1}", 'line 1, column 2', ': use double quotes'],
    ['a text in single quotes', `{"a":\n 'b'}`, 'line 2, column 2', ': use double quotes'],
    ['a name without quotes', '{a: 1}', 'line 1, column 2', ': names and texts need double quotes'],
    ['a text without quotes', '{"a": Alice}', 'line 1, column 7', ': names and texts need double quotes'],
    ['a number with a plus', '{"a": +15557788999}', 'line 1, column 7', ': names and texts need double quotes'],
    ['a comment', '{\n  // Alice\n}', 'line 2, column 3', ': comments are not allowed'],
    ['a comment before all', '/* Alice */ {}', 'line 1, column 1', ': comments are not allowed'],
    [
      'a text that goes on in the next line',
      '{"a": "b\n", "c": 1}',
      'line 1, column 7',
      ': a closing quote is missing',
    ],
    ['a bracket too many', '{}\n}', 'line 2, column 1', ': remove this and what follows'],
    ['two objects', '{} {}', 'line 1, column 4', ': remove this and what follows'],
    ['the wrong bracket', '{"a": [1}', 'line 1, column 9', ': a closing bracket is missing before this'],
    ['two commas', '[1,,2]', 'line 1, column 4', ': remove the comma before this'],
    ['a backslash that means nothing', '{"a": "\\x"}', 'line 1, column 7', ''],
  ])('says where and why a text is not JSON: %s', (_what, text, place, hint) => {
    expect(problemsOf(text)).toEqual([`roster.json, ${place}: this is not JSON${hint}.`]);
  });

  it('finds a place in any text that is not JSON', () => {
    const whole = JSON.stringify(
      { moderators: [{ ...alice, rooms: ['a', 'b'], requirePin: true, '"': -1.5e3 }] },
      null,
      2,
    );
    const position = fc.integer({ min: 0, max: whole.length });
    const damage = fc.tuple(position, position, fc.string({ maxLength: 2, unit: anyCharacter }));
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 3 }), (damages) => {
        const text = damages.reduce((rest, [from, to, put]) => rest.slice(0, from) + put + rest.slice(to), whole);
        fc.pre(!isJson(text));
        expect(problemsOf(text)).toEqual([
          expect.stringMatching(/^roster\.json, line \d+, column \d+: this is not JSON/),
        ]);
      }),
      { numRuns: fuzzRuns(100_000) },
    );
  });

  it('reports all problems of form at once', () => {
    const content = {
      moderators: [alice, { ...carol, number: '5', extension: '1' }, { ...ted, pn: 1 }],
      supervisors: [{ ...ted, pin: '24680', mode: 'x' }],
    };
    expect(problemsOf(content)).toEqual([
      `roster.json: moderators, entry 2 (Carol), number ${noNumber}`,
      'roster.json: moderators, entry 2 (Carol), extension must be 2 to 6 digits.',
      'roster.json: moderators, entry 3 (Ted) has unknown fields: pn.',
      `roster.json: supervisors, entry 1 (Ted), pin ${noPin}`,
      'roster.json: supervisors, entry 1 (Ted), mode must be one of monitor, coach, barge.',
    ]);
  });

  it('reports all conflicts at once', () => {
    const twin = { ...alice, ...secret, extension: '20' };
    expect(problemsOf({ moderators: [twin, twin], supervisors: [{ ...ted, requirePin: true }] })).toEqual([
      'roster.json: moderators, entry 2 (Alice) has the same name as entry 1 (Alice).',
      'roster.json: moderators, entry 2 (Alice) has the same number as entry 1 (Alice).',
      'roster.json: moderators, entry 2 (Alice) has the same PIN as entry 1 (Alice).',
      'roster.json: moderators, entry 2 (Alice) has the same extension as entry 1 (Alice).',
      'roster.json: supervisors, entry 1 (Ted) has requirePin but no pin.',
    ]);
  });

  it('finds a person among 500 by their PIN with one hash', () => {
    const people = Array.from({ length: 500 }, (_, index) => ({
      name: `Person ${index}`,
      number: `+1555000${String(index).padStart(4, '0')}`,
      pin: hash(String(10_000 + index)),
    }));
    const roster = createRoster({ moderatorNumbers: [], supervisorNumbers: [] });
    roster.replace(parse({ supervisors: people }));
    const found = Array.from({ length: 1_000 }, (_, index) =>
      roster.supervisors.byPin.get(hash(String(10_000 + index))),
    );
    expect(found.map((person) => person?.name)).toEqual([
      ...people.map(({ name }) => name),
      ...Array.from({ length: 500 }, () => undefined),
    ]);
  });
});

describe('readRosterFile', () => {
  async function write(text: string): Promise<string> {
    const file = join(temporaryFolder(), 'roster.json');
    await writeFile(file, text);
    return file;
  }

  it('reads a file', async () => {
    const file = await write(`\uFEFF${JSON.stringify({ moderators: [{ ...alice, name: 'Zoë' }] })}`);
    expect((await readRosterFile({ file, hasPinKey: false })).moderators).toMatchObject([{ name: 'Zoë' }]);
  });

  it('names the file in its problems, and knows whether there is a key', async () => {
    const file = await write(JSON.stringify({ moderators: [{ ...alice, ...secret }] }));
    await expect(readRosterFile({ file, hasPinKey: false })).rejects.toThrow(
      new UserError([`PIN_KEY must be set: 1 person in ${file} has a PIN. Set the key that PINs were hashed with.`]),
    );
    expect((await readRosterFile({ file, hasPinKey: true })).moderators).toMatchObject([secret]);
  });

  it('reports a missing file', async () => {
    const file = join(temporaryFolder(), 'missing.json');
    await expect(readRosterFile({ file, hasPinKey: true })).rejects.toThrow(
      new UserError([
        `Cannot read ROSTER_FILE ${file}: ENOENT: no such file or directory, open '${file}'. Set it to a JSON file that can be read.`,
      ]),
    );
  });

  it('reports a folder in place of the file', async () => {
    const folder = temporaryFolder();
    await expect(readRosterFile({ file: folder, hasPinKey: true })).rejects.toThrow(
      new UserError([
        `Cannot read ROSTER_FILE ${folder}: EISDIR: illegal operation on a directory, read. Set it to a JSON file that can be read.`,
      ]),
    );
  });
});
