import type { ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { RestClient } from '@signalwire/compatibility-api';
import { createRestClient } from '../../../src/signalwire/rest-client';
import type { Sid } from '../../../src/signalwire/sid';
import type { Call } from '../../../src/simulator/call';
import type { Conference } from '../../../src/simulator/conferences';
import { type Fault, type RestApiOptions, type RestRequest, serveRestApi } from '../../../src/simulator/rest-api';
import { createSpace, type Space, type SpaceOptions } from '../../../src/simulator/space';
import { onTestFinished } from '../../support/on-test-finished';
import { eventually } from '../../support/redis-server';
import { type Answer, type ScriptedServer, startScriptedServer } from '../../support/scripted-server';

const NUMBERS = { Alice: '+15557788999', Bob: '+15550001111', Carol: '+15550003333', Ted: '+15550002222' };
type Person = keyof typeof NUMBERS;

const OURS = '+15550009999';
const NOW = Date.parse('2026-01-02T10:00:00Z');
const AT_START = 'Fri, 02 Jan 2026 10:00:00 +0000';
const NO_SUCH = '3d1d0e5c-0000-4000-8000-000000000001';
const MORE_INFO = 'https://signalwire.com/docs/compatibility-api/error-codes';

const ROLES: Record<Person, string> = {
  Alice: 'startConferenceOnEnter="true" endConferenceOnExit="true"',
  Bob: 'startConferenceOnEnter="false"',
  Carol: 'startConferenceOnEnter="false"',
  Ted: 'startConferenceOnEnter="false"',
};
const RECORDED =
  'record="record-from-start" recordingStatusCallback="/recorded" recordingStatusCallbackEvent="in-progress completed"';

/** What a person's number answers with: a place in the room `a` or `b`, with events to an address of their own. */
function answersTo(person: Person): Record<string, Answer> {
  const dial = (room: string, more = '') =>
    `<Dial action="/ended/${person}"><Conference ${ROLES[person]} ${more} beep="false" statusCallback="/events/${person}" statusCallbackEvent="mute hold">${room}</Conference></Dial>`;
  return {
    [`/${person}/a`]: dial('a'),
    [`/${person}/b`]: dial('b'),
    [`/${person}/recorded`]: dial('recorded', RECORDED),
    [`/ended/${person}`]: '<Pause length="1"/>',
    [`/events/${person}`]: noContent,
  };
}

const noContent = (res: ServerResponse) => void res.writeHead(204).end();

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

interface Reply {
  status: number;
  /** The JSON as it is, undefined where there is none; typed as far as tests look into it. */
  body: { participants: { call_sid: string }[]; next_page_uri: string | null; [name: string]: unknown };
}

interface TestBench {
  space: Space;
  server: ScriptedServer;
  url: string;
  /** The account's path in the API. */
  root: string;
  sdk: ReturnType<typeof RestClient>;
  /** Somebody calls and enters a room. */
  enter(person: Person, room?: string): Promise<Call>;
  /** Bob, then Carol if wanted, then Alice with whom it starts, then Ted, in the room `a`. */
  talk(): Promise<Record<Person, Call> & { conference: Conference }>;
  /** What everybody who is on the line hears. */
  hears(): Record<string, string[]>;
  /** Asks the API for a path, as the SDK would not. */
  ask(method: string, path: string, form?: Record<string, string>, headers?: Record<string, string>): Promise<Reply>;
}

async function setUp(
  answers: Record<string, Answer> = {},
  { intercept, ...options }: Partial<SpaceOptions> & RestApiOptions = {},
): Promise<TestBench> {
  const server = await startScriptedServer({
    ...answersTo('Alice'),
    ...answersTo('Bob'),
    ...answersTo('Carol'),
    ...answersTo('Ted'),
    '/recorded': noContent,
    '/calls': noContent,
    '/notice': '<Say>Please stay.</Say>',
    '/hold': '<Pause length="3600"/>',
    ...answers,
  });
  const space: Space = createSpace({
    signingKey: undefined,
    wallClock: () => NOW + space.clock.now(),
    ...options,
  });
  onTestFinished(() => space.close());
  const { url, close } = await serveRestApi(space, intercept && { intercept });
  onTestFinished(close);
  const sdk = RestClient(space.accountSid, space.apiToken, { signalwireSpaceUrl: 'x.example.com' });
  (sdk as unknown as { api: { baseUrl: string } }).api.baseUrl = url;

  async function enter(person: Person, room = 'a'): Promise<Call> {
    const call = space.call({ from: NUMBERS[person], to: OURS, url: `${server.url}/${person}/${room}` });
    await space.runUntilIdle();
    return call;
  }

  function nameOf(call: Call | undefined): string {
    const number = call?.direction === 'inbound' ? call.from : call?.to;
    return Object.entries(NUMBERS).find(([, theirs]) => theirs === number)?.[0] ?? 'somebody';
  }

  return {
    space,
    server,
    url,
    root: `/api/laml/2010-04-01/Accounts/${space.accountSid}`,
    sdk,
    enter,
    async talk() {
      const Bob = await enter('Bob');
      const Carol = await enter('Carol');
      const Alice = await enter('Alice');
      const Ted = await enter('Ted');
      return { Alice, Bob, Carol, Ted, conference: conferenceNamed(space, 'a') };
    },
    hears() {
      const calls = [...space.hearing()];
      const nameOfSid = (sid: string) => nameOf(space.calls.find((call) => call.sid === sid));
      return Object.fromEntries(
        calls.map(([call, { voices, sounds }]) => [nameOf(call), [...voices.map(nameOfSid), ...sounds]]),
      );
    },
    async ask(method, path, form, headers = {}) {
      const authorization = basic(space.accountSid, space.apiToken);
      const response = await fetch(url + path, {
        method,
        headers: { authorization, ...headers },
        ...(form && { body: new URLSearchParams(form) }),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
    },
  };
}

function conferenceNamed(space: Space, name: string): Conference {
  const conference = space.conferences.all().findLast((one) => one.name === name);
  if (conference === undefined) {
    throw new Error(`There is no conference ${name}.`);
  }
  return conference;
}

const ALL_TALK = {
  Bob: ['Carol', 'Alice', 'Ted'],
  Carol: ['Bob', 'Alice', 'Ted'],
  Alice: ['Bob', 'Carol', 'Ted'],
  Ted: ['Bob', 'Carol', 'Alice'],
};
const TED_UNHEARD = {
  ...ALL_TALK,
  Bob: ['Carol', 'Alice'],
  Carol: ['Bob', 'Alice'],
  Alice: ['Bob', 'Carol'],
};
const TED_COACHES = { ...TED_UNHEARD, Alice: ['Bob', 'Carol', 'Ted'] };

describe('conferences', () => {
  it.each([
    [{ friendlyName: 'a', status: 'in-progress' as const }, ['a in-progress']],
    [{ friendlyName: 'a' }, ['a completed', 'a in-progress']],
    [{ status: 'init' as const }, ['b init']],
    [{ status: 'completed' as const }, ['a completed']],
    [{ friendlyName: 'A' }, []],
    [{}, ['a completed', 'a in-progress', 'b init']],
  ])('are listed by name and status: %j', async (filter, expected) => {
    const { enter, space, sdk } = await setUp();
    (await enter('Bob')).hangUp();
    await space.runUntilIdle();
    await enter('Bob');
    await enter('Alice');
    await enter('Carol', 'b');
    const conferences = await sdk.conferences.list(filter);
    expect(conferences.map(({ friendlyName, status }) => `${friendlyName} ${status}`)).toEqual(expected);
  });

  it('are shown with the documented fields', async () => {
    const { talk, space, ask, root } = await setUp();
    await space.clock.advance(61_000);
    const { conference } = await talk();
    const uri = `${root}/Conferences/${conference.sid}`;
    expect(await ask('GET', `${uri}.json`)).toEqual({
      status: 200,
      body: {
        sid: conference.sid,
        account_sid: space.accountSid,
        api_version: '2010-04-01',
        date_created: 'Fri, 02 Jan 2026 10:01:01 +0000',
        date_updated: 'Fri, 02 Jan 2026 10:01:01 +0000',
        friendly_name: 'a',
        status: 'in-progress',
        region: 'us1',
        uri: `${uri}.json`,
        subresource_uris: { participants: `${uri}/Participants.json`, recordings: `${uri}/Recordings.json` },
      },
    });
  });

  it('end for everybody, and calls continue with their actions', async () => {
    const { talk, space, sdk, server } = await setUp();
    const { conference, Bob, Alice } = await talk();
    const ended = await sdk.conferences(conference.sid).update({ status: 'completed' });
    expect(ended.status).toBe('completed');
    expect(await sdk.conferences(conference.sid).participants.list()).toEqual([]);
    await space.clock.settle();
    expect([Bob.status, Alice.status]).toEqual(['in-progress', 'in-progress']);
    for (const [person, { sid }] of [['Bob', Bob] as const, ['Alice', Alice] as const]) {
      expect(server.askedOf(`/ended/${person}`)).toMatchObject([{ CallSid: sid, DialCallStatus: 'answered' }]);
    }
    const refusal = { status: 422, code: 10_000 };
    await expect(sdk.conferences(conference.sid).update({ status: 'completed' })).rejects.toMatchObject(refusal);
    const bob = sdk.conferences(conference.sid).participants(Bob.sid);
    await expect(bob.update({ muted: true })).rejects.toMatchObject(refusal);
    await expect(bob.fetch()).rejects.toMatchObject({ status: 404 });
  });

  it('play an announcement to everyone, until it has been spoken', async () => {
    const { talk, space, sdk, server, hears } = await setUp();
    const { conference, Bob, Ted } = await talk();
    await sdk.conferences(conference.sid).update({ announceUrl: `${server.url}/notice`, announceMethod: 'GET' });
    await space.clock.settle();
    expect(server.asked.at(-1)).toMatchObject({ method: 'GET', path: '/notice' });
    expect(hears()).toEqual({
      Bob: [...ALL_TALK.Bob, 'notice'],
      Carol: [...ALL_TALK.Carol, 'notice'],
      Alice: [...ALL_TALK.Alice, 'notice'],
      Ted: [...ALL_TALK.Ted, 'notice'],
    });
    expect([Bob.told, Ted.told]).toEqual([['Please stay.'], ['Please stay.']]);
    await space.clock.advance(5_000);
    expect(hears()).toEqual(ALL_TALK);
  });

  it.each([
    ['as often as it says', ['<Say loop="10">0123456789</Say>'], 5_999, 6_000],
    ['the longer of two to its end', ['<Say>0123456789</Say><Pause length="9"/>', '<Say>0</Say>'], 9_000, 9_600],
  ])('play an announcement %s', async (_what, notices, still, over) => {
    const answers = Object.fromEntries(notices.map((notice, index) => [`/notice-${index}`, notice]));
    const { talk, space, sdk, server, hears } = await setUp(answers);
    const { conference } = await talk();
    for (const path of Object.keys(answers)) {
      await sdk.conferences(conference.sid).update({ announceUrl: server.url + path });
      await space.clock.settle();
    }
    await space.clock.advance(still);
    expect(hears().Bob).toContain('notice');
    await space.clock.advance(over - still);
    expect(hears()).toEqual(ALL_TALK);
  });

  it('hear nothing of a silent announcement', async () => {
    const { talk, space, sdk, server, hears } = await setUp();
    const { conference } = await talk();
    await sdk.conferences(conference.sid).update({ announceUrl: `${server.url}/ended/Bob` });
    await space.clock.settle();
    expect(hears()).toEqual(ALL_TALK);
  });

  it('can have a name that ends in .json', async () => {
    const { space, server, ask, root } = await setUp({ '/dotted': '<Dial><Conference>a.json</Conference></Dial>' });
    space.call({ from: NUMBERS.Bob, to: OURS, url: `${server.url}/dotted` });
    await space.runUntilIdle();
    const { body } = await ask('GET', `${root}/Conferences?FriendlyName=a.json`);
    expect(body.conferences).toHaveLength(1);
  });
});

describe('participants', () => {
  it('are shown with the documented fields', async () => {
    const { talk, space, sdk, ask, root } = await setUp();
    const { conference, Alice, Ted } = await talk();
    await space.clock.advance(60_000);
    const participants = sdk.conferences(conference.sid).participants;
    await participants(Ted.sid).update({ coaching: true, callSidToCoach: Alice.sid, muted: true });
    const common = { account_sid: space.accountSid, conference_sid: conference.sid, date_created: AT_START };
    const alice = {
      ...common,
      call_sid: Alice.sid,
      call_sid_to_coach: null,
      coaching: false,
      status: 'in-progress',
      muted: false,
      hold: false,
      start_conference_on_enter: true,
      end_conference_on_exit: true,
      date_updated: AT_START,
      uri: `${root}/Conferences/${conference.sid}/Participants/${Alice.sid}.json`,
    };
    const ted = {
      ...alice,
      call_sid: Ted.sid,
      call_sid_to_coach: Alice.sid,
      coaching: true,
      muted: true,
      start_conference_on_enter: false,
      end_conference_on_exit: false,
      date_updated: 'Fri, 02 Jan 2026 10:01:00 +0000',
      uri: `${root}/Conferences/${conference.sid}/Participants/${Ted.sid}.json`,
    };
    const list = await ask('GET', `${root}/Conferences/${conference.sid}/Participants.json`);
    expect(list.body.participants).toEqual([expect.anything(), expect.anything(), alice, ted]);
    expect(await ask('GET', ted.uri)).toEqual({ status: 200, body: ted });
    expect(await participants(Alice.sid).fetch()).toMatchObject({
      callSid: Alice.sid,
      endConferenceOnExit: true,
      dateCreated: new Date(NOW),
    });
  });

  it.each<[string, object, object, Record<string, string[]>, string[]]>([
    ['muted', { muted: true }, { muted: false }, TED_UNHEARD, ['participant-mute', 'participant-unmute']],
    [
      'on hold',
      { hold: true },
      { hold: false },
      { ...TED_UNHEARD, Ted: ['music'] },
      ['participant-hold', 'participant-unhold'],
    ],
  ])('are unheard while %s, and the callback says so', async (_how, on, off, then, events) => {
    const { talk, space, sdk, server, hears } = await setUp();
    const { conference, Ted } = await talk();
    expect(hears()).toEqual(ALL_TALK);
    const ted = sdk.conferences(conference.sid).participants(Ted.sid);
    expect(await ted.update(on)).toMatchObject(on);
    expect(hears()).toEqual(then);
    await ted.update(on);
    expect(await ted.update(off)).toMatchObject(off);
    expect(hears()).toEqual(ALL_TALK);
    await space.clock.settle();
    const told = server.askedOf('/events/Bob');
    expect(told.map(({ StatusCallbackEvent }) => StatusCallbackEvent)).toEqual(events);
    expect(told[0]).toMatchObject({ CallSid: Ted.sid, ConferenceSid: conference.sid, FriendlyName: 'a' });
    expect(server.askedOf('/events/Ted')).toEqual([]);
  });

  it('change from one supervision mode to the next', async () => {
    const { talk, sdk, hears } = await setUp();
    const { conference, Alice, Bob, Ted } = await talk();
    const ted = sdk.conferences(conference.sid).participants(Ted.sid);
    await ted.update({ coaching: true, callSidToCoach: Alice.sid });
    expect(hears()).toEqual(TED_COACHES);
    await ted.update({ muted: true });
    expect(hears()).toEqual(TED_UNHEARD);
    expect(await ted.update({ muted: false, coaching: true, callSidToCoach: Bob.sid })).toMatchObject({
      coaching: true,
      callSidToCoach: Bob.sid,
    });
    expect(hears()).toEqual({ ...TED_UNHEARD, Bob: ALL_TALK.Bob });
    expect(await ted.update({ coaching: false })).toMatchObject({ coaching: false, callSidToCoach: null });
    expect(hears()).toEqual(ALL_TALK);
  });

  it.each<[string, (sids: { Ted: string; elsewhere: string }) => Record<string, string>]>([
    ['without a target', () => ({ Coaching: 'true' })],
    ['someone in another room', ({ elsewhere }) => ({ Coaching: 'true', CallSidToCoach: elsewhere })],
    ['someone who is not there', () => ({ Coaching: 'true', CallSidToCoach: NO_SUCH })],
    ['themselves', ({ Ted }) => ({ Coaching: 'true', CallSidToCoach: Ted })],
  ])('cannot coach %s', async (_whom, formOf) => {
    const { talk, enter, ask, root, hears } = await setUp();
    const { conference, Ted } = await talk();
    const elsewhere = await enter('Bob', 'b');
    const path = `${root}/Conferences/${conference.sid}/Participants/${Ted.sid}.json`;
    const before = hears();
    expect(await ask('POST', path, { Muted: 'true', ...formOf({ Ted: Ted.sid, elsewhere: elsewhere.sid }) })).toEqual({
      status: 422,
      body: { code: 16_002, message: expect.stringContaining('CallSidToCoach'), more_info: MORE_INFO, status: 422 },
    });
    expect(hears()).toEqual(before);
    expect((await ask('GET', path)).body).toMatchObject({ coaching: false, muted: false });
  });

  it('hear no announcement after they were removed', async () => {
    const waiting: ServerResponse[] = [];
    const { talk, space, sdk, server } = await setUp({ '/slow': (res) => void waiting.push(res) });
    const { conference, Bob } = await talk();
    const bob = sdk.conferences(conference.sid).participants(Bob.sid);
    await bob.update({ announceUrl: `${server.url}/slow` });
    await eventually(() => expect(waiting).toHaveLength(1));
    await bob.remove();
    waiting[0]?.writeHead(200, { 'content-type': 'text/xml' }).end('<Response><Say>Never.</Say></Response>');
    await space.clock.settle();
    expect(Bob.told).toEqual([]);
  });

  it('share an announcement with everybody if the Space does so', async () => {
    const { talk, space, sdk, server, hears } = await setUp({}, { announcesPrivately: false });
    const { conference, Alice, Bob, Ted } = await talk();
    const bob = sdk.conferences(conference.sid).participants(Bob.sid);
    await bob.update({ announceUrl: `${server.url}/notice` });
    await space.clock.settle();
    expect([Alice, Bob, Ted].map(({ told }) => told)).toEqual([['Please stay.'], ['Please stay.'], ['Please stay.']]);
    expect(hears()).toMatchObject({ Alice: [...ALL_TALK.Alice, 'notice'], Ted: [...ALL_TALK.Ted, 'notice'] });
  });

  it('are the only ones to hear their announcement', async () => {
    const { talk, space, sdk, server, hears } = await setUp();
    const { conference, Alice, Bob, Ted } = await talk();
    const bob = sdk.conferences(conference.sid).participants(Bob.sid);
    await bob.update({ announceUrl: `${server.url}/notice` });
    await space.clock.settle();
    expect(hears()).toEqual({ ...ALL_TALK, Bob: [...ALL_TALK.Bob, 'notice'] });
    expect([Alice.told, Bob.told, Ted.told]).toEqual([[], ['Please stay.'], []]);
    await space.clock.advance(5_000);
    expect(hears()).toEqual(ALL_TALK);
  });

  it.each([
    ['an announcement', '/absent', (url: string) => ({ announceUrl: url })],
    ['an announcement that is no announcement', '/Bob/a', (url: string) => ({ announceUrl: url })],
    ['music', '/notice', (url: string) => ({ hold: true, holdUrl: url })],
  ])('get an error for %s that cannot be played', async (_what, path, update) => {
    const { talk, space, sdk, server } = await setUp();
    const { conference, Bob } = await talk();
    await sdk
      .conferences(conference.sid)
      .participants(Bob.sid)
      .update(update(server.url + path));
    await space.clock.settle();
    expect(Bob.errors).toMatchObject([{ code: 13238 }]);
    expect(Bob.told).toEqual([]);
  });

  it('can have hold music of their own', async () => {
    const { talk, space, sdk, server, hears } = await setUp();
    const { conference, Bob } = await talk();
    const bob = sdk.conferences(conference.sid).participants(Bob.sid);
    await bob.update({ hold: true, holdUrl: `${server.url}/hold` });
    await space.clock.settle();
    expect(server.asked).toContainEqual(expect.objectContaining({ method: 'GET', path: '/hold' }));
    expect(Bob.errors).toEqual([]);
    expect(hears().Bob).toEqual(['music']);
  });

  it.each([
    [false, 1],
    [true, 0],
  ])('can have waiting music of their own only before the start: started %s', async (hasStarted, times) => {
    const { enter, space, server, ask, root } = await setUp();
    const bob = await enter('Bob');
    if (hasStarted) {
      await enter('Alice');
    }
    const path = `${root}/Conferences/${conferenceNamed(space, 'a').sid}/Participants/${bob.sid}`;
    expect((await ask('POST', path, { WaitUrl: `${server.url}/hold` })).status).toBe(200);
    await space.clock.settle();
    expect(server.askedOf('/hold')).toHaveLength(times);
  });

  it('are removed, and their calls continue with their actions', async () => {
    const { talk, space, sdk, server, ask, root, hears } = await setUp();
    const { conference, Bob, Ted } = await talk();
    const path = `${root}/Conferences/${conference.sid}/Participants`;
    expect(await ask('DELETE', `${path}/${Bob.sid}.json`)).toEqual({ status: 204, body: undefined });
    await space.clock.settle();
    expect(server.askedOf('/ended/Bob')).toMatchObject([{ CallSid: Bob.sid, DialCallStatus: 'answered' }]);
    expect(hears()).toEqual({ Bob: [], Carol: ['Alice', 'Ted'], Alice: ['Carol', 'Ted'], Ted: ['Carol', 'Alice'] });
    expect(await sdk.conferences(conference.sid).participants(Ted.sid).remove()).toBe(true);
    expect((await ask('GET', `${path}/${Ted.sid}.json`)).status).toBe(404);
    expect((await ask('DELETE', `${path}/${Ted.sid}.json`)).status).toBe(404);
  });

  it('end the conference when removed, if endConferenceOnExit says so', async () => {
    const { talk, sdk } = await setUp();
    const { conference, Alice } = await talk();
    await sdk.conferences(conference.sid).participants(Alice.sid).remove();
    expect((await sdk.conferences(conference.sid).fetch()).status).toBe('completed');
  });
});

describe('calls', () => {
  const of = (person: Person, server: ScriptedServer) => ({
    to: NUMBERS[person],
    from: OURS,
    url: `${server.url}/${person}/a`,
  });

  it('are made to people, who enter a conference, and reported as subscribed', async () => {
    const { enter, space, sdk, server, hears } = await setUp();
    await enter('Bob');
    const made = await sdk.calls.create({
      ...of('Alice', server),
      statusCallback: `${server.url}/calls`,
      statusCallbackEvent: ['ringing', 'answered', 'completed'],
    });
    expect(made).toMatchObject({ status: 'queued', direction: 'outbound', from: OURS, to: NUMBERS.Alice });
    await space.runUntilIdle();
    expect(hears()).toEqual({ Bob: ['Alice'], Alice: ['Bob'] });
    expect((await sdk.calls(made.sid).update({ status: 'completed' })).status).toBe('completed');
    await space.runUntilIdle();
    expect(server.askedOf('/ended/Alice')).toMatchObject([{ CallSid: made.sid, CallStatus: 'completed' }]);
    const told = server.askedOf('/calls');
    expect(told.map(({ CallSid, CallStatus }) => [CallSid, CallStatus])).toEqual([
      [made.sid, 'ringing'],
      [made.sid, 'in-progress'],
      [made.sid, 'completed'],
    ]);
  });

  it('are reported only when completed, by default', async () => {
    const { space, sdk, server } = await setUp();
    await sdk.calls.create({ ...of('Bob', server), method: 'GET', statusCallback: `${server.url}/calls` });
    await space.runUntilIdle();
    expect(server.asked).toMatchObject([{ method: 'GET', path: expect.stringContaining('/Bob/a?') }]);
    expect(server.askedOf('/calls')).toEqual([]);
    space.calls[0]?.hangUp();
    await space.runUntilIdle();
    expect(server.askedOf('/calls')).toMatchObject([{ CallStatus: 'completed', To: NUMBERS.Bob, From: OURS }]);
  });

  it('are made one a second, and queued until then', async () => {
    const { space, sdk, server } = await setUp();
    const people = ['Bob', 'Carol', 'Ted'] as const;
    for (const person of people) {
      expect((await sdk.calls.create(of(person, server))).status).toBe('queued');
    }
    const statuses = () => space.calls.map(({ status }) => status);
    await space.clock.advance(999);
    expect(statuses()).toEqual(['in-progress', 'queued', 'queued']);
    await space.clock.advance(1);
    expect(statuses()).toEqual(['in-progress', 'in-progress', 'queued']);
    await space.clock.advance(10_000);
    expect(statuses()).toEqual(['in-progress', 'in-progress', 'in-progress']);
    await sdk.calls.create(of('Alice', server));
    await space.runUntilIdle();
    expect(statuses()[3]).toBe('in-progress');
  });

  it('show an empty number if they have none', async () => {
    const { space, server, ask, root } = await setUp();
    const { sid } = space.call({ from: undefined, url: `${server.url}/Bob/a` });
    await space.runUntilIdle();
    expect((await ask('GET', `${root}/Calls/${sid}`)).body).toMatchObject({ from: '', formatted_from: '' });
  });

  it('cannot be redirected before they are answered', async () => {
    const { sdk, server } = await setUp();
    await sdk.calls.create(of('Carol', server));
    const { sid } = await sdk.calls.create(of('Bob', server));
    const refusal = { status: 400, code: 21_220 };
    await expect(sdk.calls(sid).update({ url: `${server.url}/next` })).rejects.toMatchObject(refusal);
  });

  it('are redirected to another document', async () => {
    const { talk, space, sdk, server, hears } = await setUp({ '/next': '<Say>Hello.</Say><Pause length="60"/>' });
    const { conference, Bob } = await talk();
    const updated = await sdk.calls(Bob.sid).update({ url: `${server.url}/next`, method: 'GET' });
    expect(updated.status).toBe('in-progress');
    await space.runUntilIdle();
    expect(server.asked.at(-1)).toMatchObject({ method: 'GET', path: expect.stringMatching(/^\/next\?/) });
    expect(Bob.told).toEqual(['Hello.']);
    expect(hears()).toMatchObject({ Bob: [], Alice: ['Carol', 'Ted'] });
    expect(await sdk.conferences(conference.sid).participants.list()).toHaveLength(3);
    expect(server.askedOf('/ended/Bob')).toEqual([]);
  });

  it('are cancelled while they are queued', async () => {
    const { space, sdk, server } = await setUp();
    await sdk.calls.create(of('Carol', server));
    const { sid } = await sdk.calls.create(of('Bob', server));
    expect((await sdk.calls(sid).update({ status: 'canceled' })).status).toBe('canceled');
    await space.clock.advance(10_000);
    expect(await sdk.calls(sid).fetch()).toMatchObject({ status: 'canceled' });
    expect(server.askedOf('/Bob/a')).toEqual([]);
  });

  it('cannot be cancelled when in progress, nor completed when over', async () => {
    const { enter, space, sdk } = await setUp();
    const call = await enter('Bob');
    const refusal = { status: 422, code: 10_000 };
    await expect(sdk.calls(call.sid).update({ status: 'canceled' })).rejects.toMatchObject(refusal);
    expect(call.status).toBe('in-progress');
    call.hangUp();
    await space.clock.advance(1_000);
    const over = { status: 422, code: 10_000 };
    await expect(sdk.calls(call.sid).update({ status: 'completed' })).rejects.toMatchObject(over);
    expect(call.status).toBe('completed');
  });

  it('are shown one by one and as a list', async () => {
    const { enter, space, sdk, ask, root } = await setUp();
    const Bob = await enter('Bob');
    const Alice = await enter('Alice');
    await space.clock.advance(60_000);
    Alice.hangUp();
    await space.runUntilIdle();
    const path = `${root}/Calls/${Alice.sid}`;
    expect(await ask('GET', `${path}.json`)).toEqual({
      status: 200,
      body: {
        sid: Alice.sid,
        account_sid: space.accountSid,
        api_version: '2010-04-01',
        date_created: AT_START,
        date_updated: 'Fri, 02 Jan 2026 10:01:00 +0000',
        parent_call_sid: null,
        direction: 'inbound',
        from: NUMBERS.Alice,
        formatted_from: '(555) 778-8999',
        from_formatted: '(555) 778-8999',
        to: OURS,
        formatted_to: '(555) 000-9999',
        to_formatted: '(555) 000-9999',
        phone_number_sid: null,
        status: 'completed',
        start_time: AT_START,
        end_time: 'Fri, 02 Jan 2026 10:01:00 +0000',
        duration: 60,
        price: null,
        price_unit: 'USD',
        answered_by: null,
        forwarded_from: null,
        caller_name: null,
        annotation: null,
        group_sid: null,
        sip_result_code: null,
        audio_in_mos: null,
        audio_rtt_avg: null,
        audio_rtt_min: null,
        audio_rtt_max: null,
        audio_out_jitter_min: null,
        audio_out_jitter_max: null,
        audio_out_jitter_avg: null,
        audio_out_lost: null,
        uri: `${path}.json`,
        subresource_uris: { notifications: null, recordings: `${path}/Recordings.json` },
      },
    });
    for (const [filter, calls] of [
      [{}, [Bob, Alice]],
      [{ status: 'in-progress' }, [Bob]],
      [{ from: NUMBERS.Alice }, [Alice]],
      [{ to: NUMBERS.Alice }, []],
    ] as const) {
      expect((await sdk.calls.list(filter)).map(({ sid }) => sid)).toEqual(calls.map(({ sid }) => sid));
    }
    await expect(sdk.calls(NO_SUCH).fetch()).rejects.toMatchObject({ status: 404, code: 20404 });
  });
});

describe('recordings', () => {
  async function setUpRecorded() {
    const testBench = await setUp();
    const bob = await testBench.enter('Bob', 'recorded');
    expect(testBench.space.conferences.recordings.all()).toEqual([]);
    await testBench.enter('Alice', 'recorded');
    const { sid } = conferenceNamed(testBench.space, 'recorded');
    const [recording] = await testBench.sdk.conferences(sid).recordings.list();
    const recordings = testBench.sdk.conferences(sid).recordings;
    return { ...testBench, bob, conferenceSid: sid, sid: recording?.sid ?? '', recordings };
  }

  it('of a conference start with it, and are listed under it', async () => {
    const { sdk, ask, root, space, enter, conferenceSid, sid, server } = await setUpRecorded();
    await enter('Carol', 'b');
    await space.clock.advance(60_500);
    const uri = `${root}/Conferences/${conferenceSid}/Recordings/${sid}.json`;
    const recording = {
      sid,
      account_sid: space.accountSid,
      api_version: '2010-04-01',
      date_created: AT_START,
      date_updated: AT_START,
      start_time: AT_START,
      call_sid: null,
      conference_sid: conferenceSid,
      channel: '1',
      channels: '1',
      duration: 60,
      end_time: null,
      source: 'Conference',
      status: 'in-progress',
      trim: 'trim-silence',
      price: null,
      price_unit: 'USD',
      error_code: null,
      encryption_details: null,
      uri,
      subresource_uris: { transcriptions: `${root}/Recordings/${sid}/Transcriptions.json` },
    };
    expect(await ask('GET', uri)).toEqual({ status: 200, body: recording });
    for (const path of [`/Recordings?ConferenceSid=${conferenceSid}`, `/Conferences/${conferenceSid}/Recordings`]) {
      expect((await ask('GET', root + path)).body.recordings).toEqual([recording]);
    }
    expect((await sdk.recordings.list({ conferenceSid })).map((one) => one.sid)).toEqual([sid]);
    expect(await sdk.recordings.list({ conferenceSid: NO_SUCH })).toEqual([]);
    expect(server.askedOf('/recorded')).toMatchObject([
      { RecordingSid: sid, RecordingStatus: 'in-progress', RecordingChannels: '1', RecordingSource: 'Conference' },
    ]);
  });

  it('pause, resume and stop, with their duration and callbacks as subscribed', async () => {
    const { space, server, recordings, sid } = await setUpRecorded();
    await space.clock.advance(10_000);
    const paused = await recordings(sid).update({ status: 'paused', pauseBehavior: 'skip' });
    expect(paused).toMatchObject({ status: 'paused', duration: 10 });
    await space.clock.advance(100_000);
    expect(await recordings(sid).update({ status: 'in-progress' })).toMatchObject({ duration: 10 });
    await space.clock.advance(5_000);
    expect(await recordings(sid).update({ status: 'stopped' })).toMatchObject({ status: 'stopped', duration: 15 });
    await space.clock.advance(5_000);
    await expect(recordings(sid).update({ status: 'in-progress' })).rejects.toMatchObject({ status: 422 });
    expect(await recordings(sid).fetch()).toMatchObject({ status: 'stopped', duration: 15 });
    const told = server.askedOf('/recorded');
    expect(told.map(({ RecordingStatus }) => RecordingStatus)).toEqual(['in-progress', 'in-progress', 'completed']);
    expect(told[2]).toMatchObject({
      RecordingSid: sid,
      RecordingDuration: '15',
      RecordingUrl: expect.stringMatching(/^https:/),
    });
  });

  it('record a pause as silence on request', async () => {
    const { space, recordings, sid } = await setUpRecorded();
    await space.clock.advance(10_000);
    await recordings(sid).update({ status: 'paused', pauseBehavior: 'silence' });
    await space.clock.advance(20_000);
    expect(await recordings(sid).update({ status: 'in-progress' })).toMatchObject({ duration: 30 });
  });

  it('end with their conference', async () => {
    const { sdk, space, server, recordings, sid, conferenceSid } = await setUpRecorded();
    await space.clock.advance(10_000);
    await sdk.conferences(conferenceSid).update({ status: 'completed' });
    await space.clock.advance(10_000);
    expect(await recordings(sid).fetch()).toMatchObject({ status: 'completed', duration: 10 });
    expect(server.askedOf('/recorded').at(-1)).toMatchObject({ RecordingStatus: 'completed', RecordingDuration: '10' });
  });

  it.each(['/Recordings/', '/Conferences/:conferenceSid/Recordings/'])('are deleted at %s', async (path) => {
    const { ask, root, sdk, sid, conferenceSid } = await setUpRecorded();
    const full = `${root}${path.replace(':conferenceSid', conferenceSid)}${sid}.json`;
    expect((await ask('DELETE', full.replace(sid, NO_SUCH))).status).toBe(404);
    expect(await ask('DELETE', full)).toEqual({ status: 204, body: undefined });
    expect(await sdk.recordings.list()).toEqual([]);
    expect((await ask('DELETE', full)).status).toBe(404);
  });

  it("of a call start on request, apart from its conference's", async () => {
    const { sdk, space, server, bob, conferenceSid } = await setUpRecorded();
    const made = await sdk.calls(bob.sid).recordings.create({ recordingStatusCallback: `${server.url}/calls` });
    expect(made).toMatchObject({ callSid: bob.sid, conferenceSid: null, status: 'in-progress' });
    expect((await sdk.recordings.list({ callSid: bob.sid })).map(({ sid }) => sid)).toEqual([made.sid]);
    expect((await sdk.recordings.list()).map(({ callSid }) => callSid)).toEqual([bob.sid, null]);
    expect(await sdk.recordings.list({ conferenceSid })).toHaveLength(1);
    await space.clock.advance(7_000);
    const stopped = await sdk.calls(bob.sid).recordings(made.sid).update({ status: 'stopped' });
    expect(stopped).toMatchObject({ status: 'stopped', duration: 7 });
    await space.clock.settle();
    expect(server.askedOf('/calls')).toMatchObject([
      { RecordingSid: made.sid, CallSid: bob.sid, RecordingStatus: 'completed', RecordingDuration: '7' },
    ]);
  });

  it('of a conference report errors as plain sentences', async () => {
    const { ask, root, conferenceSid, sid } = await setUpRecorded();
    const path = `${root}/Conferences/${conferenceSid}/Recordings/${sid}.json`;
    expect(await ask('POST', path, { Status: 'over' })).toEqual({
      status: 422,
      body: { errors: [expect.stringContaining('Status')] },
    });
  });

  it('of a call end with it, and cannot start after it', async () => {
    const { sdk, space, bob } = await setUpRecorded();
    const made = await sdk.calls(bob.sid).recordings.create();
    bob.hangUp();
    await space.runUntilIdle();
    expect((await sdk.recordings(made.sid).fetch()).status).toBe('completed');
    await expect(sdk.calls(bob.sid).recordings.create()).rejects.toMatchObject({ status: 400, code: 21220 });
  });
});

describe('audio', () => {
  const ALTERNATIVES = ['/api/laml/2010-04-01', '/2010-04-01'].flatMap((prefix) => [`${prefix} .wav`, `${prefix} `]);

  async function setUpFinished(options: Partial<SpaceOptions> & RestApiOptions = {}) {
    const testBench = await setUp({}, options);
    const bob = await testBench.enter('Bob');
    const { sid } = testBench.space.conferences.recordings.start({
      callSid: bob.sid,
      callback: undefined,
      method: 'POST',
      events: [],
      trim: 'do-not-trim',
    });
    const hangUp = async () => {
      bob.hangUp();
      await testBench.space.runUntilIdle();
    };
    return { ...testBench, sid, hangUp, path: `${testBench.root}/Recordings/${sid}.wav` };
  }

  it.each(ALTERNATIVES)('of a finished recording is sent to anybody at %s', async (where) => {
    const { space, url, sid, hangUp } = await setUpFinished();
    await hangUp();
    const [prefix, ending] = where.split(' ');
    const response = await fetch(`${url}${prefix}/Accounts/${space.accountSid}/Recordings/${sid}${ending}`);
    const audio = Buffer.from(await response.arrayBuffer());
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'audio/x-wav']);
    expect([audio.toString('latin1', 0, 4), audio.readUInt32LE(4), audio.toString('latin1', 8, 12)]).toEqual([
      'RIFF',
      audio.length - 8,
      'WAVE',
    ]);
  });

  it.each<[string, (path: string) => string]>([
    ['of a recording that is not finished', (path) => path],
    ['of an unknown recording', (path) => path.replace(/[^/]+$/, `${NO_SUCH}.wav`)],
    ['as MP3, which is not simulated', (path) => path.replace('.wav', '.mp3')],
    ['of another account', (path) => path.replace(/Accounts\/[^/]+/, `Accounts/${NO_SUCH}`)],
  ])('is not sent %s', async (_what, pathOf) => {
    const { url, path } = await setUpFinished();
    const response = await fetch(url + pathOf(path));
    expect([401, 404]).toContain(response.status);
    expect(response.headers.get('content-type')).toContain('application/json');
  });

  describe('in parts', () => {
    async function load(range: string, behaviour: Partial<SpaceOptions> = {}) {
      const { url, path, hangUp } = await setUpFinished(behaviour);
      await hangUp();
      const whole = Buffer.from(await (await fetch(url + path)).arrayBuffer());
      const response = await fetch(url + path, { headers: { range } });
      const { status, headers } = response;
      return {
        whole,
        status,
        headers: [headers.get('accept-ranges'), headers.get('content-range')],
        body: Buffer.from(await response.arrayBuffer()),
      };
    }

    it.each<[string, number, number]>([
      ['bytes=0-', 0, 844],
      ['bytes=44-', 44, 844],
      ['bytes=4-7', 4, 8],
      ['bytes=-100', 744, 844],
      ['bytes=800-9999', 800, 844],
    ])('is sent as asked: %s', async (range, start, end) => {
      const { whole, status, headers, body } = await load(range);
      expect([status, ...headers]).toEqual([206, 'bytes', `bytes ${start}-${end - 1}/844`]);
      expect(body).toEqual(whole.subarray(start, end));
    });

    it('is refused beyond the end', async () => {
      const { status, headers, body } = await load('bytes=844-');
      expect([status, ...headers, body.length]).toEqual([416, 'bytes', 'bytes */844', 0]);
    });

    it.each<[string, string, Partial<SpaceOptions>]>([
      ['several parts are asked for', 'bytes=0-9,20-29', {}],
      ['another unit is', 'seconds=1-2', {}],
      ['it serves none', 'bytes=44-', { servesRanges: false }],
    ])('is whole if %s', async (_what, range, behaviour) => {
      const { whole, status, headers, body } = await load(range, behaviour);
      expect([status, headers[1]]).toEqual([200, null]);
      expect(headers[0]).toBe(behaviour.servesRanges === false ? null : 'bytes');
      expect(body).toEqual(whole);
    });
  });

  it('can be intercepted', async () => {
    const seen: RestRequest[] = [];
    const { url, path, sid, hangUp } = await setUpFinished({
      intercept: (request) => {
        seen.push(request);
        return { status: 302, headers: { location: 'https://media.example.com/a.wav' } };
      },
    });
    await hangUp();
    const response = await fetch(url + path, { redirect: 'manual' });
    expect([response.status, response.headers.get('location')]).toEqual([302, 'https://media.example.com/a.wav']);
    expect(seen).toEqual([{ method: 'GET', path: `/Recordings/${sid}.wav`, form: {} }]);
  });
});

describe('phone numbers', () => {
  const SALES = {
    number: '+15550009999',
    voiceUrl: 'https://coach.example.com/conference/sales',
    voiceFallbackUrl: 'https://coach.example.com/fallback/sales',
    voiceFallbackMethod: 'GET',
  } as const;
  const COACH = { number: '+15550008888', voiceApplicationSid: NO_SUCH };

  it('are shown with the documented fields', async () => {
    const { space, ask, root } = await setUp({}, { numbers: [SALES, COACH] });
    const [sales, coach] = space.numbers;
    const uri = `${root}/IncomingPhoneNumbers/${sales?.sid}.json`;
    const shown = {
      sid: sales?.sid,
      account_sid: space.accountSid,
      account_id: space.accountSid,
      api_version: '2010-04-01',
      date_created: AT_START,
      date_updated: AT_START,
      phone_number: '+15550009999',
      friendly_name: '(555) 000-9999',
      country_code: 'US',
      capabilities: { voice: true, sms: true, mms: true, fax: true },
      origin: 'signalwire',
      beta: false,
      voice_url: SALES.voiceUrl,
      voice_method: 'POST',
      voice_fallback_url: SALES.voiceFallbackUrl,
      voice_fallback_method: 'GET',
      voice_application_sid: null,
      voice_caller_id_lookup: null,
      status_callback: null,
      status_callback_method: 'POST',
      sms_url: null,
      sms_method: 'POST',
      sms_fallback_url: null,
      sms_fallback_method: 'POST',
      sms_application_sid: null,
      address_requirements: 'none',
      address_sid: null,
      emergency_address_sid: null,
      emergency_status: 'Inactive',
      identity_sid: null,
      trunk_sid: null,
      uri,
    };
    expect(await ask('GET', uri)).toEqual({ status: 200, body: shown });
    const list = await ask('GET', `${root}/IncomingPhoneNumbers.json`);
    expect(list.body.incoming_phone_numbers).toEqual([
      shown,
      expect.objectContaining({ sid: coach?.sid, voice_url: null, voice_application_sid: NO_SUCH }),
    ]);
    const filtered = await ask('GET', `${root}/IncomingPhoneNumbers.json?PhoneNumber=%2B15550008888`);
    expect(filtered.body.incoming_phone_numbers).toMatchObject([{ sid: coach?.sid }]);
  });

  it('are changed; an empty address clears one', async () => {
    const { space, ask, root } = await setUp({}, { numbers: [SALES] });
    const path = `${root}/IncomingPhoneNumbers/${space.numbers[0]?.sid}.json`;
    await space.clock.advance(60_000);
    const change = {
      VoiceFallbackUrl: '',
      VoiceMethod: 'GET',
      StatusCallback: 'https://coach.example.com/events/call',
    };
    const expected = {
      voice_url: SALES.voiceUrl,
      voice_method: 'GET',
      voice_fallback_url: null,
      voice_fallback_method: 'GET',
      status_callback: 'https://coach.example.com/events/call',
      date_updated: 'Fri, 02 Jan 2026 10:01:00 +0000',
    };
    expect(await ask('POST', path, change)).toMatchObject({ status: 200, body: expected });
    expect((await ask('GET', path)).body).toMatchObject(expected);
  });

  it('stay as they are if the change is ignored', async () => {
    const { space, ask, root } = await setUp({}, { numbers: [SALES], intercept: () => 'ignore' });
    const path = `${root}/IncomingPhoneNumbers/${space.numbers[0]?.sid}.json`;
    expect((await ask('POST', path, { VoiceUrl: '' })).body).toMatchObject({ voice_url: null });
    expect((await ask('GET', path)).body).toMatchObject({ voice_url: SALES.voiceUrl });
  });

  it.each<[Record<string, string>, number, string]>([
    [{ VoiceUrl: '/conference' }, 21_402, 'VoiceUrl'],
    [{ VoiceMethod: 'PUT' }, 10_000, 'VoiceMethod'],
    [{ voice_url: 'https://coach.example.com' }, 90_000, 'voice_url'],
  ])('refuse %j', async (form, code, words) => {
    const { space, ask, root } = await setUp({}, { numbers: [SALES] });
    expect(await ask('POST', `${root}/IncomingPhoneNumbers/${space.numbers[0]?.sid}.json`, form)).toMatchObject({
      status: 422,
      body: { code, message: expect.stringContaining(words) },
    });
    expect(space.numbers).toMatchObject([SALES]);
  });
});

it.each(['', '.json'])(
  'the account is shown at its address with "%s", and the clock in the header Date',
  async (end) => {
    const { space, url, root } = await setUp();
    await space.clock.advance(61_000);
    const response = await fetch(`${url}${root}${end}`, {
      headers: { authorization: basic(space.accountSid, space.apiToken) },
    });
    expect(response.headers.get('date')).toBe('Fri, 02 Jan 2026 10:01:01 GMT');
    expect(await response.json()).toMatchObject({
      sid: space.accountSid,
      status: 'active',
      auth_token: 'redacted',
      date_created: AT_START,
      signing_key: null,
      uri: root,
      subresource_uris: { conferences: `${root}/Conferences`, sip: null },
    });
  },
);

describe('lists', () => {
  it('come in pages, which the SDK reads in turn', async () => {
    const { enter, space, sdk, ask, root } = await setUp();
    const calls = [];
    for (const person of ['Bob', 'Carol', 'Alice', 'Ted', 'Ted'] as const) {
      calls.push((await enter(person)).sid);
    }
    const { sid } = conferenceNamed(space, 'a');
    const listed = await sdk.conferences(sid).participants.list({ pageSize: 2 });
    expect(listed.map(({ callSid }) => callSid)).toEqual(calls);
    const pages: string[][] = [];
    let uri: string | null = `${root}/Conferences/${sid}/Participants.json?PageSize=2`;
    while (uri !== null) {
      expect(uri).toMatch(/^\/api\/laml\/2010-04-01\/Accounts\//);
      const { body }: Reply = await ask('GET', uri);
      expect(body).toMatchObject({ page: pages.length, page_size: 2 });
      expect(body.previous_page_uri === null).toBe(pages.length === 0);
      pages.push(body.participants.map((one) => one.call_sid));
      uri = body.next_page_uri;
    }
    expect(pages).toEqual([calls.slice(0, 2), calls.slice(2, 4), calls.slice(4)]);
  });

  it('of participants are filtered', async () => {
    const { talk, sdk } = await setUp();
    const { conference, Bob, Ted } = await talk();
    const participants = sdk.conferences(conference.sid).participants;
    await participants(Ted.sid).update({ muted: true });
    await participants(Bob.sid).update({ hold: true });
    const sidsOf = async (filter: object) => (await participants.list(filter)).map(({ callSid }) => callSid);
    expect(await sidsOf({ muted: true })).toEqual([Ted.sid]);
    expect(await sidsOf({ hold: true, muted: false })).toEqual([Bob.sid]);
    expect(await sidsOf({ hold: false })).toHaveLength(3);
  });

  it('keep their filter from page to page', async () => {
    const { enter, space, sdk } = await setUp();
    for (const room of ['a', 'b', 'a', 'b', 'a']) {
      (await enter('Bob', room)).hangUp();
      await space.runUntilIdle();
    }
    const found = await sdk.conferences.list({ friendlyName: 'a', status: 'completed', pageSize: 1 });
    expect(found.map(({ friendlyName }) => friendlyName)).toEqual(['a', 'a', 'a']);
  });

  it('come in pages of 50 by default', async () => {
    const { ask, root } = await setUp();
    expect((await ask('GET', `${root}/Calls.json`)).body).toEqual({
      uri: `${root}/Calls.json?Page=0&PageSize=50`,
      first_page_uri: `${root}/Calls.json?Page=0&PageSize=50`,
      next_page_uri: null,
      previous_page_uri: null,
      page: 0,
      page_size: 50,
      calls: [],
    });
  });
});

describe('the API', () => {
  it.each<[string, (space: Space) => string]>([
    ['another token', ({ accountSid }) => basic(accountSid, 'PT0')],
    ['no token', ({ accountSid }) => basic(accountSid, '')],
    ['another account', ({ apiToken }) => basic('somebody', apiToken)],
    ['another scheme', ({ apiToken }) => `Bearer ${apiToken}`],
    ['nothing', () => ''],
  ])('refuses %s', async (_what, authorizationOf) => {
    const { talk, ask, root, space, hears } = await setUp();
    const { conference, Ted } = await talk();
    const headers = { authorization: authorizationOf(space) };
    const refusal = {
      status: 401,
      body: { code: 20003, message: 'Authentication failed.', more_info: MORE_INFO, status: 401 },
    };
    const participant = `${root}/Conferences/${conference.sid}/Participants/${Ted.sid}`;
    expect(await ask('GET', `${root}/Conferences.json`, undefined, headers)).toEqual(refusal);
    expect(await ask('GET', `${root}/Nothing.json`, undefined, headers)).toEqual(refusal);
    expect(await ask('POST', participant, { Muted: 'true' }, headers)).toEqual(refusal);
    expect(hears()).toEqual(ALL_TALK);
  });

  it("refuses another account's path", async () => {
    const { ask } = await setUp();
    expect((await ask('GET', `/2010-04-01/Accounts/${NO_SUCH}/Calls`)).status).toBe(401);
  });

  it.each([
    ['/api/laml/2010-04-01', '.json'],
    ['/api/laml/2010-04-01', ''],
    ['/2010-04-01', '.json'],
    ['/2010-04-01', ''],
  ])('is at %s, with paths that end in "%s"', async (prefix, ending) => {
    const { talk, ask, space, hears } = await setUp();
    const { conference, Ted } = await talk();
    const root = `${prefix}/Accounts/${space.accountSid}`;
    const list = await ask('GET', `${root}/Conferences${ending}?FriendlyName=a&Status=in-progress`);
    expect(list.body.conferences).toMatchObject([{ sid: conference.sid }]);
    const participant = `${root}/Conferences/${conference.sid}/Participants/${Ted.sid}${ending}`;
    expect(await ask('POST', participant, { Muted: 'true' })).toMatchObject({ status: 200, body: { muted: true } });
    expect(hears()).toEqual(TED_UNHEARD);
  });

  it.each([
    ['GET', '/Messages.json'],
    ['GET', `/Conferences/${NO_SUCH}.json`],
    ['GET', `/Conferences/${NO_SUCH}/Participants.json`],
    ['POST', '/Conferences.json'],
    ['PUT', '/Calls.json'],
    ['GET', `/Recordings/${NO_SUCH}.json`],
    ['GET', `/Conferences/${NO_SUCH}/Recordings.json`],
    ['GET', `/Calls/${NO_SUCH}/Recordings.json`],
    ['GET', `/IncomingPhoneNumbers/${NO_SUCH}.json`],
    ['POST', '.json'],
    ['GET', '/conferences.json'],
    ['GET', '/Conferences/'],
  ])('has no %s %s', async (method, path) => {
    const { ask, root } = await setUp();
    expect(await ask(method, root + path, method === 'GET' ? undefined : {})).toEqual({
      status: 404,
      body: { code: 20404, message: expect.any(String), more_info: MORE_INFO, status: 404 },
    });
  });

  const NEW_CALL = { To: '+1', From: '+1', Url: 'http://x.example' };
  const TED_IN = '/Conferences/:sid/Participants/:ted.json';

  it.each<[string, string, Record<string, string> | undefined, number, string]>([
    ['GET', '/Conferences.json?Name=a', undefined, 90_000, 'Name'],
    ['GET', '/Calls.json?friendlyName=a', undefined, 90_000, 'friendlyName'],
    ['POST', '/Conferences/:sid.json', { AnnounceURL: 'http://x.example' }, 90_000, 'AnnounceURL'],
    ['POST', TED_IN, { Muted: 'true', Volume: '3' }, 90_000, 'Volume'],
    ['GET', '/Conferences.json?Status=over', undefined, 10_000, 'Status'],
    ['GET', '/Conferences.json?Status=init&Status=completed', undefined, 10_000, 'Status'],
    ['GET', `/Conferences.json?FriendlyName=${'a'.repeat(65)}`, undefined, 20_002, 'FriendlyName'],
    ['GET', '/Conferences.json?PageSize=0', undefined, 54_454, 'PageSize'],
    ['GET', '/Conferences.json?Page=0x1', undefined, 10_000, 'Page'],
    ['GET', '/Calls.json?Page=1', undefined, 54_453, 'PageToken'],
    ['GET', '/Calls.json?Page=1&PageToken=PA2', undefined, 54_453, 'PageToken'],
    ['POST', '/Conferences/:sid.json', { Status: 'in-progress' }, 21_475, 'Status'],
    ['POST', '/Conferences/:sid.json', { AnnounceUrl: '/notice' }, 21_402, 'AnnounceUrl'],
    ['POST', TED_IN, { Muted: 'yes', Hold: 'true' }, 10_000, 'Muted'],
    ['POST', '/Calls/:ted.json', { Status: 'busy' }, 10_000, 'Status'],
    ['POST', '/Calls/:ted.json', { Status: 'completed', Url: 'http://x.example' }, 10_000, 'Url'],
    ['POST', '/Calls/:ted.json', {}, 10_000, 'Url'],
    ['POST', '/Calls/:ted/Recordings.json', { RecordingStatusCallbackEvent: 'failed' }, 10_000, 'RecordingStatus'],
    ['POST', `${TED_IN}?Muted=true`, { Hold: 'true' }, 90_000, 'Muted'],
    ['DELETE', `${TED_IN}?Force=true`, undefined, 90_000, 'Force'],
    ['DELETE', TED_IN, { Force: 'true' }, 10_000, 'A DELETE takes no parameters.'],
  ])('refuses invalid parameters with a code: %s %s %j', async (method, path, form, code, words) => {
    const { talk, ask, root, space, hears } = await setUp();
    const { conference, Ted } = await talk();
    const full = root + path.replace(':sid', conference.sid).replace(':ted', Ted.sid);
    const error = { code, message: expect.stringContaining(words), more_info: MORE_INFO, status: 422 };
    expect(await ask(method, full, form)).toEqual({ status: 422, body: error });
    expect(hears()).toEqual(ALL_TALK);
    expect(space.calls).toHaveLength(4);
  });

  it.each<[Record<string, string>, string, string]>([
    [{ ...NEW_CALL, Record: 'true' }, '90000', 'Record'],
    [{ ...NEW_CALL, Url: '/next' }, '21402', 'Url'],
    [{ To: '+1', From: '+1' }, '21205', 'Url'],
    [{ To: '+1', Url: 'http://x.example' }, '21213', 'From'],
    [{ From: '+1', Url: 'http://x.example' }, '21211', 'To'],
  ])('refuses a call with a list of errors: %j', async (form, code, words) => {
    const { ask, root, space } = await setUp();
    const error = { code, message: expect.stringContaining(words), more_info: MORE_INFO };
    expect(await ask('POST', `${root}/Calls.json`, form)).toEqual({ status: 400, body: { errors: [error] } });
    expect(space.calls).toEqual([]);
  });

  it.each(['/Conferences/:sid.json', TED_IN, '/Calls/:ted.json', '.json'])(
    'refuses parameters for one resource with 400, as described: GET %s',
    async (path) => {
      const { talk, ask, root } = await setUp();
      const { conference, Ted } = await talk();
      const full = root + path.replace(':sid', conference.sid).replace(':ted', Ted.sid);
      expect(await ask('GET', `${full}?Force=true`)).toEqual({
        status: 400,
        body: { code: 90_000, message: 'Unknown parameter Force.', more_info: MORE_INFO, status: 400 },
      });
    },
  );

  it('accepts only forms', async () => {
    const { talk, ask, root, hears } = await setUp();
    const { conference, Ted } = await talk();
    const path = `${root}/Conferences/${conference.sid}/Participants/${Ted.sid}.json`;
    const reply = await ask('POST', path, { Muted: 'true' }, { 'content-type': 'application/json' });
    expect(reply.status).toBe(400);
    expect(hears()).toEqual(ALL_TALK);
  });
});

describe('intercepted requests', () => {
  const UNTOUCHED = { muted: false, hold: false, coaching: false };

  /** Ted is in the room `a`; from then on every change goes through `intercept`. */
  async function setUpFaulty(intercept: (request: RestRequest) => Promise<Fault | undefined> | Fault | undefined) {
    const testBench = await setUp(
      {},
      { intercept: (request) => (request.method === 'GET' ? undefined : intercept(request)) },
    );
    const { conference, Alice, Ted } = await testBench.talk();
    const path = `/Conferences/${conference.sid}/Participants/${Ted.sid}`;
    return { ...testBench, conference, Alice, Ted, path };
  }

  it('are shown to the interceptor, which lets them pass', async () => {
    const seen: RestRequest[] = [];
    const { ask, root, path } = await setUpFaulty((request) => void seen.push(request));
    expect(await ask('POST', `${root}${path}.json`, { Muted: 'true', Hold: 'false' })).toMatchObject({
      status: 200,
      body: { muted: true },
    });
    expect(seen).toEqual([{ method: 'POST', path, form: { Muted: 'true', Hold: 'false' } }]);
  });

  it('include the filter of a list', async () => {
    const seen: RestRequest[] = [];
    const { ask, root } = await setUp({}, { intercept: (request) => void seen.push(request) });
    await ask('GET', `${root}/Conferences.json?Status=init`);
    expect(seen).toEqual([{ method: 'GET', path: '/Conferences', form: { Status: 'init' } }]);
  });

  it('can be delayed', async () => {
    const waiting: (() => void)[] = [];
    const { ask, root, path } = await setUpFaulty(
      () => new Promise((resolve) => void waiting.push(() => resolve(undefined))),
    );
    const reply = ask('POST', root + path, { Muted: 'true' });
    await eventually(() => expect(waiting).toHaveLength(1));
    expect((await ask('GET', root + path)).body).toMatchObject(UNTOUCHED);
    waiting[0]?.();
    expect((await reply).body).toMatchObject({ muted: true });
  });

  it.each<[Exclude<Fault, string>, string, string]>([
    [{ status: 503 }, '', ''],
    [{ status: 502, body: '<html></html>' }, 'text/html', '<html></html>'],
    [{ status: 422, body: { code: 10_000 } }, 'application/json', '{"code":10000}'],
  ])('can get another response, which changes nothing: %j', async (fault, type, text) => {
    const { ask, root, path, url, space } = await setUpFaulty(() => fault);
    const response = await fetch(url + root + path, {
      method: 'POST',
      headers: { authorization: basic(space.accountSid, space.apiToken) },
      body: new URLSearchParams({ Muted: 'true' }),
    });
    expect([
      response.status,
      (response.headers.get('content-type') ?? '').split(';')[0],
      await response.text(),
    ]).toEqual([fault.status, type, text]);
    expect((await ask('GET', root + path)).body).toMatchObject(UNTOUCHED);
  });

  it('can be ignored, with a response as if the change had been made', async () => {
    const { ask, root, path, space, hears, conference, Alice, Ted, server } = await setUpFaulty(() => 'ignore');
    const change = { Muted: 'true', Coaching: 'true', CallSidToCoach: Alice.sid, AnnounceUrl: `${server.url}/notice` };
    expect(await ask('POST', root + path, change)).toMatchObject({
      status: 200,
      body: { muted: true, coaching: true, call_sid_to_coach: Alice.sid },
    });
    expect((await ask('GET', root + path)).body).toMatchObject(UNTOUCHED);
    expect(await ask('DELETE', root + path)).toEqual({ status: 204, body: undefined });
    for (const one of [`/Calls/${Ted.sid}`, `/Conferences/${conference.sid}`]) {
      expect(await ask('POST', root + one, { Status: 'completed' })).toMatchObject({ body: { status: 'completed' } });
      expect((await ask('GET', root + one)).body).toMatchObject({ status: 'in-progress' });
    }
    await space.runUntilIdle();
    expect(hears()).toEqual(ALL_TALK);
    expect(server.askedOf('/notice')).toEqual([]);
  });

  it.each<[Fault, object]>([
    ['disconnect', UNTOUCHED],
    ['lose-answer', { ...UNTOUCHED, muted: true }],
  ])('can end without an answer: %s', async (fault, after) => {
    const { ask, root, path } = await setUpFaulty(() => fault);
    await expect(ask('POST', root + path, { Muted: 'true' })).rejects.toThrow('fetch failed');
    expect((await ask('GET', root + path)).body).toMatchObject(after);
  });

  it('can lose the answer of 204, too', async () => {
    const { ask, root, path } = await setUpFaulty(() => 'lose-answer');
    await expect(ask('DELETE', root + path)).rejects.toThrow('fetch failed');
    expect((await ask('GET', root + path)).status).toBe(404);
  });

  it('can be ignored for recordings, too', async () => {
    const { enter, ask, root, space } = await setUp({}, { intercept: () => 'ignore' });
    await enter('Bob', 'recorded');
    await enter('Alice', 'recorded');
    const [recording] = space.conferences.recordings.all();
    const path = `${root}/Conferences/${conferenceNamed(space, 'recorded').sid}/Recordings/${recording?.sid}`;
    expect((await ask('POST', path, { Status: 'stopped' })).body).toMatchObject({ status: 'stopped' });
    expect(await ask('DELETE', path)).toEqual({ status: 204, body: undefined });
    expect((await ask('GET', path)).body).toMatchObject({ status: 'in-progress' });
  });
});

describe("the server's own client", () => {
  const clientOf = ({ space, url }: TestBench, apiToken = space.apiToken) =>
    createRestClient(
      { url, projectId: space.accountSid, apiToken },
      { timeoutMs: 5_000, now: () => NOW + space.clock.now() },
    );

  it('sees everybody behind more than a page of callers', async () => {
    const testBench = await setUp();
    for (let caller = 0; caller < 51; caller++) {
      await testBench.enter('Bob');
    }
    const alice = await testBench.enter('Alice');
    const [conference] = await clientOf(testBench).listConferences('a');
    const participants = conference && (await clientOf(testBench).listParticipants(conference.conferenceSid));
    expect(participants).toHaveLength(52);
    expect(participants?.filter(({ endsConference }) => endsConference)).toMatchObject([{ callSid: alice.sid }]);
  });

  it('records a call, pauses, resumes, stops, downloads and deletes the recording', async () => {
    const testBench = await setUp();
    const { Alice } = await testBench.talk();
    const client = clientOf(testBench);
    const callback = `${testBench.server.url}/calls`;
    const started = await client.startRecording(Alice.sid as Sid, { callback });
    if (started === undefined) {
      throw new Error('The call is over.');
    }
    const { recordingSid } = started;
    expect(started).toEqual({
      recordingSid,
      callSid: Alice.sid,
      conferenceSid: undefined,
      status: 'in-progress',
      startedAgeMs: 1,
      durationSeconds: 0,
    });
    await testBench.space.clock.advance(10_000);
    const expected = { ...started, startedAgeMs: 10_000, durationSeconds: 10 };
    expect(await client.listRecordings({ callSid: Alice.sid as Sid })).toEqual([expected]);
    expect(await client.changeRecording(started, 'paused')).toEqual({ ...expected, status: 'paused' });
    expect(await client.changeRecording(started, 'in-progress')).toEqual(expected);
    expect(await client.downloadRecording(recordingSid)).toBeUndefined();
    expect(await client.changeRecording(started, 'stopped')).toEqual({ ...expected, status: 'stopped' });
    expect(await client.changeRecording(started, 'paused')).toBeUndefined();
    expect(await client.findRecording(recordingSid)).toMatchObject({ status: 'stopped' });
    const audio = await client.downloadRecording(recordingSid);
    expect(audio).toMatchObject({ contentType: 'audio/x-wav', contentLength: 844 });
    expect(await buffer(audio?.body as ReadableStream)).toHaveLength(844);
    expect(await client.deleteRecording(recordingSid)).toBe(true);
    expect(await client.deleteRecording(recordingSid)).toBe(false);
    await testBench.space.clock.settle();
    const told = testBench.server.askedOf('/calls').map(({ RecordingStatus }) => RecordingStatus);
    expect(told).toEqual(['in-progress', 'in-progress', 'completed']);
    Alice.hangUp();
    await testBench.space.runUntilIdle();
    expect(await client.startRecording(Alice.sid as Sid, { callback })).toBeUndefined();
  });

  it("pauses a conference's recording, until it is over", async () => {
    const testBench = await setUp();
    await testBench.enter('Bob', 'recorded');
    await testBench.enter('Alice', 'recorded');
    const client = clientOf(testBench);
    const conferenceSid = conferenceNamed(testBench.space, 'recorded').sid as Sid;
    const [recording] = await client.listRecordings({ conferenceSid });
    if (recording === undefined) {
      throw new Error('There is no recording.');
    }
    expect(await client.changeRecording(recording, 'paused')).toEqual({ ...recording, status: 'paused' });
    expect(await client.endConference(conferenceSid)).toBe(true);
    expect(await client.changeRecording(recording, 'in-progress')).toBeUndefined();
    expect(await client.endConference(conferenceSid)).toBe(false);
  });

  it('calls somebody, holds them, lets them coach nobody, and hangs up', async () => {
    const testBench = await setUp();
    const { conference, Alice, Ted } = await testBench.talk();
    const client = clientOf(testBench);
    const conferenceSid = conference.sid as Sid;
    await client.changeParticipant(conferenceSid, Ted.sid as Sid, { target: Alice.sid as Sid });
    expect(testBench.hears()).toEqual(TED_COACHES);
    await client.changeParticipant(conferenceSid, Ted.sid as Sid, { target: 'nobody' });
    expect(testBench.hears()).toEqual(ALL_TALK);
    expect(await client.changeParticipant(conferenceSid, Ted.sid as Sid, { onHold: true })).toMatchObject({
      isOnHold: true,
    });
    const url = `${testBench.server.url}/Bob/b`;
    const { callSid } = await client.createCall({ from: OURS, to: '+15550004444', url });
    await testBench.space.runUntilIdle();
    expect(await client.findCall(callSid)).toMatchObject({ isOver: false, to: '+15550004444' });
    expect(await client.hangUpCall(callSid)).toBe(true);
    expect(await client.hangUpCall(callSid)).toBe(false);
  });

  it('reads and changes numbers, and reads the account and the clock', async () => {
    const voiceFallbackUrl = 'https://coach.example.com/fallback';
    const testBench = await setUp({}, { numbers: [{ voiceFallbackUrl }] });
    const client = clientOf(testBench);
    const [number] = await client.listNumbers();
    expect(number).toMatchObject({ number: OURS, usesVoiceUrl: true, voiceFallbackUrl });
    const changed = await client.changeNumber(number?.numberSid as Sid, { voiceFallbackUrl: '' });
    expect(changed).toEqual({ ...number, voiceFallbackUrl: undefined });
    expect(await client.changeNumber(NO_SUCH as Sid, { voiceFallbackUrl: '' })).toBeUndefined();
    expect(await client.findAccount()).toEqual({ status: 'active', spaceDate: new Date(NOW) });
  });

  it('is refused with a wrong token', async () => {
    const testBench = await setUp();
    await expect(clientOf(testBench, 'PT0').listConferences('a')).rejects.toMatchObject({
      code: 'refused',
      status: 401,
    });
  });
});
