/** An error of a call: SignalWire's code, and a sentence. */
export class CallError extends Error {
  override readonly name = 'CallError';
  /** The URL whose request failed, without the fields of a GET; undefined if no request did. */
  readonly url: string | undefined;
  /** The HTTP status, if that was the error. */
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

/** SignalWire's codes of the errors that are simulated. */
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
