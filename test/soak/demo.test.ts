import { beforeAll, describe, expect, it } from '@jest/globals';
import { openBrowser, type TestBrowser } from '../support/browser';
import { coachInDemo, startDemo } from '../support/demo';
import { onTestFinished } from '../support/on-test-finished';
import { runOnTerminal } from '../support/process';

let browser: TestBrowser;
beforeAll(async () => {
  browser = await openBrowser();
});

describe('the demo in a browser', () => {
  it('lets somebody follow its steps: call, sign in inside the frame, listen, answer, and coach', async () => {
    const page = await browser.newPage({ width: 1440, height: 900 });
    const hears = (sentence: string) => page.getByText(sentence, { exact: true }).waitFor();
    await coachInDemo(page, await startDemo());
    expect((await page.getByRole('listitem').allInnerTexts()).join('\n')).toMatch(
      /^Call with Bob.*\nCall with Alice.*\nSign in as Ted.* press Listen\./,
    );
    await page.frameLocator('iframe').getByText('Only Alice hears you', { exact: false }).waitFor();
    await hears('Alice hears Bob and Ted.');
    await hears('Bob hears Alice.');
    await hears('Ted hears Bob and Alice.');
    const lit = await page.evaluate('[...document.querySelectorAll("svg .line[data-heard=yes]")].map(({ id }) => id)');
    expect((lit as string[]).filter((line) => line.startsWith('ted-'))).toEqual(['ted-to-alice']);
    expect(page.problems).toEqual([]);
  });

  it('lets only its own page frame the screen, and only its password in', async () => {
    const { program, url, password } = await startDemo();
    const [, server = ''] = /runs at (http:\S+)\. /.exec(program.stdout()) ?? [];
    const { headers } = await fetch(`${server}/sign-in`);
    expect(headers.get('content-security-policy')).toContain(`frame-ancestors ${url}`);
    expect(headers.has('x-frame-options')).toBe(false);
    const signIn = (given: string) =>
      fetch(`${server}/sign-in`, {
        method: 'POST',
        body: new URLSearchParams({ name: 'Ted', password: given }),
        headers: { Origin: server },
        redirect: 'manual',
      });
    expect((await signIn(password)).status).toBe(303);
    const { password: another } = await startDemo();
    expect((await signIn(another)).status).not.toBe(303);
  });
});

describe('the demo on a terminal', () => {
  it('leaves time to read each step, takes what is typed, and ends at Ctrl-C', async () => {
    const started = Date.now();
    const { child, stdout, says, exit } = await runOnTerminal('simulator/demo.js');
    onTestFinished(() => child.kill('SIGKILL'));
    await says('help, quit\r\n');
    // Six pauses between seven steps.
    expect(Date.now() - started).toBeGreaterThan(6 * 1_500);
    await says('> ');
    child.stdin?.write('bob calls\r');
    await says('music');
    await says('> ');
    child.stdin?.write('\x03');
    expect(await exit).toBe(0);
    expect(stdout()).toMatch(/\r\nStopping\.\r\n$/);
  });
});
