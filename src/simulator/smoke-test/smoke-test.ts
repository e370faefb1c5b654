import { PROMPTS } from '../../calls/prompt-languages';
import type { CommandContext } from '../../cli/run-command';
import type { Config } from '../../config';
import { printable } from '../../ops/printable';
import type { Address } from '../../people/address';
import { createRoster, type Roster } from '../../people/roster';
import { readRosterFile } from '../../people/roster-file';
import { TUTORIAL_CAST } from '../tutorial';
import { modesIn, type Part, type SmokeTestCast, smokeTestParts } from './parts';
import { describe, mustEnterPin, type Players, pickPlayers, startOf, unknownNumbers } from './people';
import { askPins, type EnteredPins } from './pins';

/** A smoke test that is ready to be played. */
export interface SmokeTest {
  parts: readonly Part[];
  /** Who plays, for the terminal: a sentence each. */
  cast: readonly string[];
  /** The PINs that were entered, which nothing may print. */
  pins: readonly string[];
}

/**
 * Prepares a smoke test: picks the people from the server's settings and roster, and asks for their PINs.
 *
 * @throws UserError if the roster cannot be used or has nobody to play, or a PIN is wrong
 */
export async function prepareSmokeTest(
  config: Config,
  options: Pick<CommandContext, 'stdin' | 'stderr'> & {
    room: string;
    moderator: Address | undefined;
    supervisor: Address | undefined;
    readsPins: boolean;
  },
): Promise<SmokeTest> {
  const roster = await readRoster(config);
  const anyone = config.supervisorNumbers === 'any' ? (TUTORIAL_CAST.ted as Address) : undefined;
  const players = pickPlayers(roster, options, anyone);
  const { stdin, stderr, readsPins: readsAll } = options;
  const pins = await askPins(players, { stdin, stderr, pinKey: config.pinKey, readsAll });
  const [bob = '', carol = '', mobile = ''] = unknownNumbers(
    roster,
    [players.moderator.address, players.supervisor.address],
    3,
  );
  const cast = castOf(players, pins, { bob, carol, mobile });
  return {
    parts: smokeTestParts(cast, { room: options.room, prompts: PROMPTS[config.promptLanguage] }),
    cast: introduce(players),
    pins: [pins.moderator, pins.supervisor, pins.withPin].filter((pin) => typeof pin === 'string'),
  };
}

/** The roster of the server with these settings, which need not have everybody that production requires. */
async function readRoster({ roster: source, ...settings }: Config): Promise<Roster> {
  const roster = createRoster(settings);
  if (source !== undefined) {
    roster.replace(await readRosterFile({ ...source, mustName: [] }));
  }
  return roster;
}

/** @param numbers that nobody in the roster has */
function castOf(
  { moderator, supervisor, withPin }: Players,
  pins: EnteredPins,
  numbers: { bob: string; carol: string; mobile: string },
): SmokeTestCast {
  const { bob, carol, mobile } = numbers;
  return {
    bob,
    carol,
    alice: moderator.address ?? mobile,
    // From an unknown telephone, a star during the greeting comes first.
    aliceKeys: mustEnterPin(moderator) ? `${moderator.address === undefined ? '*' : ''}${pins.moderator}#` : undefined,
    ted: supervisor.address && {
      from: supervisor.address,
      keys: mustEnterPin(supervisor) ? `${pins.supervisor}#` : undefined,
      modes: modesIn(supervisor.rights),
      startsIn: startOf(supervisor),
    },
    stranger:
      withPin === undefined || typeof pins.withPin !== 'string'
        ? (pins.withPin as { leftOut: string })
        : { from: mobile, pin: pins.withPin, startsIn: startOf(withPin) },
  };
}

function introduce({ moderator, supervisor, withPin }: Players): string[] {
  const lacking = ['coach', 'monitor', 'barge'].filter((mode) => !supervisor.rights.has(mode as 'coach'));
  return [
    `Alice is the moderator ${describe(moderator)}. Ted is the supervisor ${describe(supervisor)}.`,
    ...(lacking.length > 0 ? [`Ted has no right to ${lacking.join(' or ')}: steps that need it are left out.`] : []),
    ...(withPin !== undefined && withPin !== supervisor
      ? [`In the part with a PIN, Ted is the supervisor ${describe(withPin)}.`]
      : []),
  ].map(printable);
}
