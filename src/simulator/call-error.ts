/** Why a call went wrong: SignalWire's error code, and a sentence. */
export class CallError extends Error {
  override readonly name = 'CallError';
  /** What was asked, where a request was the reason; without the fields of a GET. */
  readonly url: string | undefined;
  /** The HTTP status, where one was the reason. */
  readonly status: number | undefined;

  constructor(
    readonly code: number,
    message: string,
    about: { url?: string; status?: number } = {},
  ) {
    super(message);
    this.url = about.url;
    this.status = about.status;
  }
}

/** The codes that the simulator gives, as SignalWire's list of errors has them. */
export const CODES = {
  noAnswer: 11200,
  badHost: 11210,
  tooManyRedirects: 11215,
  badStatus: 11217,
  badCertificate: 11220,
  badProtocol: 11251,
  tooLarge: 11750,
  badDocument: 12100,
  badContentType: 12300,
  badMedia: 13238,
  staleCoach: 13240,
} as const;
