import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createUrls } from '../../../src/calls/call-request';
import { createRender } from '../../../src/calls/documents';
import type { Outcome } from '../../../src/calls/outcome';
import { english } from '../../../src/calls/prompts-en';
import { MODES } from '../../../src/rooms/mode';
import { emptyRoom, type RoomName } from '../../../src/rooms/room';
import type { Sid } from '../../../src/signalwire/sid';
import { CallError } from '../../../src/simulator/call-error';
import { parseLaml } from '../../../src/simulator/laml-parser';
import { fuzzRuns } from '../../support/fuzz';
import { TED } from '../../support/supervisor-decisions';

const document = (content: string) => `<?xml version="1.0" encoding="UTF-8"?><Response>${content}</Response>`;

describe('parseLaml', () => {
  it('reads every document of the server', () => {
    const settings = {
      maxCallSeconds: 60,
      waitUrl: 'https://example.com/music?a=1&b=2',
      callerNotice: 'Calls & <supervision>',
      moderatorNoticeText: 'A supervisor is on the line.',
      noticeVoice: 'woman',
      noticeLanguage: 'en-GB',
      recordConferences: true,
    };
    const render = createRender(settings, createUrls('https://coach.example.com'), english);
    const room = 'Sales 2' as RoomName;
    const context = { mode: 'monitor', attempt: 0, stay: 2, token: 'abc' } as const;
    const choices = [{ room, name: 'Alice', isAmbiguous: false, hasCaller: true }];
    const target = { callSid: 'alice-1' as Sid, role: 'moderator', name: 'Alice' } as const;
    const caller = { kind: 'join', role: 'caller', room } as const;
    const outcomes: Outcome[] = [
      { kind: 'join', role: 'moderator', room, name: 'Alice' },
      caller,
      ...MODES.map(
        (mode) =>
          ({
            kind: 'join',
            role: 'supervisor',
            person: TED,
            state: emptyRoom(room),
            context: { ...context, mode },
            target,
          }) as const,
      ),
      ...(['nobody-there', 'store-down', 'target-gone'] as const).map(
        (reason) => ({ kind: 'wait', reason, room, context }) as const,
      ),
      { kind: 'greet', room },
      { kind: 'askModeratorPin', room, prompt: { tryNumber: 1, why: 'asked' } },
      { kind: 'askPin', context, prompt: { tryNumber: 2, why: 'wrong' }, room },
      { kind: 'keypad', modes: MODES, room, context, target },
      { kind: 'choose', context, menu: { choices, page: 0, more: 'more', hasExtensions: true, news: 'muted' } },
      { kind: 'wait', reason: 'nobody-there', context },
      { kind: 'notice', to: 'moderator' },
      { kind: 'notice', to: 'supervisor' },
      { kind: 'goodbye' },
      { kind: 'apology' },
      { kind: 'hangUp' },
      { kind: 'reject' },
    ];
    const texts = outcomes.map(render);
    expect(texts.map((text) => parseLaml(text).map(({ verb }) => verb))).toEqual([
      ['Dial'],
      ['Say', 'Dial'],
      ['Dial'],
      ['Dial'],
      ['Dial'],
      ['Say', 'Pause', 'Redirect'],
      ['Say', 'Pause', 'Redirect'],
      ['Say', 'Pause', 'Redirect'],
      ['Gather', 'Dial'],
      ['Gather', 'Redirect'],
      ['Gather', 'Redirect'],
      ['Gather', 'Redirect'],
      ['Gather', 'Redirect'],
      ['Say', 'Pause', 'Redirect'],
      ['Say'],
      ['Say'],
      ['Say', 'Hangup'],
      ['Say', 'Hangup'],
      ['Hangup'],
      ['Reject'],
    ]);
    expect(parseLaml(render(caller))[0]).toEqual({ verb: 'Say', text: 'Calls & <supervision>', loop: 1 });
  });

  it('applies default values', () => {
    expect(
      parseLaml(
        document(
          '<Gather><Say>Hi</Say><Pause/><Play>a.mp3</Play></Gather><Redirect>/next</Redirect><Dial><Conference>a</Conference></Dial>',
        ),
      ),
    ).toEqual([
      {
        verb: 'Gather',
        action: undefined,
        method: 'POST',
        timeoutSeconds: 5,
        finishOnKey: '#',
        numDigits: undefined,
        actionOnEmptyResult: false,
        prompts: [
          { verb: 'Say', text: 'Hi', loop: 1 },
          { verb: 'Pause', seconds: 1 },
          { verb: 'Play', url: 'a.mp3', loop: 1 },
        ],
      },
      { verb: 'Redirect', url: '/next', method: 'POST' },
      {
        verb: 'Dial',
        action: undefined,
        method: 'POST',
        timeLimitSeconds: 14_400,
        hangupOnStar: false,
        room: 'a',
        conference: expect.objectContaining({
          beep: 'true',
          startConferenceOnEnter: true,
          endConferenceOnExit: false,
          muted: false,
          statusCallbackEvent: [],
          statusCallbackMethod: 'POST',
        }),
      },
    ]);
  });

  it('accepts every documented attribute of a conference', () => {
    const attributes = {
      beep: 'onEnter',
      coach: 'sid',
      endConferenceOnExit: 'true',
      eventCallbackUrl: '/ended',
      maxParticipants: '250',
      muted: 'true',
      record: 'record-from-start',
      recordingStatusCallback: '/recorded',
      recordingStatusCallbackEvent: 'in-progress completed failed',
      recordingStatusCallbackMethod: 'GET',
      startConferenceOnEnter: 'false',
      statusCallback: '/events',
      statusCallbackEvent: 'start end join leave mute hold speaker',
      statusCallbackMethod: 'GET',
      trim: 'do-not-trim',
      waitMethod: 'GET',
      waitUrl: '/wait',
    };
    const written = Object.entries(attributes).map(([name, value]) => `${name}="${value}"`);
    expect(parseLaml(document(`<Dial><Conference ${written.join(' ')}>a</Conference></Dial>`))).toMatchObject([
      {
        conference: {
          ...attributes,
          endConferenceOnExit: true,
          maxParticipants: 250,
          muted: true,
          recordingStatusCallbackEvent: ['in-progress', 'completed', 'failed'],
          startConferenceOnEnter: false,
          statusCallbackEvent: ['start', 'end', 'join', 'leave', 'mute', 'hold', 'speaker'],
        },
      },
    ]);
  });

  it('accepts comments, white space between verbs, and CDATA', () => {
    const text = document('\n  <!-- a --> <Say><![CDATA[a < b]]></Say>\n');
    expect(parseLaml(text)).toEqual([{ verb: 'Say', text: 'a < b', loop: 1 }]);
  });

  it.each([
    ['nothing', '', 'document must contain a root element'],
    ['text that is not XML', 'Something went wrong here.', 'Document parse failure'],
    ['HTML', '<!DOCTYPE html><html><body></body></html>', 'a document type is not allowed'],
    ['another root', '<response/>', 'the root element is <response> instead of <Response>'],
    ['XML 1.1', '<?xml version="1.1"?><Response><Say>&#27;[2J</Say></Response>', 'only XML 1.0 is supported'],
    [
      'an attribute that every object has',
      document('<Say constructor="a">a</Say>'),
      '<Say> has no attribute constructor',
    ],
    [
      'a long name of a room',
      document(`<Dial><Conference>${'a'.repeat(65)}</Conference></Dial>`),
      '1 to 64 characters',
    ],
    ['a blank name of a room', document('<Dial><Conference> </Conference></Dial>'), 'without white space around it'],
    ['half a document', '<Response><Say>Hi</Say>', 'unclosed tag'],
    ['two roots', '<Response/><Response/>', 'documents may contain only one root'],
    ['an unknown entity', document('<Say>&nbsp;</Say>'), 'undefined entity'],
    ['a character that XML cannot hold', document('<Say>\u0001</Say>'), 'disallowed character'],
    ['an attribute of the root', '<Response version="1"/>', '<Response> has no attribute version'],
    ['text in the root', document('Hello'), '<Response> must not contain the text "Hello"'],
    ['<dial>', document('<dial><Conference>a</Conference></dial>'), 'unknown verb <dial> (did you mean Dial?)'],
    ['an unknown verb', document('<Transfer/>'), 'unknown verb <Transfer>.'],
    ['<Conference> by itself', document('<Conference>a</Conference>'), 'unknown verb <Conference>'],
    [
      'an attribute in another case',
      document('<Dial timelimit="1"/>'),
      'no attribute timelimit (did you mean timeLimit?)',
    ],
    ['an unknown attribute', document('<Hangup reason="busy"/>'), '<Hangup> has no attribute reason.'],
    ['a number to dial', document('<Dial>+15550001111</Dial>'), '<Dial> must contain one <Conference>'],
    ['a Dial with <Number>', document('<Dial><Number>1</Number></Dial>'), '<Dial> must contain one <Conference>'],
    [
      'two conferences',
      document('<Dial><Conference>a</Conference><Conference>b</Conference></Dial>'),
      'must contain one',
    ],
    [
      'text beside a conference',
      document('<Dial>x<Conference>a</Conference></Dial>'),
      '<Dial> must not contain the text "x"',
    ],
    ['a conference without a name', document('<Dial><Conference/></Dial>'), '<Conference> is empty'],
    ['an element in a name', document('<Dial><Conference>a<b/></Conference></Dial>'), '<Conference> has no element b'],
    [
      'an empty coach',
      document('<Dial><Conference coach="">a</Conference></Dial>'),
      '<Conference coach>: must not be empty',
    ],
    ['an invalid boolean', document('<Dial><Conference muted="True">a</Conference></Dial>'), '<Conference muted>'],
    [
      'an attribute of another platform',
      document('<Dial><Conference participantLabel="a">a</Conference></Dial>'),
      '<Conference> has no attribute participantLabel',
    ],
    [
      'a room for 0 participants',
      document('<Dial><Conference maxParticipants="0">a</Conference></Dial>'),
      '<Conference maxParticipants>: must be at least 1',
    ],
    ['an invalid beep', document('<Dial><Conference beep="no">a</Conference></Dial>'), '<Conference beep>'],
    [
      'an invalid event',
      document('<Dial><Conference statusCallbackEvent="start,end">a</Conference></Dial>'),
      '<Conference statusCallbackEvent',
    ],
    ['an invalid number', document('<Pause length="1.5"/>'), '<Pause length>: must be a whole number'],
    ['a time limit of 0', document('<Dial timeLimit="0"><Conference>a</Conference></Dial>'), 'must be at least 1'],
    ['an invalid method', document('<Redirect method="post">/a</Redirect>'), '<Redirect method>'],
    ['an empty Redirect', document('<Redirect/>'), '<Redirect> is empty'],
    [
      'a Redirect in a Gather',
      document('<Gather><Redirect>/a</Redirect></Gather>'),
      '<Gather> may contain <Say>, <Play> and <Pause>',
    ],
    ['a Gather that listens to speech', document('<Gather input="speech"/>'), 'speech is not simulated'],
    ['invalid keys', document('<Gather finishOnKey="x"/>'), '<Gather finishOnKey>: must be telephone keys'],
    ['something in a Hangup', document('<Hangup>now</Hangup>'), '<Hangup> must not contain the text "now"'],
    ['something in a Reject', document('<Reject><Say>No</Say></Reject>'), '<Reject> has no element Say'],
    ['a long text', document(`<Say>${'a'.repeat(4_097)}</Say>`), '<Say> has 4097 characters, more than 4096'],
  ])('refuses %s', (_what, text, reason) => {
    expect(() => parseLaml(text)).toThrow(CallError);
    expect(() => parseLaml(text)).toThrow(
      expect.objectContaining({ code: 12_100, message: expect.stringContaining(reason) }),
    );
  });

  it('keeps its message short, however long the document', () => {
    const text = document(`<${'a'.repeat(60_000)}/>`);
    expect(() => parseLaml(text)).toThrow(expect.objectContaining({ message: expect.stringMatching(/^.{1,400}$/) }));
  });

  it('refuses a verb that is not allowed', () => {
    const text = document('<Play>a.mp3</Play><Say>Hi</Say>');
    expect(() => parseLaml(text, ['Play', 'Pause'])).toThrow('<Say> is not allowed here, only <Play>, <Pause>');
  });

  it('parses any text, or throws a CallError', () => {
    const pieces = fc.constantFrom(
      ...[
        '<Response>',
        '</Response>',
        '<Say>',
        '</Say>',
        '<Dial ',
        'action="',
        '"',
        '>',
        '/>',
        '<Gather>',
        '&',
        '&amp;',
      ],
      ...['<![CDATA[', ']]>', '<?', '?>', '<!--', '-->', '\u0000', '\ud800', ' ', '<Conference>', '__proto__="1"'],
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (given) => {
        try {
          expect(Array.isArray(parseLaml(given))).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(CallError);
        }
      }),
      { numRuns: fuzzRuns(40_000) },
    );
  });
});
