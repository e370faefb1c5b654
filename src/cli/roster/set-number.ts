import { UserError } from '../../ops/user-error';
import { explainPhoneNumber, parseEndpoint, parsePhoneNumber } from '../../people/address';
import { type RosterFields, setFields } from '../../people/roster-edit';
import { type CommandContext, parseArguments } from '../run-command';
import { parseWhom, ROLE_OPTION, rosterSourceOf, usageError } from './whom';

const USAGE = 'set-number NAME NUMBER [--role ROLE]';

/** `roster set-number`: sets the number, or the SIP or client address, that a person calls from. @throws UserError */
export async function setNumberCommand({ args, env, stderr }: CommandContext): Promise<void> {
  const { values, positionals } = parseArguments({ args, allowPositionals: true, options: ROLE_OPTION });
  const [name = '', number, ...others] = positionals;
  if (number === undefined) {
    throw usageError(USAGE);
  }
  const who = parseWhom({ values, positionals: [name, ...others] }, USAGE);
  const fields = { number: undefined, address: undefined, ...addressFields(number) };
  await setFields(rosterSourceOf(env), who, () => fields);
  stderr.write(`roster: Set the number of ${name}.\n`);
}

/**
 * The field of a roster entry for a telephone number or an address.
 *
 * @throws UserError if it is neither
 */
export function addressFields(text: string): RosterFields {
  if (parseEndpoint(text) !== undefined) {
    return { address: text };
  }
  if (!text.startsWith('+') || parsePhoneNumber(text) === undefined) {
    throw new UserError([`The number ${explainPhoneNumber(text)}.`]);
  }
  return { number: text };
}
