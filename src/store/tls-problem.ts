import type { ConnectionOptions } from 'node:tls';

/** Which certificates Redis may show. */
export interface RedisTls {
  /** Certificates of the authorities to trust, in PEM, instead of Node's own; undefined trusts those. */
  ca: readonly string[] | undefined;
  /** False accepts any certificate. */
  verify: boolean;
}

/** Where a Redis is; `family` 0 tries IPv6 and IPv4. */
export interface RedisAddress {
  host: string;
  port: number;
  family: number;
}

/** The options of Node's TLS for these settings. */
export function tlsOptions({ ca, verify }: RedisTls): ConnectionOptions {
  return { rejectUnauthorized: verify, ...(ca && { ca: [...ca] }) };
}
