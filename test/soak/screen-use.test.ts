import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Locator } from 'playwright-core';
import { openBrowser, type PageOptions, type TestBrowser, type TestPage } from '../support/browser';
import { eventually } from '../support/redis-server';
import { ALICE_IN, ago, BOB_IN, roomWith, tedIn } from '../support/room-view';
import { type ShownScreen, startShownScreen } from '../support/shown-screen';

let browser: TestBrowser;
beforeAll(async () => {
  browser = await openBrowser();
});

const talk = (room: string) => roomWith([ALICE_IN, BOB_IN], { room });
const WAITS = roomWith([{ ...BOB_IN, joinedAt: ago(60) }], { room: 'night' });

/** The names of the rooms, in the order in which they are shown. */
const roomsOf = (page: TestPage) =>
  page.locator('#board article h3').evaluateAll((titles) => titles.map(({ textContent }) => textContent));

/** Where a card is, in whole pixels. */
async function placeOf(page: TestPage, room: string): Promise<number[]> {
  const box = await page.locator(`article[data-room="${room}"]`).boundingBox();
  return [box?.x ?? -1, box?.y ?? -1].map(Math.round);
}

async function start(options?: PageOptions) {
  const screen = await startShownScreen(browser);
  screen.show(talk('billing'), talk('sales'), talk('support'));
  const page = await screen.signIn(options);
  await eventually(async () => expect(await roomsOf(page)).toEqual(['billing', 'sales', 'support']));
  /** One room ends, one comes that needs attention, and one gets a supervisor. */
  const changeAll = () => {
    screen.change({ ...talk('billing'), participants: [] });
    screen.change(WAITS);
    screen.change(roomWith([ALICE_IN, BOB_IN, tedIn({}, { name: 'Carol' })], { room: 'sales' }));
  };
  return { screen, page, changeAll };
}

describe('while somebody is about to use a room', () => {
  it.each<[string, (page: TestPage) => Promise<void>, (page: TestPage) => Promise<void>]>([
    ['the pointer', (page) => page.locator('article[data-room="sales"]').hover(), (page) => page.mouse.move(5, 5)],
    [
      'the focus',
      (page) => page.locator('article[data-room="sales"]').focus(),
      (page) => page.locator('#search').focus(),
    ],
  ])('none moves, comes or goes under %s, but what is in it changes', async (_what, come, go) => {
    const { page, changeAll } = await start();
    await come(page);
    const place = await placeOf(page, 'sales');
    changeAll();
    await page.locator('article[data-room="sales"]').getByText('Carol supervisor').waitFor();
    expect(await roomsOf(page)).toEqual(['billing', 'sales', 'support']);
    expect(await placeOf(page, 'sales')).toEqual(place);
    expect(await page.locator('article[data-room="billing"] .state').innerText()).toBe('ended');
    expect(await page.locator('#held').innerText()).toBe('2 changes wait. Show');
    await go(page);
    await eventually(async () => expect(await roomsOf(page)).toEqual(['night', 'sales', 'support']));
    expect(await page.locator('#held').isVisible()).toBe(false);
    expect(page.problems).toEqual([]);
  });

  it('a room that waits to be shown changes too, and so does the rest', async () => {
    const { screen, page } = await start();
    await page.locator('article[data-room="sales"]').hover();
    screen.change(talk('night'));
    await page.getByRole('button', { name: '1 change waits. Show' }).waitFor();
    screen.change(roomWith([ALICE_IN, BOB_IN, tedIn()], { room: 'night' }));
    await page.locator('#you').getByText('night').first().waitFor();
    await page.mouse.move(5, 5);
    await page.locator('article[data-room="night"]').getByText('Ted supervisor').waitFor();
    expect(page.problems).toEqual([]);
  });

  it('the button shows what waits', async () => {
    const { page, changeAll } = await start();
    await page.locator('article[data-room="sales"]').focus();
    changeAll();
    await page.getByRole('button', { name: '2 changes wait. Show' }).click();
    await eventually(async () => expect(await roomsOf(page)).toEqual(['night', 'sales', 'support']));
  });
});

/** The addresses that this page posts to. */
function followPosts(page: TestPage): string[] {
  const posted: string[] = [];
  page.on('request', (request) => request.method() === 'POST' && posted.push(request.url()));
  return posted;
}

/** Taps where an element is. */
async function tap(page: TestPage, locator: Locator): Promise<void> {
  const { x, y, width, height } = (await locator.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  await page.touchscreen.tap(x + width / 2, y + height / 2);
}

describe('a tap', () => {
  it.each<[string, (screen: ShownScreen) => void, string]>([
    [
      'has just appeared',
      (screen) => screen.change(roomWith([ALICE_IN, BOB_IN, tedIn()], { room: 'sales' })),
      '#you button[data-mode="barge"]',
    ],
    [
      'has just moved up, because a room above it ended',
      (screen) => screen.change({ ...talk('billing'), participants: [] }),
      'article[data-room="support"] button:has-text("Listen")',
    ],
    [
      'has just moved down, because the panel above it grew',
      (screen) => screen.change(roomWith([ALICE_IN, BOB_IN, tedIn()], { room: 'billing' })),
      'article[data-room="support"] button:has-text("Record")',
    ],
  ])('does not count for a button that %s', async (_what, change, selector) => {
    const { screen, page } = await start({ touch: true, width: 900, height: 1_400 });
    const posted = followPosts(page);
    await page.locator('article[data-room="support"]').getByText('More').tap();
    await page.locator('#search').tap();
    const button = page.locator(selector);
    await sleep(1_000);
    const before = await button.boundingBox({ timeout: 100 }).catch(() => null);
    change(screen);
    await eventually(async () => expect(await button.boundingBox({ timeout: 100 })).not.toEqual(before));
    await tap(page, button);
    await sleep(100);
    expect(posted).toEqual([]);
    await sleep(1_000);
    await tap(page, button);
    await eventually(() => expect(posted).toHaveLength(1));
  });
});

describe('a click', () => {
  it('counts only for the button that the mouse was moved onto', async () => {
    const { screen, page } = await start();
    const posted = followPosts(page);
    await page.locator('article[data-room="sales"]').getByText('More').click();
    const mute = page
      .locator('article[data-room="sales"] .participant-buttons')
      .getByRole('button', { name: /^Mute Customer/ });
    await mute.hover();
    // Somebody else mutes Bob: Unmute comes to stand where Mute was.
    screen.change(roomWith([ALICE_IN, { ...BOB_IN, muted: true }], { room: 'sales' }));
    const unmute = page.getByRole('button', { name: /^Unmute Customer/ });
    await unmute.waitFor();
    await page.mouse.down();
    await page.mouse.up();
    expect(posted).toEqual([]);
    await page.mouse.move(5, 5);
    await unmute.click();
    await eventually(async () => expect(posted).toHaveLength(1));
  });
});

describe('keys', () => {
  it('listen in every room, from a field too, and choose another mode only where there is one room', async () => {
    const { screen, page } = await start();
    const posted = followPosts(page);
    const roomsOfPosts = () => posted.splice(0).map((url) => new URL(url).pathname);
    const ted = (room: string) =>
      roomWith([ALICE_IN, BOB_IN, tedIn({ requestedMode: 'barge', heardAs: 'barge' })], { room });
    screen.change(ted('sales'));
    screen.change(ted('support'));
    await eventually(async () => expect(await page.locator('#you .presence').count()).toBe(2));
    await page.keyboard.press('2');
    expect(await page.evaluate('document.activeElement.dataset.mode')).toBe('coach');
    expect(posted).toEqual([]);
    await page.keyboard.press('Escape');
    await eventually(() => expect(posted).toHaveLength(2));
    expect(roomsOfPosts().sort()).toEqual(['/rooms/sales/mode', '/rooms/support/mode']);
    screen.change(talk('support'));
    await eventually(async () => expect(await page.locator('#you .presence').count()).toBe(1));
    await page.locator('#search').fill('sales');
    await page.keyboard.press('Escape');
    await eventually(() => expect(roomsOfPosts()).toEqual(['/rooms/sales/mode']));
    // Also where nobody hears them as far as the page knows: it may be behind.
    screen.change(roomWith([ALICE_IN, BOB_IN, tedIn()], { room: 'sales' }));
    await page.locator('#you .presence[data-mode="monitor"]').waitFor();
    await page.keyboard.press('Escape');
    await eventually(() => expect(roomsOfPosts()).toEqual(['/rooms/sales/mode']));
  });

  it('search, move among the rooms that match, and list themselves', async () => {
    const { page } = await start();
    await page.keyboard.press('/');
    await page.keyboard.type('SUPP');
    expect(await page.locator('#board article:visible h3').allInnerTexts()).toEqual(['support']);
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.press('Delete');
    await page.keyboard.press('Escape');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    const focused = () => page.evaluate('document.activeElement.dataset.room');
    expect(await focused()).toBe('sales');
    await page.keyboard.press('k');
    expect(await focused()).toBe('billing');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    expect(await page.getByRole('dialog').count()).toBe(0);
  });
});

it('a page that could not show a change loads itself again', async () => {
  const { screen, page } = await start();
  await page.evaluate('Idiomorph.morph = () => { throw new Error("broken") }');
  screen.change(roomWith([ALICE_IN, BOB_IN, tedIn()], { room: 'sales' }));
  await page.locator('#you').getByText('sales').first().waitFor();
  expect(new Set(page.problems)).toEqual(new Set(['exception: broken']));
});
