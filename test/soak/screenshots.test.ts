import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { openBrowser, type PageOptions, type TestBrowser, type TestPage } from '../support/browser';
import { coachInDemo, startDemo } from '../support/demo';
import { ALICE_IN, ago, BOB_IN, participant, roomWith, tedIn } from '../support/room-view';
import { startShownScreen } from '../support/shown-screen';

const ROOT = join(__dirname, '../..');
/** Where `npm run screenshots` writes them; the tests only take them. */
const FOLDER = process.env.SCREENSHOTS;

const MAX_BYTES = 150_000;

let browser: TestBrowser;
beforeAll(async () => {
  browser = await openBrowser();
});

const CAROL_IN = participant({ callSid: 'carol-1', role: 'moderator', name: 'Carol', joinedAt: ago(340) });

const ROOMS = [
  roomWith([ALICE_IN, { ...BOB_IN, speakingSince: ago(1) }, tedIn({ requestedMode: 'coach', heardAs: 'coach' })]),
  roomWith(
    [
      CAROL_IN,
      participant({ callSid: 'b-2', number: '***3333', joinedAt: ago(320), onHold: true, onHoldSince: ago(160) }),
    ],
    { room: 'support' },
  ),
  roomWith([participant({ callSid: 'b-3', number: '***4444', joinedAt: ago(12) })], { room: 'billing' }),
];

async function showRooms(look: PageOptions): Promise<TestPage> {
  const { show, signIn } = await startShownScreen(browser);
  show(...ROOMS);
  const page = await signIn(look);
  await page.locator('[data-link="live"]').waitFor();
  return page;
}

/** What can be seen of the page, as WebP, which Playwright itself does not write. */
async function photograph(page: TestPage): Promise<Buffer> {
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 90 });
  return Buffer.from(data, 'base64');
}

const PICTURES: readonly (readonly [string, () => Promise<TestPage>])[] = [
  [
    'demo.webp',
    async () => {
      const page = await browser.newPage({ width: 1400, height: 1000, reducedMotion: true });
      await coachInDemo(page, await startDemo());
      await page.getByText('Alice hears Bob and Ted.', { exact: true }).waitFor();
      // What was said covers the navigation for some seconds.
      await page.frameLocator('iframe').locator('#news:empty').waitFor({ state: 'attached' });
      return page;
    },
  ],
  ['rooms.webp', () => showRooms({ width: 1280, height: 1000 })],
  ['rooms-phone.webp', () => showRooms({ width: 375, height: 740, theme: 'dark' })],
  ['sign-in.webp', async () => (await startShownScreen(browser)).open({ width: 640, height: 400 })],
];

describe('the pictures in the documentation', () => {
  it.each(PICTURES)('%s can be taken, is small, and is there', async (name, open) => {
    const page = await open();
    const picture = await photograph(page);
    expect(page.problems).toEqual([]);
    expect(picture.length).toBeLessThan(MAX_BYTES);
    if (FOLDER !== undefined) {
      mkdirSync(join(ROOT, FOLDER), { recursive: true });
      writeFileSync(join(ROOT, FOLDER, name), picture);
    }
    expect(readFileSync(join(ROOT, 'docs/images', name)).length).toBeLessThan(MAX_BYTES);
  });

  it('are shown with a text for whoever cannot see them', () => {
    expect(readFileSync(join(ROOT, 'README.md'), 'utf8')).toMatch(/!\[[^\]]{20,}\]\(docs\/images\/demo\.webp\)/);
  });
});
