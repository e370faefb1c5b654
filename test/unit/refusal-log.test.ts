import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createRefusalLog } from '../../src/http/refusal-log';
import { createLog } from '../../src/ops/log';

let lines: Record<string, unknown>[];
let refusals: ReturnType<typeof createRefusalLog>;

beforeEach(() => {
  jest.useFakeTimers();
  lines = [];
  refusals = createRefusalLog(
    createLog('info', {
      write(line) {
        const { time: _, ...rest } = JSON.parse(line);
        lines.push(rest);
      },
    }),
  );
});

afterEach(() => {
  jest.useRealTimers();
});

const add = (code: string, ip: string) => refusals.add({ code, ip, status: 403 });

describe('the refusal log', () => {
  it('logs a single refusal at once and whole', () => {
    add('no_signature', '192.0.2.1');
    expect(lines).toEqual([
      { level: 'warn', code: 'no_signature', ip: '192.0.2.1', status: 403, msg: 'Request refused' },
    ]);
    jest.advanceTimersByTime(10_000);
    expect(lines).toHaveLength(1);
  });

  it('counts a flood by code, in one line a second', () => {
    for (let n = 0; n < 3_000; n++) {
      add(n % 3 === 0 ? 'not_found' : 'no_signature', '192.0.2.1');
      jest.advanceTimersByTime(1);
    }
    expect(lines).toHaveLength(4);
    expect(lines[1]).toEqual({
      level: 'warn',
      refused: { not_found: 333, no_signature: 666 },
      lastIp: '192.0.2.1',
      msg: 'More requests refused',
    });
    jest.advanceTimersByTime(10_000);
    const rest = lines.slice(1).map(({ refused }) => Object.values(refused as Record<string, number>));
    expect(rest.flat().reduce((sum, count) => sum + count, 1)).toBe(3_000);
  });

  it('logs the next one whole again after a quiet second', () => {
    add('no_signature', '192.0.2.1');
    jest.advanceTimersByTime(1_000);
    add('not_found', '192.0.2.2');
    expect(lines.map(({ code }) => code)).toEqual(['no_signature', 'not_found']);
  });
});
