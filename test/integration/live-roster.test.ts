import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { createLog } from '../../src/ops/log';
import { UserError } from '../../src/ops/user-error';
import type { LiveFile } from '../../src/people/live-file';
import { followRoster, type LiveRosterOptions } from '../../src/people/live-roster';
import { createRoster, type Roster } from '../../src/people/roster';
import { readRosterFile } from '../../src/people/roster-file';
import { onTestFinished } from '../support/on-test-finished';
import { eventually } from '../support/redis-server';
import { rosterText } from '../support/roster';
import { temporaryFolder } from '../support/temporary-folder';

interface Line {
  level: string;
  msg: string;
  moderators?: number;
  supervisors?: number;
  problems?: string[];
}

let file: string;
let roster: Roster;
let lines: Line[];

beforeEach(() => {
  file = join(temporaryFolder(), 'roster.json');
  roster = createRoster({ moderatorNumbers: [], supervisorNumbers: [] });
  lines = [];
});

/** A roster of moderators with these names. */
const textOf = (...names: string[]) =>
  rosterText({ moderators: names.map((name, index) => ({ name, number: `+1555000000${index}` })) });

const isIn = (name: string) => roster.moderators.byName.get(name) !== undefined;

/** Waits until this one, of all that the tests name, is in the roster. */
const eventuallyAlone = (name: string) =>
  eventually(() => expect(['Alice', 'Barbara', 'Christopher'].filter(isIn)).toEqual([name]));

const errors = () => lines.filter(({ level }) => level === 'error');

async function follow(
  options: Partial<LiveRosterOptions> = {},
  interval: { intervalMs?: number } = { intervalMs: 20 },
): Promise<LiveFile> {
  // A late look at the file of a test that is over must not read or log in the next.
  const [ownFile, ownLines] = [file, lines];
  const log = createLog('info', { write: (line) => void ownLines.push(JSON.parse(line)) });
  const read = () => readRosterFile({ file: ownFile, hasPinKey: true });
  const live = await followRoster({ roster, file, read, log, ...interval, ...options });
  onTestFinished(() => live.close());
  return live;
}

/** Puts another file in its place, as editors and container mounts do. */
async function replaceFile(text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

describe('followRoster', () => {
  it('has loaded the file when it is ready, and logs how many people it has', async () => {
    await writeFile(
      file,
      rosterText({
        moderators: [
          { name: 'Alice', number: '+15557788999' },
          { name: 'Barbara', number: '+15550003333' },
        ],
        supervisors: [{ name: 'Ted', number: '+15550002222', pin: '24680' }],
      }),
    );
    await follow();
    expect([isIn('Alice'), isIn('Barbara'), roster.supervisors.byName.get('Ted')?.address]).toEqual([
      true,
      true,
      '+15550002222',
    ]);
    expect(lines).toEqual([
      { level: 'info', time: expect.any(String), moderators: 2, supervisors: 1, msg: 'Roster loaded' },
    ]);
  });

  it.each<[how: string, change: (text: string) => Promise<void>]>([
    ['written anew in its place', (text) => writeFile(file, text)],
    ['replaced by another file', replaceFile],
    [
      'deleted, and created again',
      async (text) => {
        await rm(file);
        // It was seen that there is none.
        await eventually(() => expect(errors()).toHaveLength(1));
        await writeFile(file, text);
      },
    ],
  ])('reloads a file that is %s, again and again', async (_how, change) => {
    await writeFile(file, textOf('Alice'));
    await follow();
    for (const name of ['Barbara', 'Christopher', 'Alice']) {
      lines.length = 0;
      await change(textOf(name));
      await eventuallyAlone(name);
    }
  });

  it('reports a missing file, and keeps the roster', async () => {
    await writeFile(file, textOf('Alice'));
    await follow();
    await rm(file);
    await eventually(() =>
      expect(errors()).toEqual([
        {
          level: 'error',
          time: expect.any(String),
          problems: [
            `Cannot read ROSTER_FILE ${file}: ENOENT: no such file or directory, open '${file}'. Set it to a JSON file that can be read.`,
          ],
          msg: 'Roster not usable; keeping the previous one',
        },
      ]),
    );
    expect(isIn('Alice')).toBe(true);
  });

  it('keeps the roster while the file is broken, reports the problems, and reloads once it is repaired', async () => {
    await writeFile(file, textOf('Alice'));
    await follow();
    await replaceFile(rosterText({ moderators: [{ name: 'Barbara', number: '15550003333' }] }));
    await eventually(() =>
      expect(errors()).toEqual([
        {
          level: 'error',
          time: expect.any(String),
          problems: [`${file}: moderators, entry 1 (Barbara), number (***3333): put + before the country code.`],
          msg: 'Roster not usable; keeping the previous one',
        },
      ]),
    );
    expect([isIn('Alice'), isIn('Barbara')]).toEqual([true, false]);
    await replaceFile(textOf('Christopher'));
    await eventuallyAlone('Christopher');
  });

  it('notices a change made during the first read', async () => {
    await writeFile(file, textOf('Alice'));
    let reads = 0;
    await follow({
      async read() {
        const entries = await readRosterFile({ file, hasPinKey: true });
        if (++reads === 1) {
          await replaceFile(textOf('Barbara'));
        }
        return entries;
      },
    });
    await eventually(() => expect(isIn('Barbara')).toBe(true), 1_000);
  });

  it('checks the file once a second by default', async () => {
    await writeFile(file, textOf('Alice'));
    await follow({}, {});
    await replaceFile(textOf('Barbara'));
    await eventuallyAlone('Barbara');
  });

  it('does not start with a broken file, and watches nothing then', async () => {
    await writeFile(file, rosterText({ moderators: [{ name: 'Alice', number: '5' }] }));
    await expect(follow()).rejects.toThrow(
      new UserError([
        `${file}: moderators, entry 1 (Alice), number must be a telephone number in E.164 form, such as +15557788999.`,
      ]),
    );
    await expect(follow()).rejects.toBeInstanceOf(UserError);
    expect(lines).toEqual([]);
    await replaceFile(textOf('Barbara'));
    // Who follows the same file sees the change; the two above do not.
    const other = createRoster({ moderatorNumbers: [], supervisorNumbers: [] });
    await follow({ roster: other });
    await replaceFile(textOf('Christopher'));
    await eventually(() => expect(other.moderators.byName.get('Christopher')).toBeDefined());
    expect(isIn('Christopher')).toBe(false);
  });

  it('does not start without the file', async () => {
    await expect(follow()).rejects.toBeInstanceOf(UserError);
  });
});

describe('reload', () => {
  it('reads the file at once', async () => {
    await writeFile(file, textOf('Alice'));
    const live = await follow({ intervalMs: 3_600_000 });
    await writeFile(file, textOf('Barbara'));
    await live.reload();
    expect([isIn('Alice'), isIn('Barbara')]).toEqual([false, true]);
    expect(lines.map(({ msg }) => msg)).toEqual(['Roster loaded', 'Roster loaded']);
  });

  it('never rejects, and reports the problems', async () => {
    await writeFile(file, textOf('Alice'));
    const live = await follow({ intervalMs: 3_600_000 });
    await writeFile(file, '{');
    await live.reload();
    expect(errors()).toMatchObject([
      { problems: [`${file}, line 1, column 2: this is not JSON: the file ends too early.`] },
    ]);
    expect(isIn('Alice')).toBe(true);
  });

  it("also reports an error that is not the roster's", async () => {
    await writeFile(file, textOf('Alice'));
    let isBroken = false;
    const read = async () => {
      if (isBroken) {
        throw new TypeError('broken');
      }
      return readRosterFile({ file, hasPinKey: true });
    };
    const live = await follow({ read, intervalMs: 3_600_000 });
    isBroken = true;
    await live.reload();
    expect(errors()).toMatchObject([{ err: { type: 'TypeError', message: 'broken' } }]);
    expect(isIn('Alice')).toBe(true);
  });

  it('lets the last reload win, however long the one before takes', async () => {
    await writeFile(file, textOf('Alice'));
    let reads = 0;
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const live = await follow({
      async read() {
        const entries = await readRosterFile({ file, hasPinKey: true });
        if (++reads === 2) {
          await released;
        }
        return entries;
      },
      intervalMs: 3_600_000,
    });
    await writeFile(file, textOf('Barbara'));
    const slow = live.reload();
    await eventually(() => expect(reads).toBe(2));
    await writeFile(file, textOf('Christopher'));
    const quick = live.reload();
    // Time enough for the quick one, if it did not wait for the slow one.
    for (let n = 0; n < 10; n++) {
      await readRosterFile({ file, hasPinKey: true });
    }
    expect(isIn('Christopher')).toBe(false);
    release();
    await Promise.all([slow, quick]);
    expect(['Alice', 'Barbara', 'Christopher'].filter(isIn)).toEqual(['Christopher']);
  });
});

describe('close', () => {
  it('stops watching only its own file', async () => {
    await writeFile(file, textOf('Alice'));
    const closed = await follow();
    const other = createRoster({ moderatorNumbers: [], supervisorNumbers: [] });
    await follow({ roster: other });
    closed.close();
    for (const name of ['Barbara', 'Christopher']) {
      await replaceFile(textOf(name));
      await eventually(() => expect(other.moderators.byName.get(name)).toBeDefined());
    }
    expect(isIn('Alice')).toBe(true);
    expect(await readFile(file, 'utf8')).toBe(textOf('Christopher'));
  });
});
