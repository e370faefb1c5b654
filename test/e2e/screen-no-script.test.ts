import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Call } from '../../src/simulator/call';
import { openBrowser, type TestBrowser, type TestPage } from '../support/browser';
import { eventually } from '../support/redis-server';
import { startScreenBench } from '../support/screen-bench';

let browser: TestBrowser;
beforeAll(async () => {
  browser = await openBrowser();
});

/** Reloads until the page shows this: nothing else changes it. */
async function reloadUntil(page: TestPage, selector: string): Promise<void> {
  await eventually(async () => {
    await page.getByRole('link', { name: 'Reload' }).click();
    expect(await page.locator(selector).count()).toBeGreaterThan(0);
  });
}

async function you(page: TestPage): Promise<string> {
  return (await page.locator('#you').innerText()).replaceAll(/\s+/g, ' ');
}

const TALKING = { Bob: ['Alice'], Alice: ['Bob'] };
const CARD = 'article[data-room="sales"]';

const CONFIRMED = '#you .presence[data-status="confirmed"]';

describe('the screen without JavaScript', () => {
  it('shows by reloading, and lets a supervisor do all that the script lets them do', async () => {
    const { bench, signIn } = await startScreenBench(browser);
    const page = await signIn({ javaScript: false });
    await page.getByText('No conversation yet').waitFor();

    const bob = await bench.call('Bob', '/conference/sales');
    await bench.call('Alice', '/conference/sales');
    await reloadUntil(page, `section.talking ${CARD}`);

    // Ted dials in.
    const dialled = await bench.call('Ted', '/coach/sales?mode=monitor');
    await reloadUntil(page, CONFIRMED);
    expect(await you(page)).toMatch(/in sales ○ Nobody hears you confirmed 0:\d\d ago/);

    const panel = page.locator('#you');
    await panel.getByRole('button', { name: 'Coach' }).click();
    await page.locator(`${CONFIRMED}[data-heard="coach"]`).waitFor();
    expect(await you(page)).toContain('Only Alice hears you');
    expect(bench.hears()).toEqual({ ...TALKING, Alice: ['Bob', 'Ted'], Ted: ['Alice', 'Bob'] });

    await panel.getByRole('button', { name: 'Talk to everyone' }).click();
    await page.locator(`${CONFIRMED}[data-heard="barge"]`).waitFor();
    expect(bench.hears()).toEqual({ Bob: ['Alice', 'Ted'], Alice: ['Bob', 'Ted'], Ted: ['Alice', 'Bob'] });

    await panel.getByRole('button', { name: 'Listen' }).click();
    await page.locator(`${CONFIRMED}[data-heard="monitor"]`).waitFor();
    expect(bench.hears()).toEqual({ ...TALKING, Ted: ['Alice', 'Bob'] });

    // He leaves, and has himself called.
    await panel.getByRole('button', { name: 'Leave' }).click();
    await page.getByText('You have left.').waitFor();
    await eventually(() => expect(dialled.isOver).toBe(true));
    await reloadUntil(page, `${CARD} button.mode.monitor`);
    await page.getByRole('button', { name: 'Listen sales' }).click();
    await page.getByText('Your telephone will ring').waitFor();
    await bench.space.runUntilIdle();
    const ted = bench.space.calls.find(({ direction }) => direction === 'outbound-api') as Call;
    await bench.press(ted, '1');
    await reloadUntil(page, CONFIRMED);

    const card = page.locator(CARD);
    const press = async (name: string) => {
      await card.locator('summary').click();
      await card.getByRole('button', { name, exact: true }).click();
    };
    await card.locator('summary').click();
    await card.getByLabel('Note to Alice').fill('Offer a refund');
    await card.getByRole('button', { name: 'Say it' }).click();
    await page.getByText('The note was passed on.').waitFor();
    await press('Record');
    await page.getByText('Recording.', { exact: true }).waitFor();
    await press('Pause');
    await page.getByText('The recording is paused.').waitFor();
    expect(bench.space.conferences.recordings.all()).toMatchObject([{ status: 'paused' }]);

    // Asked first, he changes his mind once.
    await press('End the call…');
    const question = 'End the call in sales for Alice, Ted and Customer ***1111?';
    await page.getByText(question).waitFor();
    await page.getByRole('link', { name: 'Cancel' }).click();
    // Once the agent has heard the note.
    await eventually(() => expect(bench.hears()).toMatchObject(TALKING));
    await press('End the call…');
    await page.getByText(question).waitFor();
    await page.getByRole('button', { name: 'End the call' }).click();
    await page.getByText('The call has ended.').waitFor();
    expect(bob.isOver).toBe(true);

    await page.getByRole('link', { name: 'Sign out everywhere' }).click();
    await page.getByRole('button', { name: 'Sign out everywhere' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(page.problems).toEqual([]);
  });
});
