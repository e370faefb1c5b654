import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { german } from '../../src/dashboard/texts-de';
import { english } from '../../src/dashboard/texts-en';
import { findViolations, openBrowser, type TestBrowser, type TestPage } from '../support/browser';
import { startScreenBench } from '../support/screen-bench';
import type { TestBench } from '../support/test-bench';

let browser: TestBrowser;
beforeAll(async () => {
  browser = await openBrowser();
});

/** Bob talks with Alice, Ted coaches her and leaves, Carol is refused. */
async function playCall(bench: TestBench, room = 'sales'): Promise<void> {
  await bench.call('Bob', `/conference/${room}`);
  await bench.call('Alice', `/conference/${room}`);
  const ted = await bench.call('Ted', `/coach/${room}`);
  await bench.hangUp(ted);
  await bench.call('Carol', `/coach/${room}`);
}

/** The rows of a table, each as its cells in one line. */
async function rowsOf(page: TestPage, caption: string): Promise<string[]> {
  const rows = await page.getByRole('table', { name: caption }).locator('tbody tr').allInnerTexts();
  return rows.map((text) => text.replaceAll(/\s+/g, ' '));
}

const STAYS = 'Stays and actions';
const REFUSALS = 'Not let in, and signed in';

describe('the audit trail on the screen', () => {
  it('shows stays, refusals and sign-ins, and filters them', async () => {
    const { bench, signIn } = await startScreenBench(browser);
    await playCall(bench);
    const page = await signIn();
    await page.getByRole('link', { name: 'Audit trail' }).click();
    expect(await rowsOf(page, STAYS)).toEqual([
      expect.stringMatching(/0:0\d Ted \*\*\*2222 sales Alice ◐ heard by the agent only confirmed Open/),
    ]);
    expect(await rowsOf(page, REFUSALS)).toEqual([
      expect.stringContaining('***3333'),
      expect.stringMatching(/Ted, (::ffff:)?127\.0\.0\.1 – – signed in: password/),
    ]);

    await page.getByLabel('Mode reached').selectOption('Talk to everyone');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByText('No stay and no action here matches.').waitFor();
    await page.getByLabel('Mode reached').selectOption('Coach');
    await page.getByLabel('Person or masked number').fill('ted');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('table', { name: STAYS }).waitFor();
    expect(await rowsOf(page, STAYS)).toHaveLength(1);

    const [download] = await Promise.all([page.waitForEvent('download'), page.getByText('Export as CSV').click()]);
    expect(download.suggestedFilename()).toMatch(/^audit-\d{4}-\d\d-\d\d\.csv$/);
    const [header, row, ...more] = readFileSync(await download.path(), 'utf8').split('\r\n');
    expect(header).toMatch(/^kind,at,start,end,duration,supervisor,/);
    expect(row).toMatch(/^stay,,2\d{3}-.*,Ted,\*\*\*2222,sales,Alice,coach,true,coach\/unknown\/.*coach\/coach/);
    expect(more).toEqual(['']);

    await page.goto(`${bench.url}/audit?from=nonsense&reached=shout`);
    await page.getByText('From could not be read.').waitFor();
    expect(await page.getByRole('alert').count()).toBe(2);
    await page.goto(`${bench.url}/audit?cursor=1~after~%0d`);
    await page.getByText('The page could not be read.').waitFor();
    expect(page.problems.filter((one) => !one.includes('400'))).toEqual([]);
  });

  it('works without JavaScript', async () => {
    const { bench, signIn } = await startScreenBench(browser);
    await playCall(bench);
    const page = await signIn({ javaScript: false });
    await page.goto(`${bench.url}/audit`);
    await page.getByLabel('Text').fill('alice');
    await page.getByRole('button', { name: 'Search' }).click();
    expect(await rowsOf(page, STAYS)).toEqual([expect.stringMatching(/UTC .* heard by the agent only confirmed/)]);
    expect(await page.getByText('(UTC)').count()).toBe(2);
  });

  it('shows rooms that the viewer may audit, and refusals of those alone', async () => {
    const { bench, signIn } = await startScreenBench(browser, { ted: { rooms: ['sales'] } });
    await playCall(bench);
    await playCall(bench, 'support');
    const page = await signIn();
    await page.goto(`${bench.url}/audit`);
    expect(await rowsOf(page, STAYS)).toHaveLength(1);
    expect(await rowsOf(page, REFUSALS)).toEqual([expect.stringMatching(/\*\*\*3333 sales – refused: unknown number/)]);
    await page.goto(`${bench.url}/audit?room=support`);
    await page.getByText('You may not read the audit trail of support.').waitFor();
    const reply = await page.request.get(`${bench.url}/audit.csv?room=support`);
    expect(reply.status()).toBe(403);
    const csv = await (await page.request.get(`${bench.url}/audit.csv`)).text();
    expect(csv).toContain('sales');
    expect(csv).not.toContain('support');
  });

  it('says first what was found on a phone, also without JavaScript', async () => {
    const { bench, signIn } = await startScreenBench(browser);
    await playCall(bench);
    const page = await signIn({ javaScript: false });
    await page.goto(`${bench.url}/audit`);
    const [field, toggle] = [page.getByLabel('Text'), page.locator('summary', { hasText: 'Filters' })];
    expect([await field.isVisible(), await toggle.isVisible()]).toEqual([true, false]);
    await page.setViewportSize({ width: 375, height: 800 });
    expect([await field.isVisible(), await toggle.isVisible()]).toEqual([false, true]);
    await toggle.click();
    await field.fill('alice');
    await page.getByRole('button', { name: 'Search' }).click();
    expect(await rowsOf(page, STAYS)).toHaveLength(1);
    expect(await field.isVisible()).toBe(false);
    await page.goto(`${bench.url}/audit?from=nonsense`);
    expect(await field.isVisible()).toBe(true);
  });

  it.each([
    ['a supervisor without the right', 'Ted', 'Ask whoever keeps the roster for the right “audit”.'],
    ['an agent', 'Alice', 'The audit trail is for supervisors.'],
  ])('is closed to %s', async (_who, name, sentence) => {
    const { bench, signIn } = await startScreenBench(browser, { ted: { rights: ['see', 'monitor'] } });
    const page = await signIn({ name });
    for (const path of ['/audit', '/audit.csv']) {
      const reply = await page.request.get(bench.url + path);
      expect(reply.status()).toBe(403);
      expect(await reply.text()).toContain(sentence);
    }
    expect((await fetch(`${bench.url}/audit.csv`, { redirect: 'manual' })).status).toBe(303);
  });

  it.each([
    ['en', english, /\d\d\/\d\d\/\d{4}, \d\d:\d\d:\d\d/],
    ['de', german, /\d\d?\.\d\d?\.\d{4}, \d\d:\d\d:\d\d/],
  ])(
    'has no violation of accessibility rules, fits, and has dates of the language: %s',
    async (language, texts, date) => {
      const { bench, signIn } = await startScreenBench(browser, { env: { PROMPT_LANGUAGE: language } });
      await playCall(bench);
      const page = await signIn({ texts });
      await page.goto(`${bench.url}/audit`);
      expect(await page.locator('tbody time').first().textContent()).toMatch(date);
      for (const colorScheme of ['light', 'dark'] as const) {
        for (const width of [375, 768, 1280]) {
          await page.emulateMedia({ colorScheme });
          await page.setViewportSize({ width, height: 800 });
          expect(await findViolations(page)).toEqual([]);
          expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
        }
      }
    },
  );
});
