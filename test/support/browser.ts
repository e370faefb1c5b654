import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll } from '@jest/globals';
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { onTestFinished } from './on-test-finished';

/** The names of Chromium on different systems; `ensure-programs.sh` installs the first. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

const ARGUMENTS = [
  // Tests in a container run as root, where the sandbox refuses to start. They open only pages of their own.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];

/** Chromium, for the tests of one file. */
export interface TestBrowser {
  /** Opens a page with cookies and storage of its own. It is closed when the current test is over. */
  newPage(options?: PageOptions): Promise<TestPage>;
}

/** How somebody looks at a page. */
export interface PageOptions {
  /** Size of the window in CSS pixels; 1280 × 800 unless given. */
  width?: number;
  height?: number;
  /** The colour scheme that the reader prefers; light unless given. */
  theme?: 'light' | 'dark';
  /** Whether scripts run; they do unless given. */
  javaScript?: boolean;
  /** Whether the reader prefers less motion; not unless given. */
  reducedMotion?: boolean;
  /** Whether there is a touch screen; not unless given. */
  touch?: boolean;
}

/** A page of Playwright's that remembers what went wrong in it. */
export type TestPage = Page & {
  /**
   * Errors so far, oldest first: errors in the console, which include violations of the Content Security Policy and
   * responses with an error status; uncaught exceptions; requests that failed. Requests that the page itself gave up,
   * as when it is left, are none.
   */
  problems: readonly string[];
};

const running: Browser[] = [];

/**
 * Starts the Chromium that is on the PATH. It is closed when the test file is over.
 *
 * @throws Error if there is none
 */
export async function openBrowser(): Promise<TestBrowser> {
  const browser = await chromium.launch({ executablePath: findChromium(), args: ARGUMENTS });
  running.push(browser);
  return {
    async newPage(options = {}) {
      const {
        width = 1280,
        height = 800,
        theme = 'light',
        javaScript = true,
        reducedMotion = false,
        touch = false,
      } = options;
      const context = await browser.newContext({
        viewport: { width, height },
        colorScheme: theme,
        javaScriptEnabled: javaScript,
        hasTouch: touch,
        reducedMotion: reducedMotion ? 'reduce' : 'no-preference',
        locale: 'en-GB',
        timezoneId: 'UTC',
      });
      onTestFinished(() => context.close());
      const page = await context.newPage();
      return Object.assign(page, { problems: collectProblems(page) });
    },
  };
}

afterAll(async () => {
  await Promise.all(running.splice(0).map((browser) => browser.close()));
});

/**
 * Checks the page, without the frames in it, with axe-core. Returns a line for each violation: the rule, what it asks for,
 * and the elements concerned.
 *
 * @throws Error if the page's scripts are off
 */
export async function findViolations(page: Page): Promise<string[]> {
  if (await page.evaluate('matchMedia("(scripting: none)").matches')) {
    throw new Error('axe waits for timers, which do not run in a page without scripts.');
  }
  // Both are evaluated by the debugger, to which the page's Content Security Policy does not apply.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run(document, { iframes: false })');
  return violations.map(
    ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`,
  );
}

function collectProblems(page: Page): string[] {
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') {
      problems.push(`console: ${message.text()} (${message.location().url})`);
    }
  });
  page.on('pageerror', (error) => problems.push(`exception: ${error.message}`));
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText;
    if (reason !== 'net::ERR_ABORTED') {
      problems.push(`request: ${request.method()} ${request.url()}: ${reason}`);
    }
  });
  return problems;
}

function findChromium(): string {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
  if (found === undefined) {
    throw new Error(`There is no ${NAMES.join(', ')} on the PATH. Run: sh test/support/ensure-programs.sh`);
  }
  return found;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
