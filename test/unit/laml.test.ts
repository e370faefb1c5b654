import { describe, expect, it } from '@jest/globals';
import { createDocuments } from '../../src/calls/laml';
import { parseRoomName, type RoomName } from '../../src/rooms/room-name';
import { parseSid, type Sid } from '../../src/signalwire/sid';
import { MAX_ATTEMPTS } from '../../src/supervision/mode';

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
  'statusCallback="https://coach.example.com/events/conference/Sales%202" statusCallbackMethod="POST" statusCallbackEvent="start end join leave mute hold"';
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
    ['monitor', 1, '?mode=monitor&amp;attempt=1', 'coach="6a5b-1" muted="true" '],
    ['barge', 0, '?mode=barge', ''],
  ] as const)('lets a supervisor in to %s, attempt %i', (mode, attempt, query, attributes) => {
    expect(documents.supervisor(room, { mode, attempt, stay: 1 }, target)).toBe(
      laml(
        `<Dial action="https://coach.example.com/coach/Sales%202/ended${query}" hangupOnStar="true" timeLimit="3600"><Conference ${attributes}startConferenceOnEnter="false" endConferenceOnExit="false" beep="false" ${reporting}>Sales 2</Conference></Dial>`,
      ),
    );
  });

  it.each([
    ['nobody-there', 'There is nobody to coach in Sales 2 at the moment. Please stay on the line.'],
    ['store-down', 'We are sorry. We cannot tell at the moment who is in Sales 2. Please stay on the line.'],
    ['target-gone', 'The call in Sales 2 could not be joined. We will try again. Please stay on the line.'],
  ] as const)('says why a supervisor waits: %s', (reason, words) => {
    expect(documents.wait(room, { mode: 'monitor', attempt: 4, stay: 0 }, reason)).toBe(
      laml(
        `<Say>${words}</Say><Pause length="10"/><Redirect>https://coach.example.com/coach/Sales%202?mode=monitor&amp;attempt=5</Redirect>`,
      ),
    );
  });

  it('lets nobody wait for ever', () => {
    const last = { mode: 'coach', attempt: MAX_ATTEMPTS, stay: 0 } as const;
    expect(documents.wait(room, { ...last, attempt: MAX_ATTEMPTS - 1 }, 'nobody-there')).toContain('<Redirect>');
    expect(documents.wait(room, last, 'nobody-there')).toBe(laml('<Say>Goodbye.</Say><Hangup/>'));
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
