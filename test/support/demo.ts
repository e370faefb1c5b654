import type { TestPage } from './browser';
import { onTestFinished } from './on-test-finished';
import { type RunningProgram, runProgram } from './process';

/** The demo, and what it tells somebody to open and to sign in with. */
export interface RunningDemo {
  program: RunningProgram;
  url: string;
  name: string;
  password: string;
}

/** Starts the built demo; it is stopped when the test is over. */
export async function startDemo(): Promise<RunningDemo> {
  const program = await runProgram('simulator/demo.js');
  onTestFinished(async () => {
    program.child.kill('SIGINT');
    await program.exit;
  });
  await program.says('Or type: ');
  const [, url = '', name = '', password = ''] =
    /^ {2}(http:\S+) +Sign in as (\S+), password (\S+)$/m.exec(program.stdout()) ?? [];
  return { program, url, name, password };
}

/** Follows the steps on the demo's page, up to Ted coaching Alice in the frame. */
export async function coachInDemo(page: TestPage, { url, name, password }: RunningDemo): Promise<void> {
  await page.goto(url);
  const press = (button: string) => page.getByRole('button', { name: button, exact: true }).click();
  await press('Call from Bob’s telephone');
  await press('Call from Alice’s telephone');
  const screen = page.frameLocator('iframe');
  await screen.getByLabel('Name').fill(name);
  await screen.getByLabel('Password').fill(password);
  await screen.getByRole('button', { name: 'Sign in' }).click();
  await screen.getByRole('button', { name: 'Listen sample-conf' }).click();
  // It rings until somebody answers it.
  await page.getByText('Ringing', { exact: true }).waitFor();
  await page.getByText('Ted is not on the line.', { exact: true }).waitFor();
  await press('Answer Ted’s telephone');
  await page.getByText('Nobody hears you. To listen to the agent in sample-conf, press 1.').waitFor();
  await page.getByRole('group', { name: 'Ted’s keypad' }).getByRole('button', { name: '1' }).click();
  await screen.locator('#you .presence[data-status="confirmed"][data-heard="monitor"]').waitFor();
  await screen.locator('#you').getByRole('button', { name: 'Coach' }).click();
  await screen.locator('#you .presence[data-status="confirmed"][data-heard="coach"]').waitFor();
}
