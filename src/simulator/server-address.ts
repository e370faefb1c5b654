import { readServerSettings, readSettings } from '../cli/settings';
import type { Config } from '../config';
import { UserError } from '../ops/user-error';
import { createWebClient, type Detour } from './web-client';

/** The server to call. */
export interface ServerAddress {
  /** The settings here, which are the server's if it runs here. */
  config: Config;
  /** The server's PUBLIC_URL, without a slash at the end. */
  url: string;
  /** Another way to it; undefined for none. */
  detour: Detour | undefined;
  /** Undefined sends no signatures. */
  signingKey: string | undefined;
}

/**
 * The server that the options name, or else the settings. With `--url` it may be another machine's, so nothing is
 * required of the settings here.
 *
 * @throws UserError if it is not clear which, or the settings cannot be used
 */
export async function readServerAddress(
  given: { url: string | undefined; to: string | undefined; 'signing-key': string | undefined },
  env: Readonly<Record<string, string | undefined>>,
): Promise<ServerAddress> {
  const config = given.url === undefined ? await readServerSettings(env) : readSettings(env);
  const url = given.url === undefined ? urlOf(config) : readUrl('url', given.url);
  // During a key rotation the setting holds two keys; the server accepts either.
  const [signingKey] = given['signing-key']?.split(',') ?? config.signingKeys;
  return {
    config,
    url,
    detour: given.to === undefined ? undefined : { from: url, to: readUrl('to', given.to) },
    signingKey,
  };
}

function urlOf({ publicUrl, port }: Config): string {
  if (publicUrl === undefined && port === 0) {
    throw new UserError(['PORT is 0, so the port of the server is not known: give its address with --url.']);
  }
  return publicUrl ?? `http://localhost:${port}`;
}

function readUrl(option: 'url' | 'to', text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || /[?#]/.test(text)) {
    throw new UserError([`--${option} must be the address of a server, such as https://coach.example.com.`]);
  }
  if (url.username || url.password) {
    throw new UserError([`--${option} must not contain a user or a password: a Space sends none.`]);
  }
  return (url.origin + url.pathname).replace(/\/+$/, '');
}

/**
 * Requests a document that changes nothing, as a Space would.
 *
 * @throws CallError if there is no answer
 * @returns the status
 */
export async function knock({ url, detour, signingKey }: ServerAddress): Promise<number> {
  const client = createWebClient(signingKey, undefined, undefined, detour);
  try {
    const notice = { url: `${url}/notices/supervisor`, method: 'POST', fields: { CallSid: 'smoke-test' } } as const;
    return (await client.send(notice)).status;
  } finally {
    client.close();
  }
}
