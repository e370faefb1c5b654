/** Whether a call is over, by `CallStatus` in a callback or `status` in REST. */
export function isFinalStatus(status: string | undefined): boolean {
  return /^(completed|canceled|failed|busy|no-answer)$/i.test(status ?? '');
}
