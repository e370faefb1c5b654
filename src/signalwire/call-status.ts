/** Whether a call is over, by its `CallStatus` in a callback or its `status` in REST. */
export function isFinalStatus(status: string | undefined): boolean {
  return /^(completed|canceled|failed|busy|no-answer)$/i.test(status ?? '');
}
