import { describe, expect, it } from '@jest/globals';
import { type Approach, MAX_ATTEMPTS, MAX_WAITS } from '../../src/calls/approach';
import { createDocuments } from '../../src/calls/laml';
import { parseRoomName, type RoomName } from '../../src/rooms/room-name';
import { parseSid, type Sid } from '../../src/signalwire/sid';

const settings = {
  publicUrl: 'https://coach.example.com',
  maxCallSeconds: 3600,
  waitUrl: undefined,
  callerNotice: undefined,
  moderatorNoticeText: 'A supervisor is on the line.',
  noticeVoice: undefined,
  noticeLanguage: undefined,
};
const documents = createDocuments(settings);
const room = parseRoomName('Sales 2') as RoomName;
const target = parseSid('6a5b-1') as Sid;

const reporting =
  'statusCallback="https://coach.example.com/events/conference/Sales%202" statusCallbackMethod="POST" statusCallbackEvent="start end join leave mute hold speaker"';
const laml = (content: string) => `<?xml version="1.0" encoding="UTF-8"?><Response>${content}</Response>`;

describe('createDocuments', () => {
  it('makes a moderator start the conference and end it', () => {
    expect(documents.moderator(room)).toBe(
      laml(
        `<Dial action="https://coach.example.com/conference/Sales%202/ended" timeLimit="3600"><Conference startConferenceOnEnter="true" endConferenceOnExit="true" ${reporting}>Sales 2</Conference></Dial>`,
      ),
    );
  });

  it('makes a caller wait for a moderator', () => {
    expect(documents.caller(room)).toBe(
      laml(
        `<Dial timeLimit="3600"><Conference startConferenceOnEnter="false" ${reporting}>Sales 2</Conference></Dial>`,
      ),
    );
  });

  it('gives a caller the configured notice and music', () => {
    const configured = createDocuments({
      ...settings,
      waitUrl: 'https://cdn.example.com/wait.xml?a=1&b=2',
      callerNotice: 'Calls may be heard by <us> & "others".',
    });
    expect(configured.caller(room)).toBe(
      laml(
        `<Say>Calls may be heard by &lt;us&gt; &amp; "others".</Say><Dial timeLimit="3600"><Conference startConferenceOnEnter="false" waitUrl="https://cdn.example.com/wait.xml?a=1&amp;b=2" ${reporting}>Sales 2</Conference></Dial>`,
      ),
    );
    expect(configured.moderator(room)).toBe(documents.moderator(room));
  });

  it('tells a moderator that the room is not theirs, who then waits exactly as a caller', () => {
    const news = '<Say>You are not an agent on this line. You are joining as a customer.</Say>';
    for (const of of [
      documents,
      createDocuments({ ...settings, callerNotice: 'Calls may be heard.', noticeVoice: 'Polly.Amy' }),
    ]) {
      expect(of.wrongRoom(room)).toBe(of.caller(room).replace('<Response>', `<Response>${news}`));
    }
    expect(documents.wrongRoom(room)).toBe(
      laml(
        `${news}<Dial timeLimit="3600"><Conference startConferenceOnEnter="false" ${reporting}>Sales 2</Conference></Dial>`,
      ),
    );
  });

  it.each([
    ['coach', 0, '', 'coach="6a5b-1" '],
    ['coach', 3, '?attempt=3', 'coach="6a5b-1" '],
    ['monitor', 0, '?mode=monitor', 'coach="6a5b-1" muted="true" '],
    ['monitor', 1, '?attempt=1&amp;mode=monitor', 'coach="6a5b-1" muted="true" '],
    ['barge', 0, '?mode=barge', ''],
  ] as const)('lets a supervisor in to %s, attempt %i', (mode, attempt, query, attributes) => {
    expect(documents.supervisor(room, { mode, attempt, stay: 1 }, target)).toBe(
      laml(
        `<Dial action="https://coach.example.com/coach/Sales%202/ended${query}" hangupOnStar="true" timeLimit="3600"><Conference ${attributes}startConferenceOnEnter="false" endConferenceOnExit="false" beep="false" ${reporting}>Sales 2</Conference></Dial>`,
      ),
    );
  });

  it.each([
    ['nobody-there', 'No agent is in Sales 2 at the moment. Please stay on the line.'],
    ['store-down', 'We are sorry. We cannot tell at the moment who is in Sales 2. Please stay on the line.'],
    ['target-gone', 'The call in Sales 2 could not be joined. We will try again. Please stay on the line.'],
  ] as const)('says why a supervisor waits: %s', (reason, words) => {
    expect(documents.wait(room, { mode: 'monitor', attempt: 4, stay: 0 }, reason)).toBe(
      laml(
        `<Say>${words}</Say><Pause length="10"/><Redirect>https://coach.example.com/coach/Sales%202?attempt=5&amp;mode=monitor</Redirect>`,
      ),
    );
  });

  it.each([
    ['no-caller', 'Alice', 'Alice has no caller yet. Please stay on the line.'],
    ['over', undefined, 'That conversation is over. Please stay on the line for the next one.'],
    ['store-down', undefined, 'We are sorry. We cannot tell at the moment who is in Sales 2. Please stay on the line.'],
  ] as const)('lets a supervisor wait for half a minute: %s', (reason, label, words) => {
    expect(documents.wait(room, { mode: 'coach', attempt: 4, waits: 0, stay: 2 }, reason, label)).toBe(
      laml(
        `<Say>${words}</Say><Pause length="30"/><Redirect>https://coach.example.com/coach/Sales%202?attempt=4&amp;stay=2&amp;waits=1</Redirect>`,
      ),
    );
  });

  it.each([
    [
      'nobody-there',
      undefined,
      'There is no conversation at the moment. Please stay on the line.',
      10,
      'attempt=1&amp;',
    ],
    [
      'store-down',
      undefined,
      'We are sorry. We cannot tell at the moment who is in which conversation. Please stay on the line.',
      10,
      'attempt=1&amp;',
    ],
    ['over', 0, 'That conversation is over. Please stay on the line for the next one.', 30, ''],
  ] as const)('says why a supervisor waits on the line: %s', (reason, waits, words, seconds, attempt) => {
    const counted = waits === undefined ? '' : '&amp;waits=1';
    expect(documents.waitOnLine({ mode: 'monitor', attempt: 0, stay: 1, waits, pass: 'abc' }, reason)).toBe(
      laml(
        `<Say>${words}</Say><Pause length="${seconds}"/><Redirect>https://coach.example.com/supervisor?${attempt}mode=monitor&amp;pass=abc&amp;stay=1${counted}</Redirect>`,
      ),
    );
  });

  it('lists the parameters of every address in alphabetical order', () => {
    const every: Required<Approach> = {
      mode: 'monitor',
      own: 'barge',
      isOnLine: true,
      attempt: 1,
      waits: 2,
      stay: 3,
      round: 4,
      of: { target, conferenceSid: undefined },
      isTold: true,
      isMoved: true,
      pass: 'abc',
    };
    const prompt = { tryNumber: 1, why: 'asked' } as const;
    const menu = {
      choices: [{ label: 'Alice', room, hasCaller: true }],
      page: 1,
      more: undefined,
      hasExtensions: false,
    };
    const texts = [
      documents.supervisor(room, every, target),
      documents.keypad(room, every),
      documents.wait(room, every, 'over'),
      documents.waitOnLine(every, 'over'),
      documents.chooseRoom(every, menu),
      documents.askPin(every, prompt, room),
      documents.addressAfterMove(room, every),
    ];
    for (const text of texts) {
      const [, query = ''] = /https:[^"<]*\?([^"<]*)/.exec(text) ?? [];
      const names = [...new URLSearchParams(query.replaceAll('&amp;', '&')).keys()];
      expect(names.length).toBeGreaterThanOrEqual(5);
      expect(names).toEqual([...names].sort());
    }
  });

  it('carries who came by the line, and by which number, to wherever they go', () => {
    const from = (approach: Partial<Approach>) =>
      /ended([^"]*)/.exec(documents.supervisor(room, { mode: 'coach', attempt: 0, stay: 1, ...approach }, target))?.[1];
    // A mode that the number had goes without saying, unless a key changed it.
    expect(from({ own: 'coach' })).toBe('');
    expect(from({ own: 'barge' })).toBe('?own=barge');
    // On the line a person may have a mode where the number has none.
    expect(from({ isOnLine: true })).toBe('?line=1');
    expect(from({ isOnLine: true, own: 'coach' })).toBe('?line=1&amp;own=coach');
  });

  it('says in a menu who has no caller yet', () => {
    const other = parseRoomName('support') as RoomName;
    const choices = [
      { label: 'Alice', room, hasCaller: true },
      { label: 'the agent in support', room: other, hasCaller: false },
    ];
    const approach = { mode: undefined, attempt: 1, stay: 0 };
    const menu = { choices, page: 0, more: undefined, hasExtensions: false, news: 'That conversation is over.' };
    const action = 'https://coach.example.com/supervisor/room?attempt=1&amp;rooms=Sales+2%2Csupport';
    expect(documents.chooseRoom(approach, menu)).toBe(
      laml(
        `<Gather action="${action}" numDigits="1"><Say>That conversation is over. For Alice, press 1. For the agent in support, who has no caller yet, press 2.</Say></Gather><Redirect>${action}</Redirect>`,
      ),
    );
  });

  it('lets nobody wait for ever', () => {
    const last = { mode: 'coach', attempt: MAX_ATTEMPTS, stay: 0 } as const;
    expect(documents.wait(room, { ...last, attempt: MAX_ATTEMPTS - 1 }, 'nobody-there')).toContain('<Redirect>');
    expect(documents.wait(room, last, 'nobody-there')).toBe(laml('<Say>Goodbye.</Say><Hangup/>'));
    for (const wait of [
      (waits: number) => documents.wait(room, { ...last, waits }, 'no-caller', 'Alice'),
      (waits: number) => documents.waitOnLine({ ...last, waits }, 'over'),
    ]) {
      expect(wait(MAX_WAITS - 1)).toContain(`waits=${MAX_WAITS}</Redirect>`);
      expect(wait(MAX_WAITS)).toBe(laml('<Say>Goodbye.</Say><Hangup/>'));
    }
    expect(MAX_WAITS * 30).toBe(30 * 60);
  });

  it.each([
    ['goodbye', '<Say>Goodbye.</Say><Hangup/>'],
    ['apology', '<Say>We are sorry. Something went wrong. Please call again later.</Say><Hangup/>'],
    ['hangup', '<Hangup/>'],
    ['reject', '<Reject/>'],
  ] as const)('has a document for %s', (name, content) => {
    expect(documents[name]()).toBe(laml(content));
  });
});
