import { describe, expect, it } from '@jest/globals';
import { createLog } from '../../src/ops/log';

function logged(err: unknown): { err: unknown; level: string; time: string } {
  const lines: string[] = [];
  createLog('info', { write: (line) => void lines.push(line) }).error({ err }, 'Failed');
  return JSON.parse(lines.join(''));
}

describe('createLog', () => {
  it('writes a line of JSON with a readable level and time', () => {
    expect(logged(undefined)).toEqual({
      level: 'error',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      msg: 'Failed',
    });
  });

  it('logs nothing that clients attach to their errors', () => {
    const cause = Object.assign(new Error('WRONGPASS'), { command: { name: 'auth', args: ['hunter2'] } });
    const { err } = logged(new Error('Redis', { cause }));
    expect(err).toEqual({
      type: 'Error',
      message: 'Redis',
      stack: expect.stringContaining('log.test.ts'),
      cause: { type: 'Error', message: 'WRONGPASS', stack: expect.stringContaining('log.test.ts') },
    });
  });

  it('logs no stack for an error with a code, nor for its cause', () => {
    const foreseen = Object.assign(new Error('Redis', { cause: new Error('timed out') }), { code: 'unavailable' });
    expect(logged(foreseen).err).toEqual({
      type: 'Error',
      message: 'Redis',
      code: 'unavailable',
      cause: { type: 'Error', message: 'timed out' },
    });
  });

  it('logs a thrown value that is not an Error as it is', () => {
    expect(logged('broken').err).toBe('broken');
  });
});
