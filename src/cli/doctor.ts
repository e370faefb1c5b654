import type { Config } from '../config';
import type { ConferenceApi } from '../signalwire/conference-api';
import { createRestClient } from '../signalwire/rest-client';
import { type Finding, summaryOf } from './doctor/finding';
import { checkNumbers, skipNumbers } from './doctor/number-checks';
import { formatFindings } from './doctor/print';
import { createProbe, type ProbeOptions } from './doctor/probe';
import { checkPublicUrl, skipPublicUrl } from './doctor/public-url-checks';
import { checkRedis, skipRedis } from './doctor/redis-checks';
import { checkPeople, checkSettings } from './doctor/setting-checks';
import { checkSpace, type SpaceAnswers, skipSpace } from './doctor/space-checks';
import { type CommandContext, parseCommandLine, runSettingsCommand } from './run-command';

const USAGE = `npm run --silent doctor -- [OPTIONS]

Checks what a server with these settings needs: settings, roster and tokens, Redis, the Space's REST API, whether
PUBLIC_URL leads to the running server, and the account's phone numbers. Changes nothing.
Run it where the server runs, with the server's environment or .env.

  --json              one JSON document instead of text

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

/** `npm run doctor`. Returns the exit code: 1 if there is an error, otherwise 0. @throws UserError */
export async function doctor(context: CommandContext, given: DoctorOptions = {}): Promise<number> {
  const { args, env, stdout } = context;
  const flag = { type: 'boolean', default: false } as const;
  const options = parseCommandLine({ args, options: { json: flag, help: flag } });
  if (options.help) {
    stdout.write(USAGE);
    return 0;
  }
  const findings = await examine(env, dependenciesOf(given));
  stdout.write(
    options.json
      ? `${JSON.stringify({ checks: findings }, undefined, 2)}\n`
      : `${formatFindings(findings)}\n${summaryOf(findings)}\n`,
  );
  return findings.some(({ status }) => status === 'error') ? 1 : 0;
}

function dependenciesOf({ timeoutMs = TIMEOUT_MS, now = Date.now, monotonicNow, ...rest }: DoctorOptions) {
  return { timeoutMs, now, monotonicNow: monotonicNow ?? (() => performance.now()), ...rest };
}

/** Makes all checks, most of them at once. */
async function examine(env: CommandContext['env'], deps: Dependencies): Promise<Finding[]> {
  const settings = checkSettings(env);
  const { config } = settings;
  const people = checkPeople(env, deps);
  if (config === undefined) {
    const reason = 'The settings cannot be used.';
    return [
      ...settings.findings,
      ...(await people),
      ...skipRedis(reason),
      ...skipSpace(reason).findings,
      ...skipPublicUrl(reason),
      ...skipNumbers(reason),
    ];
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
  return [
    ...settings.findings,
    ...peopleFindings,
    ...redisFindings,
    ...spaceAnswers.findings,
    ...urlFindings,
    ...examineNumbers(config, spaceAnswers),
  ];
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

function examineNumbers({ publicUrl, conferenceName }: Config, { numbers }: SpaceAnswers): Finding[] {
  if ('reason' in numbers) {
    return skipNumbers(numbers.reason, numbers.remedy);
  }
  return publicUrl === undefined
    ? skipNumbers('PUBLIC_URL is not set.')
    : checkNumbers(numbers, { publicUrl, conferenceName }).findings;
}

if (require.main === module) {
  runSettingsCommand('doctor', doctor);
}
