import { describe, expect, it } from '@jest/globals';
import type { CallContext, RoomContext } from '../../src/calls/call-context';
import { createUrls } from '../../src/calls/call-request';
import { createRender, type DocumentSettings } from '../../src/calls/documents';
import type { Outcome, RoomMenu } from '../../src/calls/outcome';
import { german } from '../../src/calls/prompts-de';
import { english } from '../../src/calls/prompts-en';
import { emptyRoom, parseRoomName, type RoomName } from '../../src/rooms/room';
import { parseSid, type Sid } from '../../src/signalwire/sid';
import { TED } from '../support/supervisor-decisions';

const settings: DocumentSettings = {
  maxCallSeconds: 3600,
  waitUrl: undefined,
  callerNotice: undefined,
  moderatorNoticeText: undefined,
  noticeVoice: undefined,
  noticeLanguage: undefined,
  recordConferences: false,
};
const urls = createUrls('https://coach.example.com');
const renderWith = (more: Partial<DocumentSettings>) => createRender({ ...settings, ...more }, urls, english);
const render = renderWith({});
const room = parseRoomName('Sales 2') as RoomName;
const target = { callSid: parseSid('6a5b-1') as Sid, role: 'moderator', name: 'Alice' } as const;
const caller = { kind: 'join', role: 'caller', room } as const;
const moderator = { kind: 'join', role: 'moderator', room, name: 'Alice' } as const;
const supervisor = (context: Partial<RoomContext>, more: object = {}): Outcome => ({
  kind: 'join',
  role: 'supervisor',
  person: TED,
  state: emptyRoom(room),
  context: { mode: 'coach', attempt: 0, stay: 1, ...context },
  target,
  ...more,
});

const callbacks =
  'statusCallback="https://coach.example.com/events/conference/Sales%202" statusCallbackMethod="POST" statusCallbackEvent="start end join leave mute hold speaker"';
const laml = (content: string) => `<?xml version="1.0" encoding="UTF-8"?><Response>${content}</Response>`;

describe('render', () => {
  it('makes a moderator start the conference and end it', () => {
    expect(render(moderator)).toBe(
      laml(
        `<Dial action="https://coach.example.com/conference/Sales%202/ended" timeLimit="3600"><Conference startConferenceOnEnter="true" endConferenceOnExit="true" ${callbacks}>Sales 2</Conference></Dial>`,
      ),
    );
  });

  it('makes a caller wait for a moderator', () => {
    expect(render(caller)).toBe(
      laml(
        `<Dial timeLimit="3600"><Conference startConferenceOnEnter="false" ${callbacks}>Sales 2</Conference></Dial>`,
      ),
    );
  });

  it('gives a caller the configured notice and music', () => {
    const configured = renderWith({
      waitUrl: 'https://cdn.example.com/wait.xml?a=1&b=2',
      callerNotice: 'Calls may be heard by <us> & "others".',
    });
    expect(configured(caller)).toBe(
      laml(
        `<Say>Calls may be heard by &lt;us&gt; &amp; "others".</Say><Dial timeLimit="3600"><Conference startConferenceOnEnter="false" waitUrl="https://cdn.example.com/wait.xml?a=1&amp;b=2" ${callbacks}>Sales 2</Conference></Dial>`,
      ),
    );
    expect(configured(moderator)).toBe(render(moderator));
  });

  it('tells a moderator that the room is not theirs, who then waits exactly as a caller', () => {
    const told = `<Say>${english.wrongRoom}</Say>`;
    for (const one of [render, renderWith({ callerNotice: 'Calls may be heard.', noticeVoice: 'Polly.Amy' })]) {
      expect(one({ ...caller, isWrongRoom: true })).toBe(one(caller).replace('<Response>', `<Response>${told}`));
    }
  });

  it.each([
    ['coach', 0, '', 'coach="6a5b-1" '],
    ['coach', 3, '?attempt=3', 'coach="6a5b-1" '],
    ['monitor', 0, '?mode=monitor', 'coach="6a5b-1" muted="true" '],
    ['monitor', 1, '?attempt=1&amp;mode=monitor', 'coach="6a5b-1" muted="true" '],
    ['barge', 0, '?mode=barge', ''],
  ] as const)('lets a supervisor in to %s, attempt %i', (mode, attempt, query, attributes) => {
    expect(render(supervisor({ mode, attempt }))).toBe(
      laml(
        `<Dial action="https://coach.example.com/coach/Sales%202/ended${query}" hangupOnStar="true" timeLimit="3600"><Conference ${attributes}startConferenceOnEnter="false" endConferenceOnExit="false" beep="false" ${callbacks}>Sales 2</Conference></Dial>`,
      ),
    );
  });

  it.each<[string, Outcome]>([
    ['a moderator', moderator],
    ['a caller, as in the fallback', caller],
    ['a caller in the wrong room', { ...caller, isWrongRoom: true }],
    ['a caller after a greeting', { kind: 'greet', room }],
    ['a supervisor who monitors', supervisor({ mode: 'monitor' })],
    ['a supervisor who coaches', supervisor({})],
    ['a supervisor who barges', supervisor({ mode: 'barge' })],
    ['a supervisor who is told who hears them', supervisor({}, { announcement: {} })],
  ])('records from the start, whoever comes first: %s', (_who, outcome) => {
    const recording =
      'record="record-from-start" recordingStatusCallback="https://coach.example.com/events/recording/Sales%202" recordingStatusCallbackMethod="POST" recordingStatusCallbackEvent="in-progress completed absent"';
    const document = renderWith({ recordConferences: true })(outcome);
    expect(document).toBe(render(outcome).replace(callbacks, `${callbacks} ${recording}`));
    expect(document).toContain(recording);
  });

  it('escapes the address of this server, in documents of every kind', () => {
    const odd = createRender(settings, createUrls('https://coach.example.com/a&b'), english);
    const outcomes = [
      caller,
      moderator,
      supervisor({}),
      supervisor({ mode: 'barge' }),
      supervisor({}, { announcement: {} }),
    ];
    for (const outcome of outcomes) {
      const document = odd(outcome);
      expect(document).toContain('https://coach.example.com/a&amp;b/events/');
      expect(document).not.toMatch(/&(?!amp;)/);
    }
  });

  it('says the news first, then how a supervisor is heard', () => {
    const said = (more: object) => /<Say>(.*)<\/Say>/.exec(render(supervisor({}, more)))?.[1];
    expect(said({})).toBeUndefined();
    expect(said({ announcement: {} })).toBe(english.joined('coach', room, 'Alice'));
    expect(said({ announcement: { news: 'muted' } })).toBe(
      `${english.news.muted} ${english.joined('coach', room, 'Alice')}`,
    );
    expect(said({ announcement: {}, previousMode: 'barge' })).toBe(english.rejoined.coach);
  });

  it.each(['nobody-there', 'store-down', 'target-gone'] as const)('says why a supervisor waits: %s', (reason) => {
    expect(render({ kind: 'wait', reason, room, context: { mode: 'monitor', attempt: 5, stay: 0 } })).toBe(
      laml(
        `<Say>${english.wait(reason, room, undefined)}</Say><Pause length="10"/><Redirect>https://coach.example.com/coach/Sales%202?attempt=5&amp;mode=monitor</Redirect>`,
      ),
    );
  });

  it.each(['no-caller', 'over', 'store-down'] as const)('lets a supervisor wait for half a minute: %s', (reason) => {
    const context = { mode: 'coach', attempt: 4, waits: 1, stay: 2 } as const;
    expect(render({ kind: 'wait', reason, room, context, target })).toBe(
      laml(
        `<Say>${english.wait(reason, room, 'Alice')}</Say><Pause length="30"/><Redirect>https://coach.example.com/coach/Sales%202?attempt=4&amp;stay=2&amp;waits=1</Redirect>`,
      ),
    );
  });

  it.each([
    ['nobody-there', { attempt: 1 }, 10, 'attempt=1&amp;mode=monitor&amp;stay=1&amp;token=abc'],
    ['store-down', { attempt: 1 }, 10, 'attempt=1&amp;mode=monitor&amp;stay=1&amp;token=abc'],
    ['over', { attempt: 0, waits: 1 }, 30, 'mode=monitor&amp;stay=1&amp;token=abc&amp;waits=1'],
  ] as const)('says why a supervisor waits on the line: %s', (reason, counted, seconds, query) => {
    const context: CallContext = { mode: 'monitor', stay: 1, token: 'abc', ...counted };
    expect(render({ kind: 'wait', reason, context })).toBe(
      laml(
        `<Say>${english.wait(reason, undefined, undefined)}</Say><Pause length="${seconds}"/><Redirect>https://coach.example.com/supervisor?${query}</Redirect>`,
      ),
    );
  });

  it('writes a menu', () => {
    const other = parseRoomName('support') as RoomName;
    const menu: RoomMenu = {
      choices: [
        { room, name: 'Alice', isAmbiguous: false, hasCaller: true },
        { room: other, name: undefined, isAmbiguous: false, hasCaller: false },
      ],
      page: 0,
      more: undefined,
      hasExtensions: false,
      news: 'conversation-over',
    };
    const action = 'https://coach.example.com/supervisor/room?attempt=1&amp;rooms=Sales_02_1support';
    expect(render({ kind: 'choose', context: { mode: undefined, attempt: 1, stay: 0 }, menu })).toBe(
      laml(
        `<Gather action="${action}" numDigits="1"><Say>${english.news['conversation-over']} ${english.menu(menu)}</Say></Gather><Redirect>${action}</Redirect>`,
      ),
    );
  });

  it.each([
    [english, '<Say>'],
    [german, '<Say language="de-DE" voice="Polly.Vicki">'],
  ])('says its own prompts in the voice of their language, %#', (prompts, say) => {
    const speak = createRender({ ...settings, callerNotice: 'Hi.', noticeVoice: 'woman' }, urls, prompts);
    expect(speak({ kind: 'goodbye' })).toBe(laml(`${say}${prompts.goodbye}</Say><Hangup/>`));
    expect(speak({ kind: 'notice', to: 'moderator' })).toBe(laml(`${say}${prompts.moderatorNotice}</Say>`));
    expect(speak({ ...caller, isWrongRoom: true })).toContain(
      `${say}${prompts.wrongRoom}</Say><Say voice="woman">Hi.</Say>`,
    );
  });

  it.each<[Outcome['kind'], string]>([
    ['goodbye', `<Say>${english.goodbye}</Say><Hangup/>`],
    ['removed', '<Say>You have been removed. Goodbye.</Say><Hangup/>'],
    ['apology', `<Say>${english.apology}</Say><Hangup/>`],
    ['hangUp', '<Hangup/>'],
    ['reject', '<Reject/>'],
  ])('has a document for %s', (kind, content) => {
    expect(render({ kind } as Outcome)).toBe(laml(content));
  });
});
