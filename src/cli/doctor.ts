import { createInterface } from 'node:readline';
import type { Config } from '../config';
import type { ConferenceApi } from '../signalwire/conference-api';
import { createRestClient } from '../signalwire/rest-client';
import { type Finding, summaryOf } from './doctor/finding';
import {
  describeProposals,
  fixNumbers,
  judgeChanges,
  type MadeChange,
  type ProposedChange,
} from './doctor/fix-numbers';
import { checkNumbers, isAboutNumbers, type Proposal, skipNumbers } from './doctor/number-checks';
import { formatChanges, formatFindings } from './doctor/print';
import { createProbe, type ProbeOptions } from './doctor/probe';
import { checkPublicUrl, skipPublicUrl } from './doctor/public-url-checks';
import { checkRedis, skipRedis } from './doctor/redis-checks';
import { checkPeople, checkSettings } from './doctor/setting-checks';
import { checkSpace, type SpaceAnswers, skipSpace } from './doctor/space-checks';
import { type CommandContext, parseCommandLine, runSettingsCommand } from './run-command';

const USAGE = `npm run --silent doctor -- [OPTIONS]

Checks what a server with these settings needs: settings, roster and tokens, Redis, the Space's REST API, whether
PUBLIC_URL leads to the running server, and the account's phone numbers. Changes nothing unless you ask for it. Run it
where the server runs, with the server's environment or .env.

  --json              one JSON document instead of text
  --fix-numbers       proposes corrections of the numbers' fallbacks and status callbacks, asks, and makes them
  --yes               with --fix-numbers: does not ask

Ends with code 0 if there is no error, 1 if there is one, 2 if it could not run.
`;

/** What a doctor reaches the world with; a test has others. */
export interface DoctorOptions extends Partial<ProbeOptions> {
  /** Milliseconds since 1970. */
  now?: () => number;
  /** Milliseconds from any beginning, never going back. */
  monotonicNow?: () => number;
}

/** Deadline of each request. A Space waits 5 s for a document. */
const TIMEOUT_MS = 5_000;

type Dependencies = ReturnType<typeof dependenciesOf>;

/** What a doctor found, and what it needs to correct the numbers. */
interface Examination {
  findings: Finding[];
  proposals: readonly Proposal[];
  /** Makes the proposed changes; undefined if the numbers could not be checked. */
  fix: (() => Promise<{ changes: MadeChange[]; findings: Finding[] }>) | undefined;
}

/** `npm run doctor`. Returns the exit code: 1 if there is an error, otherwise 0. @throws UserError */
export async function doctor(context: CommandContext, given: DoctorOptions = {}): Promise<number> {
  const { args, env, stdout } = context;
  const flag = { type: 'boolean', default: false } as const;
  const options = parseCommandLine({ args, options: { json: flag, 'fix-numbers': flag, yes: flag, help: flag } });
  if (options.help) {
    stdout.write(USAGE);
    return 0;
  }
  const examined = await examine(env, dependenciesOf(given));
  if (!options.json) {
    stdout.write(`${formatFindings(examined.findings)}\n${summaryOf(examined.findings)}\n`);
  }
  const { findings, changes } = options['fix-numbers']
    ? await fixIfConfirmed(context, examined, options)
    : { findings: examined.findings, changes: undefined };
  if (options.json) {
    stdout.write(`${JSON.stringify({ checks: findings, changes }, undefined, 2)}\n`);
  }
  return findings.some(({ status }) => status === 'error') ? 1 : 0;
}

function dependenciesOf({ timeoutMs = TIMEOUT_MS, now = Date.now, monotonicNow, ...rest }: DoctorOptions) {
  return { timeoutMs, now, monotonicNow: monotonicNow ?? (() => performance.now()), ...rest };
}

/** Makes all checks, most of them at once. */
async function examine(env: CommandContext['env'], deps: Dependencies): Promise<Examination> {
  const settings = checkSettings(env);
  const { config } = settings;
  const people = checkPeople(env, deps);
  if (config === undefined) {
    const reason = 'The settings cannot be used.';
    const skipped = [skipRedis(reason), skipSpace(reason).findings, skipPublicUrl(reason), skipNumbers(reason)];
    return { findings: [...settings.findings, ...(await people), ...skipped.flat()], proposals: [], fix: undefined };
  }
  // By itself: other work of this process would count as slowness of Redis.
  const redisFindings = await checkRedis(config, deps);
  const space = createSpace(config, settings.areValid, deps);
  const [peopleFindings, spaceAnswers, urlFindings] = await Promise.all([
    people,
    space === undefined
      ? skipSpace(`SIGNALWIRE_SPACE_URL is ${config.space === undefined ? 'not set' : 'without TLS'}.`)
      : checkSpace(space, config.space?.url ?? '', deps.now),
    checkPublicUrl(config, { probe: createProbe(deps), now: deps.now }),
  ]);
  const numbers = examineNumbers(config, spaceAnswers, space);
  return {
    ...numbers,
    findings: [
      ...settings.findings,
      ...peopleFindings,
      ...redisFindings,
      ...spaceAnswers.findings,
      ...urlFindings,
      ...numbers.findings,
    ],
  };
}

/** Undefined if REST is not configured, or the server would refuse to send its token without TLS. */
function createSpace(
  { space }: Config,
  areValid: boolean,
  { timeoutMs, now }: Dependencies,
): ConferenceApi | undefined {
  const isRefused = !areValid && space?.url.startsWith('http:');
  return space === undefined || isRefused ? undefined : createRestClient(space, { timeoutMs, now });
}

function examineNumbers(config: Config, { numbers }: SpaceAnswers, space: ConferenceApi | undefined): Examination {
  const { publicUrl, conferenceName, callerId } = config;
  if (publicUrl === undefined || 'reason' in numbers) {
    const { reason, remedy } = 'reason' in numbers ? numbers : { reason: 'PUBLIC_URL is not set.', remedy: null };
    return { findings: skipNumbers(reason, remedy), proposals: [], fix: undefined };
  }
  const settings = { publicUrl, conferenceName, callerId };
  const { findings, proposals } = checkNumbers(numbers, settings);
  const fix =
    space &&
    (async () => {
      const fixed = await fixNumbers(space, proposals);
      const after = fixed.numbers && checkNumbers(fixed.numbers, settings).findings;
      return { changes: fixed.changes, findings: [...(after ?? findings), ...judgeChanges(fixed.changes)] };
    });
  return { findings, proposals, fix };
}

/** Shows the proposed changes, and makes them if somebody agrees. Without a terminal, only `--yes` agrees. */
async function fixIfConfirmed(
  context: CommandContext,
  { findings, proposals, fix }: Examination,
  { yes, json }: { yes: boolean; json: boolean },
): Promise<{ findings: Finding[]; changes: (ProposedChange | MadeChange)[] }> {
  const { stdin, stdout, stderr } = context;
  const proposed = describeProposals(proposals);
  if (fix === undefined || proposed.length === 0) {
    stderr.write('doctor: No number has anything that --fix-numbers can correct.\n');
    return { findings, changes: [] };
  }
  stderr.write(`\nProposed changes\n${formatChanges(proposed)}`);
  if (!yes && !stdin.isTTY) {
    stderr.write('doctor: Nothing was changed: this is no terminal to ask. To change without being asked: --yes.\n');
    return { findings, changes: proposed };
  }
  if (!yes && !(await isConfirmed(context))) {
    stderr.write('doctor: Nothing was changed.\n');
    return { findings, changes: proposed };
  }
  const fixed = await fix();
  const all = [...findings.filter((finding) => !isAboutNumbers(finding)), ...fixed.findings];
  if (!json) {
    stdout.write(`\nChanges\n${formatChanges(fixed.changes)}\n${formatFindings(fixed.findings)}\n${summaryOf(all)}\n`);
  }
  return { findings: all, changes: fixed.changes };
}

/** Asks on the terminal. The end of the input means no. */
async function isConfirmed({ stdin, stderr }: CommandContext): Promise<boolean> {
  stderr.write('Make these changes? [y/N] ');
  for await (const line of createInterface({ input: stdin })) {
    // An open terminal would keep the process running.
    stdin.destroy();
    return /^y(es)?$/i.test(line.trim());
  }
  return false;
}

if (require.main === module) {
  runSettingsCommand('doctor', doctor);
}
