import { connect as connectPlain, isIPv6, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';

/** Which of Redis's certificates to accept. */
export interface RedisTls {
  /** Certificates of the trusted authorities, in PEM; undefined for Node's own. */
  ca: readonly string[] | undefined;
  /** False accepts any certificate. */
  verify: boolean;
}

/** The address of a Redis; `family` 0 tries IPv6 and IPv4. */
export interface RedisAddress {
  host: string;
  port: number;
  family: number;
}

const PING = 'PING\r\n';

/** Deadline of one probe, in milliseconds. */
const PROBE_TIMEOUT_MS = 1_000;

/** How long a port that also answers plain text may take for a TLS handshake, in milliseconds. */
const SILENCE_MS = 200;

// OpenSSL's verification codes, and Node's for host names.
const UNKNOWN_AUTHORITY = /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_)/;
const BAD_CERTIFICATE = /^(ERR_TLS_CERT_|CERT_|INVALID_|PATH_LENGTH_|HOSTNAME_MISMATCH)/;

/** These settings as options for Node's TLS. */
export function tlsOptions({ ca, verify }: RedisTls): ConnectionOptions {
  return { rejectUnauthorized: verify, ...(ca && { ca: [...ca] }) };
}

/**
 * Probes an address to find out whether TLS is why a connection failed. Sends no secret. Never throws.
 *
 * @param tls undefined for a connection without TLS
 * @returns a sentence about REDIS_URL with the remedy; undefined if it is not certain, such as when nothing answers
 */
export async function findTlsProblem(address: RedisAddress, tls: RedisTls | undefined): Promise<string | undefined> {
  const { host, port } = address;
  const name = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  if (tls === undefined) {
    const { isOpen, error } = await probe(connectTls({ ...address, rejectUnauthorized: false }), 'secureConnect');
    // An alert also proves TLS.
    const speaksTls = isOpen || error?.code?.includes('_ALERT_');
    return speaksTls ? `REDIS_URL: ${name} speaks TLS; use rediss:// instead of redis://.` : undefined;
  }
  const secure = probe(connectTls({ ...address, ...tlsOptions(tls) }), 'secureConnect', PING);
  const { reply } = await probe(connectPlain(address), 'connect', PING);
  const isPlainRedis = /^(\+PONG|-[A-Z]+ )/.test(reply);
  // A Redis without TLS waits silently for the rest of a handshake.
  const silence = { isOpen: false, error: undefined };
  const { isOpen, error } = await (isPlainRedis ? Promise.race([secure, sleep(SILENCE_MS, silence)]) : secure);
  if (isPlainRedis && !isOpen && !isCertificateError(error)) {
    return `REDIS_URL: ${name} does not speak TLS; use redis://, or turn TLS on there.`;
  }
  return error && explainTlsError(error, name, tls);
}

function explainTlsError(error: NodeJS.ErrnoException, name: string, { ca }: RedisTls): string | undefined {
  if (error.code?.endsWith('_ALERT_CERTIFICATE_REQUIRED')) {
    return `REDIS_URL: ${name} requires a client certificate, which this server does not have; set tls-auth-clients no in Redis.`;
  }
  if (!isCertificateError(error)) {
    return undefined;
  }
  const remedy = !UNKNOWN_AUTHORITY.test(error.code ?? '')
    ? 'Redis needs another certificate'
    : ca === undefined
      ? 'name its CA in REDIS_TLS_CA'
      : 'REDIS_TLS_CA is not its CA';
  return `REDIS_URL: the certificate of ${name} is not accepted (${error.message.trim()}): ${remedy}. For a test, REDIS_TLS_VERIFY=false accepts any.`;
}

function isCertificateError(error: NodeJS.ErrnoException | undefined): boolean {
  const code = error?.code ?? '';
  return UNKNOWN_AUTHORITY.test(code) || BAD_CERTIFICATE.test(code);
}

/** Opens a socket, sends `question` if given, waits for the first bytes or the end, and closes the socket. */
function probe(socket: Socket, openEvent: 'connect' | 'secureConnect', question?: string) {
  return new Promise<{ isOpen: boolean; reply: string; error?: NodeJS.ErrnoException }>((resolve) => {
    let isOpen = false;
    const finish = (result: { reply?: string; error?: NodeJS.ErrnoException }) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ isOpen, reply: '', ...result });
    };
    const timer = setTimeout(finish, PROBE_TIMEOUT_MS, {});
    socket.once(openEvent, () => {
      isOpen = true;
      if (question === undefined) {
        finish({});
      } else {
        socket.write(question);
      }
    });
    socket.once('data', (data) => finish({ reply: data.toString('latin1') }));
    // `on`, not `once`: a second error would be thrown.
    socket.on('error', (error) => finish({ error }));
    socket.once('close', () => finish({}));
  });
}
