import { beforeAll, describe, expect, it } from '@jest/globals';
import { openBrowser, type TestBrowser } from '../support/browser';
import { onTestFinished } from '../support/on-test-finished';
import { runProgram } from '../support/process';

let browser: TestBrowser;
beforeAll(async () => {
  browser = await openBrowser();
});

/** Starts the demo. Returns what it tells somebody to open and to sign in with. */
async function startDemo() {
  const demo = await runProgram('simulator/demo.js');
  onTestFinished(async () => {
    demo.child.kill('SIGINT');
    await demo.exit;
  });
  await demo.says('Press Ctrl-C to stop.');
  const [, invitation = ''] = demo.stdout().split('Open the telephones');
  const [, url = ''] = /^ {2}(http:\S+)$/m.exec(invitation) ?? [];
  const [, name = '', password = ''] = /^ {2}Name +(\S+)\n {2}Password +(\S+)$/m.exec(invitation) ?? [];
  return { demo, url, name, password };
}

describe('the demo in a browser', () => {
  it('lets somebody follow its steps: call, sign in inside the frame, listen, answer, and coach', async () => {
    const { url, name, password } = await startDemo();
    const page = await browser.newPage({ width: 1440, height: 900 });
    await page.goto(url);
    const press = (button: string) => page.getByRole('button', { name: button, exact: true }).click();
    const hears = (sentence: string) => page.getByText(sentence, { exact: true }).waitFor();
    expect((await page.getByRole('listitem').allInnerTexts()).join('\n')).toMatch(
      /^Call with Bob.*\nCall with Alice.*\nSign in as Ted.* press Listen\./,
    );

    await press('Call from Bob’s telephone');
    await press('Call from Alice’s telephone');
    const screen = page.frameLocator('iframe');
    await screen.getByLabel('Name').fill(name);
    await screen.getByLabel('Password').fill(password);
    await screen.getByRole('button', { name: 'Sign in' }).click();
    await screen.getByRole('button', { name: 'Listen sample-conf' }).click();
    // It rings until somebody answers it.
    await page.getByText('Ringing', { exact: true }).waitFor();
    await hears('Ted is not on the line.');
    await press('Answer Ted’s telephone');
    await page.getByText('Nobody hears you. To listen to the agent in sample-conf, press 1.').waitFor();
    await page.getByRole('group', { name: 'Ted’s keypad' }).getByRole('button', { name: '1' }).click();
    await screen.locator('#you .presence[data-status="confirmed"][data-heard="monitor"]').waitFor();
    await screen.locator('#you').getByRole('button', { name: 'Coach' }).click();
    await screen.getByText('Only Alice hears you', { exact: false }).waitFor();

    await hears('Alice hears Bob and Ted.');
    await hears('Bob hears Alice.');
    await hears('Ted hears Bob and Alice.');
    const lit = await page.evaluate('[...document.querySelectorAll("svg .line[data-heard=yes]")].map(({ id }) => id)');
    expect((lit as string[]).filter((line) => line.startsWith('ted-'))).toEqual(['ted-to-alice']);
    expect(page.problems).toEqual([]);
  });

  it('lets only its own page frame the screen, and only its password in', async () => {
    const { demo, url, password } = await startDemo();
    const [, server = ''] = /runs at (http:\S+)\. /.exec(demo.stdout()) ?? [];
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
