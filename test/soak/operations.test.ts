import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ALICE, BOB, TED } from '../support/app';
import { type Deployment, startDeployment } from '../support/deployment';
import { eventually } from '../support/redis-server';
import { temporaryFolder } from '../support/temporary-folder';

const CAROL = '+15557788998';
/** How long the Space waits for a document. */
const SPACE_TIMEOUT_MS = 5_000;

let deployment: Deployment;
let data: string;

beforeAll(async () => {
  deployment = await startDeployment({ drainSeconds: 5 });
  const { folder, run } = deployment;
  data = join(folder, 'redis');
  mkdirSync(data);
  writeFileSync(join(folder, 'roster.json'), '{}');
  await run('cli/roster.js', ['add', 'Alice', '--role', 'moderator', '--number', ALICE]);
  await run('cli/roster.js', ['add', 'Ted', '--role', 'supervisor', '--number', TED]);
  await deployment.startRedis(data);
  await deployment.startServers();
  // Caddy has seen that both are ready.
  await eventually(async () => expect((await call('alice-0', ALICE)).status).toBe(200), 20_000);
}, 60_000);

afterAll(() => deployment?.dispose());

const call = (CallSid: string, From: string, path = '/conference/sales', agent?: Agent) =>
  deployment.post(path, { CallSid, From }, agent);

/** A hundred webhooks a second until it is stopped, half of them on connections that are kept. */
function startLoad() {
  const failures: string[] = [];
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  const open = new Set<Promise<unknown>>();
  let sent = 0;
  const request = async (number: number) => {
    const [path, from] = [
      ['/conference/load', BOB],
      ['/conference/load', ALICE],
      ['/coach/load?mode=monitor', TED],
      ['/events/call/load', BOB],
    ][number % 4] as [string, string];
    try {
      const { status, ms } = await call(`load-${number % 40}`, from, path, number % 8 < 4 ? agent : undefined);
      if (status >= 300 || ms > SPACE_TIMEOUT_MS) {
        failures.push(`${path}: ${status} after ${Math.round(ms)} ms`);
      }
    } catch (error) {
      failures.push(`${path}: ${error}`);
    }
  };
  const timer = setInterval(() => {
    const one = request(sent++).finally(() => open.delete(one));
    open.add(one);
  }, 10);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
      agent.destroy();
      return { sent, failures };
    },
  };
}

const restartAll = () => deployment.run('rolling-restart.sh', ['server-1', 'server-2'], { env: deployment.restarting });

describe('in operation', () => {
  it('no webhook fails during ten restarts at 100 webhooks a second', async () => {
    const before = deployment.restarts();
    const load = startLoad();
    const startedAt = performance.now();
    for (let round = 0; round < 5; round++) {
      await restartAll();
    }
    const seconds = (performance.now() - startedAt) / 1_000;
    const { sent, failures } = await load.stop();
    expect(deployment.restarts() - before).toBe(10);
    expect(failures).toEqual([]);
    // A machine that is busy sends fewer.
    expect(sent / seconds).toBeGreaterThan(50);
  });

  it('the signing key is replaced while calls go on', async () => {
    const load = startLoad();
    const settings = () => readFileSync(join(deployment.folder, '.env'), 'utf8');
    const before = settings();
    await deployment.run('signing-key.sh', ['add'], { input: 'PSK_second\n' });
    expect(settings()).toBe(before.replace('=PSK_first', '=PSK_second,PSK_first'));
    await restartAll();
    const old = deployment.signingKey;
    deployment.signingKey = 'PSK_second';
    await deployment.run('signing-key.sh', ['finish']);
    expect(settings()).toBe(before.replace('=PSK_first', '=PSK_second'));
    await restartAll();
    expect((await load.stop()).failures).toEqual([]);
    deployment.signingKey = old;
    expect((await call('bob-1', BOB)).status).toBe(403);
    deployment.signingKey = 'PSK_second';
  });

  it.each([
    ['add', 'PSK_second', 'that is not a new key'],
    ['add', 'PT0123', 'that is an API token'],
    ['add', 'PSK_a b', 'that is not a new key'],
    ['add', '', 'that is not a new key'],
    ['finish', '', 'only one key is set'],
    ['remove', '', 'say add or finish'],
  ])('refuses to change the key with %s and %j', async (action, input, sentence) => {
    const before = readFileSync(join(deployment.folder, '.env'), 'utf8');
    await expect(deployment.run('signing-key.sh', [action], { input: `${input}\n` })).rejects.toThrow(sentence);
    expect(readFileSync(join(deployment.folder, '.env'), 'utf8')).toBe(before);
  });

  it('a change of the roster counts at both servers, without a restart', async () => {
    const load = startLoad();
    const isModerator = async () => {
      const answers = await Promise.all(Array.from({ length: 4 }, (_, index) => call(`carol-${index}`, CAROL)));
      return answers.map(({ text }) => text.includes('startConferenceOnEnter="true"'));
    };
    expect(await isModerator()).toEqual([false, false, false, false]);
    await deployment.run('cli/roster.js', ['add', 'Carol', '--role', 'moderator', '--number', CAROL]);
    await eventually(async () => expect(await isModerator()).toEqual([true, true, true, true]));
    await deployment.run('cli/roster.js', ['remove', 'Carol']);
    await eventually(async () => expect(await isModerator()).toEqual([false, false, false, false]));
    expect((await load.stop()).failures).toEqual([]);
  });

  it('moderators and callers are connected while Redis is stopped', async () => {
    await deployment.stopRedis();
    // Longer than the proxy takes to notice a server that is not ready.
    await sleep(5_000);
    for (const [sid, from, starts] of [
      ['alice-2', ALICE, 'true'],
      ['bob-2', BOB, 'false'],
    ] as const) {
      const { status, text, ms } = await call(sid, from);
      expect([status, text]).toEqual([200, expect.stringContaining(`startConferenceOnEnter="${starts}"`)]);
      expect(ms).toBeLessThan(SPACE_TIMEOUT_MS);
    }
    await deployment.startRedis(data);
    await eventually(async () => expect((await call('ted-2', TED, '/coach/sales')).text).toContain('coach="alice-2"'));
  });

  it('a backup brings back the calls and the audit trail', async () => {
    await call('alice-3', ALICE, '/conference/backup');
    // Both servers have Redis again.
    await eventually(async () => expect((await call('ted-3', TED, '/coach/backup')).text).toContain('coach="alice-3"'));
    const audit = () => deployment.run('cli/audit.js', ['--room', 'backup']);
    await eventually(async () => expect(await audit()).toContain('ted-3'));
    const trail = await audit();
    const backup = await deployment.run('backup.sh', ['-p', String(deployment.redisPort)]);

    // The day after: other calls, then the data is lost.
    await call('alice-4', ALICE, '/conference/backup');
    await deployment.stopServers();
    await deployment.stopRedis();
    const told = await deployment.run('restore.sh', [data], { input: Buffer.from(backup, 'latin1') });
    expect(told).toMatch(/^Restored \d+ keys\. What was there before is in /);
    expect(readdirSync(data).sort()).toEqual(['appendonlydir', expect.stringMatching(/^before-/)]);
    await deployment.startRedis(data);
    await deployment.startServers();

    expect(await audit()).toBe(trail);
    await eventually(async () => expect((await call('ted-4', TED, '/coach/backup')).text).toContain('coach="alice-3"'));
  });

  it('a backup needs the password, and half of one is not restored', async () => {
    const port = ['-p', String(deployment.redisPort)];
    await expect(deployment.run('backup.sh', port, { env: { REDIS_PASSWORD: 'wrong' } })).rejects.toThrow();
    const half = Buffer.from((await deployment.run('backup.sh', port)).slice(0, 200), 'latin1');
    const before = readdirSync(data);
    await expect(deployment.run('restore.sh', [data], { input: half })).rejects.toThrow('Nothing was changed');
    expect(readdirSync(data)).toEqual(before);
  });
});

describe('the files of a deployment', () => {
  const unit = readFileSync(join(__dirname, '../../deploy/conference-coach@.service'), 'utf8');

  it('systemd accepts the unit, and it gives away little', async () => {
    const file = join(temporaryFolder(), 'conference-coach@3001.service');
    writeFileSync(file, unit.replace('/usr/bin/node', process.execPath));
    await promisify(execFile)('systemd-analyze', ['verify', file]);
    await promisify(execFile)('systemd-analyze', ['security', '--offline=yes', '--threshold=20', file]);
  });
});
