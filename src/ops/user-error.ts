/** What the person who started a command can put right: each problem is a sentence, and together they are complete. */
export class UserError extends Error {
  override readonly name = 'UserError';

  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}
