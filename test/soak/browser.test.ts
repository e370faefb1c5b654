import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findViolations, openBrowser, type TestBrowser } from '../support/browser';
import { eventually } from '../support/redis-server';

const PAGES: Readonly<Record<string, string>> = {
  '/sound': '<p id="said">Written by the server.</p><script src="/say.js"></script>',
  '/broken': `
    <p style="color: red">Red against the policy.</p>
    <img alt="" src="http://127.0.0.1:1/">
    <script src="/nowhere.js"></script>
    <script src="/console.js"></script>
    <script src="/exception.js"></script>
    <button id="unnamed"></button>`,
};

const SCRIPTS: Readonly<Record<string, string>> = {
  '/say.js': "document.getElementById('said').textContent = 'Written by the script.'",
  '/console.js': "console.error('Something is wrong.')",
  '/exception.js': "throw new Error('Nobody catches this.')",
  '/favicon.ico': '',
};

const server = createServer((req, res) => {
  const path = req.url ?? '';
  const [page, script] = [PAGES[path], SCRIPTS[path]];
  res.statusCode = page === undefined && script === undefined ? 404 : 200;
  res.setHeader('Content-Type', page === undefined ? 'text/javascript' : 'text/html');
  res.setHeader('Content-Security-Policy', "default-src 'self'");
  res.end(
    page === undefined
      ? script
      : `<!doctype html><html lang="en"><title>Test</title><main><h1>Test</h1>${page}</main></html>`,
  );
});

let url: string;
let browser: TestBrowser;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await openBrowser();
});

afterAll(() => {
  server.close();
});

describe('the browser of the tests', () => {
  it('runs scripts, and finds nothing wrong with a sound page', async () => {
    const page = await browser.newPage();
    await page.goto(`${url}/sound`);
    expect(await page.textContent('#said')).toBe('Written by the script.');
    expect(await findViolations(page)).toEqual([]);
    expect(page.problems).toEqual([]);
  });

  it('remembers what goes wrong, and finds what makes a page hard to use', async () => {
    const page = await browser.newPage();
    await page.goto(`${url}/broken`);
    await eventually(() =>
      expect([...page.problems].sort()).toEqual([
        expect.stringMatching(/^console: Applying inline style violates .*Content Security Policy/),
        expect.stringMatching(/^console: Failed to load resource: .* 404 .*\/nowhere\.js\)$/),
        expect.stringMatching(/^console: Loading the image 'http:\/\/127\.0\.0\.1:1\/' violates/),
        expect.stringMatching(/^console: Something is wrong\. \(.*\/console\.js\)$/),
        'exception: Nobody catches this.',
        'request: GET http://127.0.0.1:1/: csp',
      ]),
    );
    expect(await findViolations(page)).toEqual(['button-name: Buttons must have discernible text: #unnamed']);
  });

  it('can do without scripts', async () => {
    const page = await browser.newPage({ javaScript: false });
    await page.goto(`${url}/sound`);
    expect(await page.textContent('#said')).toBe('Written by the server.');
    await expect(findViolations(page)).rejects.toThrow('without scripts');
    expect(page.problems).toEqual([]);
  });

  it('shows a page as its reader wishes', async () => {
    const page = await browser.newPage({ width: 375, height: 600, theme: 'dark', reducedMotion: true });
    await page.goto(`${url}/sound`);
    const queries = ['(width: 375px)', '(height: 600px)', '(prefers-color-scheme: dark)', '(prefers-reduced-motion)'];
    for (const query of queries) {
      expect([query, await page.evaluate(`matchMedia('${query}').matches`)]).toEqual([query, true]);
    }
  });
});
