import { describe, expect, it } from '@jest/globals';
import { MAX_WAITS } from '../../src/calls/call-context';
import { ALICE, startApp, TED, type TestApp, type TestAppOptions } from '../support/app';
import { onTestFinished } from '../support/on-test-finished';
import { roomNamed } from '../support/room-stores';

const BASE = 'https://coach.example.com';
const CAROL = '+15550003333';
const MOBILE = '+15550004444';
const PIN = '48213';
const START = Date.parse('2026-01-02T10:00:00Z');

const moderators = [
  { name: 'Alice', number: ALICE },
  { name: 'Carol', number: CAROL },
];
const people = { moderators, supervisors: [{ name: 'Ted', number: TED, pin: PIN }] };

const laml = (content: string) => `<?xml version="1.0" encoding="UTF-8"?><Response>${content}</Response>`;
const goodbye = laml('<Say>Goodbye.</Say><Hangup/>');
const OVER = 'That conversation is over. Please hold for the next one.';
const STAR = 'For the menu, press star.';
const KEYS =
  'Nobody hears you now. To listen, press 1. To coach, 2. To talk to everyone, 3. For another conversation, 4. To end, 9.';
const keysFor = (agent: string) => KEYS.replace('To listen,', `To listen to ${agent},`);

/** A document that asks for half a minute of patience. */
const waiting = (words: string, next: string) =>
  laml(`<Say>${words}</Say><Pause length="30"/><Redirect>${BASE}${next}</Redirect>`);

/** A document that leads into the room, as the mode says. */
function entering(callSid: string, mode: 'monitor' | 'coach' | 'barge', said: string, query: string, room = 'sales') {
  const coach = mode === 'barge' ? '' : `coach="${callSid}" `;
  const muted = mode === 'monitor' ? 'muted="true" ' : '';
  return laml(
    `${said && `<Say>${said}</Say>`}<Dial action="${BASE}/coach/${room}/ended${query}" hangupOnStar="true" timeLimit="14400"><Conference ${coach}${muted}startConferenceOnEnter="false" endConferenceOnExit="false" beep="false" statusCallback="${BASE}/events/conference/${room}" statusCallbackMethod="POST" statusCallbackEvent="start end join leave mute hold speaker">${room}</Conference></Dial>`,
  );
}

/** The address of a document's `<Redirect>`, `<Gather>` or `<Dial>`, as the Space asks for it. */
function nextOf(text: string): string {
  const [found = ''] = /(<Redirect>|action=")[^<"]*/.exec(text) ?? [];
  return found
    .replace(/^(<Redirect>|action=")/, '')
    .replaceAll('&amp;', '&')
    .replace(BASE, '');
}

/** A room as calls and callbacks make it, a second apart. */
async function start(options: TestAppOptions = {}) {
  let now = START;
  const app: TestApp = await startApp({ people, now: () => now, ...options });
  onTestFinished(() => app.stop());
  const report = (room: string, StatusCallbackEvent: string, CallSid: string, ConferenceSid: string, more = {}) => {
    const Timestamp = new Date(now).toUTCString();
    return app.post(`/events/conference/${room}`, { StatusCallbackEvent, CallSid, ConferenceSid, Timestamp, ...more });
  };
  const testBench = {
    app,
    ask: async (path: string, form: Record<string, string> = {}) =>
      (await app.post(path, { CallSid: 'ted-1', From: TED, ...form })).text,
    wait: (seconds: number) => {
      now += seconds * 1_000;
    },
    arrives: async (CallSid: string, From: string, room = 'sales') => {
      testBench.wait(1);
      await app.post(`/conference/${room}`, { CallSid, From });
    },
    joins: async (
      CallSid: string,
      ConferenceSid = 'cf-1',
      { room = 'sales', ...more }: Record<string, string> = {},
    ) => {
      testBench.wait(1);
      await report(room, 'participant-join', CallSid, ConferenceSid, more);
    },
    /** Something else is reported of somebody who is in. */
    reports: async (event: string, CallSid: string, more: Record<string, string>) => {
      testBench.wait(1);
      await report('sales', event, CallSid, 'cf-1', more);
    },
    leaves: async (CallSid: string, ConferenceSid = 'cf-1', room = 'sales') => {
      testBench.wait(1);
      await report(room, 'participant-leave', CallSid, ConferenceSid);
    },
    /** A moderator who has joined, and Bob. */
    talks: async (CallSid: string, From: string, ConferenceSid = 'cf-1', room = 'sales') => {
      await testBench.arrives(CallSid, From, room);
      await testBench.joins(CallSid, ConferenceSid, { room, EndConferenceOnExit: 'true' });
      await testBench.joins(`bob-${CallSid}`, ConferenceSid, { room, EndConferenceOnExit: 'false' });
    },
    /** The conversation of a moderator ends. */
    ends: async (CallSid: string, ConferenceSid = 'cf-1', room = 'sales') => {
      await testBench.leaves(CallSid, ConferenceSid, room);
      await report(room, 'conference-end', CallSid, ConferenceSid);
    },
  };
  return testBench;
}

/** The address where REST would send a supervisor in the room sales. */
async function rejoinUrl({ app }: { app: TestApp }, call = 'ted-1'): Promise<string | undefined> {
  const { state } = await app.store.rooms.read(roomNamed('sales'));
  return state.stays.filter(({ callSid }) => callSid === call).at(-1)?.supervision?.rejoinUrl;
}

const OUT = { DialCallStatus: 'answered' };
const REFUSED = { DialCallStatus: 'failed', ErrorCode: '13240' };

describe('a supervisor at /coach whose conversation is over', () => {
  it('waits for the next one for half an hour, 30 s at a time, and then hears goodbye', async () => {
    const testBench = await start();
    await testBench.talks('alice-1', ALICE);
    await testBench.ask('/coach/sales');
    await testBench.ends('alice-1');
    let text = await testBench.ask('/coach/sales/ended', OUT);
    for (let waits = 1; waits <= MAX_WAITS; waits++) {
      const next = `/coach/sales?announced=1&stay=1&waits=${waits}`;
      expect(text).toBe(waiting(OVER, next.replaceAll('&', '&amp;')));
      testBench.wait(30);
      text = await testBench.ask(next);
    }
    expect(text).toBe(goodbye);
  });

  it.each([
    ['', 'coach', 'The agent alone hears you. You are coaching Carol.', ''],
    ['?mode=monitor', 'monitor', 'Nobody hears you. You are listening to Carol.', 'mode=monitor&amp;'],
    ['?mode=barge', 'monitor', 'Nobody hears you. You are listening to Carol.', 'initial=barge&amp;mode=monitor&amp;'],
  ] as const)(
    'starts the next one by the number’s mode, but never heard by everybody: %s',
    async (query, mode, heard, carried) => {
      const testBench = await start();
      await testBench.talks('alice-1', ALICE);
      let text = await testBench.ask(`/coach/sales${query}`);
      await testBench.ends('alice-1');
      text = await testBench.ask(nextOf(text), OUT);
      expect(text).toContain(OVER);
      await testBench.talks('carol-1', CAROL, 'cf-2');
      text = await testBench.ask(nextOf(text));
      expect(text).toBe(entering('carol-1', mode, `${heard} ${STAR}`, `?announced=1&amp;${carried}stay=2&amp;waits=1`));
      // Once in, they have all their patience again.
      expect([await rejoinUrl(testBench), await testBench.ask(nextOf(text), OUT)].join()).not.toContain('waits=');
      await testBench.ends('carol-1', 'cf-2');
      text = await testBench.ask(nextOf(text), OUT);
      expect(text).toBe(waiting(OVER, `/coach/sales?announced=1&amp;${carried}stay=2&amp;waits=1`));
    },
  );

  it.each([
    ['1', '', 'coach', 'The agent alone hears you. You are coaching Carol.'],
    ['3', '', 'coach', 'The agent alone hears you. You are coaching Carol.'],
    ['2', '?mode=monitor', 'monitor', 'Nobody hears you. You are listening to Carol.'],
    ['3', '?mode=barge', 'monitor', 'Nobody hears you. You are listening to Carol.'],
  ] as const)('does not start the next one in the mode of key %s: %j', async (Digits, query, mode, heard) => {
    const testBench = await start();
    await testBench.talks('alice-1', ALICE);
    let text = await testBench.ask(`/coach/sales${query}`);
    text = await testBench.ask(nextOf(text), OUT);
    text = await testBench.ask(nextOf(text), { Digits });
    expect(text).toContain('coach/sales/ended');
    await testBench.ends('alice-1');
    text = await testBench.ask(nextOf(text), OUT);
    await testBench.talks('carol-1', CAROL, 'cf-2');
    text = await testBench.ask(nextOf(text));
    expect(text).toContain(`<Say>${heard} ${STAR}</Say>`);
    expect(text).toContain(mode === 'monitor' ? 'coach="carol-1" muted="true" ' : 'coach="carol-1" start');
  });

  it.each(['1', '2', '3', undefined])(
    'hears so, and whom they hear next, when another agent came while they were at key %s',
    async (Digits) => {
      const testBench = await start();
      await testBench.talks('alice-1', ALICE);
      let text = await testBench.ask('/coach/sales?mode=barge');
      text = await testBench.ask(nextOf(text), OUT);
      expect(text).toContain(`<Say>${keysFor('Alice')}</Say>`);
      await testBench.ends('alice-1');
      await testBench.talks('carol-1', CAROL, 'cf-2');
      expect(await testBench.ask(nextOf(text), Digits === undefined ? {} : { Digits })).toBe(
        entering(
          'carol-1',
          'monitor',
          `That conversation is over. Nobody hears you. You are listening to Carol. ${STAR}`,
          '?announced=1&amp;initial=barge&amp;mode=monitor&amp;stay=2&amp;waits=0',
        ),
      );
    },
  );

  it('is in another conversation when the same call of the agent is in another conference', async () => {
    const testBench = await start();
    await testBench.talks('alice-1', ALICE);
    let text = await testBench.ask('/coach/sales?mode=barge');
    await testBench.joins('ted-1', 'cf-1', { EndConferenceOnExit: 'false' });
    text = await testBench.ask(nextOf(text), OUT);
    const keypad = nextOf(text);
    await testBench.ends('alice-1');
    await testBench.talks('alice-1', ALICE, 'cf-2');
    text = await testBench.ask(keypad);
    expect(text).toContain(
      `<Say>That conversation is over. Nobody hears you. You are listening to Alice. ${STAR}</Say>`,
    );
    expect(text).toContain('coach="alice-1" muted="true" ');
  });

  it('hears so when that call was in another conference before they pressed star', async () => {
    const testBench = await start();
    await testBench.talks('alice-1', ALICE);
    const text = await testBench.ask('/coach/sales?mode=barge');
    await testBench.joins('ted-1', 'cf-1', { EndConferenceOnExit: 'false' });
    await testBench.ends('alice-1');
    await testBench.talks('alice-1', ALICE, 'cf-2');
    expect(await testBench.ask(nextOf(text), OUT)).toContain(
      `<Say>That conversation is over. Nobody hears you. You are listening to Alice. ${STAR}</Say>`,
    );
  });

  it.each(['1', '2', '3', undefined])(
    'is in another one when that call asks again, and has not joined yet, while they are at key %s',
    async (Digits) => {
      const testBench = await start();
      await testBench.talks('alice-1', ALICE);
      let text = await testBench.ask('/coach/sales?mode=barge');
      text = await testBench.ask(nextOf(text), OUT);
      expect(text).toContain('?conference=cf-1&amp;mode=barge&amp;target=alice-1"');
      await testBench.ends('alice-1');
      await testBench.arrives('alice-1', ALICE);
      expect(await testBench.ask(nextOf(text), Digits === undefined ? {} : { Digits })).toBe(
        entering(
          'alice-1',
          'monitor',
          `That conversation is over. Nobody hears you. You are listening to Alice. ${STAR}`,
          '?announced=1&amp;initial=barge&amp;mode=monitor&amp;stay=2&amp;waits=0',
        ),
      );
    },
  );

  it.each([true, false])(
    'is in another one when that call asks again before they press star; they were seen in it: %s',
    async (wasSeen) => {
      const testBench = await start();
      await testBench.talks('alice-1', ALICE);
      const text = await testBench.ask('/coach/sales?mode=barge');
      if (wasSeen) {
        await testBench.joins('ted-1', 'cf-1', { EndConferenceOnExit: 'false' });
      }
      await testBench.ends('alice-1');
      await testBench.arrives('alice-1', ALICE);
      expect(await testBench.ask(nextOf(text), OUT)).toContain(
        `<Say>That conversation is over. Nobody hears you. You are listening to Alice. ${STAR}</Say>`,
      );
    },
  );

  it.each(['coach', 'barge'] as const)(
    'goes back unheard after another agent took over, though REST could not mute them: %s',
    async (mode) => {
      const testBench = await start({ people: { ...people, supervisors: [{ name: 'Ted', number: TED }] } });
      await testBench.talks('alice-1', ALICE);
      let text = await testBench.ask(`/coach/sales?mode=${mode}`);
      await testBench.joins('ted-1', 'cf-1', { EndConferenceOnExit: 'false' });
      await testBench.arrives('carol-1', CAROL);
      await testBench.joins('carol-1', 'cf-1', { EndConferenceOnExit: 'true' });
      // What REST reads after a mute that was not applied.
      const coaching = mode === 'barge' ? { Coaching: 'false' } : { Coaching: 'true', CallSidToCoach: 'alice-1' };
      await testBench.reports('participant-unmute', 'ted-1', { Muted: 'false', ...coaching });
      text = await testBench.ask(nextOf(text), OUT);
      expect(text).toContain(`<Say>${keysFor('Carol')}</Say>`);
      expect(await testBench.ask(nextOf(text))).toContain('coach="carol-1" muted="true" ');
    },
  );

  it('goes back unheard if all that is known of their stay is its end', async () => {
    const testBench = await start();
    await testBench.talks('carol-1', CAROL);
    // As after a store that was wiped while they spoke to Alice.
    const text = await testBench.ask('/coach/sales/ended?mode=barge&stay=1', OUT);
    expect(text).toContain(`<Say>${keysFor('Carol')}</Say>`);
    expect(await testBench.ask(nextOf(text))).toContain('coach="carol-1" muted="true" ');
  });

  it.each(['', '?mode=barge'])('goes back unheard from a keypad that knew no conversation: %j', async (query) => {
    const testBench = await start();
    await testBench.talks('alice-1', ALICE);
    expect(await testBench.ask(`/coach/sales/key${query}`)).toContain('coach="alice-1" muted="true" ');
    expect(await testBench.ask(`/coach/sales/key${query}`, { Digits: '1' })).toContain('coach="alice-1" muted="true" ');
  });

  it.each([
    ['2', 'coach="carol-1" start'],
    ['3', '<Conference start'],
  ])('hears whose conversation it is before key %s counts, when the keypad knew none', async (Digits, heard) => {
    const testBench = await start();
    await testBench.talks('alice-1', ALICE);
    await testBench.ask('/coach/sales');
    await testBench.ends('alice-1');
    await testBench.talks('carol-1', CAROL, 'cf-2');
    const keypad = `${BASE}/coach/sales/key?conference=cf-2&amp;initial=coach&amp;mode=monitor&amp;target=carol-1`;
    const text = await testBench.ask('/coach/sales/key?initial=coach&mode=monitor', { Digits });
    expect(text).toBe(
      laml(
        `<Gather action="${keypad}" numDigits="1"><Say>${keysFor('Carol')}</Say></Gather><Redirect>${keypad}</Redirect>`,
      ),
    );
    expect(await testBench.ask(nextOf(text), { Digits })).toContain(heard);
  });

  it('lets in nobody who may not be there any more', async () => {
    const testBench = await start();
    await testBench.talks('alice-1', ALICE);
    const text = await testBench.ask('/coach/sales');
    await testBench.ends('alice-1');
    await testBench.talks('carol-1', CAROL, 'cf-2');
    const limited = await start({
      people: { moderators, supervisors: [{ name: 'Ted', number: TED, rooms: ['support'] }] },
    });
    await limited.talks('carol-1', CAROL, 'cf-2');
    expect(await limited.ask(nextOf(text), OUT)).toBe(goodbye);
    expect(await limited.ask('/coach/sales/ended', REFUSED)).toBe(goodbye);
  });
});

describe('a supervisor on the line whose conversation is over', () => {
  const supervisors = [{ name: 'Ted', pin: PIN, mode: 'coach' }];

  /** Ted, on a telephone that nobody knows, in Alice's conversation. */
  async function inConversation(query = '', options: TestAppOptions = {}) {
    const testBench = await start({ people: { moderators, supervisors }, ...options });
    const ask = (path: string, form: Record<string, string> = {}) => testBench.ask(path, { From: MOBILE, ...form });
    await testBench.talks('alice-1', ALICE);
    const asked = await ask(`/supervisor${query}`);
    const text = await ask(nextOf(asked), { Digits: PIN });
    const token = /token=([\w-]+)/.exec(text)?.[1] ?? '';
    expect(token).not.toBe('');
    return { ...testBench, ask, text, token };
  }

  it('hears so in the menu, without another PIN', async () => {
    const { ask, text, token, ...testBench } = await inConversation();
    expect(text).toBe(
      entering(
        'alice-1',
        'coach',
        `The agent alone hears you. You are coaching Alice. ${STAR}`,
        `?announced=1&amp;line=1&amp;token=${token}`,
      ),
    );
    await testBench.talks('carol-1', CAROL, 'cf-2', 'support');
    await testBench.arrives('alice-3', ALICE, 'empty');
    await testBench.ends('alice-1');
    const action = `${BASE}/supervisor/room?attempt=1&amp;rooms=support_1empty&amp;stay=1&amp;token=${token}&amp;waits=0`;
    const menu = await ask(nextOf(text), OUT);
    expect(menu).toBe(
      laml(
        `<Gather action="${action}" numDigits="1"><Say>That conversation is over. For Carol, press 1. For Alice, no caller yet, press 2.</Say></Gather><Redirect>${action}</Redirect>`,
      ),
    );
    expect(await ask(nextOf(menu), { Digits: '1' })).toBe(
      entering(
        'carol-1',
        'coach',
        `The agent alone hears you. You are coaching Carol. ${STAR}`,
        `?announced=1&amp;attempt=1&amp;line=1&amp;stay=2&amp;token=${token}&amp;waits=0`,
        'support',
      ),
    );
  });

  it('is not put into the only other conversation unasked', async () => {
    const { ask, text, token, ...testBench } = await inConversation();
    await testBench.talks('carol-1', CAROL, 'cf-2', 'support');
    await testBench.ends('alice-1');
    const action = `${BASE}/supervisor/room?attempt=1&amp;rooms=support&amp;stay=1&amp;token=${token}&amp;waits=0`;
    expect(await ask(nextOf(text), OUT)).toBe(
      laml(
        `<Gather action="${action}" numDigits="1"><Say>That conversation is over. For Carol, press 1.</Say></Gather><Redirect>${action}</Redirect>`,
      ),
    );
  });

  it('waits for one for half an hour, and is let in by what their PIN brought', async () => {
    const { ask, text, token, ...testBench } = await inConversation();
    await testBench.ends('alice-1');
    let waited = await ask(nextOf(text), OUT);
    for (let waits = 1; waits <= MAX_WAITS; waits++) {
      const next = `/supervisor?stay=1&token=${token}&waits=${waits}`;
      expect(waited).toBe(waiting(OVER, next.replaceAll('&', '&amp;')));
      if (waits === MAX_WAITS) {
        const { app } = testBench;
        // The last time of asking still counts.
        const late = await app.post(next, { CallSid: 'ted-1', From: MOBILE });
        expect(late.text).toBe(goodbye);
        await testBench.talks('carol-1', CAROL, 'cf-2');
      }
      waited = await ask(next);
    }
    expect(waited).toBe(
      entering(
        'carol-1',
        'coach',
        `The agent alone hears you. You are coaching Carol. ${STAR}`,
        `?announced=1&amp;line=1&amp;stay=2&amp;token=${token}&amp;waits=${MAX_WAITS}`,
      ),
    );
  });

  it.each([
    ['the person’s', '', undefined, 'coach', 'line=1&amp;'],
    ['the person’s, whatever was pressed', '', '3', 'coach', 'line=1&amp;'],
    ['the number’s', '?mode=monitor', undefined, 'monitor', 'initial=monitor&amp;line=1&amp;mode=monitor&amp;'],
    [
      'the number’s, whatever was pressed',
      '?mode=monitor',
      '2',
      'monitor',
      'initial=monitor&amp;line=1&amp;mode=monitor&amp;',
    ],
    [
      'listening instead of the number’s',
      '?mode=barge',
      undefined,
      'monitor',
      'initial=barge&amp;line=1&amp;mode=monitor&amp;',
    ],
  ] as const)('starts the next one in %s mode', async (_whose, query, Digits, mode, carried) => {
    const { ask, token, ...testBench } = await inConversation(query);
    let { text } = testBench;
    let stay = 2;
    if (Digits !== undefined) {
      text = await ask(nextOf(text), OUT);
      text = await ask(nextOf(text), { Digits });
      stay = 3;
    }
    await testBench.ends('alice-1');
    text = await ask(nextOf(text), OUT);
    await testBench.talks('carol-1', CAROL, 'cf-2');
    text = await ask(nextOf(text));
    const heard =
      mode === 'coach'
        ? 'The agent alone hears you. You are coaching Carol.'
        : 'Nobody hears you. You are listening to Carol.';
    expect(text).toBe(
      entering(
        'carol-1',
        mode,
        `${heard} ${STAR}`,
        `?announced=1&amp;${carried}stay=${stay}&amp;token=${token}&amp;waits=1`,
      ),
    );
  });
});

describe('a supervisor whom REST muted', () => {
  it('is told so, and let back in muted', async () => {
    const testBench = await start();
    await testBench.talks('alice-1', ALICE);
    await testBench.ask('/coach/sales?mode=barge');
    await testBench.talks('carol-1', CAROL);
    expect(await testBench.ask('/coach/sales?initial=barge&mode=monitor&moved=1&stay=1')).toBe(
      entering(
        'carol-1',
        'monitor',
        `You have been muted. Nobody hears you. You are listening to Carol. ${STAR}`,
        '?announced=1&amp;initial=barge&amp;mode=monitor&amp;stay=2',
      ),
    );
  });

  it.each(['coach', 'barge', 'monitor'])('is muted whatever the address says: %s', async (mode) => {
    const testBench = await start();
    await testBench.talks('alice-1', ALICE);
    expect(await testBench.ask(`/coach/sales?mode=${mode}&moved=1&stay=1`)).toContain('coach="alice-1" muted="true" ');
  });

  it('waits for the next conversation when theirs is over', async () => {
    const testBench = await start();
    await testBench.talks('alice-1', ALICE);
    await testBench.ends('alice-1');
    expect(await testBench.ask('/coach/sales?initial=coach&mode=monitor&moved=1&stay=1')).toBe(
      waiting(OVER, '/coach/sales?announced=1&amp;stay=1&amp;waits=1'),
    );
    await testBench.talks('carol-1', CAROL, 'cf-2', 'support');
    expect(await testBench.ask('/coach/sales?line=1&mode=monitor&moved=1&stay=1')).toContain(
      '<Say>That conversation is over. For Carol, press 1.</Say>',
    );
  });

  it('has an address that keeps the number’s mode, and no key’s', async () => {
    const testBench = await start({
      people: { moderators, supervisors: [{ name: 'Ted', number: TED, mode: 'monitor' }] },
    });
    await testBench.talks('alice-1', ALICE);
    let text = await testBench.ask('/coach/sales?mode=barge');
    expect(await rejoinUrl(testBench)).toBe(`${BASE}/coach/sales?initial=barge&mode=monitor&moved=1&stay=1`);
    text = await testBench.ask(nextOf(text), OUT);
    await testBench.ask(nextOf(text), { Digits: '2' });
    expect(await rejoinUrl(testBench)).toBe(`${BASE}/coach/sales?initial=barge&mode=monitor&moved=1&stay=2`);
    text = await testBench.ask('/supervisor', { CallSid: 'ted-2' });
    text = await testBench.ask(nextOf(text), { CallSid: 'ted-2', ...OUT });
    await testBench.ask(nextOf(text), { CallSid: 'ted-2', Digits: '2' });
    // The person's own mode goes without saying.
    expect(await rejoinUrl(testBench, 'ted-2')).toBe(`${BASE}/coach/sales?line=1&mode=monitor&moved=1&stay=2`);
  });
});

describe('a supervisor who is refused', () => {
  it('after the agent joined, hears that there is no caller yet, and is in when one comes', async () => {
    const testBench = await start();
    await testBench.arrives('alice-1', ALICE);
    await testBench.joins('alice-1', 'cf-1', { EndConferenceOnExit: 'true' });
    let text = await testBench.ask('/coach/sales?attempt=3');
    text = await testBench.ask(nextOf(text), REFUSED);
    for (let waits = 1; waits <= 20; waits++) {
      expect(text).toBe(
        waiting(
          'Alice has no caller yet. Please hold.',
          `/coach/sales?announced=1&amp;attempt=3&amp;stay=1&amp;waits=${waits}`,
        ),
      );
      testBench.wait(30);
      text = await testBench.ask(nextOf(text));
    }
    await testBench.joins('bob-1', 'cf-1', { EndConferenceOnExit: 'false' });
    text = await testBench.ask(nextOf(text));
    expect(text).toBe(
      entering(
        'alice-1',
        'coach',
        `The agent alone hears you. You are coaching Alice. ${STAR}`,
        '?announced=1&amp;attempt=3&amp;stay=2&amp;waits=21',
      ),
    );
  });

  it('again and again waits for half an hour in all', async () => {
    const testBench = await start();
    await testBench.arrives('alice-1', ALICE);
    await testBench.joins('alice-1', 'cf-1', { EndConferenceOnExit: 'true' });
    let text = await testBench.ask('/coach/sales');
    for (let waits = 1; waits <= MAX_WAITS; waits++) {
      text = await testBench.ask(nextOf(text), REFUSED);
      expect(text).toContain(`waits=${waits}</Redirect>`);
      // Somebody comes and goes.
      await testBench.joins(`bob-${waits}`, 'cf-1', { EndConferenceOnExit: 'false' });
      await testBench.leaves(`bob-${waits}`);
      testBench.wait(30);
      text = await testBench.ask(nextOf(text));
      expect(text).toContain('coach="alice-1" start');
    }
    expect(await testBench.ask(nextOf(text), REFUSED)).toBe(goodbye);
  });

  it('before the agent was seen to join, does not try that call again', async () => {
    const testBench = await start();
    await testBench.talks('carol-1', CAROL);
    await testBench.ends('carol-1');
    await testBench.arrives('alice-1', ALICE);
    let text = await testBench.ask('/coach/sales?mode=monitor');
    text = await testBench.ask(nextOf(text), REFUSED);
    expect(text).toBe(
      laml(
        `<Say>Sorry, we could not connect you to sales. Please hold.</Say><Pause length="10"/><Redirect>${BASE}/coach/sales?attempt=1&amp;mode=monitor&amp;stay=1</Redirect>`,
      ),
    );
    text = await testBench.ask(nextOf(text));
    expect(text).toContain('No conversation in sales right now.');
    await testBench.joins('alice-1', 'cf-2', { EndConferenceOnExit: 'true' });
    expect(await testBench.ask(nextOf(text))).toContain('coach="alice-1" muted="true" ');
  });

  it.each([
    ['/coach/sales?mode=monitor', '2'],
    ['/coach/sales?mode=barge', '2'],
    ['/supervisor', '2'],
  ])('after a key does not carry its mode to the next agent: %s', async (path, Digits) => {
    const testBench = await start();
    await testBench.talks('alice-1', ALICE);
    let text = await testBench.ask(path);
    text = await testBench.ask(nextOf(text), OUT);
    text = await testBench.ask(nextOf(text), { Digits });
    expect(text).toContain('coach="alice-1" start');
    text = await testBench.ask(nextOf(text), REFUSED);
    await testBench.ends('alice-1');
    await testBench.talks('carol-1', CAROL, 'cf-2');
    text = await testBench.ask(nextOf(text));
    expect(text).toContain('<Say>Nobody hears you. You are listening to Carol. For the menu, press star.</Say>');
    expect(text).toContain('coach="carol-1" muted="true" ');
  });

  it('after they chose to listen, is not heard until they press another key', async () => {
    const testBench = await start({
      people: { moderators, supervisors: [{ name: 'Ted', number: TED, mode: 'coach' }] },
    });
    await testBench.talks('alice-1', ALICE);
    let text = await testBench.ask('/supervisor');
    text = await testBench.ask(nextOf(text), OUT);
    text = await testBench.ask(nextOf(text), { Digits: '1' });
    expect(text).toContain('coach="alice-1" muted="true" ');
    text = await testBench.ask(nextOf(text), REFUSED);
    await testBench.joins('bob-2', 'cf-1', { EndConferenceOnExit: 'false' });
    expect(await testBench.ask(nextOf(text))).toContain(
      `<Say>Nobody hears you. You are listening to Alice. ${STAR}</Say>`,
    );
  });
});

describe('a supervisor who would speak to everybody', () => {
  const NOBODY = 'No conversation in sales right now. Please hold.';

  it.each([
    [9, true],
    [10, false],
  ])('is let in to an agent who arrived %i s ago: %s', async (seconds, isLetIn) => {
    const testBench = await start();
    await testBench.arrives('alice-1', ALICE);
    testBench.wait(seconds);
    const text = await testBench.ask('/coach/sales?mode=barge');
    expect(text).toBe(
      isLetIn
        ? entering('alice-1', 'barge', '', '?mode=barge')
        : laml(
            `<Say>${NOBODY}</Say><Pause length="10"/><Redirect>${BASE}/coach/sales?attempt=1&amp;mode=barge</Redirect>`,
          ),
    );
    // Whom everybody hears is another matter than who is heard by the agent alone.
    expect(await testBench.ask('/coach/sales', { CallSid: 'ted-2' })).toContain('coach="alice-1" start');
    await testBench.joins('alice-1', 'cf-1', { EndConferenceOnExit: 'true' });
    testBench.wait(600);
    expect(await testBench.ask('/coach/sales?attempt=1&mode=barge')).toContain('<Conference start');
  });

  it('by key, is let in to an agent who is there, and otherwise goes back by listening', async () => {
    const testBench = await start();
    await testBench.arrives('alice-1', ALICE);
    let text = await testBench.ask('/coach/sales');
    testBench.wait(10);
    text = await testBench.ask(nextOf(text), OUT);
    text = await testBench.ask(nextOf(text), { Digits: '3' });
    expect(text).toContain(NOBODY);
    text = await testBench.ask(nextOf(text));
    expect(text).toContain('coach="alice-1" muted="true" ');
    await testBench.joins('alice-1', 'cf-1', { EndConferenceOnExit: 'true' });
    text = await testBench.ask(nextOf(text), OUT);
    expect(await testBench.ask(nextOf(text), { Digits: '3' })).toContain('<Conference start');
  });
});

describe('a menu of rooms', () => {
  it('lists those with a caller first, and last an agent who arrived long ago and was not seen to join', async () => {
    const testBench = await start();
    await testBench.arrives('ghost-1', ALICE, 'a-ghost');
    await testBench.arrives('alone-1', CAROL, 'b-alone');
    await testBench.joins('alone-1', 'cf-2', { room: 'b-alone', EndConferenceOnExit: 'true' });
    await testBench.talks('alice-3', ALICE, 'cf-3', 'c-talking');
    const said = async () => /<Say>(.*)<\/Say>/.exec(await testBench.ask('/supervisor'))?.[1];
    // Agents have a minute to join.
    expect(await said()).toBe(
      'For Alice in c-talking, press 1. For Alice in a-ghost, no caller yet, press 2. For Carol, no caller yet, press 3.',
    );
    testBench.wait(60);
    expect(await said()).toBe(
      'For Alice in c-talking, press 1. For Carol, no caller yet, press 2. For Alice in a-ghost, no caller yet, press 3.',
    );
    await testBench.joins('ghost-1', 'cf-1', { room: 'a-ghost', EndConferenceOnExit: 'true' });
    expect(await said()).toBe(
      'For Alice in c-talking, press 1. For Alice in a-ghost, no caller yet, press 2. For Carol, no caller yet, press 3.',
    );
  });

  it('leaves out an agent who hung up, as the number’s own callback tells', async () => {
    const testBench = await start();
    await testBench.arrives('ghost-1', ALICE, 'ghost');
    await testBench.talks('carol-1', CAROL);
    expect(await testBench.ask('/supervisor')).toContain('For Alice, no caller yet, press 2.');
    await testBench.app.post('/events/call/ghost', { CallSid: 'ghost-1', CallStatus: 'completed' });
    expect(await testBench.ask('/supervisor')).toContain('You are listening to Carol.');
  });

  it('sends who is in the only conversation back to it, and who was in it to wait', async () => {
    const testBench = await start();
    await testBench.talks('alice-1', ALICE);
    let text = await testBench.ask('/coach/sales');
    text = await testBench.ask(nextOf(text), OUT);
    expect(await testBench.ask(nextOf(text), { Digits: '4' })).toContain(
      '<Say>There is no other conversation. The agent alone hears you.</Say>',
    );
    await testBench.ends('alice-1');
    expect(await testBench.ask(nextOf(text), { Digits: '4', From: TED })).toBe(
      waiting(OVER, '/supervisor?mode=coach&amp;stay=1&amp;waits=1'),
    );
  });
});
