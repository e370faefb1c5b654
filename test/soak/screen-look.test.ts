import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { ParticipantView, RoomView } from '../../src/api/schemas';
import { findViolations, openBrowser, type TestBrowser, type TestPage } from '../support/browser';
import { ALICE_IN, ago, BOB_IN, participant, roomWith, tedIn } from '../support/room-view';
import { startScreenBench } from '../support/screen-bench';
import { startShownScreen } from '../support/shown-screen';

// axe looks at every page six times, perhaps on a busy machine.
jest.setTimeout(180_000);

let browser: TestBrowser;
beforeAll(async () => {
  browser = await openBrowser();
});

const WIDTHS = [375, 768, 1280];
const HEIGHTS: Record<number, number> = { 375: 740, 768: 1024, 1280: 800 };

/** What is wrong with a page's look, in both themes and at every width. */
async function check(page: TestPage): Promise<string[]> {
  const wrong: string[] = [];
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: HEIGHTS[width] ?? 800 });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const found = [...(await findViolations(page)), ...(await findMisfits(page))];
      wrong.push(...found.map((one) => `${width} ${colorScheme}: ${one}`));
    }
  }
  return wrong;
}

/** Targets that a finger could miss, buttons with broken words, and a page that scrolls sideways. */
async function findMisfits(page: TestPage): Promise<string[]> {
  return page.evaluate(() => {
    const shown = [...document.querySelectorAll<HTMLElement>('a, button, input, summary')].filter(
      (one) => one.checkVisibility({ visibilityProperty: true }) && !one.matches('.skip, [type="hidden"]'),
    );
    const small = shown.flatMap((one) => {
      const { width, height } = one.getBoundingClientRect();
      return width < 43.9 || height < 43.9 ? [`${one.outerHTML.slice(0, 80)} is ${width} × ${height}`] : [];
    });
    const broken = shown.flatMap((one) => {
      const texts = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
      const range = document.createRange();
      const found: string[] = [];
      for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
        for (const { 0: word, index } of node.textContent?.matchAll(/\S+/g) ?? []) {
          range.setStart(node, index);
          range.setEnd(node, index + word.length);
          found.push(...(range.getClientRects().length > 1 ? [`${word} is broken`] : []));
        }
      }
      return found;
    });
    const { scrollWidth, clientWidth } = document.documentElement;
    const isWide = scrollWidth > clientWidth;
    return [...small, ...broken, ...(isWide ? [`the page is ${scrollWidth} wide`] : [])];
  });
}

const CAROL = participant({ callSid: 'carol-1', role: 'moderator', name: 'Carol', joinedAt: ago(200) });
const TALK = roomWith([ALICE_IN, { ...BOB_IN, speakingSince: ago(1) }]);
const WITH = (ted: ParticipantView): RoomView => roomWith([ALICE_IN, BOB_IN, ted]);
const LONG_NAME = 'Überlandversicherungsgesellschaft_Schadensmeldungen-Nord.Telefon';
const CAROLS = roomWith([CAROL], { room: 'billing two' });
/** Rooms in every state. */
const ROOMS: RoomView[] = [
  TALK,
  roomWith([participant({ callSid: 'b2', joinedAt: ago(45) })], { room: 'support' }),
  roomWith([participant({ callSid: 'b3', joinedAt: ago(12) })], { room: 'billing' }),
  CAROLS,
  roomWith(
    [
      participant({ ...CAROL, callSid: 'c4', joinedAt: ago(3_900) }),
      participant({ callSid: 'b4', joinedAt: ago(3_800), onHold: true, onHoldSince: ago(200) }),
      ...Array.from({ length: 6 }, (_, index) => participant({ callSid: `b5${index}`, muted: true })),
      tedIn({ heardAs: 'unknown', confirmed: false, observedAt: null }, { callSid: 't4', name: 'Bob' }),
    ],
    { room: LONG_NAME, recordings: [{ recordingSid: 'r1', status: 'in-progress', pausedByUs: false } as never] },
  ),
];

describe('pages have no violations, small targets or sideways scrolling:', () => {
  it('the sign-in', async () => {
    const screen = await startShownScreen(browser);
    const page = await screen.open();
    expect(await check(page)).toEqual([]);
    await page.getByLabel('Name').fill('Ted');
    await page.getByLabel('Password').fill('not his password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    expect(await check(page)).toEqual([]);
  });

  it('the sign-in where nobody has a password', async () => {
    const { roster, open } = await startShownScreen(browser);
    roster.replace({ supervisors: [], moderators: [] });
    const page = await open();
    await page.getByText('Nobody can sign in yet.').waitFor();
    expect(await check(page)).toEqual([]);
  });

  it('the rooms before the first call, and after the last', async () => {
    const { show, signIn } = await startShownScreen(browser);
    const page = await signIn();
    await page.getByText('No conversation yet').waitFor();
    expect(await check(page)).toEqual([]);
    show(TALK);
    await page.locator('article').waitFor();
    show();
    await page.locator('article').waitFor({ state: 'detached' });
    await page.reload();
    await page.getByText('Nobody is on the line').waitFor();
    expect(await check(page)).toEqual([]);
  });

  it('rooms in every state, also when the store is away', async () => {
    const { show, signIn, setStore } = await startShownScreen(browser);
    show(...ROOMS);
    const page = await signIn();
    expect(await check(page)).toEqual([]);
    setStore('away');
    await page.locator('[data-link="away"]').waitFor();
    expect(await check(page)).toEqual([]);
  });

  it('rooms without the script, which are not confirmed while the store is away', async () => {
    const { show, signIn, setStore } = await startShownScreen(browser);
    show(...ROOMS);
    const page = await signIn({ javaScript: false });
    const hatched = page.locator('.link[data-state="away"] ~ * .hearing');
    expect(await hatched.count()).toBe(0);
    setStore('away');
    await page.reload();
    await page.getByText('The server cannot reach its store').waitFor();
    expect(await hatched.count()).toBeGreaterThan(0);
    const images = await hatched.evaluateAll((badges) => badges.map((one) => getComputedStyle(one).backgroundImage));
    expect(images.every((image) => image.includes('repeating-linear-gradient'))).toBe(true);
  });

  it('what can be opened: the menus of rooms, and the keys', async () => {
    const { show, signIn } = await startShownScreen(browser);
    show(TALK, ...ROOMS.slice(-1));
    const page = await signIn();
    for (const summary of await page.locator('summary').all()) {
      await summary.click();
    }
    expect(await check(page)).toEqual([]);
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    expect(await check(page)).toEqual([]);
  });

  it.each<[string, RoomView]>([
    ['listens', WITH(tedIn())],
    ['coaches', WITH(tedIn({ requestedMode: 'coach', heardAs: 'coach' }))],
    ['talks to everyone', WITH(tedIn({ requestedMode: 'barge', heardAs: 'barge' }))],
    ['waits for a confirmation', WITH(tedIn({ requestedMode: 'barge', heardAs: 'coach', confirmed: false }))],
    ['cannot know', WITH(tedIn({ requestedMode: 'coach', heardAs: 'unknown', confirmed: false }))],
    ['is on the way in', WITH(tedIn({}, { joinedAt: null }))],
    [
      'is called',
      roomWith([ALICE_IN, BOB_IN], {
        actions: [{ id: 'j', name: 'join', supervisor: 'Ted', status: 'requested' } as never],
      }),
    ],
  ])('the rooms of somebody who %s', async (_state, room) => {
    const { show, signIn } = await startShownScreen(browser);
    show(room, CAROLS);
    const page = await signIn();
    expect(await check(page)).toEqual([]);
  });

  it('the rooms when the server cannot be reached', async () => {
    const { show, signIn, stop } = await startShownScreen(browser);
    show(WITH(tedIn({ requestedMode: 'coach', heardAs: 'coach' })));
    const page = await signIn();
    stop();
    await page.locator('[data-link="stale"]').waitFor();
    expect(await check(page)).toEqual([]);
  });

  it('German, in which words are longer', async () => {
    const { show, signIn, setStore } = await startShownScreen(browser, 'de');
    const ted = tedIn({ requestedMode: 'barge', heardAs: 'coach', confirmed: false });
    show(...ROOMS, roomWith([CAROL, BOB_IN, ted], { room: 'claims' }));
    const page = await signIn();
    expect(await check(page)).toEqual([]);
    for (const summary of await page.locator('summary').all()) {
      await summary.click();
    }
    setStore('away');
    await page.locator('[data-link="away"]').waitFor();
    expect(await check(page)).toEqual([]);
  });

  it('a question, in a dialog or as a page', async () => {
    const { bench, signIn } = await startScreenBench(browser);
    await bench.call('Bob', '/conference/sales');
    await bench.call('Alice', '/conference/sales');
    const page = await signIn();
    const card = page.locator('article');
    await card.getByText('More').click();
    await card.getByRole('button', { name: 'End the call…' }).click();
    await page.getByRole('dialog').waitFor();
    expect(await check(page)).toEqual([]);
    await post(page, '/rooms/sales/end');
    await page.getByRole('heading', { name: 'End the call' }).waitFor();
    expect(await check(page)).toEqual([]);
  });

  it('what was done, and errors', async () => {
    const { url, signIn } = await startShownScreen(browser);
    const page = await signIn();
    await page.goto(`${url}/?said=barge&at=${await page.evaluate('document.body.dataset.now')}`);
    await page.getByText('EVERYONE hears you now.').waitFor();
    expect(await check(page)).toEqual([]);
    await post(page, '/rooms/sales/dance');
    await page.getByRole('heading', { name: 'Not found' }).waitFor();
    expect(await check(page)).toEqual([]);
  });
});

describe('whoever sees differently', () => {
  const COACHING = WITH(tedIn({ requestedMode: 'coach', heardAs: 'coach' }));

  it('recognises the pressed mode without colours', async () => {
    const { show, signIn } = await startShownScreen(browser);
    show(COACHING);
    const page = await signIn();
    await page.emulateMedia({ forcedColors: 'active' });
    const borders = await page.evaluate(
      '[...document.querySelectorAll(".mode[data-mode]")].map((one) => getComputedStyle(one).borderTopWidth)',
    );
    expect(borders).toEqual(['1px', '4px', '1px']);
  });

  it('sees nothing move who prefers that', async () => {
    const { show, signIn } = await startShownScreen(browser);
    show(COACHING);
    const page = await signIn({ reducedMotion: true });
    const moving = await page.evaluate(
      '[...document.querySelectorAll("*")].filter((one) => getComputedStyle(one).transitionDuration !== "0s").length',
    );
    expect(moving).toBe(0);
  });

  it('has rooms on paper without buttons', async () => {
    const { show, signIn } = await startShownScreen(browser);
    show(COACHING);
    const page = await signIn();
    await page.emulateMedia({ media: 'print' });
    expect(await page.getByText('Only Alice hears you').isVisible()).toBe(true);
    expect(await page.getByText('heard by Alice only').isVisible()).toBe(true);
    expect(await page.getByRole('button').count()).toBe(0);
  });
});

/** Posts a form without telling the page's own script, unlike a click. */
async function post(page: TestPage, path: string): Promise<void> {
  await page.evaluate((action) => {
    const form = Object.assign(document.createElement('form'), { method: 'post', action });
    document.body.append(form);
    form.submit();
  }, path);
}
