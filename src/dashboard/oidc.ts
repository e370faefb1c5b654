import { type Email, parseEmail } from '../people/email';

/** What a sign-in at the identity provider has to come back with. */
export interface PendingSignIn {
  state: string;
  nonce: string;
  /** Of PKCE. */
  verifier: string;
}

/** Somebody, as the identity provider knows them. */
export interface OidcIdentity {
  /** Undefined if it named none that can be one. */
  email: Email | undefined;
  isVerified: boolean;
}

/** Signs people in at an OpenID Connect provider, with authorization code and PKCE. */
export interface OidcClient {
  /** Where to send the browser. @throws OidcError */
  begin(): Promise<{ url: string; pending: PendingSignIn }>;
  /**
   * Who came back.
   *
   * @param search the query of the address they came back to, with its `?`
   * @throws OidcError
   */
  finish(search: string, pending: PendingSignIn): Promise<OidcIdentity>;
}

/** The identity provider did not sign somebody in. Its message is for the log, and has no secret. */
export class OidcError extends Error {
  override readonly name = 'OidcError';
}

export interface OidcOptions {
  /** As in the provider's metadata. Plain http is for development. */
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** Where the provider sends browsers back to. */
  redirectUri: string;
  /** Deadline of each request to the provider, in milliseconds. */
  timeoutMs?: number;
}

/** How many sign-ins may be finished at the same moment: each holds requests to the provider. */
const MAX_AT_ONCE = 20;

/** The package is an ES module only, which this compiled CommonJS can load in no other way. */
const load = () => import('openid-client');
type Library = Awaited<ReturnType<typeof load>>;
type Configuration = Awaited<ReturnType<Library['discovery']>>;

/**
 * Asks the provider for its metadata at the first sign-in, not before. If that fails, the next sign-in tries again.
 */
export function createOidcClient(options: OidcOptions): OidcClient {
  const { issuer, clientId, clientSecret, redirectUri, timeoutMs = 5_000 } = options;
  let connecting: Promise<{ library: Library; configuration: Configuration }> | undefined;
  let finishing = 0;

  function connect() {
    connecting ??= discover().catch((error) => {
      connecting = undefined;
      throw error;
    });
    return connecting;
  }

  async function discover() {
    const library = await load();
    const server = new URL(issuer);
    const basic = library.ClientSecretBasic(clientSecret);
    const post = library.ClientSecretPost(clientSecret);
    const configuration = await library.discovery(
      server,
      clientId,
      undefined,
      (provider, ...request) => {
        const { token_endpoint_auth_methods_supported: methods } = provider;
        return (methods === undefined || methods.includes('client_secret_basic') ? basic : post)(provider, ...request);
      },
      {
        timeout: timeoutMs / 1_000,
        execute: [
          library.enableNonRepudiationChecks,
          ...(server.protocol === 'http:' ? [library.allowInsecureRequests] : []),
        ],
      },
    );
    return { library, configuration };
  }

  async function identify(search: string, { state, nonce, verifier }: PendingSignIn): Promise<OidcIdentity> {
    const { library, configuration } = await connect();
    const tokens = await library.authorizationCodeGrant(configuration, new URL(redirectUri + search), {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: verifier,
    });
    const claims = tokens.claims();
    if (claims === undefined) {
      throw new OidcError('no ID token');
    }
    // Some providers name the address, or say that it is verified, here only. Both must be from the same answer.
    const isComplete = claims.email !== undefined && claims.email_verified !== undefined;
    const { email, email_verified: isVerified } =
      !isComplete && configuration.serverMetadata().userinfo_endpoint !== undefined
        ? await library.fetchUserInfo(configuration, tokens.access_token, claims.sub)
        : claims;
    return {
      email: typeof email === 'string' ? parseEmail(email) : undefined,
      isVerified: isVerified === true,
    };
  }

  return {
    begin: () =>
      withOidcError(async () => {
        const { library, configuration } = await connect();
        const pending = {
          state: library.randomState(),
          nonce: library.randomNonce(),
          verifier: library.randomPKCECodeVerifier(),
        };
        const url = library.buildAuthorizationUrl(configuration, {
          redirect_uri: redirectUri,
          scope: 'openid email',
          state: pending.state,
          nonce: pending.nonce,
          code_challenge: await library.calculatePKCECodeChallenge(pending.verifier),
          code_challenge_method: 'S256',
        });
        return { url: url.href, pending };
      }),

    finish: (search, pending) =>
      withOidcError(async () => {
        if (finishing >= MAX_AT_ONCE) {
          throw new OidcError('too many sign-ins at once');
        }
        finishing++;
        try {
          return await identify(search, pending);
        } finally {
          finishing--;
        }
      }),
  };
}

async function withOidcError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof OidcError ? error : new OidcError(describe(error));
  }
}

/** Codes and error names alone: the answers behind them may have secrets. Names come from the query too. */
function describe(error: unknown): string {
  const parts: string[] = [];
  for (let one = error; one instanceof Error && parts.length < 6; one = one.cause) {
    const { message, code, error: name } = one as Error & { code?: unknown; error?: unknown };
    parts.push(
      ...([parts.length === 0 ? message : undefined, code, name].filter(
        (text) => typeof text === 'string' && /^[\w .,:"'-]{1,100}$/.test(text),
      ) as string[]),
    );
  }
  return [...new Set(parts)].join(', ') || 'unknown reason';
}
