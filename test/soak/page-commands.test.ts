import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type RunningServer, startProgram } from '../support/process';
import { type RedisServer, startRedis } from '../support/redis-server';
import { temporaryFolder } from '../support/temporary-folder';

const ROOT = join(__dirname, '../..');
const PAGES = ['README.md', 'CONTRIBUTING.md', ...readdirSync(join(ROOT, 'docs')).map((file) => `docs/${file}`)]
  .filter((file) => file.endsWith('.md'))
  .map((page) => ({ page, blocks: blocksOf(page) }))
  .filter(({ blocks }) => blocks.length > 0);

/** The blocks of commands on a page. */
function blocksOf(page: string): string[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(/^( *)```sh\n(.*?)^ *```/gms)].map(([, , block = '']) => block.replace(/^ +/gm, ''));
}

/** Blocks that are run elsewhere, or need a machine of their own. */
const NOT_HERE = [
  // For root, where systemd is. operations.test.ts checks the unit and the Caddyfile.
  /^useradd /,
  /\nsystemctl /,
  // They restart servers and change keys: operations.test.ts.
  /^git pull /,
  /^RESTART=/,
  /^deploy\/signing-key\.sh /,
  // Another package, and a collector for it.
  /opentelemetry/,
  // For a server without settings on port 3000: documentation.test.ts and smoke-test.test.ts.
  /^curl /,
  /^npm run simulate\n$/,
  // It goes on until somebody stops it: demo-prompt.test.ts.
  /npm run demo\n$/,
  // The reader's own story: simulate.test.ts.
  /--story FILE/,
];

/** The pages that begin without a roster. */
const WITHOUT_ROSTER = ['docs/go-live.md', 'docs/people-and-pins.md', 'docs/try-it.md', 'docs/sign-in.md'];

/** What is typed where a command asks for a password. */
const INPUT = 'correct horse battery\n';

const PIN_KEY = '0123456789abcdef0123456789abcdef';
const SETTINGS = {
  SIGNALWIRE_SIGNING_KEY: 'PSK_page',
  DOMAIN: 'coach.example.com',
  REDIS_PASSWORD: '0123456789abcdef',
  PIN_KEY,
  ROSTER_FILE: '/roster/roster.json',
};

let redis: RedisServer;
let server: RunningServer | undefined;
let roster = '';

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(async () => {
  server?.child.kill('SIGKILL');
  await server?.exit;
  await redis?.dispose();
});

/** A folder like the repository's, with programs that stand for those that cannot run here. */
function createFolder(page: string): string {
  const folder = temporaryFolder();
  for (const name of ['dist', 'node_modules']) {
    symlinkSync(join(ROOT, name), join(folder, name));
  }
  for (const name of ['package.json', 'compose.yaml', 'Dockerfile', '.env.example', 'deploy']) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
  mkdirSync(join(folder, 'bin'));
  for (const name of ['docker', 'npm', 'sudo', 'curl']) {
    symlinkSync(join(ROOT, 'test/support/shim.js'), join(folder, 'bin', name));
  }
  if (WITHOUT_ROSTER.includes(page)) {
    const own = `ROSTER_FILE=${join(folder, 'roster.json')}\nPIN_KEY=${PIN_KEY}\n`;
    writeFileSync(join(folder, '.env'), page === 'docs/try-it.md' ? '' : own);
  } else {
    mkdirSync(join(folder, 'roster'));
    writeFileSync(join(folder, 'roster/roster.json'), roster);
    writeSettings(folder);
  }
  return folder;
}

function writeSettings(folder: string): void {
  const lines = Object.entries(SETTINGS).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(join(folder, '.env'), lines.join(''));
}

/** Starts what compose.yaml starts, with the roster of this folder. */
async function startServer(folder: string): Promise<void> {
  roster = readFileSync(join(folder, 'roster/roster.json'), 'utf8');
  server = await startProgram({
    ...SETTINGS,
    ROSTER_FILE: join(folder, 'roster/roster.json'),
    PUBLIC_URL: `https://${SETTINGS.DOMAIN}`,
    REDIS_URL: redis.url,
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: '0',
  });
  // For the recipes: a request that is refused.
  await fetch(`http://127.0.0.1:${await server.port()}/conference`, { method: 'POST' });
}

async function runBlock(block: string, folder: string): Promise<string> {
  // The doctor misses the Space, which is not there.
  const script = block.replace(/^.*(dist\/cli\/doctor\.js|npm run --silent doctor)$/gm, '$& || test $? -eq 1');
  writeFileSync(join(folder, 'log'), server?.stdout() ?? '');
  const running = promisify(execFile)('sh', ['-ec', script], {
    cwd: folder,
    timeout: 60_000,
    env: {
      PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
      HOME: folder,
      SHIM_FOLDER: folder,
      SHIM_REDIS_URL: redis.url,
      SHIM_SERVER: server === undefined ? '' : `http://127.0.0.1:${await server.port()}`,
    },
  });
  running.child.stdin?.on('error', () => {}).end(INPUT);
  const { stdout, stderr } = await running;
  return stdout + stderr;
}

// go-live first: the others use its server.
const inOrder = PAGES.toSorted(
  (one, other) => Number(other.page === 'docs/go-live.md') - Number(one.page === 'docs/go-live.md'),
);

describe('the commands of a page', () => {
  it.each(inOrder)('$page: can be run one after the other', async ({ page, blocks }) => {
    const folder = createFolder(page);
    const outputs: string[] = [];
    for (const block of blocks) {
      await promisify(execFile)('sh', ['-nc', block]);
      if (NOT_HERE.some((one) => one.test(block))) {
        continue;
      }
      if (page === 'docs/go-live.md' && block.startsWith('docker compose up')) {
        await startServer(folder);
      }
      outputs.push(await runBlock(block, folder));
      if (block.startsWith('cp .env.example .env')) {
        writeSettings(folder);
      }
    }
    if (page === 'docs/go-live.md') {
      expect(outputs.join('\n')).toContain('The smoke test passed.');
    }
    if (page === 'docs/operations.md') {
      const fields = [...blocks.join('').matchAll(/[([ ]\.(\w+)/g)].map(([, name]) => name);
      expect(fields).toContain('callSid');
      for (const name of fields) {
        expect(server?.stdout()).toContain(`"${name}":`);
      }
      expect(outputs.join('\n')).toMatch(/ 1 no_signature\t127\.0\.0\.1\n/);
    }
  });
});
