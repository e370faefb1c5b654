import { readFileSync } from 'node:fs';
import { type CommandContext, processContext, runCommand } from '../../cli/run-command';
import { UserError } from '../../ops/user-error';
import { createDescriptionCheck, type Description } from './description';
import { recordExchanges } from './exchanges';

/**
 * `npm run check:space -- FILE`: compares the simulated REST API, and what our client sends to it, with an OpenAPI 3.1
 * description in JSON.
 *
 * @returns the exit code: 1 if there are mismatches, which it prints
 * @throws UserError if the description cannot be read
 */
export async function checkSpace({ args: [file, ...more], stdout }: CommandContext): Promise<number> {
  if (file === undefined || more.length > 0) {
    throw new UserError(['Usage: npm run check:space -- FILE, with an OpenAPI 3.1 description in JSON.']);
  }
  const check = createDescriptionCheck(readDescription(file));
  const exchanges = await recordExchanges();
  const problems = new Set(exchanges.flatMap(check));
  stdout.write(`${exchanges.length} requests and answers compared, ${problems.size} mismatches\n`);
  for (const problem of [...problems].toSorted()) {
    stdout.write(`${problem}\n`);
  }
  return problems.size > 0 ? 1 : 0;
}

function readDescription(file: string): Description {
  let description: unknown;
  try {
    description = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UserError([`Cannot read ${file}: ${(error as Error).message}`]);
  }
  if (typeof description !== 'object' || description === null || !('paths' in description)) {
    throw new UserError([`${file} is no OpenAPI description: it has no paths.`]);
  }
  return description as Description;
}

if (require.main === module) {
  void runCommand('check:space', async () => {
    process.exitCode = await checkSpace(processContext());
  });
}
