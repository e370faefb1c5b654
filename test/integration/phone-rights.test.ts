import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseRoster } from '../../src/people/roster-file';
import { MODES, type Mode } from '../../src/rooms/mode';
import { ALICE, startApp, TED, type TestApp } from '../support/app';
import { eventually } from '../support/redis-server';
import { rosterText } from '../support/roster';
import { supervisorsTrail } from '../support/trail';

const PIN = '48213';
const MOBILE = '+15550004444';
const KEYS = { monitor: '1', coach: '2', barge: '3' } as const;
const HEARD = {
  monitor: 'Nobody hears you.',
  coach: 'The agent alone hears you.',
  barge: 'Everybody hears you.',
} as const;

/** Every set of modes, from none to all. */
const SUBSETS = Array.from({ length: 2 ** MODES.length }, (_, bits) => MODES.filter((_mode, bit) => (bits >> bit) & 1));

let app: TestApp;
let calls = 0;

beforeAll(async () => {
  app = await startApp({ env: { SUPERVISOR_NUMBERS: TED } });
});

afterAll(() => app.stop());

/** Gives Ted these rights alone, in this room alone. */
function giveTed(room: string, rights: readonly Mode[], mode?: Mode): void {
  const ted = { name: 'Ted', number: TED, pin: PIN, rooms: [room], rights: ['see', ...rights] };
  const text = rosterText({ supervisors: [{ ...ted, ...(mode !== undefined && { mode }) }] });
  app.roster.replace(parseRoster(text, { file: 'roster.json', hasPinKey: true }));
}

/** A call of Ted's to a room of its own, where Alice is on the line. */
async function startCall() {
  const CallSid = `ted-${++calls}`;
  const room = `room-${calls}`;
  await app.post(`/conference/${room}`, { CallSid: `alice-${calls}`, From: ALICE });
  const post = async (path: string, more: Record<string, string> = {}) =>
    (await app.post(path, { CallSid, From: TED, ...more })).text;
  /** Dials in `mode` with every right, leaves by the star, and returns the keypad's path. */
  const toKeypad = async (mode: Mode) => {
    giveTed(room, MODES);
    const joined = await post(`/coach/${room}?mode=${mode}`);
    return actionOf(await post(actionOf(joined), { DialCallStatus: 'answered' }));
  };
  return { CallSid, room, post, toKeypad };
}

type Call = Awaited<ReturnType<typeof startCall>>;

const actionOf = (document: string) =>
  /action="https:\/\/coach\.example\.com([^"]*)"/.exec(document)?.[1]?.replaceAll('&amp;', '&') ?? '';

/** How Ted is heard by a document, or what else it does. */
function resultOf(document: string): string {
  const [, attributes] = /<Conference ([^>]*)>/.exec(document) ?? [];
  if (attributes !== undefined) {
    return attributes.includes('muted="true"') ? 'monitor' : attributes.includes('coach=') ? 'coach' : 'barge';
  }
  return /<Reject|Goodbye|You may not use that key/.exec(document)?.[0] ?? document;
}

const refusalsOf = async ({ CallSid }: Call) =>
  (await supervisorsTrail(app.store)).filter(({ kind, callSid }) => kind === 'refused' && callSid === CallSid);

/** A mode needs its right. Without it Ted listens, if he may; otherwise `refused` is what he gets. */
const expectedOf = (rights: readonly Mode[], mode: Mode, refused: string) =>
  [mode, 'monitor' as const].find((one) => rights.includes(one)) ?? refused;

/** The ways to ask for a mode, and how a call without the rights for it ends. */
const ENTRIES: Record<
  string,
  { refused: string; ask(call: Call, rights: readonly Mode[], mode: Mode): Promise<string> }
> = {
  "by a room's number": {
    refused: '<Reject',
    async ask({ room, post }, rights, mode) {
      giveTed(room, rights);
      return post(`/coach/${room}?mode=${mode}`);
    },
  },
  "by the line's number": {
    refused: '<Reject',
    async ask({ room, post }, rights, mode) {
      giveTed(room, rights);
      return post(`/supervisor?mode=${mode}`);
    },
  },
  'on the line by his own entry': {
    refused: '<Reject',
    async ask({ room, post }, rights, mode) {
      giveTed(room, rights, mode);
      return post('/supervisor');
    },
  },
  'on the line with a PIN': {
    refused: 'Goodbye',
    async ask({ room, post }, rights, mode) {
      giveTed(room, rights);
      return post(`/supervisor/pin?mode=${mode}&try=1`, { From: MOBILE, Digits: PIN });
    },
  },
  'for a room with a PIN': {
    refused: 'Goodbye',
    async ask({ room, post }, rights, mode) {
      giveTed(room, rights);
      return post(`/supervisor/pin?mode=${mode}&room=${room}&try=1`, { From: MOBILE, Digits: PIN });
    },
  },
  'by silence at the keypad, having lost rights meanwhile': {
    refused: 'Goodbye',
    async ask({ room, post, toKeypad }, rights, mode) {
      const keypad = await toKeypad(mode);
      giveTed(room, rights);
      return post(keypad);
    },
  },
};

describe.each(Object.entries(ENTRIES))('asking for a mode %s', (_entry, { refused, ask }) => {
  it.each(SUBSETS.flatMap((rights) => MODES.map((mode) => ({ mode, rights }))))(
    '$mode, with the rights $rights',
    async ({ mode, rights }) => {
      const call = await startCall();
      const document = await ask(call, rights, mode);
      const expected = expectedOf(rights, mode, refused);
      expect(resultOf(document)).toBe(expected);
      if (expected === refused) {
        await eventually(async () =>
          expect(await refusalsOf(call)).toMatchObject([{ reason: 'rights', supervisor: 'Ted' }]),
        );
      } else {
        // Somebody who gets another mode than they asked for hears so.
        expect(document).toContain(expected === mode ? '' : HEARD[expected as Mode]);
        expect(await refusalsOf(call)).toEqual([]);
      }
    },
  );
});

describe('asking for a mode by a key', () => {
  it.each(SUBSETS.flatMap((rights) => MODES.map((mode) => ({ mode, rights }))))(
    '$mode, with the rights $rights',
    async ({ mode, rights }) => {
      const { room, post, toKeypad } = await startCall();
      const keypad = await toKeypad(mode === 'coach' ? 'monitor' : 'coach');
      giveTed(room, rights);
      const document = await post(keypad, { Digits: KEYS[mode] });
      const denied = rights.length === 0 ? 'Goodbye' : 'You may not use that key';
      expect(resultOf(document)).toBe(rights.includes(mode) ? mode : denied);
      if (resultOf(document) === 'You may not use that key') {
        // The menu offers only the keys that remain, and they work.
        const offered = MODES.filter((one) => new RegExp(` ${KEYS[one]}\\.`).test(document));
        expect(offered).toEqual(rights);
        expect(resultOf(await post(actionOf(document), { Digits: KEYS[rights[0] as Mode] }))).toBe(rights[0]);
      }
    },
  );
});

describe('rights lost during a call', () => {
  it('do not end in a mode that the next conversation would have started in', async () => {
    const { CallSid, room, post } = await startCall();
    giveTed(room, MODES);
    const joined = await post(`/coach/${room}`);
    giveTed(room, ['monitor']);
    await app.post(`/conference/${room}/ended`, { CallSid: CallSid.replace('ted', 'alice'), From: ALICE });
    await app.post(`/conference/${room}`, { CallSid: `alice-next-${calls}`, From: ALICE });
    const next = await post(actionOf(joined), { DialCallStatus: 'answered' });
    expect(resultOf(next)).toBe('monitor');
    expect(next).toContain('That conversation is over. Nobody hears you.');
  });

  it('end a call whose mode the server took, if they may not listen', async () => {
    const { room, post } = await startCall();
    giveTed(room, ['barge']);
    expect(resultOf(await post(`/coach/${room}?mode=barge&moved=1&stay=1`))).toBe('Goodbye');
  });

  it('count again once they are given back', async () => {
    const { room, post } = await startCall();
    giveTed(room, ['monitor']);
    const joined = await post(`/coach/${room}?mode=barge`);
    expect(resultOf(joined)).toBe('monitor');
    giveTed(room, MODES);
    const keypad = actionOf(await post(actionOf(joined), { DialCallStatus: 'answered' }));
    expect(resultOf(await post(keypad, { Digits: '3' }))).toBe('barge');
  });
});
