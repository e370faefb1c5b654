import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { parse } from 'dotenv';
import { parse as parseYaml } from 'yaml';
import { SETTING_NAMES } from '../../src/settings/table';

const ROOT = join(__dirname, '../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

interface Service {
  environment?: Record<string, string>;
  volumes?: string[];
  ports?: string[];
  image?: string;
  stop_grace_period?: string;
  logging?: { options: Record<string, string> };
}

const { services }: { services: Record<string, Service> } = parseYaml(read('compose.yaml'), { merge: true });
const seconds = (text = '') => Number(/^(\d+)s$/.exec(text)?.[1]);

it('compose.yaml gives the servers settings that there are, and asks for what .env.example names', () => {
  for (const name of ['server-1', 'server-2']) {
    const names = Object.keys(services[name]?.environment ?? {});
    expect(names.filter((one) => !SETTING_NAMES.has(one))).toEqual([]);
    expect(names).toEqual(expect.arrayContaining(['PUBLIC_URL', 'REDIS_URL', 'TRUST_PROXY', 'DRAIN_SECONDS']));
  }
  const asked = new Set([...read('compose.yaml').matchAll(/(?<!\$)\$\{(\w+)/g)].map(([, name]) => name));
  expect([...asked].filter((name = '') => !(name in parse(read('.env.example'))))).toEqual([]);
});

it('a stopping server has time to drain and to finish, and Caddy notices before', () => {
  const interval = seconds(/health_interval (\S+)/.exec(read('deploy/Caddyfile'))?.[1]);
  const timeout = seconds(/health_timeout (\S+)/.exec(read('deploy/Caddyfile'))?.[1]);
  const unit = read('deploy/conference-coach@.service');
  for (const [drain, stop] of [
    [services['server-1']?.environment?.DRAIN_SECONDS, seconds(services['server-1']?.stop_grace_period)],
    [/DRAIN_SECONDS=(\d+)/.exec(unit)?.[1], Number(/TimeoutStopSec=(\d+)/.exec(unit)?.[1])],
  ] as const) {
    expect(Number(drain)).toBeGreaterThan(2 * (interval + timeout));
    expect(stop).toBeGreaterThan(Number(drain) + 8.5);
  }
});

it('only Caddy is open to everyone, and every log is rotated', () => {
  const open = Object.entries(services).flatMap(([name, { ports = [] }]) =>
    ports.some((port) => !/^127\.0\.0\.1:/.test(String(port))) ? [name] : [],
  );
  expect(open).toEqual(['caddy']);
  for (const { logging } of Object.values(services)) {
    expect(logging?.options).toMatchObject({ 'max-size': expect.any(String), 'max-file': expect.any(String) });
  }
});

it('every file that compose.yaml mounts is there, and every script can be run', () => {
  const mounted = Object.values(services).flatMap(({ volumes = [] }) =>
    volumes.flatMap((volume) => /^\.\/(deploy[^:]*):/.exec(volume)?.[1] ?? []),
  );
  expect(mounted.length).toBeGreaterThan(1);
  for (const file of mounted) {
    expect(statSync(join(ROOT, file))).toBeDefined();
  }
  for (const script of readdirSync(join(ROOT, 'deploy')).filter((file) => file.endsWith('.sh'))) {
    expect([script, statSync(join(ROOT, 'deploy', script)).mode & 0o111]).toEqual([script, 0o111]);
  }
});
