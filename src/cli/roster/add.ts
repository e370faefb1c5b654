import { hashPin } from '../../people/pin';
import { addPerson } from '../../people/roster-edit';
import { type CommandContext, parseArguments } from '../run-command';
import { addressFields } from './set-number';
import { printRandomPin, randomPin, readPinKey } from './set-pin';
import { parseWhom, ROLE_OPTION, rosterSourceOf, usageError } from './whom';

const USAGE = 'add NAME --role ROLE, with --number, --email or --random-pin';

/** `roster add`: adds a person, and creates the roster if there is none. @throws UserError */
export async function addCommand({ args, env, stdout, stderr }: CommandContext): Promise<void> {
  const text = { type: 'string' } as const;
  const list = { type: 'string', multiple: true } as const;
  const { values, positionals } = parseArguments({
    args,
    allowPositionals: true,
    options: {
      ...ROLE_OPTION,
      number: text,
      email: text,
      'random-pin': { type: 'boolean', default: false },
      room: list,
      right: list,
      mode: text,
      extension: text,
    },
  });
  const { name, role } = parseWhom({ values, positionals }, USAGE);
  const { number, email, room, right, mode, extension } = values;
  if (role === undefined || (number === undefined && email === undefined && !values['random-pin'])) {
    throw usageError(USAGE);
  }
  const pinKey = values['random-pin'] ? readPinKey(env, stderr) : undefined;
  let pin: ReturnType<typeof randomPin> | undefined;
  await addPerson(rosterSourceOf(env), role, (entries) => {
    pin = pinKey === undefined ? undefined : randomPin(pinKey, entries[`${role}s`]);
    return {
      name,
      ...(number !== undefined && addressFields(number)),
      pin: pinKey === undefined || pin === undefined ? undefined : hashPin(pinKey, pin),
      email,
      rooms: room,
      rights: right?.flatMap((one) => one.split(',')),
      mode,
      extension,
    };
  });
  stderr.write(`roster: Added ${name}.\n`);
  if (pin !== undefined) {
    printRandomPin(pin, { stdout, stderr });
  }
}
