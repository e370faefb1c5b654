import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { RoomView } from '../../src/api/schemas';
import { openBrowser, type TestBrowser, type TestPage } from '../support/browser';
import { ALICE_IN, ago, BOB_IN, roomWith } from '../support/room-view';
import { startShownScreen } from '../support/shown-screen';

let browser: TestBrowser;
beforeAll(async () => {
  browser = await openBrowser();
});

/** A conversation, in a room of its own. */
function talk(index: number, speakingSince: string | null = null): RoomView {
  const participants = [
    { ...ALICE_IN, callSid: `alice-${index}` },
    { ...BOB_IN, callSid: `bob-${index}`, speakingSince },
  ];
  return roomWith(participants, { room: `room-${index}` });
}

const talks = (count: number) => Array.from({ length: count }, (_, index) => talk(index));

/** How many bytes a browser gets that accepts gzip, without the headers. */
function bytesOf(url: string, cookie: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { cookie, 'accept-encoding': 'gzip', accept: 'text/html' };
    request(url, { headers, agent: false }, async (res) => {
      let bytes = 0;
      for await (const chunk of res) {
        bytes += chunk.length;
      }
      resolve(bytes);
    })
      .on('error', reject)
      .end();
  });
}

async function cookieOf(page: TestPage): Promise<string> {
  const cookies = await page.context().cookies();
  return cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
}

/** Tries up to three times: other programs may have had the processor. Returns the lowest. */
async function lowest(target: number, measure: () => Promise<number>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 3 && best > target; attempt++) {
    best = Math.min(best, await measure());
  }
  return best;
}

const report = (line: string) => process.stdout.write(`    ${line}\n`);

describe('the rooms page', () => {
  it('reaches a browser in 25 kB, with script and style', async () => {
    const { show, signIn, url } = await startShownScreen(browser);
    show(...talks(5));
    const page = await signIn();
    const assets = (await page.evaluate(
      '[...document.querySelectorAll("script, link[rel=stylesheet]")].map((one) => one.src ?? one.href)',
    )) as string[];
    expect(assets).toHaveLength(2);
    const cookie = await cookieOf(page);
    const bytes = await Promise.all([`${url}/`, ...assets].map((one) => bytesOf(one, cookie)));
    report(`Bytes of HTML, style and script: ${bytes.join(' + ')}`);
    expect(bytes.reduce((sum, one) => sum + one)).toBeLessThan(25_000);
  });

  // From the first byte of the HTML to the first paint of a text, which comes after style and layout of what is seen.
  // Alone on two cores it takes less than 300 ms; other suites run beside it.
  it('with 50 rooms is painted within a second', async () => {
    const { show, signIn } = await startShownScreen(browser);
    show(...talks(50));
    const page = await signIn();
    const ms = await lowest(1_000, async () => {
      await page.reload();
      return page.evaluate<number>(`new Promise((resolve) => {
        new PerformanceObserver((list) => {
          const [paint] = list.getEntriesByName('first-contentful-paint');
          if (paint) resolve(paint.startTime - performance.getEntriesByType('navigation')[0].responseStart);
        }).observe({ type: 'paint', buffered: true });
      })`);
    });
    report(`50 rooms: first contentful paint ${Math.round(ms)} ms after the response starts`);
    expect(await page.locator('article').count()).toBe(50);
    expect(ms).toBeLessThan(1_000);
  });

  // Alone on two cores no task takes 50 ms, which is when the browser begins to report them.
  it.each([
    ['', async () => {}],
    [
      ' while ten rooms change ten times a second',
      (change: (room: RoomView) => void, turn: number) => {
        for (let room = 0; room < 10; room++) {
          change(talk((turn * 10 + room) % 200, turn % 2 === 0 ? ago(1) : null));
        }
      },
    ],
  ])('with 200 rooms scrolls without a task of 200 ms%s', async (_when, disturb) => {
    const { show, change, signIn } = await startShownScreen(browser);
    show(...talks(200));
    const page = await signIn();
    await page.mouse.move(600, 500);
    await page.evaluate(`window.longTasks = [];
      new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration)))
        .observe({ type: 'longtask' })`);
    const ms = await lowest(0, async () => {
      await page.evaluate('longTasks.length = 0; scrollTo(0, 0)');
      await sleep(500);
      await page.evaluate('longTasks.length = 0');
      for (let turn = 0; turn < 40; turn++) {
        disturb(change, turn);
        await Promise.all([page.mouse.wheel(0, 300), sleep(100)]);
      }
      const tasks = await page.evaluate<number[]>('longTasks');
      return Math.max(0, ...tasks);
    });
    report(`200 rooms: longest task while scrolling ${ms === 0 ? 'below 50' : ms} ms`);
    expect(await page.evaluate('scrollY')).toBeGreaterThan(3_000);
    expect(ms).toBeLessThan(200);
  });
});
