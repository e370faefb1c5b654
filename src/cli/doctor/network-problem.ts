/** Why a connection failed, and what to do: sentences. */
export interface NetworkProblem {
  message: string;
  remedy: string;
}

/** The deadline of a request passed. */
export const TIMED_OUT = 'TIMED_OUT';

type Explain = (name: string) => NetworkProblem;

const CERTIFICATE = 'Renew the certificate in your proxy.';
const MISSPELT: Explain = (name) => ({
  message: `The host of ${name} is unknown (DNS).`,
  remedy: 'Correct the host name, or add its DNS record.',
});
const NO_WAY: Explain = (name) => ({
  message: `There is no way to ${name} in the network.`,
  remedy: 'Check the host, the port, and firewalls.',
});
const SELF_SIGNED: Explain = (name) => ({
  message: `The certificate of ${name} is from an authority that nobody knows.`,
  remedy: 'Use one from a public authority, such as Let’s Encrypt.',
});
const INCOMPLETE: Explain = (name) => ({
  message: `The certificate chain of ${name} is incomplete, or its authority is unknown.`,
  remedy: 'Let your proxy send the intermediate certificates too (fullchain).',
});
const NO_TLS: Explain = (name) => ({
  message: `The port of ${name} does not speak TLS.`,
  remedy: 'Put a TLS proxy in front of the server, and correct the port.',
});

const PROBLEMS: Readonly<Record<string, Explain>> = {
  [TIMED_OUT]: (name) => ({
    message: `${name} did not answer in time. A Space waits 5 s.`,
    remedy: 'Check that the server is up, and that no firewall drops the connection.',
  }),
  ENOTFOUND: MISSPELT,
  EAI_AGAIN: (name) => ({ message: `DNS did not answer for ${name}.`, remedy: 'Check the DNS of this machine.' }),
  ECONNREFUSED: (name) => ({
    message: `Nothing listens at ${name}.`,
    remedy: 'Start the server and its proxy, or correct the port.',
  }),
  ECONNRESET: (name) => ({
    message: `${name} closed the connection without an answer.`,
    remedy: 'Check that the proxy there leads to the server.',
  }),
  EHOSTUNREACH: NO_WAY,
  ENETUNREACH: NO_WAY,
  ETIMEDOUT: NO_WAY,
  CERT_HAS_EXPIRED: (name) => ({ message: `The certificate of ${name} has expired.`, remedy: CERTIFICATE }),
  CERT_NOT_YET_VALID: (name) => ({
    message: `The certificate of ${name} is not valid yet.`,
    remedy: 'Check the clock of this machine, and of the one that made the certificate.',
  }),
  ERR_TLS_CERT_ALTNAME_INVALID: (name) => ({
    message: `The certificate of ${name} is for another host.`,
    remedy: 'Get one for this host, or correct the address.',
  }),
  DEPTH_ZERO_SELF_SIGNED_CERT: SELF_SIGNED,
  SELF_SIGNED_CERT_IN_CHAIN: SELF_SIGNED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: INCOMPLETE,
  UNABLE_TO_GET_ISSUER_CERT: INCOMPLETE,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: INCOMPLETE,
  EPROTO: NO_TLS,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
};

/** Explains the error of a request to `name`, an address without secrets. */
export function explainNetworkError(cause: unknown, name: string): NetworkProblem {
  const code = codeIn(cause);
  return (
    PROBLEMS[code]?.(name) ?? {
      message: `${name} cannot be reached (${code}).`,
      remedy: 'Check the host, the port, and firewalls.',
    }
  );
}

/** The code of an error, or of its innermost cause: fetch wraps it. */
function codeIn(cause: unknown): string {
  const { code, cause: inner } = cause as { code?: unknown; cause?: unknown };
  return inner === undefined ? (typeof code === 'string' ? code : 'unknown error') : codeIn(inner);
}
