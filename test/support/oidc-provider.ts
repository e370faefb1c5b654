import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A simulated OpenID Connect provider, which checks what it is asked as strictly as the standards say. */
export interface OidcProvider {
  issuer: string;
  /** What it says about whoever signs in next. */
  claims: Record<string, unknown>;
  /** What it says at its userinfo endpoint. */
  userinfo: Record<string, unknown>;
  /** Paths that it leaves without an answer. */
  hanging: Set<string>;
  /** Replaces what is in the ID token, such as its issuer. */
  forged: Record<string, unknown>;
  /** Signs with a key that it does not publish. */
  signsWithWrongKey: boolean;
  /** The paths it was asked for so far. */
  asked: string[];
  /** Forgets what is above. */
  reset(): void;
  /** As a browser that follows a link there, and signs in: where it is sent back to. Fails if the link is wrong. */
  visit(url: string): string;
  close(): Promise<void>;
}

export const CLIENT = { id: 'coach', secret: 'the secret of the client' };

const newKeys = () => generateKeyPairSync('rsa', { modulusLength: 2_048 });

/** Starts a provider at a port, or at any. */
export async function startOidcProvider(port = 0): Promise<OidcProvider> {
  const [keys, otherKeys] = [newKeys(), newKeys()];
  const codes = new Map<string, { nonce: string; challenge: string; redirectUri: string }>();
  const server = createServer((req, res) => void answer(req, res));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider: OidcProvider = {
    issuer,
    claims: {},
    userinfo: {},
    hanging: new Set(),
    forged: {},
    signsWithWrongKey: false,
    asked: [],
    reset() {
      Object.assign(provider, { claims: {}, userinfo: {}, forged: {}, signsWithWrongKey: false, asked: [] });
      provider.hanging.clear();
    },
    visit(url) {
      const { origin, pathname, searchParams } = new URL(url);
      const given = Object.fromEntries(searchParams);
      const { state = '', nonce = '', code_challenge: challenge = '', redirect_uri: redirectUri = '' } = given;
      const isRight =
        origin + pathname === `${issuer}/authorize` &&
        given.response_type === 'code' &&
        given.client_id === CLIENT.id &&
        given.code_challenge_method === 'S256' &&
        given.scope === 'openid email' &&
        state.length > 20 &&
        nonce.length > 20;
      if (!isRight) {
        throw new Error(`This is not a link to sign in with: ${url}`);
      }
      const code = `code-${codes.size}`;
      codes.set(code, { nonce, challenge, redirectUri });
      return `${redirectUri}?${new URLSearchParams({ code, state })}`;
    },
    async close() {
      server.closeAllConnections();
      if (server.listening) {
        server.close();
        await once(server, 'close');
      }
    },
  };
  function idToken(nonce: string): string {
    const now = Math.floor(Date.now() / 1_000);
    const own = { iss: issuer, aud: CLIENT.id, sub: 'somebody', iat: now, exp: now + 60, nonce };
    const parts = [
      { alg: 'RS256', kid: 'key' },
      { ...own, ...provider.claims, ...provider.forged },
    ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
    const { privateKey } = provider.signsWithWrongKey ? otherKeys : keys;
    return [...parts, sign('sha256', Buffer.from(parts.join('.')), privateKey).toString('base64url')].join('.');
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = req.url ?? '';
    provider.asked.push(path);
    if (provider.hanging.has(path)) {
      return;
    }
    const form = Object.fromEntries(new URLSearchParams((await req.setEncoding('utf8').toArray()).join('')));
    const reply = (status: number, body: object) =>
      res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    switch (path) {
      case '/.well-known/openid-configuration':
        reply(200, {
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/keys`,
          userinfo_endpoint: `${issuer}/userinfo`,
          id_token_signing_alg_values_supported: ['RS256'],
        });
        return;
      case '/keys':
        reply(200, { keys: [{ ...keys.publicKey.export({ format: 'jwk' }), kid: 'key', alg: 'RS256', use: 'sig' }] });
        return;
      case '/userinfo':
        reply(200, { sub: 'somebody', ...provider.userinfo });
        return;
      case '/token': {
        const known = codes.get(form.code ?? '');
        codes.delete(form.code ?? '');
        const [id, secret] = Buffer.from(req.headers.authorization?.slice('Basic '.length) ?? '', 'base64')
          .toString()
          .split(':')
          .map((part) => decodeURIComponent(part.replaceAll('+', ' ')));
        const challenge = createHash('sha256')
          .update(form.code_verifier ?? '')
          .digest('base64url');
        const isRight =
          known !== undefined &&
          id === CLIENT.id &&
          secret === CLIENT.secret &&
          form.grant_type === 'authorization_code' &&
          challenge === known.challenge &&
          form.redirect_uri === known.redirectUri;
        if (isRight) {
          reply(200, { access_token: 'access', token_type: 'Bearer', id_token: idToken(known.nonce) });
        } else {
          reply(400, { error: 'invalid_grant' });
        }
        return;
      }
      default:
        reply(404, {});
    }
  }

  return provider;
}
