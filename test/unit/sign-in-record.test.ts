import { expect, it } from '@jest/globals';
import { createLog } from '../../src/ops/log';
import { StoreError } from '../../src/redis/store-error';
import { createMemoryRefusalStore, type RefusalEvent, type SignInFact } from '../../src/supervision/refusals';
import { createSupervision } from '../../src/supervision/supervision';
import { eventually } from '../support/redis-server';

async function record(fact: SignInFact, failures = 0) {
  const lines: string[] = [];
  const store = createMemoryRefusalStore();
  let left = failures;
  const supervision = createSupervision({
    rooms: { record: async () => {} },
    refusals: {
      ...store,
      async add(event) {
        if (left-- > 0) {
          throw new StoreError('unavailable', 'away');
        }
        await store.add(event);
      },
    },
    space: undefined,
    notices: { policy: 'never', moderatorUrl: '' },
    now: () => Date.parse('2026-11-25T08:00:00Z'),
    monotonicNow: () => 0,
    log: createLog('info', { write: (line) => void lines.push(line) }),
    retryMs: 1,
  });
  supervision.recordSignIn(fact);
  const events = await eventually(async () => {
    const found: RefusalEvent[] = [];
    for await (const event of store.read(0)) {
      found.push(event);
    }
    expect(found).toHaveLength(1);
    return found;
  });
  await supervision.close(1_000);
  const [first = ''] = lines;
  const { level, msg } = JSON.parse(first);
  return { event: events[0], line: `${level}: ${msg}`, first };
}

it.each<[string, SignInFact]>([
  ['info: Signed in', { kind: 'signed-in', method: 'password', supervisor: 'Ted', ip: '192.0.2.1' }],
  ['info: Signed out', { kind: 'signed-out', reason: 'everywhere', moderator: 'Alice' }],
  ['warn: Sign-in refused', { kind: 'sign-in-refused', reason: 'wrong-password', ip: '192.0.2.1' }],
  ['warn: Too many wrong passwords: sign-in locked', { kind: 'sign-in-locked-out', lockedOut: 'pair' }],
])('a fact about signing in is logged and written: %s', async (line, fact) => {
  const recorded = await record(fact);
  expect(recorded.line).toBe(line);
  expect(JSON.parse(recorded.first)).toMatchObject(fact);
  expect(recorded.event).toEqual({ id: expect.any(String), at: '2026-11-25T08:00:00.000Z', ...fact });
});

it('a fact about signing in is written when the store is back', async () => {
  const { event } = await record({ kind: 'signed-in', method: 'oidc', supervisor: 'Ted' }, 3);
  expect(event).toMatchObject({ kind: 'signed-in', supervisor: 'Ted' });
});
