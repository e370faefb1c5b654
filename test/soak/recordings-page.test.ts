import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisStore } from '../../src/stores';
import { readTrail } from '../../src/supervision/trail';
import { findViolations, openBrowser, type TestBrowser, type TestPage } from '../support/browser';
import { onTestFinished } from '../support/on-test-finished';
import { eventually, type RedisServer, startRedis } from '../support/redis-server';
import { PASSWORD, startScreenBench } from '../support/screen-bench';

let browser: TestBrowser;
let redis: RedisServer;
beforeAll(async () => {
  browser = await openBrowser();
  redis = await startRedis();
});
afterAll(() => redis.dispose());

/** Alice and Bob have talked in sales, which was recorded, and are gone; Ted may listen to sales alone. */
async function start() {
  await redis.restart();
  const lines: string[] = [];
  const { bench, signIn } = await startScreenBench(browser, {
    ted: { rooms: ['sales'] },
    env: { REDIS_URL: redis.url, RECORD_CONFERENCES: 'true' },
    onLog: (line) => void lines.push(line),
  });
  for (const room of ['sales', 'support']) {
    const bob = await bench.call('Bob', `/conference/${room}`);
    const alice = await bench.call('Alice', `/conference/${room}`);
    await bench.space.clock.advance(65_000);
    await bench.hangUp(alice);
    await bench.hangUp(bob);
  }
  const sids = bench.space.conferences.recordings.all().map(({ sid }) => String(sid));
  onTestFinished(async () => {
    expect(sids).toHaveLength(2);
    const log = lines.join('');
    expect(log).toContain('/recordings');
    for (const sid of sids) {
      expect(log).not.toContain(sid);
    }
  });
  const store = createRedisStore({
    urls: [redis.url],
    lifetimeMs: 3_600_000,
    auditMs: 3_600_000,
    timeoutMs: 5_000,
    onConnection: () => {},
  });
  onTestFinished(() => store.close());
  const opened = async () => {
    const found: unknown[] = [];
    for await (const { action, by, room, recordingSid } of readTrail(store, 0)) {
      if (action === 'open') {
        found.push([by, room, recordingSid]);
      }
    }
    return found;
  };
  return { bench, signIn, opened, sids };
}

/** Opens the list of a room by the form. */
async function choose(page: TestPage, room: string): Promise<void> {
  await page.getByRole('link', { name: 'Recordings' }).click();
  await page.getByLabel('Room', { exact: true }).fill(room);
  await page.getByRole('button', { name: 'Show' }).click();
}

const row = (page: TestPage) => page.locator('tbody tr');

/** Where a player has its button. */
const PLAY = { x: 27, y: 22 };

/** The status of an address of the server, asked by the page. */
const statusOf = (page: TestPage, path: string) =>
  page.evaluate<number>(`fetch(${JSON.stringify(path)}).then(({ status }) => status)`);

describe('the recordings page', () => {
  it('lists, plays and saves recordings, and the trail says who did, once', async () => {
    const { signIn, opened, sids } = await start();
    const page = await signIn();
    await choose(page, 'sales');
    await eventually(async () => {
      await page.reload();
      expect(await row(page).innerText()).toMatch(/1:05\s+Conference of Alice\s+over/);
    });
    expect(await opened()).toEqual([]);

    await page.locator('audio').click({ position: PLAY });
    await eventually(async () =>
      expect(await page.evaluate<number>('document.querySelector("audio").currentTime')).toBeGreaterThan(0),
    );
    // The player sends a Range; what it gets can be placed.
    const url = await page.locator('audio').getAttribute('src');
    const [status, place] = await page.evaluate<[number, string]>(
      `fetch(${JSON.stringify(url)}, { headers: { Range: 'bytes=44-' } }).then((res) => [res.status, res.headers.get('content-range')])`,
    );
    expect([status, place]).toEqual([206, 'bytes 44-843/844']);
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Save' }).click();
    expect((await download).suggestedFilename()).toMatch(/^sales \d{4}-\d\d-\d\d \d\d.\d\d\.wav$/);
    expect(await opened()).toEqual([['supervisor Ted', 'sales', sids[0]]]);
    expect(page.problems).toEqual([]);
  });

  it('works without scripts', async () => {
    const { signIn, opened } = await start();
    const page = await signIn({ javaScript: false });
    await choose(page, 'sales');
    await row(page).getByText('UTC').waitFor();
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Save' }).click();
    await download;
    expect(await opened()).toHaveLength(1);
  });

  it('sends nothing of a room that is not theirs, nor to somebody without the right, and writes no line', async () => {
    const { bench, signIn, opened, sids } = await start();
    const ted = await signIn();
    await choose(ted, 'support');
    await ted.getByText('You may not do that here.').waitFor();
    expect(await row(ted).count()).toBe(0);
    await choose(ted, '../etc');
    await ted.getByText('You have no such room.').waitFor();
    expect(await statusOf(ted, `/recordings/support/${sids[1]}`)).toBe(403);
    expect(await statusOf(ted, `/recordings/sales/${sids[1]}`)).toBe(404);
    expect(await statusOf(ted, '/recordings/sales/a.b')).toBe(404);
    const alice = await browser.newPage();
    await alice.goto(bench.url);
    await alice.getByLabel('Name').fill('Alice');
    await alice.getByLabel('Password').fill(PASSWORD);
    await alice.getByRole('button', { name: 'Sign in' }).click();
    await alice.waitForURL('**/mine');
    expect(await statusOf(alice, '/recordings?room=sales')).toBe(403);
    expect(await statusOf(alice, `/recordings/sales/${sids[0]}`)).toBe(403);
    const stranger = await browser.newPage();
    await stranger.goto(`${bench.url}/recordings/sales/${sids[0]}`);
    expect(new URL(stranger.url()).pathname).toBe('/sign-in');
    expect(await opened()).toEqual([]);
  });

  it('sends no audio while the trail cannot be written, and says so', async () => {
    const { signIn, opened } = await start();
    const page = await signIn();
    await choose(page, 'sales');
    await page.locator('audio').waitFor();
    const client = new Redis(redis.url);
    onTestFinished(() => client.quit());
    // Then Redis takes no writes, but lets everything be read.
    await client.config('SET', 'min-replicas-to-write', '1');
    const href = String(await page.getByRole('link', { name: 'Save' }).getAttribute('href'));
    await page.locator('audio').click({ position: PLAY });
    await page.locator('#news').getByText('so it cannot note who listens').waitFor();
    expect(await opened()).toEqual([]);
    await client.config('SET', 'min-replicas-to-write', '0');
    await eventually(async () => expect(await statusOf(page, href)).toBe(200));
    expect(await opened()).toHaveLength(1);
  });

  it('is easy to read in both themes, on telephones and on large screens', async () => {
    const { bench, signIn } = await start();
    await bench.call('Alice', '/conference/sales');
    for (const theme of ['light', 'dark'] as const) {
      const page = await signIn({ theme });
      for (const width of [375, 1280, 1920]) {
        await page.setViewportSize({ width, height: 800 });
        await page.goto(`${bench.url}/recordings`);
        expect(await findViolations(page)).toEqual([]);
        await choose(page, 'sales');
        await row(page).first().waitFor();
        expect(await findViolations(page)).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
      }
    }
  });
});
