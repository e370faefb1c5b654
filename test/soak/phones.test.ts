import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { numberOf } from '../../src/simulator/call';
import { openPhones } from '../../src/simulator/phones/serve-phones';
import { createTelephones, type TelephonesOptions } from '../../src/simulator/phones/telephones';
import type { Space } from '../../src/simulator/space';
import { ALICE, BOB } from '../support/app';
import { findViolations, openBrowser, type PageOptions, type TestBrowser, type TestPage } from '../support/browser';
import { onTestFinished } from '../support/on-test-finished';
import { eventually } from '../support/redis-server';
import { rosterSettings } from '../support/roster';
import { startTestBench } from '../support/test-bench';

const PIN = '48213';
const UNKNOWN = '+15550004444';
const SCREEN = '<!doctype html><html lang="en"><title>Screen</title><p>The screen itself.</p></html>';

let browser: TestBrowser;

beforeAll(async () => {
  browser = await openBrowser();
});

interface Phones {
  space: Space;
  url: string;
  serverUrl: string;
  numbers: TelephonesOptions['numbers'];
  open(options?: PageOptions): Promise<TestPage>;
  close(): void;
}

async function startPhones(): Promise<Phones> {
  const people = { moderators: [{ name: 'Alice', number: ALICE }], supervisors: [{ name: 'Ted', pin: PIN }] };
  const { space, url: serverUrl } = await startTestBench({ env: rosterSettings(people), withRest: true });
  const names = new Map([
    [ALICE, 'Alice'],
    [BOB, 'Bob'],
    [UNKNOWN, 'Ted'],
  ]);
  const phones = await openPhones();
  const numbers = { alice: ALICE, bob: BOB, ted: UNKNOWN };
  phones.serve({
    space,
    serverUrl,
    numbers,
    nameOf: (call) => names.get(numberOf(call) ?? '') ?? 'somebody',
  });
  onTestFinished(() => phones.close());
  return {
    ...phones,
    space,
    serverUrl,
    numbers,
    async open(options) {
      const page = await browser.newPage(options);
      await page.route(`${serverUrl}/`, (route) => route.fulfill({ contentType: 'text/html', body: SCREEN }));
      await page.goto(phones.url);
      return page;
    },
  };
}

/** Clicks the button with this name. */
async function click(page: TestPage, name: string): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click();
}

/** Waits until a telephone says who is heard there. */
async function hears(page: TestPage, sentence: string): Promise<void> {
  await page.getByText(sentence, { exact: true }).waitFor();
}

/** The lines and the music that are lit, by their ids. */
async function lit(page: TestPage): Promise<string[]> {
  const ids = await page.evaluate('[...document.querySelectorAll("svg [data-heard=yes]")].map(({ id }) => id)');
  return (ids as string[]).sort();
}

const told = (page: TestPage) => page.textContent('#ted-told');

describe('the telephones of the demo', () => {
  it('show who hears whom while people call and hang up', async () => {
    const { open } = await startPhones();
    const page = await open();
    expect(await page.textContent('#alice')).toContain(ALICE);
    expect(await lit(page)).toEqual([]);

    await click(page, 'Call from Bob’s telephone');
    await hears(page, 'Bob hears music.');
    expect(await lit(page)).toEqual(['bob-music']);

    await click(page, 'Call from Alice’s telephone');
    await hears(page, 'Alice hears Bob and a beep.');
    await hears(page, 'Bob hears Alice and a beep.');
    expect(await lit(page)).toEqual(['alice-to-bob', 'bob-to-alice']);
    expect(await page.textContent('#bob-status')).toBe('On the line');

    await click(page, 'Hang up Alice’s telephone');
    await hears(page, 'Bob is not on the line.');
    expect(await lit(page)).toEqual([]);
    expect(page.problems).toEqual([]);
  });

  it('let Ted in with his PIN, let him coach by keyboard alone, and can be read by everybody', async () => {
    const { space, open } = await startPhones();
    const page = await open({ width: 375, reducedMotion: true });
    for (const name of ['Bob', 'Alice', 'Ted']) {
      await click(page, `Call from ${name}’s telephone`);
    }
    await eventually(async () => expect(await told(page)).toBe('Please enter your PIN, then press pound.'));
    const keypad = page.getByRole('group', { name: 'Ted’s keypad' });
    for (const key of [...PIN, 'pound']) {
      await keypad.getByRole('button', { name: key, exact: true }).click();
    }
    await eventually(async () => expect(await told(page)).toContain('Nobody hears you. You are listening to Alice.'));
    await space.runUntilIdle();
    await hears(page, 'Ted hears Bob and Alice.');

    await keypad.getByRole('button', { name: 'star' }).press('Enter');
    await eventually(async () => expect(await told(page)).toContain('To coach, 2.'));
    await keypad.getByRole('button', { name: '2' }).press('Space');
    await eventually(async () => expect(await told(page)).toBe('The agent alone hears you.'));
    await space.runUntilIdle();
    await hears(page, 'Alice hears Bob and Ted.');
    await hears(page, 'Bob hears Alice.');
    expect(await lit(page)).toEqual(['alice-to-bob', 'alice-to-ted', 'bob-to-alice', 'bob-to-ted', 'ted-to-alice']);

    for (const width of [375, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        expect([width, colorScheme, await findViolations(page)]).toEqual([width, colorScheme, []]);
      }
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    }
    expect(await page.evaluate('document.getAnimations().length')).toBe(0);
    expect(page.problems).toEqual([]);
  });

  it('say so when nothing waits for a key, and when the demo has ended', async () => {
    const { open, close } = await startPhones();
    const page = await open();
    const keypad = page.getByRole('group', { name: 'Bob’s keypad' });
    await keypad.getByRole('button', { name: '5' }).click();
    await page.getByText('Bob’s telephone is not asking for a key.').waitFor();
    close();
    await page.getByText('The demo does not answer. Was it stopped?').waitFor();
  });

  it('show the supervisors’ screen beside them, or a link to it where there is no room', async () => {
    const { serverUrl, open } = await startPhones();
    const wide = await open();
    await wide.frameLocator('iframe').getByText('The screen itself.').waitFor();
    expect(wide.problems).toEqual([]);
    expect(await (await open({ width: 1024 })).locator('iframe').isVisible()).toBe(true);
    const narrow = await open({ width: 375 });
    expect(await narrow.getByRole('link').getAttribute('href')).toBe(`${serverUrl}/`);
    expect(await narrow.locator('iframe').isVisible()).toBe(false);
  });

  it('show what is told last on a laptop, without scrolling', async () => {
    const page = await (await startPhones()).open({ width: 1280, height: 800 });
    await click(page, 'Call from Ted’s telephone');
    await page.getByText('Please enter your PIN, then press pound.').waitFor();
    const bottom = 'document.querySelector("#ted-told").getBoundingClientRect().bottom';
    expect(await page.evaluate(bottom)).toBeLessThanOrEqual(800);
  });

  it('do not show calls that were over before they were served', async () => {
    const { space, serverUrl, numbers } = await startPhones();
    const earlier = space.call({ from: UNKNOWN, url: `${serverUrl}/supervisor` });
    await space.runUntilIdle();
    earlier.hangUp();
    const { told } = earlier;
    expect(told).not.toEqual([]);
    const telephones = createTelephones({ space, serverUrl, numbers, nameOf: () => 'Ted' });
    expect(telephones.state()['ted-told']).toEqual({ text: 'Nothing yet.' });
  });

  it('work without scripts', async () => {
    const { open } = await startPhones();
    const page = await open({ javaScript: false });
    await click(page, 'Call from Bob’s telephone');
    await eventually(async () => {
      await page.reload();
      expect(await page.textContent('#bob-hears')).toBe('Bob hears music.');
    });
    expect(page.problems).toEqual([]);
  });

  it('show calls that somebody else has placed, and ring only once', async () => {
    const { space, url, serverUrl } = await startPhones();
    space.call({ direction: 'outbound-api', from: undefined, to: BOB, url: `${serverUrl}/conference` });
    await space.runUntilIdle();
    expect(await (await fetch(url)).text()).toContain('Bob hears music.');
    expect(await post(url, 'bob', 'do=call', { origin: url })).toEqual([200, '']);
    expect(space.calls).toHaveLength(1);
  });
});

describe('the server of the telephones', () => {
  it('lets the page load and frame only what belongs to it', async () => {
    const { url, serverUrl } = await startPhones();
    const { headers } = await fetch(url);
    expect(headers.get('content-security-policy')).toBe(
      `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; frame-src ${serverUrl}`,
    );
  });

  it.each([
    ['by a page of another origin', { origin: 'http://localhost:1' }],
    ['by a page of another site', { origin: 'https://example.com', 'sec-fetch-site': 'cross-site' }],
    ['by whoever does not say where they come from', {}],
    ['from another port of this machine', { origin: 'OWN', 'sec-fetch-site': 'same-site' }],
    ['under another name', { host: 'example.com', origin: 'http://example.com' }],
  ])('places no call %s', async (_what, headers: Record<string, string>) => {
    const { space, url } = await startPhones();
    const sent = headers.origin === 'OWN' ? { ...headers, origin: url } : headers;
    expect(await post(url, 'alice', 'do=call', sent)).toEqual([403, 'Only the page of this address may do this.']);
    expect(space.calls).toEqual([]);
  });

  it.each([
    ['a telephone that is not there', 'carol', 'do=call'],
    ['several keys', 'ted', 'do=48'],
    ['nothing', 'ted', ''],
    ['two things at once', 'ted', 'do=1&do=2'],
  ])('refuses %s', async (_what, id, body) => {
    const { url } = await startPhones();
    expect(await post(url, id, body, { origin: url })).toEqual([
      400,
      'There is no such telephone, or it cannot do this.',
    ]);
  });

  it('shows its page under no other name', async () => {
    const { url } = await startPhones();
    const { status } = await send(url, { headers: { host: 'example.com' } });
    expect(status).toBe(403);
  });
});

/** Posts a form to a telephone. */
async function post(
  url: string,
  id: string,
  body: string,
  headers: Record<string, string>,
): Promise<[number | undefined, string]> {
  const response = await send(`${url}/telephones/${id}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body,
  });
  return [response.status, response.text];
}

/** Like `fetch`, which does not send every header. */
function send(
  url: string,
  { method = 'GET', headers, body }: { method?: string; headers: Record<string, string>; body?: string },
): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    request(url, { method, headers }, (res) => {
      text(res).then((received) => resolve({ status: res.statusCode, text: received }), reject);
    })
      .once('error', reject)
      .end(body);
  });
}
