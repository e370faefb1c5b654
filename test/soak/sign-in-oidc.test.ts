import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import supertest from 'supertest';
import { CLIENT, type OidcProvider, startOidcProvider } from '../support/oidc-provider';
import { onTestFinished } from '../support/on-test-finished';
import { runProgram } from '../support/process';
import { freePort } from '../support/redis-server';

const TIMEOUT_MS = 1_000;

/** A server whose people sign in at this issuer. Kill it when it is not needed any more. */
async function startScreen(issuer: string) {
  const port = await freePort();
  const program = await runProgram('../test/support/screen-program.js', [], {
    PORT: String(port),
    ISSUER: issuer,
    CLIENT_ID: CLIENT.id,
    CLIENT_SECRET: CLIENT.secret,
    TIMEOUT_MS: String(TIMEOUT_MS),
  });
  await program.says('listening');
  const newBrowser = () => supertest.agent(`http://127.0.0.1:${port}`);
  return {
    url: `http://localhost:${port}`,
    newBrowser,
    /** What it logged and recorded since it was asked last. */
    said: async (): Promise<{ warnings: string[]; failures: string[]; facts: object[] }> =>
      (await newBrowser().get('/said')).body,
    async kill() {
      program.child.kill('SIGKILL');
      await program.exit;
    },
  };
}

type Screen = Awaited<ReturnType<typeof startScreen>>;
type Browser = ReturnType<Screen['newBrowser']>;

let provider: OidcProvider;
let screen: Screen;
let browser: Browser;

beforeAll(async () => {
  provider = await startOidcProvider();
  screen = await startScreen(provider.issuer);
});

afterAll(() => Promise.all([provider?.close(), screen?.kill()]));

beforeEach(async () => {
  provider.reset();
  await screen.said();
  browser = screen.newBrowser();
});

/** Follows the link to the provider; the address there. */
async function leave(browser: Browser, path = '/sign-in/oidc'): Promise<string> {
  const { status, headers } = await browser.get(path);
  expect(status).toBe(303);
  return headers.location ?? '';
}

/** Signs in there, and comes back. */
async function comeBack(browser: Browser, link: string, { visit }: Pick<OidcProvider, 'visit'> = provider) {
  const { pathname, search } = new URL(visit(link));
  return browser.get(pathname + search);
}

describe('an identity provider', () => {
  it('signs in a supervisor, before an agent with the same address, and leads on', async () => {
    provider.claims = { email: 'Ted@Example.com', email_verified: true };
    const link = await leave(browser, '/sign-in/oidc?next=/rooms/sales');
    expect(new URL(link).searchParams.get('redirect_uri')).toBe(`${screen.url}/sign-in/oidc/callback`);
    const back = await comeBack(browser, link);
    expect([back.status, back.headers.location]).toEqual([303, '/rooms/sales']);
    expect((await browser.get('/')).text).toBe('supervisor Ted');
    expect(await screen.said()).toEqual({
      warnings: [],
      failures: [],
      facts: [{ kind: 'signed-in', method: 'oidc', supervisor: 'Ted', ip: '127.0.0.1' }],
    });
    // The provider is not asked again.
    for (const path of ['/sign-in/oidc', '/sign-in/oidc/callback?code=a&state=b']) {
      const again = await browser.get(path);
      expect([again.status, again.headers.location]).toEqual([303, '/']);
    }
    expect(provider.asked.filter((path) => path === '/token')).toHaveLength(1);
  });

  it('signs in an agent whose address only its userinfo tells', async () => {
    provider.userinfo = { email: 'alice@example.com', email_verified: true };
    await comeBack(browser, await leave(browser));
    expect((await browser.get('/')).text).toBe('moderator Alice');
  });

  it('signs in somebody whose address only its userinfo says is verified', async () => {
    provider.claims = { email: 'alice@example.com' };
    provider.userinfo = { email: 'alice@example.com', email_verified: true };
    await comeBack(browser, await leave(browser));
    expect((await browser.get('/')).text).toBe('moderator Alice');
  });

  it('is asked for the address of the userinfo that is verified, not for another one', async () => {
    provider.claims = { email: 'ted@example.com' };
    provider.userinfo = { email: 'alice@example.com', email_verified: true };
    await comeBack(browser, await leave(browser));
    expect((await browser.get('/')).text).toBe('moderator Alice');
  });

  it.each<[string, object, string, string]>([
    ['nobody has', { email: 'mallory@example.com', email_verified: true }, 'oidc-unknown', 'unknown-email'],
    ['is missing', {}, 'oidc-unverified', 'unverified-email'],
    ['is no text', { email: ['ted@example.com'], email_verified: true }, 'oidc-unknown', 'unknown-email'],
    [
      'nobody has, and is not verified',
      { email: 'mallory@example.com', email_verified: false },
      'oidc-unverified',
      'unverified-email',
    ],
    ['is not verified', { email: 'ted@example.com', email_verified: false }, 'oidc-unverified', 'unverified-email'],
    [
      'is verified in words',
      { email: 'ted@example.com', email_verified: 'true' },
      'oidc-unverified',
      'unverified-email',
    ],
    ['nobody says is verified', { email: 'ted@example.com' }, 'oidc-unverified', 'unverified-email'],
  ])('does not sign in somebody whose address %s', async (_what, claims, code, reason) => {
    Object.assign(provider.claims, claims);
    const { status, text } = await comeBack(browser, await leave(browser));
    expect([status, text]).toEqual([403, `sign in: ${code}`]);
    expect((await browser.get('/')).text).toBe('nobody');
    expect(await screen.said()).toEqual({
      warnings: [],
      failures: [],
      facts: [{ kind: 'sign-in-refused', reason, ip: '127.0.0.1' }],
    });
  });

  it.each<[string, (provider: OidcProvider) => void]>([
    ['is from another issuer', ({ forged }) => Object.assign(forged, { iss: 'http://127.0.0.1:1' })],
    ['is for another client', ({ forged }) => Object.assign(forged, { aud: 'another' })],
    ['has another nonce', ({ forged }) => Object.assign(forged, { nonce: 'another' })],
    ['has expired', ({ forged }) => Object.assign(forged, { exp: 1 })],
    ['is signed with another key', (provider) => Object.assign(provider, { signsWithWrongKey: true })],
  ])('does not sign in anybody with an ID token that %s', async (_what, forge) => {
    provider.claims = { email: 'ted@example.com', email_verified: true };
    forge(provider);
    const { status, text } = await comeBack(browser, await leave(browser));
    expect([status, text]).toEqual([502, 'sign in: oidc-failed']);
    expect((await browser.get('/')).text).toBe('nobody');
    expect(await screen.said()).toEqual({
      warnings: [],
      failures: [expect.any(String)],
      facts: [],
    });
  });

  it.each<[string, (back: URL) => void]>([
    ['another state', ({ searchParams }) => searchParams.set('state', 'another')],
    ['no state', ({ searchParams }) => searchParams.delete('state')],
    ['another code', ({ searchParams }) => searchParams.set('code', 'another')],
    ['an error', ({ searchParams }) => searchParams.set('error', 'access_denied\r\n{"level":"fatal"}')],
  ])('does not sign in somebody who comes back with %s', async (_what, change) => {
    provider.claims = { email: 'ted@example.com', email_verified: true };
    const back = new URL(provider.visit(await leave(browser)));
    change(back);
    expect(await browser.get(back.pathname + back.search)).toMatchObject({ status: 502, text: 'sign in: oidc-failed' });
    expect((await browser.get('/')).text).toBe('nobody');
    const { warnings, failures } = await screen.said();
    expect([warnings, failures]).toEqual([[], [expect.not.stringContaining('fatal')]]);
  });

  it('does not sign in a browser in which nobody began, nor one that comes back twice', async () => {
    provider.claims = { email: 'ted@example.com', email_verified: true };
    const link = await leave(browser);
    const { pathname, search } = new URL(provider.visit(link));
    const stranger = screen.newBrowser();
    expect(await stranger.get(pathname + search)).toMatchObject({ status: 502, text: 'sign in: oidc-failed' });
    await browser.get(pathname + search);
    await browser.post('/sign-out').set('sec-fetch-site', 'same-origin');
    expect(await browser.get(pathname + search)).toMatchObject({ status: 502, text: 'sign in: oidc-failed' });
  });

  it.each(['/token', '/userinfo'])('that hangs at %s does not make anybody wait for long', async (path) => {
    provider.userinfo = { email: 'ted@example.com', email_verified: true };
    provider.hanging.add(path);
    const startedAt = performance.now();
    expect(await comeBack(browser, await leave(browser))).toMatchObject({ status: 502, text: 'sign in: oidc-failed' });
    expect(performance.now() - startedAt).toBeLessThan(TIMEOUT_MS + 5_000);
    expect((await screen.said()).failures).toEqual([expect.stringContaining('OAUTH_TIMEOUT')]);
    provider.hanging.clear();
    expect(await comeBack(browser, await leave(browser))).toMatchObject({ status: 303 });
    expect((await browser.get('/')).text).toBe('supervisor Ted');
  });

  it('is first asked at the first sign-in; down or hanging, it is asked again at the next', async () => {
    const port = await freePort();
    const other = await startScreen(`http://127.0.0.1:${port}`);
    onTestFinished(() => other.kill());
    browser = other.newBrowser();
    expect(await browser.get('/sign-in')).toMatchObject({ status: 200 });
    expect((await other.said()).failures).toEqual([]);
    expect(await browser.get('/sign-in/oidc')).toMatchObject({ status: 502, text: 'sign in: oidc-failed' });
    expect((await other.said()).failures).toEqual([expect.stringContaining('ECONNREFUSED')]);
    const late = await startOidcProvider(port);
    onTestFinished(() => late.close());
    late.claims = { email: 'ted@example.com', email_verified: true };
    for (const path of ['/.well-known/openid-configuration', '/keys']) {
      late.hanging.add(path);
      const left = await browser.get('/sign-in/oidc');
      const last = left.status === 303 ? await comeBack(browser, left.headers.location ?? '', late) : left;
      expect(last).toMatchObject({ status: 502, text: 'sign in: oidc-failed' });
      expect((await other.said()).failures).toEqual([expect.stringContaining('OAUTH_TIMEOUT')]);
      late.hanging.clear();
    }
    expect(late.asked).toEqual([
      '/.well-known/openid-configuration',
      '/.well-known/openid-configuration',
      '/token',
      '/keys',
    ]);
    await comeBack(browser, await leave(browser), late);
    expect((await browser.get('/')).text).toBe('supervisor Ted');
  });
});
