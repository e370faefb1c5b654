import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Call } from '../../src/simulator/call';
import { openBrowser, type TestBrowser, type TestPage } from '../support/browser';
import { eventually } from '../support/redis-server';
import { startScreenBench } from '../support/screen-bench';

let browser: TestBrowser;
beforeAll(async () => {
  browser = await openBrowser();
});

/** What the panel says: who hears the person, and how certain that is. */
async function you(page: TestPage): Promise<string> {
  return (await page.locator('#you').innerText()).replaceAll(/\s+/g, ' ');
}

const TALKING = { Bob: ['Alice'], Alice: ['Bob'] };
const CARD = 'article[data-room="sales"]';

describe('the screen', () => {
  it('shows who comes, and lets a supervisor listen, coach, talk to everyone, record and end', async () => {
    const { bench, signIn } = await startScreenBench(browser);
    const page = await signIn();
    await page.getByText('No conversation yet').waitFor();

    // Alice and Bob appear without a reload.
    const bob = await bench.call('Bob', '/conference/sales');
    await page.locator(`section.waiting ${CARD}`).waitFor();
    await bench.call('Alice', '/conference/sales');
    await page.locator(`section.talking ${CARD}`).getByText('Alice agent').waitFor();
    expect(bench.hears()).toEqual(TALKING);

    // Ted is called, answers and presses a key.
    await page.getByRole('button', { name: 'Listen sales' }).click();
    await page.getByText('Your telephone will ring').waitFor();
    await page.getByText('Your telephone is ringing').waitFor();
    await bench.space.runUntilIdle();
    const ted = bench.space.calls.find(({ direction }) => direction === 'outbound-api') as Call;
    await bench.press(ted, '1');
    await page.locator('#you .presence[data-status="confirmed"]').waitFor();
    expect(await you(page)).toMatch(/in sales ○ Nobody hears you confirmed 0:0\d ago/);
    expect(bench.hears()).toEqual({ ...TALKING, Ted: ['Alice', 'Bob'] });

    await page.locator('#you').getByRole('button', { name: 'Coach' }).click();
    await page.locator('#you .presence[data-status="confirmed"][data-heard="coach"]').waitFor();
    expect(await you(page)).toContain('Only Alice hears you');
    expect(bench.hears()).toEqual({ ...TALKING, Alice: ['Bob', 'Ted'], Ted: ['Alice', 'Bob'] });

    await page.keyboard.press('3');
    await page.locator('#you .presence[data-status="confirmed"][data-heard="barge"]').waitFor();
    expect(await you(page)).toContain('EVERYONE hears you');
    expect(bench.hears()).toEqual({ Bob: ['Alice', 'Ted'], Alice: ['Bob', 'Ted'], Ted: ['Alice', 'Bob'] });

    // There is a way back.
    await page.getByRole('button', { name: 'Back to Coach' }).click();
    await page.locator('#you .presence[data-status="confirmed"][data-heard="coach"]').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('#you .presence[data-status="confirmed"][data-heard="monitor"]').waitFor();
    expect(bench.hears()).toEqual({ ...TALKING, Ted: ['Alice', 'Bob'] });

    const card = page.locator(CARD);
    await card.getByText('More').click();
    await card.getByRole('button', { name: 'Record' }).click();
    await card.locator('.recording.running').waitFor();
    await card.getByRole('button', { name: 'Pause' }).click();
    await card.locator('.recording.paused').waitFor();
    expect(bench.space.conferences.recordings.all()).toMatchObject([{ status: 'paused' }]);

    await card.getByRole('button', { name: 'End the call…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/End the call in sales for Alice, Ted and Customer.*\?/).waitFor();
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Cancel');
    await dialog.getByRole('button', { name: 'End the call' }).click();
    await page.getByText('The call has ended.').waitFor();
    // Ted waits for the next conversation.
    expect(bench.hears()).toMatchObject({ Ted: expect.not.arrayContaining(['Alice', 'Bob']) });
    expect(Object.keys(bench.hears())).toEqual(['Ted']);
    expect(bob.isOver).toBe(true);
    await eventually(async () => expect(await you(page)).toContain('You are in no room.'));
    expect(page.problems).toEqual([]);
  });
});
