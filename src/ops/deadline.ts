/**
 * The result of `work`, or a rejection with `lateError()` once `timeoutMs` have passed. The work itself is not
 * stopped; what it does afterwards goes unnoticed.
 */
export async function withDeadline<T>(
  work: Promise<T>,
  timeoutMs: number,
  lateError = () => new Error(`no answer in ${timeoutMs} ms`),
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(lateError()), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
