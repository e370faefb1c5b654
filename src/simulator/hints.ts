import type { Prompts } from '../calls/prompts';
import { type CallError, CODES } from './call-error';
import type { StepReport } from './play-story';
import type { ServerAddress } from './server-address';

/** Probable causes of failed steps, other than a wrong story. */
export function findHints(reports: readonly StepReport[], server: ServerAddress): string[] {
  const failures = reports.flatMap(({ errors }) => errors.filter(({ expected }) => !expected));
  return [...new Set(failures.flatMap(({ error }) => hintFor(error, server) ?? []))];
}

/**
 * Why the server does not take somebody of the smoke test for who they are; the rest of a part cannot pass then.
 *
 * @param prompts what the server says
 */
export function findCastHints({ rows, ended, told, action, problems }: StepReport, prompts: Prompts): string[] {
  if (action.kind !== 'call' || problems.length === 0) {
    return [];
  }
  const { who, keys, to } = action;
  const hints: string[] = [];
  if (keys === undefined && !to.startsWith('/supervisor') && isTold(prompts.askPin.asked)) {
    hints.push(`The server asks ${who} for a PIN, so it has another roster. Run this with its settings and roster.`);
  }
  if (isTold(prompts.askPin.wrong)) {
    hints.push(`The server refuses the PIN of ${who}. Its PIN_KEY and roster must be those of this command.`);
  }
  if (who === 'Ted' && ended.some((one) => one.who === who && one.status === 'no-answer')) {
    hints.push(
      'The server rejects Ted. --supervisor must be one of its SUPERVISOR_NUMBERS, or in its roster for this room.',
    );
  }
  if (who === 'Alice' && rows.some((one) => one.who === who && one.sounds.includes('music'))) {
    hints.push(
      'The server takes Alice for a caller. --moderator must be one of its MODERATOR_NUMBERS, or in its roster for this room.',
    );
  }
  return hints;

  function isTold(words: string): boolean {
    return told.some((one) => one.who === who && one.text.includes(words));
  }
}

/** What to do about an answer to a request for any document; undefined if calls may tell more. */
export function hintForStatus(status: number, { signingKey }: ServerAddress): string | undefined {
  if (status === 401) {
    return 'A proxy in front of the server asks for a password. A Space sends none.';
  }
  if (status === 403) {
    return signingKey === undefined
      ? 'The server requires signed requests. Set SIGNALWIRE_SIGNING_KEY to its signing key.'
      : 'The server refuses the signature. The key must be its SIGNALWIRE_SIGNING_KEY, and --url its PUBLIC_URL; restart it if you changed them.';
  }
  return status >= 500 ? 'The server, or a proxy in front of it, failed. Its log says why.' : undefined;
}

/** What to do about an error of a call; undefined if nobody knows. */
export function hintFor(error: CallError, server: ServerAddress): string | undefined {
  const { code, status = 0 } = error;
  const { url, detour } = server;
  const dialled = detour?.to ?? url;
  if (error.url !== undefined && !error.url.startsWith(`${url}/`)) {
    return 'The server sends calls to another address than --url, by default PUBLIC_URL. Set its PUBLIC_URL to the address it is reached at, and restart it.';
  }
  if (status === 404) {
    return 'The server has no such path. --url must be its PUBLIC_URL, and the room a valid name.';
  }
  const known = hintForStatus(status, server);
  if (known !== undefined) {
    return known;
  }
  const nearby =
    detour === undefined && url.startsWith('https:')
      ? ' If that address does not lead to it yet, add --to http://localhost:PORT, with the port where it listens.'
      : '';
  switch (code) {
    case CODES.noAnswer:
      return / did not /.test(error.message)
        ? 'The server is too slow. A Space waits 2 s for a connection and 5 s for an answer.'
        : `Nothing answers at ${dialled}. Start the server, or correct the address.${nearby}`;
    case CODES.badHost:
      return `Host ${new URL(dialled).hostname} not found. PUBLIC_URL, or --url, must be the address of the server.${nearby}`;
    case CODES.badCertificate:
      return `The certificate of ${dialled} cannot be trusted: a Space would not call either.${nearby}`;
    case CODES.badProtocol:
      return `Wrong protocol. Is ${dialled} http or https?`;
    case CODES.badContentType:
      return `Something other than Conference Coach answers at ${dialled}.`;
    default:
      return undefined;
  }
}
