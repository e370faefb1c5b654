import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { serveRestApi } from '../../src/simulator/rest-api';
import { createSpace } from '../../src/simulator/space';
import { ALICE, BOB, SIGNING_KEY, TED } from '../support/app';
import { openBrowser, type TestBrowser, type TestPage } from '../support/browser';
import { itInFull } from '../support/fuzz';
import { onTestFinished } from '../support/on-test-finished';
import { createPageClient } from '../support/page-client';
import { startProgram } from '../support/process';
import { eventually, freePort, startRedis } from '../support/redis-server';
import { type RosterContent, rosterSettings, rosterText } from '../support/roster';
import { ALICE_LISTED, fillSignIn, startScreenBench, TED_LISTED } from '../support/screen-bench';
import { startStallingProxy } from '../support/stalling-proxy';
import { CAROL, LONG_TIMEOUTS } from '../support/test-bench';

let browser: TestBrowser;
beforeAll(async () => {
  browser = await openBrowser();
});

/** How soon the screen must say so, or be right again, in milliseconds. */
const SOON_MS = 10_000;

const CONFIRMED = '#you .presence[data-status="confirmed"]';
const CAROL_LISTED = { ...TED_LISTED, name: 'Carol', number: CAROL };

/** The badges that look confirmed: they are not hatched. It runs in the page. */
const NOT_HATCHED = `[...document.querySelectorAll('.hearing')]
  .filter((badge) => !getComputedStyle(badge).backgroundImage.includes('repeating-linear-gradient'))
  .map((badge) => badge.textContent)`;

async function waitForLink(page: TestPage, state: 'live' | 'stale' | 'away'): Promise<void> {
  await page.locator(`#link[data-state="${state}"]`).waitFor({ timeout: SOON_MS });
}

/** By the address too: what waits for a page that is left, fails. */
async function waitForSignIn(page: TestPage): Promise<void> {
  await page.waitForURL(/\/sign-in/, { timeout: SOON_MS });
  await page.getByLabel('Password').waitFor();
}

/** The pages of these that have asked for a stream. */
function followStreams(pages: readonly TestPage[]): Set<TestPage> {
  const asked = new Set<TestPage>();
  for (const page of pages) {
    page.on('request', (request) => {
      if (request.url().includes('/live?')) {
        asked.add(page);
      }
    });
  }
  return asked;
}

describe('the screen', () => {
  it('says how old it is when the server hangs, confirms nothing, and comes back by itself', async () => {
    const { bench, signIn } = await startScreenBench(browser);
    const proxy = await startStallingProxy(bench.server.port);
    await bench.call('Bob', '/conference/sales');
    await bench.call('Alice', '/conference/sales');
    await bench.call('Ted', '/coach/sales?mode=coach');
    const page = await signIn({ url: proxy.url });
    await page.locator(CONFIRMED).waitFor();
    await waitForLink(page, 'live');
    expect(await page.evaluate(NOT_HATCHED)).toEqual(['◐ Only Alice hears you', '◐ heard by Alice only']);

    proxy.stall();
    await waitForLink(page, 'stale');
    expect(await page.locator('#link').innerText()).toMatch(
      /^Last update 0:\d\d ago\. What you see may be out of date/,
    );
    expect(await page.evaluate(NOT_HATCHED)).toEqual([]);
    await bench.call('Carol', '/conference/support');

    proxy.resume();
    await waitForLink(page, 'live');
    await page.locator('article[data-room="support"]').waitFor({ timeout: SOON_MS });
    expect(await page.evaluate(NOT_HATCHED)).toEqual(['◐ Only Alice hears you', '◐ heard by Alice only']);
  });

  it('shows nothing as confirmed that has changed since, although the stream lags', async () => {
    const { bench, signIn } = await startScreenBench(browser);
    const proxy = await startStallingProxy(bench.server.port);
    await bench.call('Bob', '/conference/sales');
    await bench.call('Alice', '/conference/sales');
    await bench.call('Ted', '/coach/sales?mode=monitor');
    const page = await signIn({ url: proxy.url });
    await page.locator(CONFIRMED).waitFor();
    await waitForLink(page, 'live');

    proxy.streamDelayMs = 3_000;
    const wrong = `window.wrong = []; new MutationObserver(() => {
      const panel = document.querySelector('#you .presence');
      if (panel.dataset.status === 'confirmed') wrong.push(panel.dataset.heard);
    }).observe(document.querySelector('#you').parentElement, { subtree: true, attributes: true, childList: true })`;
    await page.evaluate(wrong);
    await page.locator('#you').getByRole('button', { name: 'Coach' }).click();
    await page.getByText('Only the agent hears you now.').waitFor();
    await page.locator(`${CONFIRMED}[data-heard="coach"]`).waitFor();
    expect(new Set(await page.evaluate<string[]>('wrong'))).toEqual(new Set(['coach']));
  });

  it('does not take for live what a proxy has kept for too long', async () => {
    const { bench, signIn } = await startScreenBench(browser);
    const proxy = await startStallingProxy(bench.server.port);
    const page = await signIn({ url: proxy.url });
    await waitForLink(page, 'live');
    // Messages come every 5 s, as before; but what they tell is 7 to 12 s old.
    proxy.streamDelayMs = 7_000;
    await waitForLink(page, 'stale');
    await waitForLink(page, 'live');
    await waitForLink(page, 'stale');
  });

  it('stays old while a server hangs, also when its tab takes the stream from another', async () => {
    const { bench, signIn } = await startScreenBench(browser);
    const proxy = await startStallingProxy(bench.server.port);
    const page = await signIn({ url: proxy.url });
    const other = (await page.context().newPage()) as TestPage;
    await other.goto(proxy.url);
    await waitForLink(other, 'live');
    const states = `window.states = []; new MutationObserver(() => states.push(document.body.dataset.link))
      .observe(document.body, { attributes: true, attributeFilter: ['data-link'] })`;
    await Promise.all([page.evaluate(states), other.evaluate(states)]);
    proxy.stall();
    await sleep(18_000);
    for (const tab of [page, other]) {
      expect(await tab.evaluate('[...new Set(states.slice(states.indexOf("stale")))]')).toEqual(['stale']);
    }
  });

  it('is not live by a clock that was set back, and comes back by itself', async () => {
    const { signIn } = await startScreenBench(browser);
    const page = await signIn();
    await waitForLink(page, 'live');
    await page.evaluate('{ const now = Date.now; Date.now = () => now() - 3_600_000; }');
    await waitForLink(page, 'stale');
    await waitForLink(page, 'live');
  });

  it('asks for the sign-in when a server without Redis was restarted', async () => {
    const { bench, signIn } = await startScreenBench(browser);
    const page = await signIn();
    await waitForLink(page, 'live');
    await bench.restart();
    await waitForSignIn(page);
  });

  it('has one stream for ten tabs, and another tab takes over from the one that had it', async () => {
    const { bench, signIn } = await startScreenBench(browser);
    const first = await signIn();
    const others = await Promise.all(
      Array.from({ length: 9 }, async () => (await first.context().newPage()) as TestPage),
    );
    const pages = [first, ...others];
    const asked = followStreams(pages);
    await Promise.all(pages.map((page) => page.goto(bench.url)));
    await bench.call('Bob', '/conference/sales');
    await Promise.all(pages.map((page) => page.locator('article[data-room="sales"]').waitFor({ timeout: SOON_MS })));
    expect(asked.size).toBe(1);

    const [leader] = asked;
    asked.clear();
    await leader?.close();
    const left = pages.filter((page) => page !== leader);
    await eventually(() => expect(asked.size).toBe(1), SOON_MS);
    await bench.call('Carol', '/conference/support');
    await Promise.all(left.map((page) => page.locator('article[data-room="support"]').waitFor({ timeout: SOON_MS })));
    expect(asked.size).toBe(1);
  });

  it('ends for whoever is signed out or removed, and loses the buttons that nobody has a right to any more', async () => {
    const settings = rosterSettings({ moderators: [ALICE_LISTED], supervisors: [TED_LISTED, CAROL_LISTED] });
    const change = (supervisors: RosterContent['supervisors'] = []) =>
      writeFileSync(settings.ROSTER_FILE, rosterText({ moderators: [ALICE_LISTED], supervisors }));
    const { bench, signIn } = await startScreenBench(browser, { env: settings });
    await bench.call('Bob', '/conference/sales');
    await bench.call('Alice', '/conference/sales');
    const teds = await signIn();
    const tedsOther = await signIn();
    const carols = await signIn({ name: 'Carol' });
    const more = carols.locator('article[data-room="sales"] summary');
    await more.waitFor();

    change([TED_LISTED, { ...CAROL_LISTED, rights: ['see', 'monitor'] }]);
    const tab = await teds.context().newPage();
    await tab.goto(bench.url);
    await tab.getByRole('button', { name: 'Sign out' }).click();
    await Promise.all([waitForSignIn(teds), more.waitFor({ state: 'detached', timeout: SOON_MS })]);
    await tedsOther.getByRole('button', { name: 'Sign out' }).waitFor();

    change([TED_LISTED]);
    const client = createPageClient(bench.url);
    await client.send('POST', '/sign-out-everywhere', { cookie: await client.enter('Ted'), form: {} });
    await Promise.all([waitForSignIn(tedsOther), waitForSignIn(carols)]);
  });

  itInFull('is right within seconds after its browser has slept for an hour', async () => {
    const { bench, signIn } = await startScreenBench(browser);
    const proxy = await startStallingProxy(bench.server.port);
    const bob = await bench.call('Bob', '/conference/sales');
    await bench.call('Alice', '/conference/sales');
    await bench.call('Ted', '/coach/sales?mode=coach');
    const page = await signIn({ url: proxy.url, hasClock: true });
    await page.locator(CONFIRMED).waitFor();

    proxy.stall();
    await bench.hangUp(bob);
    await bench.call('Carol', '/conference/support');
    await page.clock.fastForward('01:00:00');
    await page.locator('#link[data-state="stale"]').waitFor();
    expect(await page.locator('#link').innerText()).toMatch(/^Last update 1:00:\d\d ago/);
    expect(await page.evaluate(NOT_HATCHED)).toEqual([]);

    proxy.resume();
    await page.locator('article[data-room="support"]').waitFor({ timeout: SOON_MS });
    await waitForLink(page, 'live');
    expect(await page.locator('article[data-room="sales"] li.caller').count()).toBe(0);
  });
});

describe('the screen of a server with Redis', () => {
  itInFull('survives whatever hangs, dies or is away, without a reload', async () => {
    const redis = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always']);
    onTestFinished(() => redis.dispose());
    const space = createSpace({ signingKey: SIGNING_KEY, timeouts: LONG_TIMEOUTS });
    const rest = await serveRestApi(space);
    onTestFinished(() => {
      space.close();
      return rest.close();
    });
    const port = String(await freePort());
    const env = {
      ...rosterSettings({ moderators: [ALICE_LISTED], supervisors: [TED_LISTED] }),
      ...{ PORT: port, REDIS_URL: redis.url, SIGNALWIRE_SIGNING_KEY: SIGNING_KEY, SESSION_SECRET: 'x'.repeat(40) },
      ...{ SIGNALWIRE_SPACE_URL: rest.url, SIGNALWIRE_PROJECT_ID: space.accountSid },
      SIGNALWIRE_API_TOKEN: space.apiToken,
    };
    const start = async () => {
      const started = await startProgram(env);
      onTestFinished(() => {
        started.child.kill('SIGKILL');
        return started.exit;
      });
      await started.port();
      return started;
    };
    let program = await start();
    const url = `http://localhost:${port}`;
    const call = async (from: string, path: string) => {
      space.call({ from, url: url + path });
      await space.runUntilIdle();
    };
    await call(BOB, '/conference/sales');
    await call(ALICE, '/conference/sales');
    await call(TED, '/coach/sales?mode=coach');
    const page = await browser.newPage();
    await page.goto(url);
    await fillSignIn(page, 'Ted');
    await page.evaluate('window.isSamePage = true');
    await page.locator(CONFIRMED).waitFor({ timeout: SOON_MS });
    const isRightAgain = async () => {
      await waitForLink(page, 'live');
      await page.locator(`${CONFIRMED}[data-heard="coach"]`).waitFor({ timeout: SOON_MS });
      expect(await page.evaluate(NOT_HATCHED)).toEqual(['◐ Only Alice hears you', '◐ heard by Alice only']);
    };
    await isRightAgain();

    // The server hangs.
    program.child.kill('SIGSTOP');
    await waitForLink(page, 'stale');
    expect(await page.evaluate(NOT_HATCHED)).toEqual([]);
    program.child.kill('SIGCONT');
    await isRightAgain();

    // Redis is away.
    await redis.kill();
    await waitForLink(page, 'away');
    expect(await page.locator('#link').innerText()).toContain('The server cannot reach its store');
    expect(await page.evaluate(NOT_HATCHED)).toEqual([]);
    await redis.restart();
    await isRightAgain();

    // Both are killed; the calls go on.
    program.child.kill('SIGKILL');
    await program.exit;
    await redis.restart();
    await waitForLink(page, 'stale');
    expect(await page.evaluate(NOT_HATCHED)).toEqual([]);
    program = await start();
    await isRightAgain();
    expect(await page.evaluate('window.isSamePage')).toBe(true);
  });
});
