import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changeTokensFile } from '../../src/people/tokens-file';
import { tokenFor } from '../support/api-client';
import { findViolations, openBrowser, type TestBrowser } from '../support/browser';
import { onTestFinished } from '../support/on-test-finished';
import { type RedisServer, startRedis } from '../support/redis-server';
import { roomNamed } from '../support/room-stores';
import { rosterSettings } from '../support/roster';
import { ALICE_LISTED, startScreenBench, TED_LISTED } from '../support/screen-bench';
import { temporaryFolder } from '../support/temporary-folder';

let browser: TestBrowser;
let redis: RedisServer;
beforeAll(async () => {
  browser = await openBrowser();
  redis = await startRedis();
});
afterAll(() => redis.dispose());

/** Alice and Bob talk in sales, and Carol waits in support. */
async function start(env: Record<string, string> = {}) {
  const [lobby, sales, api] = [
    tokenFor('lobby', ['wall']),
    tokenFor('sales wall', ['wall'], { rooms: [roomNamed('sales')] }),
    tokenFor('program', ['see']),
  ];
  const folder = temporaryFolder();
  const people = { moderators: [ALICE_LISTED], supervisors: [TED_LISTED] };
  const entries = [lobby, sales, api].map(({ entry }) => entry);
  const lines: string[] = [];
  const { bench } = await startScreenBench(browser, {
    env: { ...rosterSettings(people, entries, folder), ...env },
    onLog: (line) => void lines.push(line),
  });
  onTestFinished(() => {
    const log = lines.join('');
    expect(log).toContain('/wall/');
    for (const { secret } of [lobby, sales, api]) {
      expect(log).not.toContain(secret.slice(3));
    }
  });
  await bench.call('Bob', '/conference/sales');
  await bench.call('Alice', '/conference/sales');
  await bench.call('Carol', '/conference/support');
  const file = join(folder, 'tokens.json');
  const revoke = (name: string) => changeTokensFile(file, (known) => known.filter((one) => one.name !== name));
  const limit = (name: string, ...rooms: string[]) =>
    changeTokensFile(file, (known) =>
      known.map((one) => (one.name === name ? { ...one, rooms: new Set(rooms.map(roomNamed)) } : one)),
    );
  const wall = (secret: string) => `${bench.url}/wall/${secret}`;
  return { bench, lobby: lobby.secret, sales: sales.secret, api: api.secret, wall, revoke, limit };
}

/** The status, headers and text of an answer; of a stream, until the server ends it. */
const ask = (url: string, headers: Record<string, string> = {}) =>
  new Promise<{ status: number | undefined; headers: object; text: string }>((resolve, reject) => {
    request(url, { headers, agent: false }, async (res) => {
      const text = (await res.setEncoding('utf8').toArray()).join('');
      const { date: _date, ...rest } = res.headers;
      resolve({ status: res.statusCode, headers: rest, text });
    })
      .on('error', reject)
      .end();
  });

const PEOPLE = /Alice|Carol|Ted|\*\*\*|\d{4}/;

describe('a wall', () => {
  it('shows rooms as they are, without names or numbers, and goes on by itself', async () => {
    const { bench, lobby, wall } = await start();
    const page = await browser.newPage({ width: 1920, height: 1080 });
    const referrers: (string | undefined)[] = [];
    page.on('request', (one) => referrers.push(one.headers().referer));
    await page.goto(wall(lobby));
    const body = page.locator('body');
    await body.getByText('talking').first().waitFor();
    await page.locator('body[data-link="live"]').waitFor();
    const shown = (await body.innerText()).replaceAll(/\s+/g, ' ');
    expect(shown).toMatch(/ 1 .* 0:\d\d .* 1 Rooms: Needs attention 0 Talking 1 Waiting 1/);
    expect(shown).toMatch(/sales talking 0:\d\d support waiting 0:\d\d/);
    await bench.call('Ted', '/coach/sales');
    await body.getByText('1 supervisor: coaching').waitFor();
    const html = await page.content();
    expect(html.replaceAll(/<(head|template).*?<\/\1>|data-[a-z]+="[^"]*"|datetime="[^"]*"/gs, '')).not.toMatch(PEOPLE);
    expect(html).not.toContain(lobby);
    expect(referrers.filter(Boolean)).toEqual([]);
    expect(page.problems).toEqual([]);
  });

  it('of some rooms shows no others', async () => {
    const { sales, wall } = await start();
    const { text, headers } = await ask(wall(sales));
    expect(text).toContain('<h2>sales</h2>');
    expect(text).not.toContain('support');
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-robots-tag': 'noindex',
    });
  });

  it('shows other rooms as soon as its token is for others', async () => {
    const { sales, wall, limit } = await start();
    const page = await browser.newPage();
    await page.goto(wall(sales));
    await page.locator('body[data-link="live"]').waitFor();
    await limit('sales wall', 'support');
    await page.getByRole('heading', { name: 'support' }).waitFor();
    expect(await page.getByRole('heading', { name: 'sales' }).count()).toBe(0);
  });

  it('is shown without scripts too, and loads itself again', async () => {
    const { lobby, wall } = await start();
    const page = await browser.newPage({ javaScript: false });
    await page.goto(wall(lobby));
    await page.getByRole('heading', { name: 'sales' }).waitFor();
    expect(await page.locator('noscript meta[http-equiv="refresh"], meta[http-equiv="refresh"]').count()).toBe(1);
  });

  it('exists for nobody else: the answer is that of any other address', async () => {
    const { bench, lobby, api, wall } = await start();
    const nowhere = await ask(`${bench.url}/nowhere`);
    expect(nowhere.status).toBe(404);
    expect(await ask(wall(lobby))).toMatchObject({ status: 200 });
    const { secret } = tokenFor('unknown', ['wall']);
    for (const url of [wall(api), wall(secret), wall('x'), `${wall(api)}/live`, `${wall(secret)}/live`]) {
      expect(await ask(url)).toEqual(nowhere);
    }
    // Nor does its token open anything else.
    const headers = { authorization: `Bearer ${lobby}` };
    expect(await ask(`${bench.url}/api/v1/rooms`, headers)).toMatchObject({ status: 401 });
    expect(await ask(`${bench.url}/api/v1/events`, headers)).toMatchObject({ status: 401 });
  });

  it('ends when its token is revoked', async () => {
    const { lobby, wall, revoke } = await start();
    const page = await browser.newPage();
    await page.goto(wall(lobby));
    await page.locator('body[data-link="live"]').waitFor();
    const stream = ask(`${wall(lobby)}/live`);
    await revoke('lobby');
    expect((await stream).text).toMatch(/\nevent: gone\ndata: \{\}\n\n$/);
    await page.getByText('There is no such page.').waitFor();
    expect(await page.content()).not.toContain('sales');
    expect(await ask(wall(lobby))).toMatchObject({ status: 404 });
  });

  it('says how old it is while the server is away, and goes on when it is back', async () => {
    const { bench, lobby, wall } = await start();
    const page = await browser.newPage();
    await page.goto(wall(lobby));
    await page.locator('body[data-link="live"]').waitFor();
    await bench.restart(async () => {
      await page.getByText(/Last update 0:\d\d ago/).waitFor({ timeout: 20_000 });
      await page.getByRole('heading', { name: 'sales' }).waitFor();
    });
    await page.locator('body[data-link="live"]').waitFor({ timeout: 20_000 });
  });

  it('asks again soon after the server has ended its stream', async () => {
    const { bench, lobby, wall } = await start();
    const page = await browser.newPage();
    await page.goto(wall(lobby));
    await page.locator('body[data-link="live"]').waitFor();
    // Without being told of the end, it would wait for 8 seconds of silence.
    const again = page.waitForRequest((one) => one.url().endsWith('/live'), { timeout: 6_000 });
    await Promise.all([again, bench.restart(async () => {})]);
    await page.locator('body[data-link="live"]').waitFor({ timeout: 20_000 });
  });

  it('says so while the store is away', async () => {
    await redis.restart();
    const { lobby, wall } = await start({ REDIS_URL: redis.url });
    const page = await browser.newPage();
    await page.goto(wall(lobby));
    await page.locator('body[data-link="live"]').waitFor();
    redis.freeze();
    await page.getByText('The server cannot reach its store').waitFor({ timeout: 20_000 });
    redis.thaw();
    await page.locator('body[data-link="live"]').waitFor({ timeout: 20_000 });
  });

  it('is easy to read in both themes, at any size', async () => {
    const { bench, lobby, wall } = await start();
    await bench.call('Ted', '/coach/sales');
    for (const theme of ['light', 'dark'] as const) {
      const page = await browser.newPage({ theme });
      for (const [width, height] of [
        [375, 700],
        [1280, 720],
        [1920, 1080],
      ] as const) {
        await page.setViewportSize({ width, height });
        await page.goto(wall(lobby));
        await page.locator('body[data-link="live"]').waitFor();
        expect(await findViolations(page)).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
      }
    }
  });
});
