import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { Agent, createServer as createHttpServer, request } from 'node:http';
import { type AddressInfo, connect, createServer, type Server as NetServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import supertest from 'supertest';
import { targetOf } from '../../src/rooms/room';
import { createRedisStore, waitForStore } from '../../src/stores';
import { generateCertificate } from '../support/certificate';
import { itInFull } from '../support/fuzz';
import { onTestFinished } from '../support/on-test-finished';
import { type RunningServer, runProgram, startProgram } from '../support/process';
import { freeClusterPort } from '../support/redis-cluster';
import { eventually, freePort, type RedisServer, startRedis } from '../support/redis-server';
import { roomNamed } from '../support/room-stores';
import { PIN_KEY, rosterText } from '../support/roster';
import { sign } from '../support/sign';
import { temporaryFolder } from '../support/temporary-folder';

async function start(env: Record<string, string>, folder?: string): Promise<RunningServer> {
  const program = await startProgram({ PORT: '0', ...env }, folder);
  onTestFinished(() => {
    program.child.kill('SIGKILL');
    return program.exit;
  });
  return program;
}

async function startStore(args: string[] = [], port?: number): Promise<RedisServer> {
  const redis = await startRedis(args, port);
  onTestFinished(() => redis.dispose());
  return redis;
}

/** Lets a server of the test's own listen, and closes it at the end. */
async function listening<T extends NetServer>(server: T): Promise<T & { port: number }> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => server.close());
  return Object.assign(server, { port: (server.address() as AddressInfo).port });
}

describe('the program', () => {
  it('starts without settings, serves only this machine, and warns of what is open', async () => {
    const program = await start({});
    const port = await program.port();
    const response = await supertest(`http://127.0.0.1:${port}`)
      .post('/conference')
      .type('form')
      .send('CallSid=alice-1&From=+15557788999');
    expect(response.text).toContain(`action="http://localhost:${port}/conference/sample-conf/ended"`);
    const warnings = program
      .stdout()
      .split('\n')
      .filter((line) => line.includes('"level":"warn"'));
    expect(warnings).toHaveLength(6);
    expect(warnings[0]).toContain('unsigned webhooks are accepted from this machine only');
    // Nobody has the default agent's number, so this one warning may name it.
    expect(warnings[2]).toContain('"MODERATOR_NUMBERS is not set: the agent is +15557788999. Set it, or ROSTER_FILE."');
    expect(program.stdout().replace(warnings[2] ?? '', '')).not.toMatch(/1555\d{7}/);
    expect(program.stderr()).toBe('');
  });

  it('reads .env from its folder, and warns of unknown settings there', async () => {
    const folder = temporaryFolder();
    const settings = ['CONFERENCE_NAME="Sales 2"', 'SIGNALWIRE_SIGNING_KEY=PSK_1', 'PUBLIC_URL=http://a.b'];
    await writeFile(
      join(folder, '.env'),
      [...settings, 'CALLER_NOTIC=Calls may be supervised.', 'COLOUR=red', 'DOMAIN=a.b', 'REDIS_PASSWORD=x'].join('\n'),
    );
    const program = await start({}, folder);
    const server = supertest(`http://127.0.0.1:${await program.port()}`);
    await server.post('/fallback').expect(403);
    const signed = await server.get('/fallback').set('x-signalwire-signature', sign('PSK_1', 'http://a.b/fallback'));
    expect(signed.text).toContain('>Sales 2</Conference>');
    await program.says('"msg":"CALLER_NOTIC is not a setting: did you mean CALLER_NOTICE?"');
    await eventually(() =>
      expect(program.stdout()).toContain('.env sets COLOUR, which is not a setting of this server and has no effect."'),
    );
    expect(program.stdout()).not.toMatch(/\.env sets (CONFERENCE_NAME|CALLER_NOTIC|DOMAIN|REDIS_PASSWORD)/);
  });

  it('writes text when asked to, JSON otherwise', async () => {
    const [text, json] = await Promise.all([start({ LOG_FORMAT: 'text' }), start({})]);
    await Promise.all([text.says('is listening'), json.says('is listening')]);
    expect(text.stdout()).toMatch(/^\d\d:\d\d:\d\d WARN SIGNALWIRE_SIGNING_KEY is not set/);
    expect(() => JSON.parse(json.stdout().split('\n')[0] ?? '')).not.toThrow();
  });

  describe('does not start, and says why in one sentence without a stack trace,', () => {
    async function expectRefusal(env: Record<string, string>, sentence: string | RegExp, folder?: string) {
      const program = await start(env, folder);
      expect(await program.exit).toBe(1);
      expect(program.stderr()).toMatch(sentence);
      expect(program.stderr().trim().split('\n')).toHaveLength(1);
      expect(program.stdout() + program.stderr()).not.toMatch(/\bat .*:\d+:\d+/);
    }

    it('when the port is taken', async () => {
      const { port } = await listening(createServer());
      await expectRefusal(
        { PORT: String(port) },
        `conference-coach: PORT ${port} is taken: stop the program that has it, or set another PORT.\n`,
      );
    });

    itInFull('when the port is taken, without losing earlier log lines', async () => {
      const { port } = await listening(createServer());
      const program = await start({ PORT: String(port), REDIS_URL: `redis://127.0.0.1:${await freePort()}` });
      expect(await program.exit).toBe(1);
      expect(program.stdout()).toContain(
        '"msg":"Redis unreachable: start it, or correct REDIS_URL; starting without it, retrying"',
      );
    });

    it('when a setting is invalid', () =>
      expectRefusal({ PORT: 'abc' }, 'conference-coach: PORT must be a whole number from 0 to 65535.\n'));

    it('when .env cannot be read; neither do the commands', async () => {
      const folder = temporaryFolder();
      await mkdir(join(folder, '.env'));
      await expectRefusal({}, 'conference-coach: Cannot read .env: ', folder);
      for (const [name, file] of [
        ['roster', 'cli/roster.js'],
        ['simulate', 'simulator/simulate.js'],
      ] as const) {
        const program = await runProgram(file, ['list'], {}, folder);
        expect([await program.exit, program.stderr()]).toEqual([
          2,
          expect.stringMatching(`^${name}: Cannot read .env: `),
        ]);
      }
    });

    it('when the roster cannot be read, and asks about misspelt settings too', async () => {
      const program = await start({ ROSTER_FILE: 'nowhere.json', LOGLEVEL: 'debug' });
      expect(await program.exit).toBe(1);
      expect(program.stderr().trim().split('\n')).toEqual([
        expect.stringContaining('Cannot read ROSTER_FILE nowhere.json: ENOENT'),
        'conference-coach: LOGLEVEL is not a setting: did you mean LOG_LEVEL?',
      ]);
    });
  });

  it('starts while Redis is down, and never logs its password', async () => {
    const port = await freePort();
    const program = await start({ REDIS_URL: `redis://:hunter2@127.0.0.1:${port}`, LOG_LEVEL: 'trace' });
    const server = supertest(`http://127.0.0.1:${await program.port()}`);
    await server.get('/readyz').expect(200, 'ready\nstore: away\n');
    await server.post('/conference').type('form').send('CallSid=alice-1&From=+15557788999').expect(200);
    const redis = await startStore(['--requirepass', 'hunter2'], port);
    await eventually(() => server.get('/readyz').expect(200, 'ready\nstore: ok\n'));
    const coach = await eventually(async () => {
      const response = await server.post('/coach').type('form').send('CallSid=ted-1&From=+15550002222');
      expect(response.text).toContain('coach="alice-1"');
      return response;
    });
    expect(coach.status).toBe(200);
    await redis.kill();
    await server.get('/readyz').expect(200, 'ready\nstore: away\n');
    await server.post('/conference').type('form').send('CallSid=alice-2&From=+15557788999').expect(200);
    await eventually(() => expect(program.stdout()).toContain('Redis unreachable'));
    expect(program.stdout() + program.stderr()).not.toContain('hunter2');
  });

  itInFull('connects a moderator within 1.5 s while Redis hangs', async () => {
    const redis = await startStore();
    const program = await start({ REDIS_URL: redis.url });
    const server = supertest(`http://127.0.0.1:${await program.port()}`);
    await eventually(() => server.get('/readyz').expect(200, 'ready\nstore: ok\n'));
    redis.freeze();
    const startedAt = performance.now();
    const response = await server.post('/conference').type('form').send('CallSid=alice-1&From=+15557788999');
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    expect(response.text).toContain('startConferenceOnEnter="true"');
  });

  itInFull('reconnects once a second while Redis is read-only, without a warning', async () => {
    const redis = await startStore();
    const program = await start({ REDIS_URL: redis.url });
    const server = supertest(`http://127.0.0.1:${await program.port()}`);
    await eventually(() => server.get('/readyz').expect(200, 'ready\nstore: ok\n'));
    const client = new Redis(redis.url);
    onTestFinished(() => client.quit());
    // The server names each of its connections, but not those that look for the cause of a failure.
    const connectionCount = async () =>
      Number(/cmdstat_client\|setname:calls=(\d+)/.exec(await client.info('commandstats'))?.[1]);
    const before = await connectionCount();
    const since = performance.now();
    await client.replicaof('127.0.0.1', '1');
    await eventually(async () => expect(await connectionCount()).toBeGreaterThanOrEqual(before + 3));
    // Between two of them: at the moment of the third, a millisecond would decide.
    await sleep(1_500 - ((performance.now() - since) % 1_000));
    expect((await connectionCount()) - before).toBeLessThanOrEqual((performance.now() - since) / 1_000 + 1);
    expect(program.stdout()).not.toContain('Warning from Node.js');
  });

  itInFull('asks the Space for the moderator while Redis is down, and survives a truncated answer', async () => {
    let broken = false;
    const page = { uri: '/x', page: 0, page_size: 50 };
    const space = await listening(
      createHttpServer((req, res) => {
        const isFirst = !req.url?.includes('Page=1');
        const conferences = {
          ...page,
          next_page_uri: null,
          conferences: ['sample-conf', 'sales'].map((name) => ({ sid: 'c-1', friendly_name: name })),
        };
        const participants = {
          ...page,
          next_page_uri: isFirst ? '/2010-04-01/Accounts/p-1/Conferences/c-1/Participants.json?Page=1' : null,
          participants: [{ call_sid: isFirst ? 'bob-1' : 'alice-1', end_conference_on_exit: !isFirst }],
        };
        res.statusCode = broken && !isFirst ? 502 : 200;
        res.end(JSON.stringify(req.url?.includes('Participants') ? participants : conferences));
      }),
    );
    const program = await start({
      REDIS_URL: `redis://127.0.0.1:${await freePort()}`,
      SIGNALWIRE_SPACE_URL: `http://127.0.0.1:${space.port}`,
      SIGNALWIRE_PROJECT_ID: 'p-1',
      SIGNALWIRE_API_TOKEN: 'PT-secret',
    });
    const server = supertest(`http://127.0.0.1:${await program.port()}`);
    const coach = (path = '/coach') => server.post(path).type('form').send('CallSid=ted-1&From=+15550002222');
    expect((await coach()).text).toContain('coach="alice-1"');
    broken = true;
    // What the Space has told once is known here.
    expect((await coach()).text).toContain('coach="alice-1"');
    expect((await coach('/coach/sales')).text).toContain('Sorry, a technical problem.');
    expect(program.child.exitCode).toBeNull();
    expect(program.stdout()).not.toContain('PT-secret');
  });

  itInFull('talks TLS to a Redis Cluster, with a password and a certificate that names hosts', async () => {
    const { folder, ca } = await generateCertificate();
    const port = await freeClusterPort();
    const files = ['--tls-cert-file', join(folder, 'cert.pem'), '--tls-key-file', join(folder, 'key.pem')];
    const node = await startStore(
      [
        ...['--cluster-enabled', 'yes', '--requirepass', 'se cret', '--tls-port', String(port), '--tls-cluster', 'yes'],
        ...['--tls-auth-clients', 'no', '--tls-ca-cert-file', ca, ...files],
        ...['--cluster-announce-hostname', 'localhost', '--cluster-preferred-endpoint-type', 'hostname'],
      ],
      await freeClusterPort(),
    );
    const admin = new Redis(node.url, { password: 'se cret' });
    await admin.cluster('ADDSLOTS', ...Array.from({ length: 16_384 }, (_, slot) => slot));
    await admin.quit();
    // Named twice, one node is a cluster.
    const url = `rediss://:se%20cret@localhost:${port}`;
    const program = await start({ REDIS_URL: `${url},${url}`, NODE_EXTRA_CA_CERTS: ca });
    const server = supertest(`http://127.0.0.1:${await program.port()}`);
    await eventually(() => server.get('/readyz').expect(200, 'ready\nstore: ok\n'));
    await server.post('/conference').type('form').send('CallSid=alice-1&From=+15557788999').expect(200);
    const coach = await server.post('/coach').type('form').send('CallSid=ted-1&From=+15550002222');
    expect(coach.text).toContain('coach="alice-1"');
  });

  itInFull('talks TLS to Redis', async () => {
    const { folder, ca } = await generateCertificate();
    const tls = ['--tls-cert-file', join(folder, 'cert.pem'), '--tls-key-file', join(folder, 'key.pem')];
    const port = await freePort();
    await startStore(['--tls-port', String(port), ...tls, '--tls-auth-clients', 'no'], await freePort());
    const program = await start({ REDIS_URL: `rediss://localhost:${port}`, NODE_EXTRA_CA_CERTS: ca });
    const server = supertest(`http://127.0.0.1:${await program.port()}`);
    await eventually(() => server.get('/readyz').expect(200, 'ready\nstore: ok\n'));
    await server.post('/conference').type('form').send('CallSid=alice-1&From=+15557788999').expect(200);
    const coach = await server.post('/coach').type('form').send('CallSid=ted-1&From=+15550002222');
    expect(coach.text).toContain('coach="alice-1"');
  });
});

describe('in the image', () => {
  const dockerfile = readFileSync(join(__dirname, '../../Dockerfile'), 'utf8');
  const [, lastStage = ''] = dockerfile.split(/^FROM (?!.* AS )/m);
  const imageEnv = Object.fromEntries(
    [...lastStage.matchAll(/^ENV (\w+)=(\S+)$/gm)].map(([, name, value]) => [name, value]),
  );

  it('the commands need only their own settings', async () => {
    const program = await runProgram('cli/roster.js', ['hash-pin', '48213'], { ...imageEnv, PIN_KEY });
    expect(await program.exit).toBe(0);
    expect(program.stdout()).toMatch(/^[0-9a-f]{64}\n$/);
    expect(program.stderr()).toBe('');
  });
});

describe('SIGTERM', () => {
  /** The moderator whom the next server connects a supervisor with. */
  async function targetIn({ url }: RedisServer): Promise<string | undefined> {
    const options = { urls: [url], lifetimeMs: 60_000, auditMs: 3_600_000, timeoutMs: 2_000 };
    const store = createRedisStore({ ...options, onConnection: () => {} });
    onTestFinished(() => store.close());
    await waitForStore(store, 5_000);
    return targetOf((await store.rooms.read(roomNamed('sample-conf'))).state)?.callSid;
  }

  itInFull('ends it with code 0 even while it starts', async () => {
    let isAsked = () => {};
    const asked = new Promise<void>((resolve) => {
      isAsked = resolve;
    });
    const silent = await listening(
      createServer((socket) => {
        socket.on('error', () => {});
        isAsked();
      }),
    );
    const program = await start({ REDIS_URL: `redis://127.0.0.1:${silent.port}` });
    await asked;
    program.child.kill('SIGTERM');
    expect(await program.exit).toBe(0);
    expect(program.stdout()).not.toContain('is listening');
  });

  it('makes it not ready, then ends it with code 0', async () => {
    const program = await start({});
    const server = supertest(`http://127.0.0.1:${await program.port()}`);
    await server.get('/readyz').expect(200, 'ready\nstore: ok\n');
    program.child.kill('SIGTERM');
    await eventually(() => server.get('/readyz').expect(503, 'stopping\nstore: ok\n').expect('connection', 'close'));
    await server.get('/healthz').expect(200);
    expect(await program.exit).toBe(0);
    expect(program.stdout()).toContain('"msg":"Stopped"');
  });

  it('lets it serve for DRAIN_SECONDS more', async () => {
    const drainMs = 2_000;
    const program = await start({ DRAIN_SECONDS: '2' });
    const server = supertest(`http://127.0.0.1:${await program.port()}`);
    const since = performance.now();
    program.child.kill('SIGTERM');
    await eventually(() => server.get('/readyz').expect(503));
    let servedMs = 0;
    for (;;) {
      const isServed = await server.get('/healthz').then(
        ({ status }) => status === 200,
        () => false,
      );
      if (!isServed) {
        break;
      }
      servedMs = performance.now() - since;
    }
    expect(servedMs).toBeGreaterThan(drainMs - 500);
    expect(servedMs).toBeLessThan(drainMs + 5_000);
    expect(await program.exit).toBe(0);
  });

  itInFull('waits for a slow client until the deadline', async () => {
    const program = await start({});
    const port = await program.port();
    const slow = request({
      port,
      host: '127.0.0.1',
      method: 'POST',
      path: '/conference',
      headers: { 'content-length': 9 },
    });
    slow.setHeader('content-type', 'application/x-www-form-urlencoded');
    slow.flushHeaders();
    const outcome = once(slow, 'error');
    await sleep(100);
    const startedAt = Date.now();
    program.child.kill('SIGTERM');
    expect(await program.exit).toBe(0);
    expect(Date.now() - startedAt).toBeLessThan(10_000);
    expect(program.stdout()).toContain('"answered":false,"written":true');
    await outcome;
  });

  itInFull('or SIGINT does not wait for connections without a request', async () => {
    const program = await start({});
    const silent = connect(await program.port(), '127.0.0.1').on('error', () => {});
    await once(silent, 'connect');
    program.child.kill('SIGINT');
    expect(await program.exit).toBe(0);
    expect(program.stdout()).toContain('"signal":"SIGINT"');
    expect(program.stdout()).toContain('"msg":"Stopped"');
  });

  itInFull('waits for the store to come back and flushes pending writes', async () => {
    const redis = await startStore();
    const program = await start({ REDIS_URL: redis.url });
    const server = supertest(`http://127.0.0.1:${await program.port()}`);
    await redis.kill();
    await server.post('/conference').type('form').send('CallSid=alice-1&From=+15557788999').expect(200);
    program.child.kill('SIGTERM');
    // Not before the port is closed: until then the store is tried anyway.
    await eventually(() => expect(server.get('/healthz')).rejects.toThrow('ECONNREFUSED'));
    await redis.restart();
    expect(await program.exit).toBe(0);
    expect(program.stdout()).toContain('"msg":"Stopped"');
    expect(await targetIn(redis)).toBe('alice-1');
  });

  it('flushes pending writes before it ends', async () => {
    const redis = await startStore();
    const program = await start({ REDIS_URL: redis.url });
    const server = supertest(`http://127.0.0.1:${await program.port()}`);
    redis.freeze();
    await server.post('/conference').type('form').send('CallSid=alice-1&From=+15557788999').expect(200);
    program.child.kill('SIGTERM');
    redis.thaw();
    expect(await program.exit).toBe(0);
    expect(await targetIn(redis)).toBe('alice-1');
  });

  itInFull.each([
    ['on kept connections', true],
    ['on new connections', false],
  ])('answers every accepted request at 200 a second, %s', async (_how, keepAlive) => {
    const redis = await startStore();
    const program = await start({ REDIS_URL: redis.url });
    const port = await program.port();
    const agent = new Agent({ keepAlive, maxSockets: 50 });
    onTestFinished(() => agent.destroy());
    const outcomes: { number: number; status?: number; code?: string; sentAt: number }[] = [];
    const pending = new Set<Promise<void>>();

    const send = (number: number) =>
      new Promise<void>((resolve) => {
        const sentAt = Date.now();
        const body = `CallSid=alice-${number}&From=+15557788999`;
        const headers = {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': body.length,
        };
        const req = request({ agent, port, host: '127.0.0.1', method: 'POST', path: '/conference', headers }, (res) => {
          res.resume().on('end', () => {
            outcomes.push({ number, status: res.statusCode ?? 0, sentAt });
            resolve();
          });
        });
        req.on('error', (error: NodeJS.ErrnoException) => {
          outcomes.push({ number, code: error.code ?? 'unknown', sentAt });
          resolve();
        });
        req.end(body);
      });

    let stopped = false;
    void program.exit.then(() => {
      stopped = true;
    });
    const startedAt = Date.now();
    let killedAt: number | undefined;
    for (let number = 0; !stopped && number < 4_000; number++) {
      if (killedAt === undefined && Date.now() - startedAt > 1_000) {
        killedAt = Date.now();
        program.child.kill('SIGTERM');
      }
      const request = send(number).finally(() => pending.delete(request));
      pending.add(request);
      // 200 a second on average, whatever a timer's resolution is
      const due = startedAt + (number + 1) * 5;
      await sleep(Math.max(0, due - Date.now()));
    }
    await Promise.all(pending);

    expect(await program.exit).toBe(0);
    expect(program.stdout()).toContain('"msg":"Stopped"');
    const answered = outcomes.filter(({ status }) => status === 200);
    const failed = outcomes.filter(({ status }) => status !== 200);
    // What the program took shows in its log.
    const taken = (number: number) => program.stdout().includes(`"callSid":"alice-${number}"`);
    expect(answered.every(({ number }) => taken(number))).toBe(true);
    expect(failed.filter(({ number }) => taken(number))).toEqual([]);
    // Nobody listened any more, but for the instant of closing: there the system resets what it has not handed over.
    expect(failed.filter(({ code }) => code !== 'ECONNREFUSED' && code !== 'ECONNRESET')).toEqual([]);
    expect(answered.length).toBeGreaterThan(50);
    expect(answered.some(({ sentAt }) => sentAt > (killedAt ?? 0))).toBe(true);
  });
});

describe('a roster', () => {
  const ALICE = { name: 'Alice', number: '+15550004444', pin: '24680' };
  const TED = { name: 'Ted', number: '+15550005555', pin: '13579' };

  /** A program with this roster, and its file. */
  async function startWith(text: string, env: Record<string, string> = {}) {
    const folder = temporaryFolder();
    const file = join(folder, 'roster.json');
    await writeFile(file, text);
    return { file, program: await start({ ROSTER_FILE: file, PIN_KEY, ...env }, folder) };
  }

  /** Whether a call from this number comes in as the moderator. */
  async function moderates(port: number, from: string): Promise<boolean> {
    const response = await supertest(`http://127.0.0.1:${port}`)
      .post('/conference')
      .type('form')
      .send({ CallSid: 'call-1', From: from });
    expect(response.status).toBe(200);
    return response.text.includes('startConferenceOnEnter="true"');
  }

  it('names the moderators, is reloaded without a signal, and no number or PIN is logged', async () => {
    const { file, program } = await startWith(rosterText({ moderators: [ALICE] }), { LOG_LEVEL: 'trace' });
    const port = await program.port();
    await program.says('"moderators":1,"supervisors":0,"msg":"Roster loaded"');
    expect([await moderates(port, ALICE.number), await moderates(port, TED.number)]).toEqual([true, false]);
    // The tutorial's moderator is none where a roster says who is.
    expect(await moderates(port, '+15557788999')).toBe(false);
    await writeFile(file, rosterText({ moderators: [ALICE, TED] }));
    await program.says('"moderators":2,"supervisors":0,"msg":"Roster loaded"');
    expect(await moderates(port, TED.number)).toBe(true);
    expect(program.stdout() + program.stderr()).not.toMatch(/1555\d{7}|24680|13579|a key for the tests/);
  });

  it('is reloaded on SIGHUP, keeps its last good version when the file breaks, and does not delay the end', async () => {
    const { file, program } = await startWith(rosterText({ moderators: [ALICE] }));
    const port = await program.port();
    await program.says('"moderators":1,"supervisors":0,"msg":"Roster loaded"');
    // Nothing to see in it, so that it is the signal that makes it be read.
    program.child.kill('SIGHUP');
    await program.says('"moderators":1,"supervisors":0,"msg":"Roster loaded"');
    await writeFile(file, rosterText({ moderators: [{ ...ALICE, number: '+15550006666' }], supervisors: [TED] }));
    program.child.kill('SIGHUP');
    await program.says('"moderators":1,"supervisors":1,"msg":"Roster loaded"');
    expect([await moderates(port, '+15550006666'), await moderates(port, ALICE.number)]).toEqual([true, false]);
    await writeFile(file, '{"moderators": 24680}');
    program.child.kill('SIGHUP');
    await program.says(
      `"problems":["${file}: moderators must be a list."],"msg":"Roster not usable; keeping the previous one"`,
    );
    expect(await moderates(port, '+15550006666')).toBe(true);
    program.child.kill('SIGTERM');
    expect(await program.exit).toBe(0);
    expect(program.stdout()).toContain('"msg":"Stopped"');
  });

  itInFull('is not needed for SIGHUP', async () => {
    const program = await start({});
    const port = await program.port();
    for (let n = 0; n < 3; n++) {
      program.child.kill('SIGHUP');
      await program.says('No roster to reload: ROSTER_FILE is not set');
    }
    expect(await moderates(port, '+15557788999')).toBe(true);
  });

  itInFull('is not reloaded during the start, and SIGHUP does not end the program then', async () => {
    let isAsked = () => {};
    const asked = new Promise<void>((resolve) => {
      isAsked = resolve;
    });
    const silent = await listening(
      createServer((socket) => {
        socket.on('error', () => {});
        isAsked();
      }),
    );
    const { program } = await startWith(rosterText({ moderators: [ALICE] }), {
      REDIS_URL: `redis://127.0.0.1:${silent.port}`,
    });
    await asked;
    program.child.kill('SIGHUP');
    await program.port();
    expect(program.stdout().split('Roster loaded')).toHaveLength(2);
  });

  const production = {
    NODE_ENV: 'production',
    PUBLIC_URL: 'https://coach.example.com',
    SIGNALWIRE_SIGNING_KEY: 'PSK_1',
  };

  it('stops the start with one report when the settings have mistakes too', async () => {
    const { file, program } = await startWith('{"moderators": [{ "name": "Alice", "number": "5" }]}', { PORT: 'x' });
    expect(await program.exit).toBe(1);
    expect(program.stderr()).toBe(
      'conference-coach: PORT must be a whole number from 0 to 65535.\n' +
        `conference-coach: ${file}: moderators, entry 1 (Alice), number must be a telephone number in E.164 form, such as +15557788999.\n`,
    );
    expect(program.stdout()).toBe('');
  });

  itInFull('is read although its path is in quotes, to report all problems', async () => {
    const folder = temporaryFolder();
    await writeFile(join(folder, 'roster.json'), '{}');
    const program = await start({ ...production, ROSTER_FILE: '"roster.json"' }, folder);
    expect(await program.exit).toBe(1);
    expect(program.stderr()).toBe(
      'conference-coach: ROSTER_FILE is in quotes ("…"): remove them; Docker keeps quotes.\n' +
        'conference-coach: roster.json: name a moderator here or in MODERATOR_NUMBERS. Without one, no conference can start.\n' +
        'conference-coach: roster.json: name a supervisor here or in SUPERVISOR_NUMBERS. Without one, nobody may supervise.\n',
    );
  });

  itInFull('satisfies production together with the settings', async () => {
    const { file, program } = await startWith(rosterText({ supervisors: [TED] }), {
      ...production,
      MODERATOR_NUMBERS: '+15557788999',
    });
    await program.port();
    await writeFile(file, '{}');
    program.child.kill('SIGHUP');
    await program.says(`${file}: name a supervisor here or in SUPERVISOR_NUMBERS. Without one, nobody may supervise.`);
    expect(program.child.exitCode).toBeNull();
  });
});
