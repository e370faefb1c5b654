import { createUrls } from '../../calls/call-request';
import type { Config } from '../../config';
import { createServerRender } from '../../server';
import { computeSignature } from '../../signalwire/signature';
import { error, type Finding, ok, skipped, warning } from './finding';
import { explainNetworkError } from './network-problem';
import type { Probe, ProbeReply } from './probe';

const HOST = 'public-url.host';
const ANSWER = 'public-url.answer';
const CERTIFICATE = 'public-url.certificate';
const UNSIGNED = 'public-url.unsigned';

/** A certificate that expires sooner, in days, was not renewed in time. */
const SOON_DAYS = 7;
const DAY_MS = 86_400_000;

/** Hosts that no Space can reach. */
const PRIVATE_HOST =
  /^(localhost|.*\.local(host|domain)?|127\..*|10\..*|192\.168\..*|169\.254\..*|172\.(1[6-9]|2\d|3[01])\..*|0\.0\.0\.0|\[(::1?|f[cd].*|fe80.*)\])$/;

/** The findings without a PUBLIC_URL. */
export function skipPublicUrl(reason: string): Finding[] {
  return skipped([HOST, ANSWER, CERTIFICATE, UNSIGNED], reason);
}

/**
 * Checks that PUBLIC_URL leads to this server: posts to it as the Space would, with a signature and without. The address
 * it posts to changes nothing.
 */
export async function checkPublicUrl(
  config: Config,
  { probe, now }: { probe: Probe; now: () => number },
): Promise<Finding[]> {
  const { publicUrl, signingKeys } = config;
  if (publicUrl === undefined) {
    return skipPublicUrl('PUBLIC_URL is not set.');
  }
  const url = createUrls(publicUrl).notice('supervisor');
  const fields = { CallSid: 'doctor' };
  const [key] = signingKeys;
  const signature = key === undefined ? undefined : computeSignature(key, { url, fields });
  const ask = (signed?: string) =>
    probe(url, fields, signed).then(
      (reply) => ({ reply }),
      (failure: unknown) => ({ failure }),
    );
  const [signed, unsigned] = await Promise.all([ask(signature), ask()]);
  const host = checkHost(publicUrl);
  if (!('reply' in signed)) {
    const { message, remedy } = explainNetworkError(signed.failure, publicUrl);
    return [host, error(ANSWER, message, remedy), ...skipped([CERTIFICATE, UNSIGNED], 'PUBLIC_URL does not answer.')];
  }
  const { reply } = signed;
  const document = createServerRender(config, publicUrl)({ kind: 'notice', to: 'supervisor' });
  const answer = judgeAnswer(reply, { publicUrl, document });
  return [
    host,
    answer,
    ...judgeCertificate(reply.certificateExpires, now()),
    ...(answer.status !== 'ok' || !('reply' in unsigned)
      ? skipped([UNSIGNED], 'PUBLIC_URL does not lead to this server.')
      : [judgeUnsigned(unsigned.reply)]),
  ];
}

function checkHost(publicUrl: string): Finding {
  const { protocol, hostname } = new URL(publicUrl);
  if (PRIVATE_HOST.test(hostname)) {
    return error(
      HOST,
      `No Space can reach ${hostname}.`,
      'Set PUBLIC_URL to a public address, for a first try by ngrok.',
    );
  }
  return protocol === 'https:'
    ? ok(HOST, `${publicUrl} is an https address.`)
    : error(
        HOST,
        `${publicUrl} is without TLS: anyone on the way can read calls' addresses and numbers.`,
        'Put a TLS proxy in front, and set PUBLIC_URL to its https:// address.',
      );
}

function judgeAnswer(
  { status, text, location }: ProbeReply,
  { publicUrl, document }: { publicUrl: string; document: string },
): Finding {
  if (status === 200 && text === document) {
    return ok(ANSWER, 'This server answers there, and accepts what is signed with our key.');
  }
  const [message, remedy] = explainAnswer({ status, text, location }, publicUrl);
  return error(ANSWER, message, remedy);
}

/** Why another answer than ours came, and what to do. */
function explainAnswer(
  { status, text, location = '' }: Omit<ProbeReply, 'certificateExpires'>,
  publicUrl: string,
): [message: string, remedy: string] {
  const another = `Something other than this server answers at ${publicUrl} (${status}).`;
  if (status >= 300 && status < 400) {
    const target = URL.canParse(location, publicUrl) ? new URL(location, publicUrl) : undefined;
    return [
      `${publicUrl} redirects${target ? ` to ${target.origin}` : ''} (${status}): signatures are not valid there.`,
      'Set PUBLIC_URL, and the numbers, to the address it redirects to.',
    ];
  }
  if (status === 403 && text.startsWith('This request does not carry')) {
    return [
      'The server there refuses our signature: it has another PUBLIC_URL or SIGNALWIRE_SIGNING_KEY.',
      'Restart the server if you changed them. If your proxy strips a path prefix, include it in PUBLIC_URL.',
    ];
  }
  if (status === 404) {
    return [
      `${publicUrl} has no such route (404).`,
      'Correct the path in PUBLIC_URL; if your proxy strips a path prefix, include it. Or another server answers.',
    ];
  }
  if (status === 411) {
    return ['The proxy sends requests without Content-Length (411).', 'Turn off chunked requests in your proxy.'];
  }
  if (status >= 502 && status <= 504) {
    return [
      `The proxy at ${publicUrl} does not reach the server (${status}).`,
      'Start the server, or correct the proxy.',
    ];
  }
  return text.includes('<Response>')
    ? [
        `Another document than this server's comes from ${publicUrl}.`,
        'Restart the server if you changed its settings. Otherwise correct PUBLIC_URL or your proxy.',
      ]
    : [another, 'Correct PUBLIC_URL, its DNS record or your proxy.'];
}

function judgeCertificate(expires: number | undefined, now: number): Finding[] {
  if (expires === undefined) {
    return skipped([CERTIFICATE], 'PUBLIC_URL is without TLS.');
  }
  const days = Math.floor((expires - now) / DAY_MS);
  const expiry = `expires in ${days} ${days === 1 ? 'day' : 'days'}.`;
  return [
    days < SOON_DAYS
      ? warning(CERTIFICATE, `The certificate ${expiry}`, 'See why your proxy does not renew it.')
      : ok(CERTIFICATE, `The certificate is trusted, and ${expiry}`),
  ];
}

function judgeUnsigned({ status }: ProbeReply): Finding {
  if (status === 403) {
    return ok(UNSIGNED, 'Requests without a signature are refused.');
  }
  return status === 200
    ? error(
        UNSIGNED,
        'The server accepts requests without a signature: anyone can join or spy on conferences.',
        'Set SIGNALWIRE_SIGNING_KEY, and restart the server.',
      )
    : error(UNSIGNED, `A request without a signature got ${status} instead of 403.`, 'See what your proxy does to it.');
}
