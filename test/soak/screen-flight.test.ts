import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Call } from '../../src/simulator/call';
import { findViolations, openBrowser, type TestBrowser, type TestPage } from '../support/browser';
import { eventually } from '../support/redis-server';
import { startScreenBench } from '../support/screen-bench';
import type { TestBench } from '../support/test-bench';

let browser: TestBrowser;
beforeAll(async () => {
  browser = await openBrowser();
});

/** Lets so many seconds pass, at the Space and at the server. */
async function pass({ space }: TestBench, seconds: number): Promise<void> {
  const end = Math.max(space.clock.now(), 0) + seconds * 1_000;
  const endHere = Date.now() + seconds * 1_000;
  await eventually(() => {
    expect(space.clock.now()).toBeGreaterThanOrEqual(end);
    expect(Date.now()).toBeGreaterThanOrEqual(endHere);
  }, 60_000);
}

/** Bob talks with Alice; Ted coaches her, and leaves; so does she. */
async function playCall(bench: TestBench): Promise<{ bob: Call; coachedAt: string }> {
  const bob = await bench.call('Bob', '/conference/sales');
  const alice = await bench.call('Alice', '/conference/sales');
  await pass(bench, 2);
  const ted = await bench.call('Ted', '/coach/sales');
  await pass(bench, 3);
  const coachedAt = new Date().toISOString().slice(0, 19);
  await pass(bench, 5);
  await bench.hangUp(ted);
  // As long as she is there, it is not certain that she was.
  await bench.hangUp(alice);
  return { bob, coachedAt };
}

const textOf = async (page: TestPage) => (await page.locator('main').innerText()).replaceAll(/\s+/g, ' ');

describe('the flight recorder', () => {
  it('leads from the audit trail to what a customer could hear, in words', async () => {
    const { bench, signIn } = await startScreenBench(browser);
    const { coachedAt } = await playCall(bench);
    const page = await signIn();
    await page.goto(`${bench.url}/audit`);
    await page.getByRole('link', { name: 'Open the flight recorder of Ted' }).click();
    await page.getByRole('heading', { name: 'Flight recorder of sales' }).waitFor();
    await page.getByRole('link', { name: 'Customer 1' }).click();
    await page.getByLabel('At what time?').fill(coachedAt);
    await eventually(async () => {
      await page.getByRole('button', { name: 'Show' }).click();
      expect(await textOf(page)).toMatch(
        /At .{20} the customer could not hear Ted: the Space had confirmed that only Alice heard Ted/,
      );
    }, 30_000);
    expect(await page.getByRole('table', { name: 'Who could hear the supervisors' }).innerText()).toContain(
      'only Alice',
    );
    expect(page.problems).toEqual([]);
  });

  it('works without JavaScript, in UTC', async () => {
    const { bench, signIn } = await startScreenBench(browser);
    const { bob } = await playCall(bench);
    const page = await signIn({ javaScript: false });
    await page.goto(`${bench.url}/rooms/sales/flight?call=${bob.sid}`);
    await page.getByLabel('At what time?').fill(new Date(Date.now() - 3_600_000).toISOString().slice(0, 19));
    await page.getByRole('button', { name: 'Show' }).click();
    expect(await textOf(page)).toMatch(/At .{19} UTC the customer could not hear Ted: Ted was not in the conference/);
    expect(await page.getByText('(UTC)').count()).toBe(3);
  });

  it('of another room is closed', async () => {
    const { bench, signIn } = await startScreenBench(browser, { ted: { rooms: ['support'] } });
    const { bob } = await playCall(bench);
    const page = await signIn();
    await page.goto(`${bench.url}/rooms/sales/flight?call=${bob.sid}`);
    await page.getByText('You may not read the audit trail of sales.').waitFor();
    expect(await textOf(page)).not.toContain('Alice');
  });

  it('and an agent’s page have no violation of accessibility rules, and fit', async () => {
    const { bench, signIn } = await startScreenBench(browser);
    const { bob, coachedAt } = await playCall(bench);
    const page = await signIn();
    await page.goto(`${bench.url}/rooms/sales/flight?call=${bob.sid}&at=${coachedAt}`);
    const mine = await signIn({ name: 'Alice' });
    await mine.getByRole('heading', { name: 'Who listened to me' }).waitFor();
    for (const one of [page, mine]) {
      for (const colorScheme of ['light', 'dark'] as const) {
        for (const width of [375, 768, 1280]) {
          await one.emulateMedia({ colorScheme });
          await one.setViewportSize({ width, height: 800 });
          expect(await findViolations(one)).toEqual([]);
          expect(await one.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
        }
      }
    }
  }, 180_000);
});

describe('an agent’s page', () => {
  it('is where agents land, and tells them who listened', async () => {
    const { bench, signIn } = await startScreenBench(browser);
    await playCall(bench);
    const page = await signIn({ name: 'Alice' });
    await page.getByRole('heading', { name: 'Who listened to me' }).waitFor();
    const row = await page.getByRole('table').locator('tbody tr').innerText();
    expect(row.replaceAll(/\s+/g, ' ')).toMatch(/^Ted .* sales .*◐ you heard them 0:0\d .*no notice is recorded$/);
    expect(await page.getByRole('link', { name: 'Audit trail' }).count()).toBe(0);
    expect(page.problems).toEqual([]);
  });
});
