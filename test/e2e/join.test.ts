import { dirname } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { RIGHTS } from '../../src/people/rights';
import type { TokenEntry } from '../../src/people/tokens';
import type { Call } from '../../src/simulator/call';
import type { Fault } from '../../src/simulator/rest-api';
import { createApiClient, tokenFor } from '../support/api-client';
import { ALICE, TED } from '../support/app';
import { eventually } from '../support/redis-server';
import { type Listed, rosterSettings } from '../support/roster';
import { startTestBench, type TestBenchOptions } from '../support/test-bench';

const TOKEN = tokenFor('board', RIGHTS);
const READER = tokenFor('reader', ['see']);
const CALLER_ID = '+15550009999';
const ASKED = 'Nobody hears you. To listen to the agent in sales, press 1.';

interface Given {
  ted?: Partial<Listed>;
  env?: Record<string, string>;
  options?: TestBenchOptions;
}

/** Alice talks to Bob, and a program may call Ted. */
async function start({ ted = {}, env = {}, options = {} }: Given = {}) {
  const contentWith = (more: Partial<Listed>) => ({
    moderators: [{ name: 'Alice', number: ALICE }],
    supervisors: [
      { name: 'Ted', number: TED, ...more },
      { name: 'Carol', pin: '77777' },
    ],
  });
  const people = rosterSettings(contentWith(ted), [TOKEN.entry, READER.entry]);
  const bench = await startTestBench({
    withRest: true,
    sweepIntervalMs: 3_600_000,
    ...options,
    env: { ...people, CALLER_ID, ...env },
  });
  await bench.call('Bob', '/conference/sales');
  const alice = await bench.call('Alice', '/conference/sales');
  const api = await createApiClient(bench.server.port);
  const ask = (method: string, path: string, body?: object) => api.ask(method, path, { token: TOKEN.secret, body });
  /** Changes the files of people and tokens while the server runs. */
  const rewrite = async (more: Partial<Listed>, tokens: readonly TokenEntry[]) => {
    rosterSettings(contentWith(more), [...tokens, READER.entry], dirname(people.ROSTER_FILE));
    await bench.server.reloadRoster();
  };
  const actions = async () => (await api.ask('GET', '/rooms/sales', { token: READER.secret })).body.actions;
  const callTed = (mode = 'coach') => ask('POST', '/rooms/sales/supervisors', { supervisor: 'Ted', mode });
  /** The call to Ted, when its first prompt is over. */
  const telephone = async () => {
    await bench.space.runUntilIdle();
    return bench.space.calls.find(({ direction }) => direction === 'outbound-api') as Call;
  };
  const join = async () => (await actions()).find(({ name }: { name: string }) => name === 'join');
  const trail = async () =>
    (await ask('GET', '/rooms/sales/audit')).body.records
      .filter(({ kind, role }: Record<string, string>) => kind === 'action' || role === 'supervisor')
      .map(({ kind, action, status, mode, heard, reason }: Record<string, string>) =>
        [kind, action, status, mode, heard, reason].filter(Boolean).join(' '),
      );
  return { bench, ask, callTed, telephone, join, trail, rewrite, actions, alice };
}

describe('a supervisor whom the server calls', () => {
  it.each([
    ['monitor', ['Bob']],
    ['coach', ['Bob', 'Ted']],
    ['barge', ['Bob', 'Ted']],
  ])('joins muted when they press a key, and then gets the mode %s', async (mode, heardByAlice) => {
    const { bench, callTed, telephone, join, trail, ask } = await start();
    expect(await callTed(mode)).toMatchObject({
      status: 202,
      body: { action: { name: 'join', status: 'requested', supervisor: 'Ted' } },
    });
    const ted = await telephone();
    expect([ted.to, ted.from, ted.told]).toEqual([TED, CALLER_ID, [ASKED]]);
    expect(bench.space.conferences.participant(ted.sid)).toBeUndefined();
    ted.press('1');
    await bench.space.runUntilIdle();
    expect(ted.told.at(-1)).toBe('Nobody hears you. You are listening to Alice. For the menu, press star.');
    await eventually(async () => {
      const { participants } = (await ask('GET', '/rooms/sales')).body;
      const shown = participants.find(({ callSid }: { callSid: string }) => callSid === ted.sid);
      expect(shown.supervision).toMatchObject({ requestedMode: mode, heardAs: mode, confirmed: true });
    });
    expect([...(bench.space.hearing().entries() ?? [])].length).toBe(3);
    expect(await join()).toMatchObject({ status: 'confirmed', callSid: ted.sid, by: 'token board', mode });
    const place = bench.space.conferences.participant(ted.sid);
    expect([place?.muted, place?.callSidToCoach === undefined]).toEqual([mode === 'monitor', mode === 'barge']);
    expect(heardByAlice).toContain('Bob');
    const lines = await trail();
    expect(lines.slice(0, 4)).toEqual([
      `action join requested ${mode}`,
      'arrived monitor unknown',
      expect.stringContaining('joined monitor'),
      expect.stringMatching(/^(mode|action)/),
    ]);
    expect(lines).toContain(`action join confirmed ${mode}`);
  });

  it('who presses no key within 10 s, like a voicemail, enters nothing', async () => {
    const { bench, callTed, telephone, join, trail } = await start();
    await callTed();
    const ted = await telephone();
    await bench.space.clock.advance(9_000);
    expect(ted.isOver).toBe(false);
    await bench.space.clock.advance(2_000);
    await bench.space.runUntilIdle();
    expect([ted.isOver, ted.told]).toEqual([true, [ASKED]]);
    await eventually(async () => expect(await join()).toMatchObject({ status: 'failed', reason: 'no_key' }));
    expect(await trail()).toEqual(['action join requested coach', 'action join failed coach no_key']);
  });

  it.each([
    ['busy', 'line_busy'],
    ['no-answer', 'no_answer'],
  ] as const)('and does not reach: %s', async (why, reason) => {
    const { telephone, callTed, join } = await start({
      options: { space: { unanswered: () => why } },
    });
    await callTed();
    expect((await telephone()).status).toBe(why);
    await eventually(async () => expect(await join()).toMatchObject({ status: 'failed', reason }));
  });

  it('who hangs up before they press a key is not waited for', async () => {
    const { bench, callTed, telephone, join } = await start();
    await callTed();
    const ted = await telephone();
    ted.hangUp();
    await bench.space.runUntilIdle();
    await eventually(async () => expect(await join()).toMatchObject({ status: 'failed', reason: 'left' }));
  });

  it('is asked for their PIN if they need one', async () => {
    const { bench, callTed, telephone } = await start({ ted: { pin: '48213', requirePin: true } });
    await callTed();
    const ted = await telephone();
    ted.press('1');
    await bench.space.runUntilIdle();
    expect(ted.told.at(-1)).toBe('Please enter your PIN, then press pound.');
    ted.press('48213#');
    await bench.space.runUntilIdle();
    expect(bench.space.conferences.participant(ted.sid)).toMatchObject({ muted: true });
  });

  it('gives their mode to nobody else who enters a PIN at their telephone', async () => {
    const { bench, callTed, telephone, actions } = await start({ ted: { pin: '48213', requirePin: true } });
    await callTed('barge');
    const call = await telephone();
    call.press('1');
    await bench.space.runUntilIdle();
    call.press('77777#');
    await bench.space.runUntilIdle();
    await eventually(async () =>
      expect((await actions()).at(-1)).toMatchObject({ name: 'mode', status: 'failed', reason: 'not_allowed' }),
    );
    expect(bench.space.conferences.participant(call.sid)).toMatchObject({ muted: true });
  });

  it('is not let in once the call was given up, because its answer was lost', async () => {
    const { bench, callTed, telephone, join } = await start({
      options: {
        intercept: ({ method, path }) => (method === 'POST' && path === '/Calls' ? 'lose-answer' : undefined),
      },
    });
    expect((await callTed()).status).toBe(502);
    const ted = await telephone();
    ted.press('1');
    await bench.space.runUntilIdle();
    expect([ted.isOver, bench.space.conferences.participant(ted.sid)]).toEqual([true, undefined]);
    expect(await join()).toMatchObject({ status: 'failed', reason: 'space_unreachable' });
  });

  it.each<[string, Partial<Listed>, readonly TokenEntry[]]>([
    ['the token is revoked', {}, []],
    ['they lose the right', { rights: ['see', 'monitor'] }, [TOKEN.entry]],
    ['they lose the room', { rooms: ['sales-2'] }, [TOKEN.entry]],
  ])('stays muted or out if %s while the telephone rings', async (_what, ted, tokens) => {
    const { bench, callTed, telephone, rewrite, actions } = await start();
    await callTed('barge');
    const call = await telephone();
    await rewrite(ted, tokens);
    call.press('1');
    await bench.space.runUntilIdle();
    const place = bench.space.conferences.participant(call.sid);
    if (place === undefined) {
      expect(call.isOver).toBe(true);
    } else {
      await eventually(async () =>
        expect((await actions()).at(-1)).toMatchObject({ name: 'mode', status: 'failed', reason: 'not_allowed' }),
      );
      expect(place.muted).toBe(true);
    }
  });

  it.each(['9', '*', '#'])('does not join by another key: %s', async (key) => {
    const { bench, callTed, telephone, join } = await start();
    await callTed();
    const ted = await telephone();
    ted.press(key);
    await bench.space.clock.advance(15_000);
    await bench.space.runUntilIdle();
    expect([ted.isOver, bench.space.conferences.participant(ted.sid)]).toEqual([true, undefined]);
    await eventually(async () => expect(await join()).toMatchObject({ reason: 'no_key' }));
  });

  it('stays muted if another conversation has begun while the telephone rang', async () => {
    const { bench, callTed, telephone, actions, alice } = await start();
    await callTed('barge');
    const ted = await telephone();
    await bench.hangUp(alice);
    await bench.call('Bob', '/conference/sales');
    await bench.call('Alice', '/conference/sales');
    ted.press('1');
    await bench.space.runUntilIdle();
    await eventually(async () => {
      await bench.space.runUntilIdle();
      const all = await actions();
      expect(all.find(({ name }: { name: string }) => name === 'join')).toMatchObject({ status: 'confirmed' });
    });
    expect(bench.space.conferences.participant(ted.sid)).toMatchObject({ muted: true });
    expect(
      (await actions()).filter(({ name, status }: Record<string, string>) => name === 'mode' && status === 'confirmed'),
    ).toEqual([]);
  });

  it('is called once at a time', async () => {
    const { callTed } = await start();
    expect((await callTed()).status).toBe(202);
    expect(await callTed()).toMatchObject({ status: 409, body: { code: 'busy' } });
  });
});

describe('a call to a supervisor', () => {
  it.each<[string, Given, string, number, string]>([
    ['whom nobody knows', { ted: { name: 'Bob' } }, 'coach', 404, 'no_such_supervisor'],
    ['without a number', { ted: { number: undefined as never, pin: '48213' } }, 'coach', 409, 'no_address'],
    ['of another room', { ted: { rooms: ['support'] } }, 'coach', 403, 'not_allowed'],
    ['without the right', { ted: { rights: ['see', 'monitor'] } }, 'barge', 403, 'not_allowed'],
    ['who may not listen', { ted: { rights: ['see', 'coach'] } }, 'coach', 403, 'not_allowed'],
    ['from nowhere', { env: { CALLER_ID: '' } }, 'coach', 503, 'calls_not_configured'],
  ])('%s is refused', async (_who, given, mode, status, code) => {
    const { bench, callTed } = await start(given);
    expect(await callTed(mode)).toMatchObject({ status, body: { code } });
    expect(bench.space.calls).toHaveLength(2);
  });

  it('is refused where nobody is to be supervised', async () => {
    const { ask } = await start();
    expect(await ask('POST', '/rooms/support/supervisors', { supervisor: 'Ted', mode: 'coach' })).toMatchObject({
      status: 409,
      body: { code: 'no_moderator' },
    });
  });

  it.each<[string, Fault, string, number]>([
    ['401', { status: 401 }, 'space_refused', 502],
    ['a list of errors', { status: 400, body: { errors: [{ code: '21211', message: 'no' }] } }, 'space_refused', 502],
    ['HTML', { status: 200, body: '<html></html>' }, 'space_unreadable', 502],
    ['nothing', 'disconnect', 'space_unreachable', 502],
  ])('that the Space answers with %s is reported, and not repeated', async (_what, fault, reason, status) => {
    let calls = 0;
    const { callTed, join } = await start({
      options: {
        intercept: ({ method, path }) => {
          const isCall = method === 'POST' && path === '/Calls';
          calls += Number(isCall);
          return isCall ? fault : undefined;
        },
      },
    });
    expect(await callTed()).toMatchObject({ status, body: { code: reason, action: { status: 'failed', reason } } });
    expect(await join()).toMatchObject({ status: 'failed', reason });
    expect(calls).toBe(1);
  });
});
