import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import type { LookupFunction } from 'node:net';
import { TLSSocket } from 'node:tls';
import { TIMED_OUT } from './network-problem';

/** What answered a probe. */
export interface ProbeReply {
  status: number;
  /** The beginning of the body. */
  text: string;
  /** The header `Location`. */
  location: string | undefined;
  /** When the certificate expires, in milliseconds since 1970; undefined without TLS. */
  certificateExpires: number | undefined;
}

/** How probes reach the network. */
export interface ProbeOptions {
  /** Deadline of one probe. */
  timeoutMs: number;
  /** Finds the address of a host; Node's own by default. */
  lookup?: LookupFunction | undefined;
  /** Certificates of trusted authorities, in PEM; Node's own by default. */
  ca?: string | undefined;
}

/**
 * Posts a form, as a Space does. Follows no redirect, and uses a new connection each time.
 *
 * @throws Error with Node's `code`, or {@link TIMED_OUT}
 */
export type Probe = (url: string, fields: Readonly<Record<string, string>>, signature?: string) => Promise<ProbeReply>;

/** The longest body that is read, in characters. */
const MAX_TEXT = 4_096;

/** Creates a probe. */
export function createProbe({ timeoutMs, lookup, ca }: ProbeOptions): Probe {
  return (url, fields, signature) =>
    new Promise((resolve, reject) => {
      const body = new URLSearchParams(fields).toString();
      const send = url.startsWith('https:') ? requestSecure : requestPlain;
      const req = send(url, {
        method: 'POST',
        agent: false,
        ...(lookup && { lookup }),
        ...(ca !== undefined && { ca }),
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': Buffer.byteLength(body),
          ...(signature !== undefined && { 'x-signalwire-signature': signature }),
        },
      });
      const timer = setTimeout(() => req.destroy(Object.assign(new Error(), { code: TIMED_OUT })), timeoutMs);
      req.on('error', reject);
      req.on('close', () => clearTimeout(timer));
      req.on('response', (response) =>
        readReply(response)
          .then(resolve, reject)
          .finally(() => req.destroy()),
      );
      req.end(body);
    });
}

async function readReply(response: IncomingMessage): Promise<ProbeReply> {
  const { socket, headers, statusCode = 0 } = response;
  const certificate = socket instanceof TLSSocket ? socket.getPeerCertificate() : undefined;
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk;
    if (text.length >= MAX_TEXT) {
      break;
    }
  }
  return {
    status: statusCode,
    text: text.slice(0, MAX_TEXT),
    location: headers.location,
    certificateExpires: certificate && Date.parse(certificate.valid_to),
  };
}
