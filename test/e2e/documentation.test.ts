import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'dotenv';
import supertest from 'supertest';
import { PROBLEM_STATUS } from '../../src/api/problem';
import { tokens } from '../../src/cli/tokens';
import { loadConfig } from '../../src/config';
import { parseRoster } from '../../src/people/roster-file';
import { COMPOSE_NAMES } from '../../src/settings/table';
import { runInProcess } from '../support/command';
import { type RunningServer, runProgram, startProgram } from '../support/process';
import { temporaryFolder } from '../support/temporary-folder';

const ROOT = join(__dirname, '../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const readme = read('README.md');
const tryIt = read('docs/try-it.md');
const documents = read('docs/documents.md');
const PAGES = [
  ...readdirSync(ROOT).filter((file) => file.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

/** The settings that the program looks for. */
function settingNames(): string[] {
  const names = new Set<string>();
  loadConfig(new Proxy({}, { get: (_, name) => void names.add(String(name)) }));
  // The image's, not the user's.
  names.delete('DEFAULT_NODE_ENV');
  return [...names].sort();
}

/** What the server answers to curl commands, one a line, as if it listened on port 3000. */
async function responsesTo(commands: string): Promise<string[]> {
  const responses: string[] = [];
  for (const [, options = '', path = ''] of commands.matchAll(/^curl (.*) '?http:\/\/localhost:3000([^'\s]+)'?$/gm)) {
    // curl sends fields as they are: a plus stays a plus.
    const form = [...options.matchAll(/-d '([^']*)'/g)].map(([, field]) => field).join('&');
    const { text } = await supertest(`http://127.0.0.1:${port}`).post(path).type('form').send(form);
    responses.push(text.replaceAll(`localhost:${port}`, 'localhost:3000'));
  }
  return responses;
}

/** A document of several lines, as the server answers it. */
function onOneLine(document: string): string {
  return document
    .replace(/>\s+</g, '><')
    .replace(/\s*\n\s*/g, ' ')
    .trim();
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): string[] {
  return [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

let program: RunningServer;
let port: number;

beforeAll(async () => {
  program = await startProgram({ PORT: '0' });
  port = await program.port();
});

afterAll(async () => {
  program.child.kill('SIGKILL');
  await program.exit;
});

describe('the README', () => {
  it('has at most 120 lines and 900 words', () => {
    expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(120);
    expect(readme.split(/\s+/).filter(Boolean).length).toBeLessThanOrEqual(900);
  });

  it('shows what Ted really gets', async () => {
    const [, commands = '', document = ''] =
      /```sh\n(curl [^`]*)```[^`]*`[^`]*`[^`]*```xml\n([^`]*)```/.exec(tryIt) ?? [];
    const texts = await responsesTo(commands);
    expect(texts).toHaveLength(3);
    expect(texts.at(-1)).toBe(onOneLine(document));
  });

  it('has callbacks that the server accepts', async () => {
    const [, commands = ''] = /```sh\n(curl [^`]*participant-join[^`]*)```/.exec(tryIt) ?? [];
    expect(await responsesTo(commands)).toEqual(['', '', '']);
  });

  it('shows what the demo really tells', async () => {
    const [, excerpt = ''] = /```text\n([^`]*)```/.exec(readme) ?? [];
    const demo = await runProgram('simulator/demo.js');
    demo.child.stdin?.end('quit\n');
    await demo.exit;
    expect(excerpt).not.toBe('');
    expect(demo.stdout()).toContain(excerpt);
  });

  it('opens with the demo', () => {
    expect(/```sh\n(.*)\n```/.exec(readme)?.[1]).toBe('npm ci && npm run demo');
  });

  it('has every setting, and no other', () => {
    const named = [...read('docs/settings.md').matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name);
    expect(named.sort()).toEqual(settingNames());
  });

  it('lists only routes that there are', async () => {
    const section = read('docs/webhooks.md').split('\n## Routes\n')[1]?.split('\n## ')[0] ?? '';
    const cells = [...section.matchAll(/^\| (`\/.*?) \|/gm)].map(([, cell = '']) => cell);
    const paths = cells.flatMap((cell) => [...cell.matchAll(/`(\/[^`]*)`/g)].map(([, path = '']) => path));
    expect(paths).toHaveLength(29);
    // A wall that there is not answers like any other address: wall.test.ts.
    for (const path of paths.filter((one) => one !== '/wall/:token')) {
      const { status } = await supertest(`http://127.0.0.1:${port}`).get(path.replace(':room', 'sales'));
      expect([path, status]).not.toEqual([path, 404]);
    }
  });
});

describe('the pages', () => {
  it('show what Alice, Bob and Ted really get', async () => {
    const blocks = [...documents.matchAll(/```sh\n(curl [^\n]*\n)```\n\n```xml\n([^`]*)```/g)];
    expect(blocks).toHaveLength(3);
    for (const [, command = '', expected = ''] of blocks) {
      expect(await responsesTo(command)).toEqual([onOneLine(expected)]);
    }
  });

  it('let Ted talk to everyone once Alice is reported to have joined', async () => {
    const [, commands = ''] = /dialled within the last 10 seconds[^`]*```sh\n([^`]*)```/.exec(documents) ?? [];
    expect(await responsesTo(commands)).toEqual([
      '',
      expect.stringContaining('<Conference startConferenceOnEnter="false"'),
    ]);
  });

  it('show the fallback as the server answers it', async () => {
    const [, expected = ''] =
      /## A fallback without the server\n[^`]*(?:`[^`\n]+`[^`]*)*```xml\n([^`]*)```/.exec(read('docs/webhooks.md')) ??
      [];
    const form = 'CallSid=bob-1&From=%2B15550001111';
    const { text } = await supertest(`http://127.0.0.1:${port}`).post('/fallback/sales').type('form').send(form);
    expect(text.replaceAll(`http://localhost:${port}`, 'https://coach.example.com')).toBe(onOneLine(expected));
  });

  it('show a roster that can be used as it is, and entries with PINs and passwords', () => {
    const [roster = '', withPins = '', withPassword = ''] = [
      ...read('docs/people-and-pins.md').matchAll(/```json\n([^`]*)```/g),
    ].map(([, json = '']) => json);
    const parse = (json: string, hasPinKey: boolean) => {
      const { moderators, supervisors } = parseRoster(json, { file: 'people-and-pins.md', hasPinKey });
      return [moderators.length, supervisors.length];
    };
    expect(parse(roster, false)).toEqual([2, 2]);
    const hashed = withPins.replace(/"([0-9a-f]{4})…"/g, (_, digits: string) => `"${digits.padEnd(64, '0')}"`);
    expect(parse(hashed, true)).toEqual([1, 1]);
    const salted = withPassword.replace('$…', `$$${'A'.repeat(22)}$$${'A'.repeat(43)}`);
    expect(parse(salted, false)).toEqual([0, 1]);
  });

  it('show commands for tokens that can be run one after the other', async () => {
    const pages = read('docs/api.md') + read('docs/people-and-pins.md');
    const lines = [...pages.matchAll(/^npm run --silent tokens -- (.*)$/gm)].map(([, line = '']) => line.split(' '));
    const env = { ROSTER_FILE: join(temporaryFolder(), 'roster.json') };
    expect(lines).toHaveLength(6);
    for (const args of lines) {
      expect(await runInProcess('tokens', tokens, { args, env })).toMatchObject({ code: 0 });
    }
  });

  it('link only to files and headings that there are', () => {
    const links = PAGES.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)].map(([, file = '', anchor]) => ({
        page,
        target: file === '' ? page : join(dirname(page), file),
        anchor,
      })),
    );
    expect(links.filter(({ target }) => !existsSync(join(ROOT, target)))).toEqual([]);
    const hasAnchor = (page: string, anchor: string) => anchorsOf(read(page)).includes(anchor);
    expect(links.filter(({ target, anchor }) => anchor !== undefined && !hasAnchor(target, anchor))).toEqual([]);
  });

  it('explain every code of the API once, and no other', () => {
    const [, section = ''] = read('docs/api.md').split('\n## Problems\n');
    const cells = [...section.matchAll(/^\| (`.*?) \|/gm)].map(([, cell = '']) => cell);
    const codes = cells.flatMap((cell) => [...cell.matchAll(/`([a-z_]+)`/g)].map(([, code]) => code));
    expect(codes.sort()).toEqual(Object.keys(PROBLEM_STATUS).sort());
  });

  it('name only npm scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json'));
    const named = PAGES.flatMap((page) => [...read(page).matchAll(/npm run (?:--silent )?([a-z:]+)/g)]);
    expect(named.filter(([, script = '']) => !(script in scripts))).toEqual([]);
  });
});

describe('.env.example', () => {
  it('has every setting with a sentence, and no other', () => {
    const example = read('.env.example');
    const named = [...example.matchAll(/^#?([A-Z_]+)=/gm)].map(([, name]) => name);
    expect(named.sort()).toEqual([...settingNames(), ...COMPOSE_NAMES].sort());
    for (const [, comment] of example.matchAll(/^(.*)\n#?[A-Z_]+=.*$/gm)) {
      expect(comment).toMatch(/^# .*[.)]$/);
    }
  });

  it('as it is, starts a server for development', () => {
    expect(loadConfig(parse(read('.env.example')))).toEqual(loadConfig({}));
  });
});

describe('the Dockerfile', () => {
  const dockerfile = read('Dockerfile');
  const [, lastStage = ''] = dockerfile.split(/^FROM (?!.* AS )/m);

  it('starts from one exact version of Node', () => {
    const images = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
    expect(new Set(images).size).toBe(1);
    expect(images[0]).toMatch(/^node:\d+\.\d+\.\d+-\S+-slim$/);
  });

  it('ends with an image for production, without rights, that starts Node itself', () => {
    expect(lastStage).toContain('\nENV NODE_ENV=production\n');
    expect(lastStage).toContain('\nUSER node\n');
    expect(lastStage).toContain(
      '\nCMD ["node", "--min-semi-space-size=8", "--max-semi-space-size=16", "--heap-growing-percent=40", "dist/main.js"]\n',
    );
    expect(lastStage).toContain('--from=dependencies /app/node_modules');
    expect(dockerfile).toContain('npm ci --omit=dev');
  });

  it('has a health check that tells a server from none', async () => {
    const [, command = '[]'] = /HEALTHCHECK[^[]*CMD (\[.*\])/.exec(dockerfile) ?? [];
    const [node, ...args] = JSON.parse(command) as string[];
    expect(node).toBe('node');
    const check = (on: number) => promisify(execFile)(process.execPath, args, { env: { PORT: String(on) } });
    await expect(check(port)).resolves.toBeDefined();
    await expect(check(1)).rejects.toMatchObject({ code: 1 });
  });

  it('sees of this folder only what it needs: no secret can get in', () => {
    expect(read('.dockerignore').trim().split('\n')).toEqual([
      '*',
      '!package.json',
      '!package-lock.json',
      '!tsconfig.json',
      '!src',
    ]);
  });
});
