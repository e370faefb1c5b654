import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { listen } from '../../src/http/listener';
import { call, expectToStop, floodUnsigned, openMany, p95, startAttacked } from '../support/attacked-server';
import { onTestFinished } from '../support/on-test-finished';
import { openSocket } from '../support/raw-socket';
import { eventually } from '../support/redis-server';

const ONE = 'GET /conference HTTP/1.1\r\nHost: a\r\n\r\n';

/** Prints a figure for the closing lines; the bounds of the tests are generous, since machines differ. */
function print(what: string, value: number, unit: 'ms' | 'MB'): void {
  process.stdout.write(`    ${what}: ${Math.round(value)} ${unit}\n`);
}

it('100,000 pipelined requests hold up no call, are all answered, and take a bounded memory', async () => {
  const program = await startAttacked();
  await call(program.at);
  const before = program.residentMb();
  const flood = await openMany(50, program.at, ONE.repeat(2_000));
  const delays: number[] = [];
  const megabytes: number[] = [];
  while (flood.some(({ received }) => received().split('HTTP/1.1 403').length <= 2_000)) {
    delays.push(await call(program.at));
    megabytes.push(program.residentMb());
    await sleep(100);
  }
  print('50 x 2,000 pipelined requests, longest delay of a call', Math.max(...delays), 'ms');
  print('50 x 2,000 pipelined requests, memory', Math.max(...megabytes) - before, 'MB');
  expect(delays.length).toBeGreaterThan(20);
  expect(Math.max(...delays)).toBeLessThan(4_000);
  expect(Math.max(...megabytes) - before).toBeLessThan(200);
  await expectToStop(program);
});

it('900 connections that pipeline without reading hold up no call, and take a bounded memory', async () => {
  const program = await startAttacked();
  await call(program.at);
  const before = program.residentMb();
  const flood = await openMany(900, program.at);
  for (const { socket } of flood) {
    socket.pause();
    socket.write(ONE.repeat(1_000));
  }
  const megabytes: number[] = [];
  const delays: number[] = [];
  for (let n = 0; n < 40; n++) {
    delays.push(await call(program.at));
    megabytes.push(program.residentMb());
    await sleep(250);
  }
  print('900 pipelining connections, longest delay of a call', Math.max(...delays), 'ms');
  print('900 pipelining connections, memory', Math.max(...megabytes) - before, 'MB');
  expect(Math.max(...delays)).toBeLessThan(6_000);
  expect(Math.max(...megabytes) - before).toBeLessThan(500);
  await expectToStop(program);
});

it('300 connections that send unsigned requests at full speed leave signed calls their time', async () => {
  const program = await startAttacked();
  const flood = floodUnsigned(program.at, 300);
  const delays: number[] = [];
  for (let n = 0; n < 100; n++) {
    delays.push(await call(program.at));
  }
  print('300 connections of unsigned requests, p95 of a signed call', p95(delays), 'ms');
  expect(p95(delays)).toBeLessThan(2_000);
  expect(await flood.stop()).toBeGreaterThan(10_000);
  await expectToStop(program);
});

it('a response that goes on is cut off where nobody reads it, and only there', async () => {
  const server = await listen({
    port: 0,
    host: '127.0.0.1',
    maxConnectionsPerAddress: 10,
    isTrustedPeer: () => false,
    refusals: { add() {} },
  });
  onTestFinished(() => server.stop({ drainMs: 0, deadlineMs: 0 }));
  server.serve((_req, res) => {
    const feed = setInterval(() => res.write('x'.repeat(200_000)), 100);
    res.once('close', () => clearInterval(feed));
  });
  const reading = await openSocket(server.port, ONE);
  const stuck = await openSocket(server.port, ONE);
  stuck.socket.pause();
  await sleep(20_000);
  expect(reading.isGone()).toBe(false);
  // Whoever does not read learns of it when they do.
  stuck.socket.resume();
  await eventually(() => expect(stuck.isGone()).toBe(true));
  expect(stuck.received().length).toBeLessThan(reading.received().length);
});

it('a connection may be idle for 75 s between requests, and no longer, whatever it sends', async () => {
  const program = await startAttacked();
  const startedAt = Date.now();
  const [idle, drips] = await Promise.all([openMany(2, program.at, ONE), openMany(2, program.at, ONE)]);
  // Line breaks between requests mean nothing.
  const drip = setInterval(() => {
    for (const { socket } of drips) {
      socket.write('\r\n');
    }
  }, 1_000);
  onTestFinished(() => clearInterval(drip));
  await sleep(70_000);
  expect(idle.filter((one) => one.isGone())).toHaveLength(0);
  await eventually(() => expect([...idle, ...drips].filter((one) => !one.isGone())).toHaveLength(0), 20_000);
  expect(Date.now() - startedAt).toBeLessThan(90_000);
});
