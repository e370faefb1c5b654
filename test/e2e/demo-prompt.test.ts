import { describe, expect, it } from '@jest/globals';
import { itInFull } from '../support/fuzz';
import { onTestFinished } from '../support/on-test-finished';
import { type RunningProgram, runProgram } from '../support/process';

/** Starts the demo; it is stopped when the test is over. */
async function startDemo(): Promise<RunningProgram> {
  const demo = await runProgram('simulator/demo.js');
  onTestFinished(() => {
    demo.child.kill('SIGKILL');
    return demo.exit;
  });
  return demo;
}

const TYPED = [
  'Bob calls',
  'bob calls',
  'alice calls',
  'ted 1',
  'ted calls',
  'ted *',
  'ted 2',
  'ted 7',
  'CAROL CALLS',
  'alice hangs up',
  'ted 1',
  'ted answers',
  'sing',
  '',
  'who hears whom?',
  'quit',
  'bob calls',
];

const ANSWERS = [
  '> Bob calls',
  '               Bob  sounds',
  '    Bob hears  -    music',
  '> bob calls',
  '    Bob is on the line already: type bob hangs up.',
  '> alice calls',
  '                 Bob  Alice',
  '    Bob hears    -    yes',
  '    Alice hears  yes  -',
  '> ted 1',
  '    Ted is not on the line: type ted calls.',
  '> ted calls',
  '    Ted is told: "Nobody hears you. You are listening to Alice. For the menu, press star."',
  '                 Bob  Alice  Ted',
  '    Bob hears    -    yes    no',
  '    Alice hears  yes  -      no',
  '    Ted hears    yes  yes    -',
  '> ted *',
  '    Ted is told: "Nobody hears you now. To listen to Alice, press 1. To coach, 2. To talk to everyone, 3. For another conversation, 4. To end, 9."',
  '                 Bob  Alice  Ted',
  '    Bob hears    -    yes    no',
  '    Alice hears  yes  -      no',
  '    Ted hears    no   no     -',
  '> ted 2',
  '    Ted is told: "The agent alone hears you."',
  '                 Bob  Alice  Ted',
  '    Bob hears    -    yes    no',
  '    Alice hears  yes  -      yes',
  '    Ted hears    yes  yes    -',
  '> ted 7',
  '    Nothing has changed.',
  '> CAROL CALLS',
  '                 Bob  Alice  Ted  Carol',
  '    Bob hears    -    yes    no   yes',
  '    Alice hears  yes  -      yes  yes',
  '    Ted hears    yes  yes    -    yes',
  '    Carol hears  yes  yes    no   -',
  '> alice hangs up',
  '    Ted is told: "That conversation is over. Please hold for the next one."',
  '               Ted',
  '    Ted hears  -',
  '> ted 1',
  "    Ted's telephone is not asking for a key.",
  '> ted answers',
  "    Ted's telephone is not ringing.",
  '> sing',
  '    Type, for example: bob calls, ted *2, alice hangs up, who hears whom, help or quit.',
  '> ',
  '> who hears whom?',
  '               Ted',
  '    Ted hears  -',
  '> quit',
  'Stopping.',
  '',
].join('\n');

const INVITATION =
  /\n\nIn your browser, .*\n {2}http:.*\n\nOr type: bob calls, ted \*2, alice hangs up, who hears whom, help, quit\n/;

describe('the prompt of npm run demo', () => {
  it('comes after at most 39 lines, which fit into 80 columns', async () => {
    const demo = await startDemo();
    await demo.says('Or type: ');
    await demo.says('\n');
    const lines = demo.stdout().trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(39);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(demo.stdout()).toMatch(INVITATION);
  });

  it('does one after the other what is piped into it, up to quit', async () => {
    const demo = await startDemo();
    demo.child.stdin?.end(`${TYPED.join('\n')}\n`);
    expect(await demo.exit).toBe(0);
    expect(demo.stdout().split(INVITATION)[1]).toBe(ANSWERS);
    expect(demo.stderr()).toBe('');
  });

  itInFull.each(['SIGINT', 'SIGTERM'] as const)('goes on when there is no more input, until %s', async (signal) => {
    const demo = await startDemo();
    demo.child.stdin?.end('bob calls\nhelp');
    // Time goes on: the Space's API still answers, and the last line counts without its end.
    await demo.says('quit              or Ctrl-C\n');
    demo.child.kill(signal);
    expect(await demo.exit).toBe(0);
    expect(demo.stdout()).toMatch(/\nStopping\.\n$/);
  });
});
