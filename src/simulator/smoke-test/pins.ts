import { createSecretPrompt } from '../../cli/roster/secret-prompt';
import type { CommandContext } from '../../cli/run-command';
import { UserError } from '../../ops/user-error';
import { hashPin, type Pin, parsePin } from '../../people/pin';
import type { Person } from '../../people/roster';
import { describe, mustEnterPin, type Players } from './people';

/** The PINs that were entered, or why one was not. */
export interface EnteredPins {
  moderator: Pin | undefined;
  supervisor: Pin | undefined;
  withPin: Pin | { leftOut: string };
}

/**
 * Asks for the PINs that the players must enter, and for the one that they can. A terminal does not show them; otherwise
 * they are lines of standard input. Each is checked before anybody calls, because a wrong one would use an attempt.
 *
 * @param options.pinKey the setting `PIN_KEY`
 * @param options.readsAll whether to read the optional one without a terminal, too
 * @throws UserError for a wrong PIN, or none where one is needed
 */
export async function askPins(
  { moderator, supervisor, withPin }: Players,
  options: Pick<CommandContext, 'stdin' | 'stderr'> & { pinKey: string | undefined; readsAll: boolean },
): Promise<EnteredPins> {
  let prompt: ReturnType<typeof createSecretPrompt> | undefined;
  const ask = async (person: Person, question: string) => {
    prompt ??= createSecretPrompt(options);
    const text = (await prompt.ask(question)).trim();
    return text === '' ? undefined : checkPin(person, text, options.pinKey);
  };
  const require = async (person: Person, role: string) => {
    const who = describe(person);
    const pin = await ask(person, `The PIN of the ${role} ${who}: `);
    if (pin === undefined) {
      throw new UserError([
        `The ${role} ${who} must enter a PIN: type it, give it as a line on standard input, or choose somebody else with --${role}.`,
      ]);
    }
    return pin;
  };
  const askOptional = async (): Promise<EnteredPins['withPin']> => {
    if (withPin === undefined) {
      return { leftOut: 'no supervisor has a PIN' };
    }
    const who = describe(withPin);
    if (!options.stdin.isTTY && !options.readsAll) {
      return { leftOut: `there is no terminal to ask for the PIN of ${who}: give it with --pin-stdin` };
    }
    const pin = await ask(withPin, `The PIN of the supervisor ${who}, or Enter to leave out the part with a PIN: `);
    return pin ?? { leftOut: `the PIN of ${who} was not entered` };
  };
  try {
    const moderatorPin = mustEnterPin(moderator) ? await require(moderator, 'moderator') : undefined;
    const supervisorPin = mustEnterPin(supervisor) ? await require(supervisor, 'supervisor') : undefined;
    const isSame = withPin === supervisor && supervisorPin !== undefined;
    return {
      moderator: moderatorPin,
      supervisor: supervisorPin,
      withPin: isSame ? supervisorPin : await askOptional(),
    };
  } finally {
    prompt?.close();
  }
}

/** @throws UserError if it is not the person's */
function checkPin(person: Person, text: string, pinKey: string | undefined): Pin {
  const pin = parsePin(text);
  if (pin === undefined) {
    throw new UserError(['A PIN has 5 to 10 digits.']);
  }
  if (pinKey === undefined || hashPin(pinKey, pin) !== person.pin) {
    throw new UserError([`That is not the PIN of ${describe(person)}. Nobody has called.`]);
  }
  return pin;
}
