import { setTimeout as sleep } from 'node:timers/promises';
import { english, type Texts } from '../../src/dashboard/texts-en';
import { ALICE, TED } from './app';
import type { PageOptions, TestBrowser, TestPage } from './browser';
import { onTestFinished } from './on-test-finished';
import { type Listed, rosterSettings } from './roster';
import { startTestBench, type TestBench, type TestBenchOptions } from './test-bench';

/** What Ted signs in with; hashed once, because that takes long on purpose. */
export const PASSWORD = 'correct horse battery';
export const PASSWORD_HASH = '$scrypt$ln=15,r=8,p=1$EuTYebQc7FexmedUWK7ZFw$lKSR/f+m/eBYTlD0oG6RTO/IKkhF8Wh8ADANukmXgn4';

/** Ted may do everything. */
export const TED_LISTED: Listed = {
  name: 'Ted',
  number: TED,
  password: PASSWORD_HASH,
  rights: ['see', 'monitor', 'coach', 'barge', 'control', 'record', 'audit'],
};

export const ALICE_LISTED: Listed = { name: 'Alice', number: ALICE, password: PASSWORD_HASH };

/** Who signs in, and how they look at it. */
export interface SignInOptions extends PageOptions {
  /** Ted unless given. */
  name?: string;
  /** Where, if not directly at the server. */
  url?: string;
  /** Whether the test moves the page's clock. */
  hasClock?: boolean;
  /** Of the page's language; English unless given. */
  texts?: Texts;
}

/** The whole server, a simulated Space, and a browser. */
export interface ScreenBench {
  bench: TestBench;
  /** Opens a page and signs in; Ted unless told otherwise. */
  signIn(options?: SignInOptions): Promise<TestPage>;
}

/** How often the Space's clock is moved, in milliseconds. */
const CLOCK_STEP_MS = 100;

/** Lets the Space's time pass like that of the browser, until the test is over. */
function runClock({ space }: TestBench): void {
  let isOver = false;
  onTestFinished(() => {
    isOver = true;
  });
  const run = async () => {
    while (!isOver) {
      await Promise.all([sleep(CLOCK_STEP_MS), space.clock.advance(CLOCK_STEP_MS)]);
    }
  };
  void run();
}

/** The number that supervisors are called from. */
export const CALLER_ID = '+15550009999';

/** Starts them; they are stopped when the test is over. */
export async function startScreenBench(
  browser: TestBrowser,
  options: TestBenchOptions & { ted?: Partial<Listed> } = {},
): Promise<ScreenBench> {
  const { ted, env, ...rest } = options;
  const people = rosterSettings({ moderators: [ALICE_LISTED], supervisors: [{ ...TED_LISTED, ...ted }] });
  const bench = await startTestBench({
    withRest: true,
    ...rest,
    env: { ...people, CALLER_ID, ANNOUNCE_IS_PRIVATE: 'true', ...env },
  });
  runClock(bench);
  return {
    bench,
    async signIn({ name = 'Ted', url = bench.url, hasClock = false, texts, ...look } = {}) {
      const page = await browser.newPage(look);
      page.setDefaultTimeout(20_000);
      if (hasClock) {
        await page.clock.install();
      }
      await page.goto(url);
      await fillSignIn(page, name, texts);
      return page;
    },
  };
}

/** Signs somebody in, on the page that asks for it. @param texts of the page's language */
export async function fillSignIn(page: TestPage, name: string, { signIn, nav } = english): Promise<void> {
  await page.getByLabel(signIn.name).fill(name);
  await page.getByLabel(signIn.password).fill(PASSWORD);
  await page.getByRole('button', { name: signIn.submit }).click();
  await page.getByRole('button', { name: nav.signOut }).waitFor();
}
