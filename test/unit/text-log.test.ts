import { describe, expect, it } from '@jest/globals';
import { createLog } from '../../src/ops/log';
import { createTextLog } from '../../src/ops/text-log';

/** What is written for these lines, with every time of day replaced. */
function written(write: (log: ReturnType<typeof createLog>) => void, hasColours = false): string {
  const parts: string[] = [];
  const destination = { write: (part: string) => void parts.push(part) };
  write(createLog('trace', createTextLog(destination, { hasColours })));
  return parts.join('').replaceAll(/\d\d:\d\d:\d\d/g, 'TIME');
}

describe('createTextLog', () => {
  it('writes a line of text: time, level unless it is info, sentence, fields', () => {
    const text = written((log) => {
      log.info({ port: 3000, room: 'sample-conf', on: ['redis', 'rest'], off: [] }, 'Listening');
      log.warn('REDIS_URL is not set');
      log.debug({ path: '/a b', isNew: true, more: { deep: 1 }, nothing: null }, 'Request');
    });
    expect(text).toBe(
      [
        'TIME Listening port=3000 room=sample-conf on=redis,rest off=[]',
        'TIME WARN REDIS_URL is not set',
        'TIME DEBUG Request path="/a b" isNew=true more={"deep":1} nothing=null',
        '',
      ].join('\n'),
    );
  });

  it('names an error and its causes, and shows the stack of one that is unexpected', () => {
    const foreseen = Object.assign(new Error('down', { cause: new Error('timed out') }), { code: 'unavailable' });
    expect(written((log) => log.error({ err: foreseen, room: 'sales' }, 'Failed'))).toBe(
      'TIME ERROR Failed room=sales Error: down (unavailable), because of Error: timed out\n',
    );
    const [first, second, ...more] = written((log) => log.fatal({ err: new TypeError('a\nb') }, 'Crash')).split('\n');
    expect(first).toBe('TIME FATAL Crash TypeError: a\u{fffd}b');
    expect(second).toMatch(/^ {4}at .*text-log\.test\.ts/);
    expect(more.length).toBeGreaterThan(1);
  });

  it.each([
    ['text', '"text"'],
    [7, '7'],
    [null, 'null'],
  ])('shows a thrown %j', (thrown, shown) => {
    expect(written((log) => log.error({ err: thrown }, 'Failed'))).toBe(`TIME ERROR Failed ${shown}\n`);
  });

  it('lets no text from outside control the terminal or begin a line', () => {
    const hostile = '\u001b[2J\r\n\u009b31m\u202e\u2028';
    const text = written((log) => log.error({ from: hostile, err: new Error(hostile) }, hostile));
    expect(text.split('\n    at ')[0]).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
  });

  it('colours warnings and errors where the destination shows colours', () => {
    const text = written((log) => log.warn({ a: 1 }, 'Careful'), true);
    expect(text).toBe('\u001b[2mTIME\u001b[22m \u001b[33mWARN Careful\u001b[39m \u001b[2ma=1\u001b[22m\n');
  });
});
