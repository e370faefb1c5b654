/** A failure that whoever started the program can fix. Lists every problem, each as a sentence. */
export class UserError extends Error {
  override readonly name = 'UserError';

  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}
