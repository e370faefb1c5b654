import { readFileSync, writeFileSync } from 'node:fs';
import type { LookupFunction } from 'node:net';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { type DoctorOptions, doctor } from '../../src/cli/doctor';
import type { Finding } from '../../src/cli/doctor/finding';
import { type ConferenceCoach, startConferenceCoach } from '../../src/conference-coach';
import { loadConfig } from '../../src/config';
import type { NumberSettings, PhoneNumber } from '../../src/simulator/phone-numbers';
import { type RestApiOptions, serveRestApi } from '../../src/simulator/rest-api';
import { createSpace, type Space } from '../../src/simulator/space';
import { type Certificate, generateAuthority, generateCertificate } from './certificate';
import { type CommandOutcome, type CommandRun, runInProcess } from './command';
import { onTestFinished } from './on-test-finished';
import { type RedisServer, startRedis } from './redis-server';
import { PIN_KEY, rosterText } from './roster';
import { temporaryFolder } from './temporary-folder';
import { startTlsProxy, type TlsProxy } from './tls-proxy';

export const HOST = 'coach.example.com';
export const KEY = 'PSK_0123456789';
const [ALICE, TED, PIN] = ['+15550004444', '+15550005555', '48213'];

/** A number for agents and customers, one for supervisors, and one of somebody else. */
export const NUMBERS = { conference: '+15550001111', supervisors: '+15550002222', other: '+15550003333' };

/** A correct set-up: a running server with Redis and REST, behind TLS, and a Space with three numbers. */
export interface DoctorBench {
  env: Record<string, string>;
  publicUrl: string;
  redis: RedisServer;
  /** A connection of the test's own. */
  admin: Redis;
  proxy: TlsProxy;
  authority: Certificate;
  space: Space;
  /** What the Space's REST API does with a request. */
  intercept: NonNullable<RestApiOptions['intercept']>;
  /** How far the Space's clock is ahead, in milliseconds. */
  spaceAheadMs: number;
  number(which: keyof typeof NUMBERS): PhoneNumber;
  /** Changes a number until the test is over. */
  change(which: keyof typeof NUMBERS, settings: NumberSettings): void;
  /** Lets the proxy use another certificate until the test is over. */
  certify(certificate: Certificate): void;
  /** Runs the doctor. */
  run(how?: CommandRun, options?: DoctorOptions): Promise<CommandOutcome>;
  /** Runs the doctor with `--json`; what it found. */
  examine(how?: CommandRun, options?: DoctorOptions): Promise<Finding[]>;
  close(): Promise<void>;
}

/**
 * Starts one. What a test changes in it must be changed back when the test is over.
 *
 * @param host the host of PUBLIC_URL, which the doctor finds on this machine
 */
export async function startDoctorBench(host = HOST): Promise<DoctorBench> {
  const authority = await generateAuthority();
  const certificate = await generateCertificate({ host, issuer: authority });
  const [redis, proxy] = await Promise.all([startRedis(['--appendonly', 'yes']), startTlsProxy(certificate)]);
  const admin = new Redis(redis.url);
  const publicUrl = `https://${host}:${proxy.port}`;
  const space = createSpace({
    signingKey: KEY,
    wallClock: () => Date.now() + bench.spaceAheadMs,
    numbers: [
      {
        number: NUMBERS.conference,
        voiceUrl: `${publicUrl}/conference/sales`,
        voiceFallbackUrl: `${publicUrl}/fallback/sales`,
        statusCallback: `${publicUrl}/events/call/sales`,
      },
      { number: NUMBERS.supervisors, voiceUrl: `${publicUrl}/supervisor?mode=coach` },
      {
        number: NUMBERS.other,
        voiceUrl: 'https://other.example.com/voice',
        voiceFallbackUrl: 'https://other.example.com/x',
      },
    ],
  });
  const rest = await serveRestApi(space, { intercept: (request) => bench.intercept(request) });
  const folder = temporaryFolder();
  const rosterFile = join(folder, 'roster.json');
  writeFileSync(rosterFile, rosterText({ moderators: [{ name: 'Alice', number: ALICE, pin: PIN }] }));
  const env = {
    PORT: '0',
    PUBLIC_URL: publicUrl,
    TRUST_PROXY: 'loopback',
    REDIS_URL: redis.url,
    SIGNALWIRE_SIGNING_KEY: KEY,
    SIGNALWIRE_SPACE_URL: rest.url,
    SIGNALWIRE_PROJECT_ID: space.accountSid,
    SIGNALWIRE_API_TOKEN: space.apiToken,
    SUPERVISOR_NUMBERS: TED,
    CALLER_ID: NUMBERS.conference,
    ROSTER_FILE: rosterFile,
    PIN_KEY,
  };
  const server: ConferenceCoach = await startConferenceCoach(loadConfig(env), pino({ level: 'silent' }), {
    sweepIntervalMs: 0,
  });
  proxy.target = server.port;
  const ca = readFileSync(authority.ca, 'utf8');
  const lookup = ((_host, options, done) =>
    options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)) as LookupFunction;
  // Whatever else this machine does, a round trip takes a millisecond.
  let milliseconds = 0;
  const monotonicNow = () => milliseconds++;
  const secrets = [KEY, space.apiToken, PIN_KEY, 'hunter', ...Object.values(NUMBERS), ALICE, TED, PIN];

  const bench: DoctorBench = {
    env,
    publicUrl,
    redis,
    admin,
    proxy,
    authority,
    space,
    intercept: () => undefined,
    spaceAheadMs: 0,
    number(which) {
      const found = space.numbers.find(({ number }) => number === NUMBERS[which]);
      if (found === undefined) {
        throw new Error(`There is no number ${which}.`);
      }
      return found;
    },
    change(which, settings) {
      const number = bench.number(which);
      const before = { ...number };
      onTestFinished(() => Object.assign(number, before));
      Object.assign(number, settings);
    },
    certify(other) {
      onTestFinished(() => proxy.use(certificate));
      proxy.use(other);
    },
    async run({ env: changed, ...how } = {}, options = {}) {
      const outcome = await runInProcess(
        'doctor',
        (context) => doctor(context, { ca, lookup, monotonicNow, ...options }),
        { env: { ...env, ...changed }, ...how },
      );
      const leaked = secrets.filter((secret) => (outcome.stdout + outcome.stderr).includes(secret));
      if (leaked.length > 0) {
        throw new Error(`The output has secrets: ${leaked.join(', ')}`);
      }
      return outcome;
    },
    async examine({ args = [], ...how } = {}, options) {
      const { stdout, stderr } = await bench.run({ args: ['--json', ...args], ...how }, options);
      if (stdout === '') {
        throw new Error(stderr);
      }
      return JSON.parse(stdout).checks;
    },
    async close() {
      await admin.quit();
      space.close();
      await server.stop(0);
      rest.close();
      proxy.close();
      await redis.dispose();
    },
  };
  return bench;
}
