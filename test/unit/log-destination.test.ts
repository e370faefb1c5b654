import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { createLogDestination } from '../../src/ops/log-destination';
import { onTestFinished } from '../support/on-test-finished';
import { eventually } from '../support/redis-server';
import { temporaryFolder } from '../support/temporary-folder';

const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;

let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
});

/** Opens a file that is closed when the test is over. */
function open(path: string, flags: number): number {
  const fd = openSync(path, flags);
  onTestFinished(() => closeSync(fd));
  return fd;
}

/** A named pipe with both its ends open, so that each can be read, left alone, or closed. */
function openPipe() {
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, O_RDONLY | O_NONBLOCK);
  const fd = open(path, O_WRONLY | O_NONBLOCK);
  return { path, reader, fd };
}

/** All that is in a pipe now. */
function drain(reader: number): string {
  let text = '';
  const buffer = Buffer.alloc(65_536);
  for (;;) {
    try {
      const bytes = readSync(reader, buffer);
      if (bytes === 0) {
        return text;
      }
      text += buffer.toString('utf8', 0, bytes);
    } catch {
      return text;
    }
  }
}

const LINE = `${'x'.repeat(1_023)}\n`;

/** A destination that says of lost lines how many they were. */
function create(fd: number) {
  const destination = createLogDestination({ fd, onLoss: (lines) => destination.write(`${lines} lost\n`) });
  // Before its descriptor is closed: a late write would go into whatever is opened next.
  onTestFinished(() => destination.close(0));
  onTestFinished(() => destination.close(0));
  return destination;
}

describe('a log destination', () => {
  it('writes lines in order, and the last ones on close', async () => {
    const path = join(folder, 'log');
    const destination = create(open(path, constants.O_WRONLY | constants.O_CREAT));
    for (let n = 0; n < 1_000; n++) {
      destination.write(`line ${n}\n`);
    }
    await destination.close(1_000);
    expect(readFileSync(path, 'utf8')).toBe(Array.from({ length: 1_000 }, (_, n) => `line ${n}\n`).join(''));
  });

  it('buffers 1 MiB while nobody reads, drops and counts the rest, and reports the loss in its place', async () => {
    const { reader, fd } = openPipe();
    onTestFinished(() => closeSync(reader));
    const destination = create(fd);
    for (let n = 0; n < 3_000; n++) {
      destination.write(LINE);
    }
    const dropped = destination.droppedLines();
    let text = '';
    await eventually(() => {
      text += drain(reader);
      expect(text).toMatch(/lost\n$/);
    });
    const kept = text.split(LINE).length - 1;
    expect(kept).toBeGreaterThanOrEqual(1_024);
    expect(kept).toBeLessThan(1_200);
    expect(text).toBe(`${LINE.repeat(kept)}${3_000 - kept} lost\n`);
    expect([dropped, destination.droppedLines()]).toEqual([3_000 - kept, 3_000 - kept]);
    destination.write('next\n');
    await eventually(() => expect(drain(reader)).toBe('next\n'));
  });

  it('continues when a pipe has a reader again', async () => {
    const { path, reader, fd } = openPipe();
    const destination = create(fd);
    closeSync(reader);
    destination.write('first\n');
    // Long enough for a first attempt to fail; if it was not, the test still holds.
    await sleep(50);
    const next = open(path, O_RDONLY | O_NONBLOCK);
    destination.write('second\n');
    let text = '';
    await eventually(() => {
      text += drain(next);
      expect(text).toBe('first\nsecond\n');
    });
  });

  it.each<[string, () => number]>([
    ['the disk is full', () => open('/dev/full', O_WRONLY)],
    [
      'the reader has gone',
      () => {
        const { reader, fd } = openPipe();
        closeSync(reader);
        return fd;
      },
    ],
  ])('closes at once when %s', async (_what, openSink) => {
    const destination = create(openSink());
    destination.write(LINE);
    const startedAt = performance.now();
    await destination.close(60_000);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it('waits at most the given time for a reader that does not read', async () => {
    const { reader, fd } = openPipe();
    onTestFinished(() => closeSync(reader));
    const destination = create(fd);
    for (let n = 0; n < 200; n++) {
      destination.write(LINE);
    }
    const startedAt = performance.now();
    await destination.close(200);
    expect(performance.now() - startedAt).toBeGreaterThan(190);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});
