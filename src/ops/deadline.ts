/**
 * Settles as `work` does, or rejects with `lateError()` after `timeoutMs`. Does not stop the work; its later result or
 * error is ignored.
 */
export function withDeadline<T>(
  work: Promise<T>,
  timeoutMs: number,
  lateError = () => new Error(`no answer in ${timeoutMs} ms`),
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(lateError()), timeoutMs);
    work.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
