import { writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ALICE, TED } from '../support/app';
import { onTestFinished } from '../support/on-test-finished';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';
import { type RosterContent, rosterSettings, rosterText } from '../support/roster';
import { CAROL, startTestBench, type TestBench, type TestBenchOptions } from '../support/test-bench';

const ALICE_PIN = '70001';
const TED_PIN = '48213';
/** A telephone that nobody knows. */
const MOBILE = '+15550004444';

const ROSTER: RosterContent = {
  moderators: [
    { name: 'Alice', number: ALICE, pin: ALICE_PIN, extension: '201' },
    { name: 'Carol', number: CAROL, extension: '202' },
  ],
  supervisors: [{ name: 'Ted', number: TED, pin: TED_PIN }],
};

const ASK = 'Please enter your PIN, then press pound.';
const WRONG = `Wrong PIN. ${ASK}`;
const SILENT = `Nothing entered. ${ASK}`;
const KEYS =
  'Nobody hears you now. To listen, press 1. To coach, 2. To talk to everyone, 3. For another conversation, 4. To end, 9.';
const keysFor = (agent: string) => KEYS.replace('To listen,', `To listen to ${agent},`);
const LISTENING = 'Nobody hears you. You are listening to Alice.';
const STAR = 'For the menu, press star.';
const OVER = 'That conversation is over. Please hold for the next one.';

const TALKING = { Bob: ['Alice'], Alice: ['Bob'] };
const COACHED = { Bob: ['Alice'], Alice: ['Bob', 'Ted'], Ted: ['Alice', 'Bob'] };
const MONITORED = { ...TALKING, Ted: ['Alice', 'Bob'] };
const BARGED = { Bob: ['Alice', 'Ted'], Alice: ['Bob', 'Ted'], Ted: ['Alice', 'Bob'] };

function startLine(content: RosterContent = ROSTER, options: TestBenchOptions = {}): Promise<TestBench> {
  return startTestBench({ ...options, env: { ...rosterSettings(content), ...options.env } });
}

async function startStore(): Promise<RedisServer> {
  const redis = await startRedis();
  onTestFinished(() => redis.dispose());
  return redis;
}

/** Bob and Alice talk in a room. */
async function talking(testBench: TestBench, room = 'sales') {
  return {
    bob: await testBench.call('Bob', `/conference/${room}`),
    alice: await testBench.call('Alice', `/conference/${room}`),
  };
}

/** Carol leads a conversation of her own. */
function carolTalks(testBench: TestBench) {
  return testBench.call('Carol', '/conference/support');
}

describe('the supervisors’ line', () => {
  it('lets a known number go straight on, listening, and says so', async () => {
    const testBench = await startLine();
    await talking(testBench);
    const ted = await testBench.call('Ted', '/supervisor');
    expect(ted.told).toEqual([`${LISTENING} ${STAR}`]);
    expect(testBench.hears()).toEqual(MONITORED);
  });

  it('asks anybody else for a PIN, without a word about rooms, and lets the right one in', async () => {
    const testBench = await startLine();
    await talking(testBench);
    const ted = await testBench.call('Ted', '/supervisor', { from: MOBILE });
    expect(ted.told).toEqual([ASK]);
    expect(await testBench.press(ted, `${TED_PIN}#`)).toBe(`${LISTENING} ${STAR}`);
    expect(testBench.hears()).toEqual(MONITORED);
  });

  it.each([
    ['a withheld number', undefined],
    ['a SIP address', 'sip:ted@example.com'],
  ])('asks %s too', async (_what, from) => {
    const testBench = await startLine();
    await talking(testBench);
    const ted = await testBench.call('Ted', '/supervisor', { from });
    await testBench.press(ted, `${TED_PIN}#`);
    expect(testBench.hears()).toEqual(MONITORED);
  });

  it('asks even a known number where the roster says so', async () => {
    const testBench = await startLine({
      ...ROSTER,
      supervisors: [{ name: 'Ted', number: TED, pin: TED_PIN, requirePin: true }],
    });
    await talking(testBench);
    for (const [path, matrix] of [
      ['/supervisor', MONITORED],
      ['/coach/sales', COACHED],
    ] as const) {
      const ted = await testBench.call('Ted', path);
      expect(ted.told).toEqual([ASK]);
      expect(testBench.hears()).toEqual({ ...TALKING, Ted: [] });
      await testBench.press(ted, `${TED_PIN}#`);
      expect(testBench.hears()).toEqual(matrix);
      await testBench.hangUp(ted);
    }
  });

  it('says goodbye after three wrong PINs', async () => {
    const testBench = await startLine();
    await talking(testBench);
    const ted = await testBench.call('Ted', '/supervisor', { from: MOBILE });
    expect(await testBench.press(ted, '11111#')).toBe(WRONG);
    expect(await testBench.press(ted, `${ALICE_PIN}#`)).toBe(WRONG);
    expect(await testBench.press(ted, '33333#')).toBe('Goodbye.');
    expect([testBench.hears(), ted.status]).toEqual([TALKING, 'completed']);
  });

  it('asks three times in silence, and waits for nobody for ever', async () => {
    const testBench = await startLine();
    const ted = await testBench.call('Ted', '/supervisor', { from: MOBILE });
    await testBench.space.clock.advance(120_000);
    expect([ted.told, ted.status]).toEqual([[ASK, SILENT, SILENT, 'Goodbye.'], 'completed']);
  });

  it('turns an unknown number away when there are no PINs', async () => {
    const testBench = await startLine({ supervisors: [{ name: 'Ted', number: TED }] });
    const ted = await testBench.call('Ted', '/supervisor', { from: MOBILE });
    expect([ted.told, ted.status]).toEqual([[], 'no-answer']);
  });

  it('says that there is no conversation, and lets in when there is one', async () => {
    const testBench = await startLine();
    const ted = await testBench.call('Ted', '/supervisor');
    expect(ted.told).toEqual(['No conversation right now. Please hold.']);
    await talking(testBench);
    await testBench.space.clock.advance(10_000);
    await testBench.space.runUntilIdle();
    expect(testBench.hears()).toEqual(MONITORED);
  });

  it('lets wait, and says goodbye when it was in vain', async () => {
    const testBench = await startLine();
    const ted = await testBench.call('Ted', '/supervisor');
    await testBench.space.clock.advance(300_000);
    expect([ted.told.length, ted.told.at(-1), ted.isOver]).toEqual([13, 'Goodbye.', true]);
  });

  it.each([
    ['the roster', { mode: 'coach' }, '', COACHED],
    ['the webhook', {}, '?mode=barge', BARGED],
    ['the webhook before the roster', { mode: 'coach' }, '?mode=barge', BARGED],
  ])('enters in the mode that %s names', async (_who, more, query, matrix) => {
    const testBench = await startLine({
      ...ROSTER,
      supervisors: [{ name: 'Ted', number: TED, pin: TED_PIN, ...more }],
    });
    await talking(testBench);
    const ted = await testBench.call('Ted', `/supervisor${query}`);
    expect(testBench.hears()).toEqual(matrix);
    await testBench.hangUp(ted);
    const mobile = await testBench.call('Ted', `/supervisor${query}`, { from: MOBILE });
    await testBench.press(mobile, `${TED_PIN}#`);
    expect(testBench.hears()).toMatchObject(matrix);
  });

  it('lets choose among several conversations by name', async () => {
    const testBench = await startLine();
    await talking(testBench);
    await carolTalks(testBench);
    const ted = await testBench.call('Ted', '/supervisor');
    expect(ted.told).toEqual([
      'For Alice, press 1. For Carol, no caller yet, press 2. Or enter an extension, then press pound.',
    ]);
    expect(await testBench.press(ted, '1#')).toBe(`${LISTENING} ${STAR}`);
    expect(testBench.hears()).toMatchObject(MONITORED);
    await testBench.hangUp(ted);
    const again = await testBench.call('Ted', '/supervisor');
    expect(await testBench.press(again, '2#')).toContain('You are listening to Carol.');
    expect(testBench.hears()).toMatchObject({ ...TALKING, Ted: ['Carol'] });
  });

  it('takes the first key at once where nobody has an extension', async () => {
    const people = ROSTER.moderators?.map(({ extension: _, ...rest }) => rest) ?? [];
    const testBench = await startLine({ ...ROSTER, moderators: people });
    await talking(testBench);
    await carolTalks(testBench);
    const ted = await testBench.call('Ted', '/supervisor');
    expect(ted.told).toEqual(['For Alice, press 1. For Carol, no caller yet, press 2.']);
    await testBench.press(ted, '2');
    expect(testBench.hears()).toMatchObject({ Ted: ['Carol'] });
  });

  it('takes an extension', async () => {
    const testBench = await startLine();
    await talking(testBench);
    const carol = await carolTalks(testBench);
    const ted = await testBench.call('Ted', '/supervisor');
    expect(await testBench.press(ted, '299#')).toContain('There is no such conversation. For Alice, press 1.');
    await testBench.press(ted, '202#');
    expect(testBench.hears()).toMatchObject({ Ted: ['Carol'] });
    await testBench.hangUp(carol);
    expect(ted.told.at(-1)).toBe(
      'That conversation is over. For Alice, press 1. Or enter an extension, then press pound.',
    );
    expect(testBench.hears()).toEqual({ ...TALKING, Ted: [] });
  });

  it('offers nine at a time, and more with pound or after a silence', async () => {
    const testBench = await startLine({ ...ROSTER, moderators: [{ name: 'Alice', number: ALICE }] });
    for (let i = 10; i <= 20; i++) {
      await testBench.call('Alice', `/conference/room-${i}`);
    }
    const ted = await testBench.call('Ted', '/supervisor');
    const page = (from: number, to: number) =>
      Array.from(
        { length: to - from + 1 },
        (_, i) => `For Alice in room-${from + i}, no caller yet, press ${i + 1}.`,
      ).join(' ');
    const more = 'For more conversations, press pound.';
    const again = 'To hear the list again, press pound.';
    expect(ted.told).toEqual([`${page(10, 18)} ${more}`]);
    expect(await testBench.press(ted, '#')).toBe(`${page(19, 20)} ${again}`);
    await testBench.space.clock.advance(5_000);
    await testBench.space.runUntilIdle();
    expect(ted.told.at(-1)).toBe(`${page(10, 18)} ${more}`);
    await testBench.press(ted, '#');
    await testBench.press(ted, '2');
    expect(testBench.space.conferences.participant(ted.sid)?.conference.name).toBe('room-20');
  });

  it('lets nobody choose for ever', async () => {
    const testBench = await startLine();
    await talking(testBench);
    await carolTalks(testBench);
    const ted = await testBench.call('Ted', '/supervisor');
    await testBench.space.clock.advance(600_000);
    expect([ted.told.length, ted.told.at(-1), ted.isOver]).toEqual([13, 'Goodbye.', true]);
  });

  it('offers the rooms of a supervisor alone', async () => {
    const testBench = await startLine({
      ...ROSTER,
      supervisors: [{ name: 'Ted', number: TED, pin: TED_PIN, rooms: ['support'] }],
    });
    await talking(testBench);
    const ted = await testBench.call('Ted', '/supervisor');
    expect(ted.told.at(-1)).toContain('No conversation right now.');
    await carolTalks(testBench);
    await testBench.space.clock.advance(10_000);
    await testBench.space.runUntilIdle();
    expect(testBench.hears()).toMatchObject({ ...TALKING, Ted: ['Carol'] });
    await testBench.hangUp(ted);
    const coach = await testBench.call('Ted', '/coach/sales');
    expect([coach.told, coach.status]).toEqual([[], 'no-answer']);
  });

  it('says that a conversation is over which ended while the menu played', async () => {
    const testBench = await startLine();
    const { alice } = await talking(testBench);
    await carolTalks(testBench);
    const ted = await testBench.call('Ted', '/supervisor');
    await testBench.hangUp(alice);
    // Not into Carol's, though it is the only one left: they did not mean it.
    expect(await testBench.press(ted, '1#')).toBe(
      'That conversation is over. For Carol, no caller yet, press 1. Or enter an extension, then press pound.',
    );
    expect(testBench.hears()).toMatchObject({ Ted: [] });
    await testBench.press(ted, '1#');
    expect(testBench.hears()).toMatchObject({ Ted: ['Carol'] });
  });
});

describe('the keypad during a call', () => {
  it.each([
    ['/coach/sales', COACHED],
    ['/coach/sales?mode=monitor', MONITORED],
    ['/coach/sales?mode=barge', BARGED],
    ['/supervisor', MONITORED],
  ])('of a supervisor who joined by %s names the conversation they left', async (path, matrix) => {
    const testBench = await startLine();
    await talking(testBench);
    const ted = await testBench.call('Ted', path);
    expect(testBench.hears()).toEqual(matrix);
    expect(await testBench.press(ted, '*')).toBe(keysFor('Alice'));
    expect(testBench.hears()).toEqual({ ...TALKING, Ted: [] });
  });

  it('leads through every mode and another room in one call, each time with one document outside', async () => {
    const testBench = await startLine();
    await talking(testBench);
    await carolTalks(testBench);
    const ted = await testBench.call('Ted', '/coach/sales');
    const hears = () => {
      const { Carol: _, ...rest } = testBench.hears();
      return rest;
    };
    for (const [key, sentence, matrix] of [
      ['1', 'Nobody hears you.', MONITORED],
      ['2', 'The agent alone hears you.', COACHED],
      ['3', 'Everybody hears you.', BARGED],
      ['1', 'Nobody hears you.', MONITORED],
    ] as const) {
      await testBench.press(ted, '*');
      expect(await testBench.press(ted, key)).toBe(sentence);
      expect(hears()).toEqual(matrix);
      expect(ted.told.at(-2)).toContain(keysFor('Alice'));
    }
    await testBench.press(ted, '*');
    expect(await testBench.press(ted, '4')).toBe(`The agent alone hears you. You are coaching Carol. ${STAR}`);
    expect(testBench.hears()).toMatchObject({ ...TALKING, Carol: ['Ted'], Ted: ['Carol'] });
    await testBench.press(ted, '*');
    expect(await testBench.press(ted, '4')).toBe(`The agent alone hears you. You are coaching Alice. ${STAR}`);
    expect(hears()).toEqual(COACHED);
    await testBench.press(ted, '*');
    expect(await testBench.press(ted, '9')).toBe('Goodbye.');
    expect([hears(), ted.isOver, ted.errors]).toEqual([TALKING, true, []]);
  });

  it('goes back to where they were when no key is pressed', async () => {
    const testBench = await startLine();
    await talking(testBench);
    const ted = await testBench.call('Ted', '/coach/sales');
    await testBench.press(ted, '*');
    await testBench.space.clock.advance(5_000);
    await testBench.space.runUntilIdle();
    expect([testBench.hears(), ted.told.at(-1)]).toEqual([COACHED, 'The agent alone hears you.']);
  });

  it('asks again for a key that means nothing', async () => {
    const testBench = await startLine();
    await talking(testBench);
    const ted = await testBench.call('Ted', '/coach/sales');
    await testBench.press(ted, '*');
    for (let i = 0; i < 12; i++) {
      expect(await testBench.press(ted, '7')).toBe(KEYS);
    }
    expect(await testBench.press(ted, '7')).toBe('Goodbye.');
  });

  it('says that there is no other conversation, and goes back', async () => {
    const testBench = await startLine();
    await talking(testBench);
    const ted = await testBench.call('Ted', '/coach/sales');
    await testBench.press(ted, '*');
    expect(await testBench.press(ted, '4')).toBe('There is no other conversation. The agent alone hears you.');
    expect(testBench.hears()).toEqual(COACHED);
  });

  it('keeps the PIN of who came in with one', async () => {
    const testBench = await startLine();
    await talking(testBench);
    await carolTalks(testBench);
    const ted = await testBench.call('Ted', '/supervisor', { from: MOBILE });
    await testBench.press(ted, `${TED_PIN}#`);
    await testBench.press(ted, '1#');
    await testBench.press(ted, '*');
    await testBench.press(ted, '2');
    expect(testBench.hears()).toMatchObject(COACHED);
    await testBench.press(ted, '*');
    await testBench.press(ted, '4');
    // In another room nobody hears them at first.
    expect(testBench.hears()).toMatchObject({ ...TALKING, Carol: [], Ted: ['Carol'] });
  });

  it('gives the moderator of the moment', async () => {
    const testBench = await startLine();
    const { alice } = await talking(testBench);
    const ted = await testBench.call('Ted', '/coach/sales');
    await testBench.press(ted, '*');
    await testBench.hangUp(alice);
    await talking(testBench);
    await testBench.press(ted, '2');
    expect([testBench.hears(), ted.errors]).toEqual([COACHED, []]);
  });

  it('says that the conversation is over when it ended while the menu played', async () => {
    const testBench = await startLine();
    const { alice } = await talking(testBench);
    const ted = await testBench.call('Ted', '/coach/sales');
    await testBench.press(ted, '*');
    await testBench.hangUp(alice);
    expect(await testBench.press(ted, '1')).toBe(OVER);
    expect([testBench.hears(), ted.isOver]).toEqual([{ Ted: [] }, false]);
  });

  it('opens nothing for who was taken out of the roster meanwhile', async () => {
    const settings = rosterSettings(ROSTER);
    const testBench = await startTestBench({ env: settings });
    await talking(testBench);
    await carolTalks(testBench);
    const removed = { ...ROSTER, supervisors: [{ name: 'Dave', number: '+15550005555', pin: '99999' }] };
    const told: string[] = [];
    for (const keys of [[], ['*'], ['*', '1']]) {
      writeFileSync(settings.ROSTER_FILE, rosterText(ROSTER));
      await testBench.server.reloadRoster();
      const ted = await testBench.call('Ted', '/supervisor', { from: MOBILE });
      await testBench.press(ted, `${TED_PIN}#`);
      if (keys.length > 0) {
        await testBench.press(ted, '1#');
      }
      for (const key of keys.slice(0, -1)) {
        await testBench.press(ted, key);
      }
      writeFileSync(settings.ROSTER_FILE, rosterText(removed));
      await testBench.server.reloadRoster();
      told.push(await testBench.press(ted, keys.at(-1) ?? '1#'));
      expect(ted.isOver).toBe(true);
    }
    expect(told).toEqual(['Goodbye.', 'Goodbye.', 'Goodbye.']);
  });
});

describe('a call that outlives its conversation', () => {
  /** Half a minute of patience. */
  async function wait(testBench: TestBench): Promise<void> {
    await testBench.space.clock.advance(30_000);
    await testBench.space.runUntilIdle();
  }

  it.each([
    ['/coach/sales', 'coach', COACHED, `The agent alone hears you. You are coaching Alice. ${STAR}`],
    ['/coach/sales?mode=monitor', 'monitor', MONITORED, `${LISTENING} ${STAR}`],
    ['/coach/sales?mode=barge', 'barge', MONITORED, `${LISTENING} ${STAR}`],
    ['/supervisor', 'monitor', MONITORED, `${LISTENING} ${STAR}`],
    ['/supervisor?mode=barge', 'barge', MONITORED, `${LISTENING} ${STAR}`],
  ])('by %s is in the next one half a minute later at the most', async (path, _mode, matrix, sentence) => {
    const testBench = await startLine();
    const { bob, alice } = await talking(testBench);
    const ted = await testBench.call('Ted', path);
    await testBench.press(ted, '*');
    await testBench.press(ted, '3');
    expect(testBench.hears()).toEqual(BARGED);
    await testBench.hangUp(alice);
    expect([testBench.hears(), ted.told.at(-1), bob.isOver]).toEqual([{ Ted: [] }, OVER, true]);
    await wait(testBench);
    await talking(testBench);
    expect(testBench.hears()).toEqual({ ...TALKING, Ted: [] });
    await wait(testBench);
    expect([testBench.hears(), ted.told.at(-1), ted.errors]).toEqual([matrix, sentence, []]);
  });

  it.each(['/coach/sales', '/supervisor'])('by %s ends after half an hour in vain', async (path) => {
    const testBench = await startLine();
    const { alice } = await talking(testBench);
    const ted = await testBench.call('Ted', path);
    await testBench.hangUp(alice);
    await testBench.space.clock.advance(29 * 60_000);
    expect([ted.isOver, ted.told.at(-1)]).toEqual([false, OVER]);
    // The words take their time too.
    await testBench.space.clock.advance(10 * 60_000);
    expect([ted.isOver, ted.told.at(-1)]).toEqual([true, 'Goodbye.']);
    expect(ted.told.filter((text) => text === OVER)).toHaveLength(60);
  });

  it('goes to another one from the menu, by the PIN of the beginning', async () => {
    const testBench = await startLine();
    const { alice } = await talking(testBench);
    await carolTalks(testBench);
    const ted = await testBench.call('Ted', '/supervisor', { from: MOBILE });
    await testBench.press(ted, `${TED_PIN}#`);
    await testBench.press(ted, '1#');
    await testBench.hangUp(alice);
    expect(ted.told.at(-1)).toBe(
      'That conversation is over. For Carol, no caller yet, press 1. Or enter an extension, then press pound.',
    );
    expect(await testBench.press(ted, '1#')).toBe(`Nobody hears you. You are listening to Carol. ${STAR}`);
    expect([testBench.hears(), ted.errors]).toEqual([{ Carol: [], Ted: ['Carol'] }, []]);
  });
});

describe('an agent who waits alone', () => {
  const alone = { space: { coachesBeforeStart: false } };
  const NO_CALLER = 'Alice has no caller yet. Please hold.';

  it.each([
    ['/coach/sales', COACHED],
    ['/coach/sales?mode=monitor', MONITORED],
    ['/supervisor', MONITORED],
  ])('has a supervisor by %s wait for the caller, where a Space lets nobody coach before', async (path, matrix) => {
    const testBench = await startLine(ROSTER, alone);
    await testBench.call('Alice', '/conference/sales');
    const ted = await testBench.call('Ted', path);
    expect(ted.told.at(-1)).toBe(NO_CALLER);
    // Longer than twelve attempts would take.
    await testBench.space.clock.advance(5 * 60_000);
    expect([ted.told.at(-1), ted.isOver]).toEqual([NO_CALLER, false]);
    await testBench.call('Bob', '/conference/sales');
    await testBench.space.clock.advance(35_000);
    await testBench.space.runUntilIdle();
    expect(testBench.hears()).toEqual(matrix);
    // Refused once, and not again at every wait.
    expect(ted.errors.map(({ code }) => code)).toEqual([13_240]);
  });

  it('has them for half an hour at the most', async () => {
    const testBench = await startLine(ROSTER, alone);
    await testBench.call('Alice', '/conference/sales');
    const ted = await testBench.call('Ted', '/coach/sales');
    await testBench.space.clock.advance(40 * 60_000);
    expect([ted.told.at(-1), ted.isOver]).toEqual(['Goodbye.', true]);
    expect(ted.told.filter((text) => text === NO_CALLER)).toHaveLength(60);
  });
});

describe('a moderator', () => {
  it.each([
    ['the star, and then the PIN', ['*', `${ALICE_PIN}#`]],
    ['both at once', [`*${ALICE_PIN}#`]],
    ['the star again with the PIN', ['*', `*${ALICE_PIN}#`]],
    ['the PIN after a wrong one', ['*', '11111#', `${ALICE_PIN}#`]],
  ])('on any telephone presses %s', async (_what, presses) => {
    const testBench = await startLine();
    await testBench.call('Bob', '/conference/sales');
    const alice = testBench.space.call({ from: MOBILE, url: `${testBench.url}/conference/sales` });
    await testBench.space.clock.advance(100);
    expect(alice.told).toEqual(['Welcome.']);
    for (const keys of presses) {
      await testBench.press(alice, keys);
      await testBench.space.clock.advance(1_000);
      await testBench.space.runUntilIdle();
    }
    expect(testBench.space.conferences.participant(alice.sid)).toMatchObject({ endConferenceOnExit: true });
    const ted = await testBench.call('Ted', '/supervisor');
    expect(ted.told.at(-1)).toContain(LISTENING);
    await testBench.hangUp(alice);
    expect(testBench.hears()).toEqual({ Ted: [] });
    expect(ted.told.at(-1)).toBe(OVER);
  });

  it.each([
    ['nothing', []],
    ['something else', ['5']],
    ['a star and nothing else', ['*', '', '', '', '']],
    ['three wrong PINs', ['*11111#', '22222#', '33333#']],
    ['the PIN of a supervisor', [`*${TED_PIN}#`, `${TED_PIN}#`, `${TED_PIN}#`]],
    ['a PIN without the star', [`${ALICE_PIN}#`]],
  ])('is a caller who presses %s, and hears the notice whole', async (_what, presses) => {
    const testBench = await startLine(ROSTER, { env: { CALLER_NOTICE: 'Calls may be supervised.' } });
    const bob = testBench.space.call({ from: MOBILE, url: `${testBench.url}/conference/sales` });
    for (const keys of presses) {
      await testBench.space.clock.advance(100);
      bob.press(keys);
      await testBench.space.clock.advance(6_000);
    }
    await testBench.space.clock.advance(10_000);
    expect(testBench.space.conferences.participant(bob.sid)).toMatchObject({
      startConferenceOnEnter: false,
      endConferenceOnExit: false,
    });
    expect(bob.told.at(presses.length > 0 ? -1 : 0)).toBe('Calls may be supervised.');
    await testBench.call('Alice', '/conference/sales');
    expect(bob.hearing().voices).toHaveLength(1);
  });

  it('is asked even on their own telephone where the roster says so', async () => {
    const testBench = await startLine({
      ...ROSTER,
      moderators: [{ name: 'Alice', number: ALICE, pin: ALICE_PIN, requirePin: true }],
    });
    const alice = await testBench.call('Alice', '/conference/sales');
    expect(alice.told).toEqual([ASK]);
    await testBench.press(alice, `${ALICE_PIN}#`);
    expect(testBench.space.conferences.participant(alice.sid)).toMatchObject({ endConferenceOnExit: true });
  });

  it('moderates in their own rooms alone', async () => {
    const testBench = await startLine({
      ...ROSTER,
      moderators: [
        { name: 'Alice', number: ALICE, pin: ALICE_PIN, rooms: ['support'] },
        { name: 'Carol', number: CAROL },
      ],
    });
    const notYours = 'You are not an agent on this line. You are joining as a customer.';
    const mobile = testBench.space.call({ from: MOBILE, url: `${testBench.url}/conference/sales` });
    await testBench.space.clock.advance(100);
    await testBench.press(mobile, `*${ALICE_PIN}#`);
    expect(mobile.told).toEqual(['Welcome.', notYours]);
    expect(testBench.space.conferences.participant(mobile.sid)).toMatchObject({ endConferenceOnExit: false });
    await testBench.hangUp(mobile);
    const own = await testBench.call('Alice', '/conference/sales');
    expect([own.told, testBench.hears()]).toEqual([[notYours], { Alice: ['music'] }]);
    // With the agent of the room they talk as a caller does, and leave the conversation to the others.
    const bob = await testBench.call('Bob', '/conference/sales');
    const carol = await testBench.call('Carol', '/conference/sales');
    expect(testBench.hears()).toMatchObject({ Alice: ['Bob', 'Carol'], Carol: ['Alice', 'Bob'] });
    await testBench.hangUp(own);
    expect(testBench.hears()).toEqual({ Bob: ['Carol'], Carol: ['Bob'] });
    await testBench.hangUp(bob);
    await testBench.hangUp(carol);
    const there = await testBench.call('Alice', '/conference/support');
    expect(testBench.space.conferences.participant(there.sid)).toMatchObject({ endConferenceOnExit: true });
  });

  it('costs callers no menu where nobody has a PIN', async () => {
    const testBench = await startLine({ moderators: [{ name: 'Alice', number: ALICE }] });
    const bob = await testBench.call('Bob', '/conference/sales');
    expect([bob.told, testBench.hears()]).toEqual([[], { Bob: ['music'] }]);
  });
});

describe('a number that tries PINs', () => {
  it('is locked out by two servers that share one Redis, and hears nothing of it', async () => {
    const redis = await startStore();
    const settings = { ...rosterSettings(ROSTER), REDIS_URL: redis.url };
    const one = await startTestBench({ env: settings });
    const other = await startTestBench({ env: settings });
    await talking(one);
    for (const testBench of [one, other]) {
      const ted = await testBench.call('Ted', '/supervisor', { from: MOBILE });
      for (const pin of ['11111', '22222', '33333']) {
        await testBench.press(ted, `${pin}#`);
      }
      expect(ted.told.at(-1)).toBe('Goodbye.');
    }
    for (const testBench of [one, other]) {
      const ted = await testBench.call('Ted', '/supervisor', { from: MOBILE });
      expect([ted.told, ted.status]).toEqual([[], 'no-answer']);
      // Others go on.
      const known = await testBench.call('Ted', '/supervisor');
      expect(known.isOver).toBe(false);
      const elsewhere = await testBench.call('Ted', '/supervisor', { from: '+15550006666' });
      expect(elsewhere.told).toEqual([ASK]);
      await testBench.hangUp(known);
      await testBench.hangUp(elsewhere);
    }
  });

  it('is locked out over many calls at once, in the middle of each', async () => {
    const testBench = await startLine();
    await talking(testBench);
    // At once, so that no prompt is over by itself.
    const dial = async () => {
      const call = testBench.space.call({ from: MOBILE, url: `${testBench.url}/supervisor` });
      await testBench.space.clock.advance(100);
      return call;
    };
    const press = async (call: Awaited<ReturnType<typeof dial>>, keys: string) => {
      call.press(keys);
      await testBench.space.clock.advance(100);
      return call.told.at(-1);
    };
    const [first, second, third] = [await dial(), await dial(), await dial()];
    for (const call of [first, first, second, second, third]) {
      expect(await press(call, '11111#')).toBe(WRONG);
    }
    // The sixth wrong PIN is the last.
    expect(await press(first, '11111#')).toBe('Goodbye.');
    expect((await dial()).status).toBe('no-answer');
    // Then the right one does not open either, where a PIN was asked for before.
    expect(await press(third, `${TED_PIN}#`)).toBe('Goodbye.');
  });

  it.each([34, 60])(
    'is not locked out, nor anybody else, by %i customers who press the star and stay silent',
    async (n) => {
      const testBench = await startLine({
        ...ROSTER,
        moderators: [{ name: 'Alice', number: ALICE, pin: ALICE_PIN, requirePin: true }],
      });
      const customers = Array.from({ length: n }, (_, i) =>
        testBench.space.call({ from: `+1556${1_000_000 + i}`, url: `${testBench.url}/conference/sales` }),
      );
      await testBench.space.clock.advance(100);
      for (const customer of customers) {
        customer.press('*');
      }
      await testBench.space.clock.advance(60_000);
      for (const { told, sid } of customers) {
        expect(told).toEqual(['Welcome.', ASK, SILENT, SILENT]);
        expect(testBench.space.conferences.participant(sid)).toMatchObject({ endConferenceOnExit: false });
      }
      const alice = await testBench.call('Alice', '/conference/sales');
      expect(alice.told).toEqual([ASK]);
      await testBench.press(alice, `${ALICE_PIN}#`);
      expect(testBench.space.conferences.participant(alice.sid)).toMatchObject({ endConferenceOnExit: true });
    },
  );

  it('on the callers’ line is a caller like any other', async () => {
    const testBench = await startLine();
    for (let i = 0; i < 3; i++) {
      const bob = testBench.space.call({ from: MOBILE, url: `${testBench.url}/conference/sales` });
      await testBench.space.clock.advance(100);
      for (const keys of ['*11111#', '22222#', '33333#']) {
        await testBench.press(bob, keys);
      }
      await testBench.space.runUntilIdle();
      expect(testBench.space.conferences.participant(bob.sid)).toMatchObject({ endConferenceOnExit: false });
    }
    const bob = testBench.space.call({ from: MOBILE, url: `${testBench.url}/conference/sales` });
    await testBench.space.clock.advance(100);
    await testBench.press(bob, `*${ALICE_PIN}#`);
    expect([bob.told, bob.errors]).toEqual([['Welcome.'], []]);
    expect(testBench.space.conferences.participant(bob.sid)).toMatchObject({ endConferenceOnExit: false });
  });
});

describe('with the store down', () => {
  it.each([
    ['before the call', 0],
    ['while the PIN is asked for', 1],
    ['while the menu of rooms plays', 2],
    ['during the conversation', 3],
    ['while the keypad is explained', 4],
  ])('%s, a supervisor who can be told from others is let in by REST', async (_when, step) => {
    const redis = await startStore();
    const testBench = await startLine(ROSTER, { env: { REDIS_URL: redis.url }, withRest: true });
    await talking(testBench);
    await carolTalks(testBench);
    let done = 0;
    const next = async () => {
      if (done++ === step) {
        await redis.kill();
      }
    };
    await next();
    const ted = await testBench.call('Ted', '/supervisor', { from: MOBILE });
    expect(ted.told).toEqual([ASK]);
    await next();
    await testBench.press(ted, `${TED_PIN}#`);
    await next();
    // Without the store nobody knows names.
    await testBench.press(ted, '1#');
    const room = testBench.space.conferences.participant(ted.sid)?.conference.name;
    expect(['sales', 'support']).toContain(room);
    await next();
    await testBench.press(ted, '*');
    await next();
    await testBench.press(ted, '3');
    expect(testBench.space.conferences.participant(ted.sid)).toMatchObject({ muted: false, callSidToCoach: undefined });
    expect(ted.errors).toEqual([]);
    await redis.restart();
  });

  it('and no REST, nobody is let in who should not be, and who may is asked to wait', async () => {
    const redis = await startStore();
    const testBench = await startLine(ROSTER, { env: { REDIS_URL: redis.url } });
    await redis.kill();
    const stranger = await testBench.call('Ted', '/supervisor', { from: MOBILE });
    for (const pin of ['11111', '22222', '33333']) {
      await testBench.press(stranger, `${pin}#`);
    }
    expect(stranger.told.at(-1)).toBe('Goodbye.');
    const ted = await testBench.call('Ted', '/supervisor', { from: MOBILE });
    expect(await testBench.press(ted, `${TED_PIN}#`)).toBe('Sorry, a technical problem. Please hold.');
    await redis.restart();
    await eventually(async () => expect(await (await fetch(`${testBench.url}/readyz`)).text()).toContain('store: ok'));
    await talking(testBench, 'support');
    await testBench.space.clock.advance(10_000);
    await testBench.space.runUntilIdle();
    expect(testBench.space.conferences.participant(ted.sid)?.conference.name).toBe('support');
  });

  it('and no REST, a supervisor is let in to an agent whom this server has seen', async () => {
    const redis = await startStore();
    const testBench = await startLine(ROSTER, { env: { REDIS_URL: redis.url } });
    await talking(testBench);
    await redis.kill();
    const support = await carolTalks(testBench);
    const ted = await testBench.call('Ted', '/supervisor', { from: MOBILE });
    expect(await testBench.press(ted, `${TED_PIN}#`)).toBe(
      'For Alice, press 1. For Carol, no caller yet, press 2. Or enter an extension, then press pound.',
    );
    await testBench.press(ted, '1#');
    expect(testBench.hears()).toMatchObject(MONITORED);
    // Carol's coming and going is known though it was never written.
    await testBench.hangUp(support);
    await testBench.press(ted, '*');
    expect(await testBench.press(ted, '4')).toBe('There is no other conversation. Nobody hears you.');
    await redis.restart();
  });

  it('PINs that were tried are counted in the process', async () => {
    const redis = await startStore();
    const testBench = await startLine(ROSTER, { env: { REDIS_URL: redis.url } });
    await redis.kill();
    for (let i = 0; i < 2; i++) {
      const ted = await testBench.call('Ted', '/supervisor', { from: MOBILE });
      for (const pin of ['11111', '22222', '33333']) {
        await testBench.press(ted, `${pin}#`);
      }
    }
    expect((await testBench.call('Ted', '/supervisor', { from: MOBILE })).status).toBe('no-answer');
    await redis.restart();
  });
});
