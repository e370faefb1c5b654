import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { buffer, text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseByteRange } from '../../src/signalwire/byte-range';
import { createCallTurns } from '../../src/signalwire/call-turns';
import type { ConferenceApi, Deadline, NumberChange, ParticipantChange } from '../../src/signalwire/conference-api';
import { createRestClient, MAX_REQUESTS_AT_ONCE } from '../../src/signalwire/rest-client';
import { parseSid, type Sid } from '../../src/signalwire/sid';
import { eventually } from '../support/redis-server';

const CONFERENCE = '3d1d0e5c-0000-4000-8000-000000000001';
const MODERATOR = '3d1d0e5c-0000-4000-8000-00000000000a';
const NOW = Date.parse('2026-01-02T10:00:00Z');
const paging = { uri: '/x', page: 0, page_size: 50, next_page_uri: null };

let server: Server;
let url: string;
let client: ConferenceApi;
let requests: string[];
let answer: (req: IncomingMessage, res: ServerResponse) => void;

const json = (res: ServerResponse, body: unknown, status = 200) =>
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

beforeEach(async () => {
  requests = [];
  server = createServer((req, res) => {
    requests.push(`${req.method} ${req.url} ${req.headers.authorization}`);
    answer(req, res);
  }).listen(0, '127.0.0.1');
  // On a busy machine a test can take longer than Node's 5 s, and would lose a connection that it is about to use.
  server.keepAliveTimeout = 60_000;
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  client = createRestClient({ url, projectId: 'p-1', apiToken: 'PT1' }, { timeoutMs: 2_000, now: () => NOW });
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
});

describe('createRestClient', () => {
  it.each([
    ['an error', 'refused', 401, (res: ServerResponse) => json(res, { code: 20003, message: 'No' }, 401)],
    ['an HTML error', 'refused', 502, (res: ServerResponse) => res.writeHead(502).end('<html>Bad Gateway</html>')],
    ['a redirect', 'unreachable', undefined, (res: ServerResponse) => res.writeHead(302, { location: '/x' }).end()],
    ['HTML', 'unreadable', 200, (res: ServerResponse) => res.end('<html></html>')],
    ['other JSON', 'unreadable', undefined, (res: ServerResponse) => json(res, { a: 1, b: 2 })],
    [
      'half an answer',
      'unreachable',
      undefined,
      (res: ServerResponse) => {
        res.writeHead(200, { 'content-length': '100' }).write('{');
        setImmediate(() => res.destroy());
      },
    ],
  ])('reports %s', async (_what, code, status, respond) => {
    answer = (_req, res) => void respond(res);
    await expect(client.listConferences('a')).rejects.toMatchObject({ name: 'SpaceError', code, status });
  });

  it('has one deadline for all requests of a method', async () => {
    answer = (req, res) => (req.url?.includes('in-progress') ? undefined : json(res, { ...paging, conferences: [] }));
    const hasty = createRestClient({ url, projectId: 'p-1', apiToken: 'PT1' }, { timeoutMs: 1_000, now: () => NOW });
    await expect(hasty.listConferences('Sales 2')).rejects.toMatchObject({ code: 'timeout' });
    expect(requests).toHaveLength(2);
  });

  /** Asks for so many calls at once, with time enough for a busy machine. */
  const findCalls = (count: number) =>
    Array.from({ length: count }, (_, index) => client.findCall(`call-${index}` as Sid, { timeoutMs: 30_000 }));

  it('sends a limited number of requests at once; the others follow in their order', async () => {
    const open: { sid: string; res: ServerResponse }[] = [];
    answer = (req, res) => void open.push({ sid: req.url?.match(/call-\d+/)?.[0] ?? '', res });
    const calls = findCalls(MAX_REQUESTS_AT_ONCE + 3);
    await eventually(() => expect(open).toHaveLength(MAX_REQUESTS_AT_ONCE));
    for (const sid of [`call-${MAX_REQUESTS_AT_ONCE}`, `call-${MAX_REQUESTS_AT_ONCE + 1}`]) {
      const [answered] = open.splice(0, 1);
      json(answered?.res as ServerResponse, { sid: answered?.sid });
      await eventually(() => expect(open.at(-1)?.sid).toBe(sid));
      expect(open).toHaveLength(MAX_REQUESTS_AT_ONCE);
    }
    // A refusal frees its place, too.
    open.splice(0, 1)[0]?.res.writeHead(500).end();
    await eventually(() => expect(open).toHaveLength(MAX_REQUESTS_AT_ONCE));
    for (const { sid, res } of open) {
      json(res, { sid });
    }
    const settled = await Promise.allSettled(calls);
    expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(1);
  });

  it('counts the wait for a place against the deadline, and then sends nothing', async () => {
    const open: ServerResponse[] = [];
    answer = (_req, res) => void open.push(res);
    const calls = findCalls(MAX_REQUESTS_AT_ONCE);
    await eventually(() => expect(open).toHaveLength(MAX_REQUESTS_AT_ONCE));
    const late = client.findCall('late' as Sid, { timeoutMs: 50 });
    await expect(late).rejects.toMatchObject({ name: 'SpaceError', code: 'timeout' });
    for (const res of open.splice(0)) {
      json(res, { sid: 'call' });
    }
    await Promise.all(calls);
    expect(requests).toHaveLength(MAX_REQUESTS_AT_ONCE);
    // Its place is free again.
    const others = findCalls(MAX_REQUESTS_AT_ONCE);
    await eventually(() => expect(open).toHaveLength(MAX_REQUESTS_AT_ONCE));
    for (const res of open) {
      json(res, { sid: 'call' });
    }
    await Promise.all(others);
  });

  it('quotes no unreadable answer', async () => {
    answer = (_req, res) => res.end('+15550001111');
    const error = await client.findCall('a' as Sid).catch((reason) => reason);
    expect(inspect(error)).not.toContain('5550001');
    expect(error).toMatchObject({ code: 'unreadable', status: 200 });
  });

  it('reports a Space that is unreachable', async () => {
    server.close();
    await expect(client.listConferences('a')).rejects.toMatchObject({ code: 'unreachable' });
  });

  describe('about conferences, participants and calls', () => {
    type Respond = (res: ServerResponse) => void;
    const ROOT = '/2010-04-01/Accounts/p-1';
    const conferenceSid = parseSid(CONFERENCE) as Sid;
    const OTHER = parseSid('3d1d0e5c-0000-4000-8000-000000000002') as Sid;
    const TED = parseSid('3d1d0e5c-0000-4000-8000-00000000000e') as Sid;
    const ALICE = parseSid(MODERATOR) as Sid;
    const AT_NINE = 'Fri, 02 Jan 2026 09:00:00 +0000';
    const conference = { sid: CONFERENCE, friendly_name: 'Sales', status: 'in-progress', date_created: AT_NINE };
    const participant = {
      call_sid: TED,
      call_sid_to_coach: ALICE,
      coaching: true,
      conference_sid: CONFERENCE,
      date_created: AT_NINE,
      end_conference_on_exit: false,
      hold: false,
      muted: true,
      start_conference_on_enter: false,
      status: 'in-progress',
    };
    const ted = {
      callSid: TED,
      conferenceSid: CONFERENCE,
      isMuted: true,
      isOnHold: false,
      target: ALICE,
      isCoaching: true,
      endsConference: false,
      joinAgeMs: 3_600_000,
    };
    const call = { sid: TED, status: 'in-progress', from: '+15550001', to: '+15550002', direction: 'inbound' };
    const newCall = { from: '+15550009999', to: '+15550002222', url: 'https://coach.example.com/join?token=t' };
    const conferences = (...entries: unknown[]) => ({ ...paging, conferences: entries });
    const participants = (...entries: unknown[]) => ({ ...paging, participants: entries });
    const RECORDING = parseSid('3d1d0e5c-0000-4000-8000-0000000000f1') as Sid;
    const recordingOfCall = {
      sid: RECORDING,
      call_sid: ALICE,
      conference_sid: null,
      status: 'in-progress',
      start_time: AT_NINE,
      date_created: 'Fri, 02 Jan 2026 08:59:00 +0000',
      duration: 60,
    };
    const recordingOfConference = { ...recordingOfCall, call_sid: null, conference_sid: CONFERENCE };
    const ofCall = {
      recordingSid: RECORDING,
      callSid: ALICE,
      conferenceSid: undefined,
      status: 'in-progress',
      startedAgeMs: 3_600_000,
      durationSeconds: 60,
    };
    const ofConference = { ...ofCall, callSid: undefined, conferenceSid: CONFERENCE as Sid };
    const recordings = (...entries: unknown[]) => ({ ...paging, recordings: entries });
    const error =
      (status: number, body: unknown): Respond =>
      (res) =>
        json(res, body, status);
    const missing = error(404, { code: 20404, message: 'The requested resource was not found.' });
    const html =
      (status: number): Respond =>
      (res) =>
        res.writeHead(status, { 'content-type': 'text/html' }).end('<html>Bad Gateway</html>');
    let asked: string[];

    /** Answers each request in turn. */
    function answers(...all: (Respond | object)[]): void {
      asked = [];
      answer = async (req, res) => {
        let form = '';
        for await (const chunk of req.setEncoding('utf8')) {
          form += chunk;
        }
        asked.push(`${req.method} ${req.url?.replace('/api/laml', '').replace(ROOT, '')} ${form}`.trim());
        const next = all[asked.length - 1];
        return next === undefined ? res.destroy() : typeof next === 'function' ? next(res) : json(res, next);
      };
    }

    describe('listConferences', () => {
      it('lists conferences that are not over, started or not', async () => {
        answers(
          conferences({ sid: OTHER, friendly_name: 'Süpport 2', status: 'init' }),
          conferences(conference, { ...conference, sid: 'over', status: 'completed' }),
        );
        expect(await client.listConferences()).toEqual([
          { conferenceSid: OTHER, room: 'Süpport 2', hasStarted: false, ageMs: 1 },
          { conferenceSid: CONFERENCE, room: 'Sales', hasStarted: true, ageMs: 3_600_000 },
        ]);
        expect(asked).toEqual([
          'GET /Conferences.json?Status=init&PageSize=1000',
          'GET /Conferences.json?Status=in-progress&PageSize=1000',
        ]);
      });

      it('lists the conferences of one room, by its exact name', async () => {
        const named = (name: string, sid: string) => ({ ...conference, sid, friendly_name: name });
        answers(conferences(named('Sales 22', 'a'), named('sales 2', 'b')), conferences(named('Sales 2', 'c')));
        expect(await client.listConferences('Sales 2')).toMatchObject([{ conferenceSid: 'c', room: 'Sales 2' }]);
        expect(asked).toEqual([
          'GET /Conferences.json?FriendlyName=Sales+2&Status=init&PageSize=1000',
          'GET /Conferences.json?FriendlyName=Sales+2&Status=in-progress&PageSize=1000',
        ]);
      });

      it('lists a conference that starts in between once, as started', async () => {
        answers(conferences({ ...conference, status: 'init' }), conferences(conference));
        expect(await client.listConferences()).toMatchObject([{ conferenceSid: CONFERENCE, hasStarted: true }]);
      });

      it('leaves out invalid entries', async () => {
        const odd = [null, 'Sales', 1, [], {}, { ...conference, sid: '../Calls' }, { ...conference, sid: null }];
        const unnamed = [undefined, null, '', 7].map((name) => ({ ...conference, sid: 'a', friendly_name: name }));
        answers(conferences(...odd, conference, ...unnamed), conferences());
        expect(await client.listConferences()).toHaveLength(1);
      });
    });

    describe('listParticipants', () => {
      it('lists participants who have not left', async () => {
        answers(participants(participant, { ...participant, call_sid: 'gone', status: 'completed' }));
        expect(await client.listParticipants(conferenceSid)).toEqual([ted]);
        expect(asked).toEqual([`GET /Conferences/${CONFERENCE}/Participants.json?PageSize=1000`]);
      });

      it('reads every page, at the address in the one before', async () => {
        const path = `/Conferences/${CONFERENCE}/Participants.json?Page=1&PageSize=1000&PageToken=PA7`;
        answers(
          { ...participants(participant), next_page_uri: `/api/laml${ROOT}${path}` },
          { ...participants({ ...participant, call_sid: 'bob' }), page: 1 },
        );
        expect(await client.listParticipants(conferenceSid)).toMatchObject([{ callSid: TED }, { callSid: 'bob' }]);
        expect(asked[1]).toBe(`GET ${path}`);
      });

      it('leaves out entries without a Call SID', async () => {
        const odd = [undefined, null, '', 'a b', '../x', 7, {}].map((call_sid) => ({ ...participant, call_sid }));
        answers(participants(null, 'ted', 7, [], ...odd, participant));
        expect(await client.listParticipants(conferenceSid)).toEqual([ted]);
      });

      it.each<[string, (Respond | object)[], unknown]>([
        ['an empty list where the conference is not over', [participants(), { ...conference, status: 'init' }], []],
        ['an empty list where all have left', [participants({ ...participant, status: 'completed' }), conference], []],
        ['undefined where it is over', [participants(), { ...conference, status: 'completed' }], undefined],
        ['undefined where it ended meanwhile', [participants(), missing], undefined],
        ['undefined where there is none', [missing], undefined],
      ])('answers with %s', async (_what, all, expected) => {
        answers(...all);
        expect(await client.listParticipants(conferenceSid)).toEqual(expected);
        expect(asked).toHaveLength(all.length);
      });
    });

    describe('findParticipant', () => {
      it('reads one participant', async () => {
        answers(participant);
        expect(await client.findParticipant(conferenceSid, TED)).toEqual(ted);
        expect(asked).toEqual([`GET /Conferences/${CONFERENCE}/Participants/${TED}.json`]);
      });

      it.each<[string, object, object]>([
        [
          'words',
          {
            muted: 'false',
            hold: 'true',
            coaching: 'true',
            end_conference_on_exit: 'true',
            start_conference_on_enter: 'true',
          },
          { isMuted: false, isOnHold: true, isCoaching: true, endsConference: true },
        ],
        ['booleans', { muted: false, hold: true }, { isMuted: false, isOnHold: true }],
        [
          'neither',
          { muted: null, hold: 7, coaching: undefined },
          { isMuted: false, isOnHold: false, isCoaching: false, target: undefined },
        ],
        ['coaching nobody', { coaching: false, call_sid_to_coach: null }, { isCoaching: false, target: undefined }],
        ['coaching nobody any more', { coaching: false }, { isCoaching: false, target: undefined }],
        ['coaching nobody we can name', { call_sid_to_coach: 'a b' }, { isCoaching: true, target: undefined }],
        ['no status', { status: undefined }, {}],
        ['no date', { date_created: undefined }, { joinAgeMs: 1 }],
        ['an unreadable date', { date_created: 'soon' }, { joinAgeMs: 1 }],
        ['a date in the future', { date_created: 'Fri, 02 Jan 2026 11:00:00 +0000' }, { joinAgeMs: 1 }],
      ])('understands %s', async (_what, given, expected) => {
        answers({ ...participant, ...given });
        expect(await client.findParticipant(conferenceSid, TED)).toEqual({ ...ted, ...expected });
      });

      it.each<[string, Respond | object]>([
        ['is not in it', missing],
        ['has left it', { ...participant, status: 'completed' }],
      ])('finds nobody when the call %s', async (_what, given) => {
        answers(given);
        expect(await client.findParticipant(conferenceSid, TED)).toBeUndefined();
      });
    });

    describe('changeParticipant', () => {
      const URL = 'https://coach.example.com/notices/supervisor';

      it.each<[ParticipantChange, string]>([
        [{ muted: true }, 'Muted=true'],
        [{ muted: false }, 'Muted=false'],
        [{ target: ALICE }, `Coaching=true&CallSidToCoach=${ALICE}`],
        [{ onHold: true }, 'Hold=true'],
        [{ onHold: false }, 'Hold=false'],
        [{ target: 'nobody' }, 'Coaching=false'],
        [{ announceUrl: URL }, `${new URLSearchParams({ AnnounceUrl: URL, AnnounceMethod: 'POST' })}`],
        [{ muted: true, target: ALICE }, `Muted=true&Coaching=true&CallSidToCoach=${ALICE}`],
      ])('sends %j', async (change, form) => {
        answers(participant);
        expect(await client.changeParticipant(conferenceSid, TED, change)).toEqual(ted);
        expect(asked).toEqual([`POST /Conferences/${CONFERENCE}/Participants/${TED}.json ${form}`]);
      });

      it("returns the Space's answer, even if it does not show the change", async () => {
        answers({ ...participant, muted: 'false' });
        expect(await client.changeParticipant(conferenceSid, TED, { muted: true })).toEqual({ ...ted, isMuted: false });
      });

      it('returns undefined if the participant has left', async () => {
        answers({ ...participant, status: 'completed' });
        expect(await client.changeParticipant(conferenceSid, TED, { muted: true })).toBeUndefined();
      });
    });

    it('removes a participant', async () => {
      answers((res) => res.writeHead(204).end());
      expect(await client.removeParticipant(conferenceSid, TED)).toBe(true);
      expect(asked).toEqual([`DELETE /Conferences/${CONFERENCE}/Participants/${TED}.json`]);
    });

    it('ends a conference', async () => {
      answers({ ...conference, status: 'completed' });
      expect(await client.endConference(conferenceSid)).toBe(true);
      expect(asked).toEqual([`POST /Conferences/${CONFERENCE}.json Status=completed`]);
    });

    describe('createCall', () => {
      const statusCallback = 'https://coach.example.com/events/call/Sales';
      const form = { To: newCall.to, From: newCall.from, Url: newCall.url, Method: 'POST' };

      it.each([
        [{}, {}],
        [{ statusCallback }, { StatusCallback: statusCallback }],
      ])('makes a call with %j', async (more, fields) => {
        answers({ ...call, status: 'queued', from: newCall.from, to: newCall.to, direction: 'outbound' });
        expect(await client.createCall({ ...newCall, ...more })).toEqual({
          callSid: TED,
          isOver: false,
          from: newCall.from,
          to: newCall.to,
          direction: 'outbound',
        });
        expect(asked).toHaveLength(1);
        const [line = '', sent = ''] = asked[0]?.split('.json ') ?? [];
        expect(line).toBe('POST /Calls');
        expect(Object.fromEntries(new URLSearchParams(sent))).toEqual({ ...form, ...fields });
      });

      it('makes calls one a second, in their order', async () => {
        const at: number[] = [];
        const to: (string | null)[] = [];
        answer = async (req, res) => {
          at.push(performance.now());
          to.push(new URLSearchParams(await text(req)).get('To'));
          json(res, call);
        };
        await Promise.all(
          ['+15550001', '+15550002', '+15550003'].map((number) =>
            client.createCall({ ...newCall, to: number }, { timeoutMs: 10_000 }),
          ),
        );
        expect(to).toEqual(['+15550001', '+15550002', '+15550003']);
        const gaps = at.slice(1).map((time, index) => time - (at[index] ?? 0));
        expect(Math.min(...gaps)).toBeGreaterThan(800);
      });

      it('never makes a call whose turn comes after its deadline, and gives the turn to another', async () => {
        answers(call, call);
        await client.createCall(newCall);
        const late = client.createCall(newCall, { timeoutMs: 500 });
        const next = client.createCall(newCall, { timeoutMs: 10_000 });
        await expect(late).rejects.toMatchObject({ name: 'SpaceError', code: 'timeout' });
        expect(asked).toHaveLength(1);
        await next;
        expect(asked).toHaveLength(2);
      });

      it('does not let more than a hundred calls wait, whatever their deadlines', async () => {
        const waits: number[] = [];
        const turns = createCallTurns({ monotonicNow: () => 0, sleep: async (ms) => void waits.push(ms) });
        for (let call = 0; call <= 100; call++) {
          await turns.take(1e9);
        }
        await expect(turns.take(1e9)).rejects.toMatchObject({ name: 'SpaceError', code: 'timeout' });
        expect(waits).toEqual(Array.from({ length: 100 }, (_, call) => 1_000 * (call + 1)));
      });

      it('reports the code in a list of errors', async () => {
        answers(error(400, { errors: [{ code: '21211', message: 'To: +15550002222 is invalid', more_info: '' }] }));
        const refused = await client.createCall(newCall).catch((reason) => reason);
        expect(refused).toMatchObject({ name: 'SpaceError', code: 'refused', status: 400, spaceCode: 21_211 });
        expect(inspect(refused)).not.toContain('5550002');
      });
    });

    it('hangs up a call', async () => {
      answers({ ...call, status: 'completed' });
      expect(await client.hangUpCall(TED)).toBe(true);
      expect(asked).toEqual([`POST /Calls/${TED}.json Status=completed`]);
    });

    it.each<[string, (from: ConferenceApi) => Promise<unknown>]>([
      ['endConference', (from) => from.endConference(conferenceSid)],
      ['hangUpCall', (from) => from.hangUpCall(TED)],
    ])('%s cannot use an answer without a SID', async (_name, use) => {
      answers({ message: 'Under maintenance' });
      await expect(use(client)).rejects.toMatchObject({ name: 'SpaceError', code: 'unreadable' });
    });

    describe('findCall', () => {
      it.each<[object, object]>([
        [{}, {}],
        [
          { from: 'sip:alice@example.com', to: '' },
          { from: 'sip:alice@example.com', to: undefined },
        ],
        [
          { from: null, to: 7, direction: undefined },
          { from: undefined, to: undefined, direction: undefined },
        ],
        ...['queued', 'ringing', undefined].map((status): [object, object] => [{ status }, { isOver: false }]),
        ...['completed', 'canceled', 'busy', 'failed', 'no-answer'].map((status): [object, object] => [
          { status },
          { isOver: true },
        ]),
      ])('reads a call with %j', async (given, expected) => {
        answers({ ...call, ...given });
        expect(await client.findCall(TED)).toEqual({
          callSid: TED,
          isOver: false,
          from: '+15550001',
          to: '+15550002',
          direction: 'inbound',
          ...expected,
        });
        expect(asked).toEqual([`GET /Calls/${TED}.json`]);
      });

      it('returns undefined if there is no such call', async () => {
        answers(missing);
        expect(await client.findCall(TED)).toBeUndefined();
      });
    });

    describe('findConference', () => {
      it.each(['in-progress', 'completed'])('reads the name of one that is %s', async (status) => {
        answers({ ...conference, status });
        expect(await client.findConference(conferenceSid)).toEqual({ room: 'Sales' });
        expect(asked).toEqual([`GET /Conferences/${CONFERENCE}.json`]);
      });

      it('returns undefined if there is none', async () => {
        answers(missing);
        expect(await client.findConference(conferenceSid)).toBeUndefined();
      });
    });

    describe('redirectCall', () => {
      const URL = 'https://coach.example.com/coach/Sales?mode=monitor';

      it.each([
        ['in-progress', true],
        ['completed', false],
      ])('redirects a call, which is %s', async (status, expected) => {
        answers({ ...call, status });
        expect(await client.redirectCall(TED, URL)).toBe(expected);
        expect(asked).toEqual([`POST /Calls/${TED}.json ${new URLSearchParams({ Url: URL, Method: 'POST' })}`]);
      });
    });

    describe('listRecordings', () => {
      it.each([
        [{ conferenceSid }, `ConferenceSid=${CONFERENCE}`, recordingOfConference, ofConference],
        [{ callSid: ALICE }, `CallSid=${MODERATOR}`, recordingOfCall, ofCall],
      ])('lists the recordings of %j, and no others', async (of, query, given, expected) => {
        answers(recordings(given, { ...given, call_sid: TED, conference_sid: OTHER, sid: 'another' }));
        expect(await client.listRecordings(of)).toEqual([expected]);
        expect(asked).toHaveLength(1);
        expect(new Set(asked[0]?.split(/[?&]/))).toEqual(new Set(['GET /Recordings.json', query, 'PageSize=1000']));
      });

      it('reads every page, and lists a recording that moves to the next one once', async () => {
        const path = '/Recordings.json?Page=1&PageSize=1000&PageToken=PA7';
        const second = { ...recordingOfCall, sid: 'second', status: 'completed' };
        answers(
          { ...recordings(recordingOfCall), next_page_uri: `/api/laml${ROOT}${path}` },
          { ...recordings(recordingOfCall, second), page: 1 },
        );
        expect(await client.listRecordings({ callSid: ALICE })).toEqual([
          ofCall,
          { ...ofCall, recordingSid: 'second', status: 'completed' },
        ]);
        expect(asked[1]).toBe(`GET ${path}`);
      });

      it('leaves out entries without a SID', async () => {
        const odd = [undefined, null, '', '../Calls', 7].map((sid) => ({ ...recordingOfCall, sid }));
        answers(recordings(null, 'a', ...odd, recordingOfCall));
        expect(await client.listRecordings({ callSid: ALICE })).toEqual([ofCall]);
      });
    });

    describe('findRecording', () => {
      it.each<[object, object]>([
        [{}, {}],
        [{ status: 'resumed' }, { status: 'in-progress' }],
        [
          { status: 'absent', duration: '0' },
          { status: 'absent', durationSeconds: 0 },
        ],
        [{ duration: null }, { durationSeconds: undefined }],
        [{ duration: -1 }, { durationSeconds: undefined }],
        [{ start_time: null }, { startedAgeMs: 3_660_000 }],
        [{ start_time: null, date_created: 'soon' }, { startedAgeMs: 1 }],
      ])('reads a recording with %j', async (given, expected) => {
        answers({ ...recordingOfCall, ...given });
        expect(await client.findRecording(RECORDING)).toEqual({ ...ofCall, ...expected });
        expect(asked).toEqual([`GET /Recordings/${RECORDING}.json`]);
      });

      it('returns undefined if there is none', async () => {
        answers(missing);
        expect(await client.findRecording(RECORDING)).toBeUndefined();
      });
    });

    describe('startRecording', () => {
      const callback = 'https://coach.example.com/events/recording/Sales';
      const notInProgress = error(400, { code: 21_220, message: 'The call is not in progress.' });

      it('records a call, and is told what becomes of the recording', async () => {
        answers(recordingOfCall);
        expect(await client.startRecording(ALICE, { callback })).toEqual(ofCall);
        const [line = '', form = ''] = asked[0]?.split('.json ') ?? [];
        expect(line).toBe(`POST /Calls/${MODERATOR}/Recordings`);
        expect(Object.fromEntries(new URLSearchParams(form))).toEqual({
          RecordingStatusCallback: callback,
          RecordingStatusCallbackMethod: 'POST',
          RecordingStatusCallbackEvent: 'in-progress completed absent',
        });
      });

      it.each<[string, Respond | object]>([
        ['is over', { ...call, status: 'completed' }],
        ['is unknown', missing],
      ])('returns undefined if it was refused and the call %s', async (_what, found) => {
        answers(notInProgress, found);
        expect(await client.startRecording(ALICE, { callback })).toBeUndefined();
        expect(asked[1]).toBe(`GET /Calls/${MODERATOR}.json`);
      });

      it.each<[string, Respond | object]>([
        ['still rings', { ...call, status: 'ringing' }],
        ['cannot be read', html(502)],
      ])('rejects with the refusal if the call %s', async (_what, found) => {
        answers(notInProgress, found);
        await expect(client.startRecording(ALICE, { callback })).rejects.toMatchObject({
          code: 'refused',
          status: 400,
          spaceCode: 21_220,
        });
      });
    });

    describe('changeRecording', () => {
      it.each(['paused', 'in-progress', 'stopped'] as const)(
        'makes it %s, under its conference or call',
        async (status) => {
          answers({ ...recordingOfConference, status }, { ...recordingOfCall, status });
          expect(await client.changeRecording(ofConference, status)).toEqual({ ...ofConference, status });
          expect(await client.changeRecording(ofCall, status)).toEqual({ ...ofCall, status });
          expect(asked).toEqual([
            `POST /Conferences/${CONFERENCE}/Recordings/${RECORDING}.json Status=${status}`,
            `POST /Calls/${MODERATOR}/Recordings/${RECORDING}.json Status=${status}`,
          ]);
        },
      );

      it("returns the Space's answer, even if it does not show the change", async () => {
        answers(recordingOfCall);
        expect(await client.changeRecording(ofCall, 'paused')).toEqual(ofCall);
      });

      it.each(['completed', 'stopped', 'absent'])('returns undefined if a pause shows it as %s', async (status) => {
        answers({ ...recordingOfCall, status });
        expect(await client.changeRecording(ofCall, 'paused')).toBeUndefined();
      });

      it('returns a stopped recording that is completed already', async () => {
        answers({ ...recordingOfCall, status: 'completed' });
        expect(await client.changeRecording(ofCall, 'stopped')).toEqual({ ...ofCall, status: 'completed' });
      });

      const words = error(422, { errors: ['Recording has already completed'] });

      it.each<[string, Respond | object]>([
        ['is over', { ...recordingOfConference, status: 'completed' }],
        ['is unknown', missing],
      ])('returns undefined if it was refused in words alone, and the recording %s', async (_what, found) => {
        answers(words, found);
        expect(await client.changeRecording(ofConference, 'paused')).toBeUndefined();
        expect(asked[1]).toBe(`GET /Recordings/${RECORDING}.json`);
      });

      it('rejects with the refusal if the recording is not over', async () => {
        answers(words, recordingOfConference);
        await expect(client.changeRecording(ofConference, 'paused')).rejects.toMatchObject({
          code: 'refused',
          status: 422,
        });
      });

      it('rejects without a request if the recording belongs to nothing', async () => {
        answers();
        const change = client.changeRecording({ ...ofCall, callSid: undefined }, 'paused');
        await expect(change).rejects.toMatchObject({ name: 'SpaceError', code: 'unreadable' });
        expect(asked).toEqual([]);
      });
    });

    describe('deleteRecording', () => {
      it.each<[boolean, Respond]>([
        [true, (res) => res.writeHead(204).end()],
        [false, missing],
      ])('returns %s', async (expected, respond) => {
        answers(respond);
        expect(await client.deleteRecording(RECORDING)).toBe(expected);
        expect(asked).toEqual([`DELETE /Recordings/${RECORDING}.json`]);
      });

      it('rejects if the recording cannot be deleted', async () => {
        answers(error(422, { code: 10_000, message: 'The recording is in progress.' }));
        await expect(client.deleteRecording(RECORDING)).rejects.toMatchObject({ status: 422, spaceCode: 10_000 });
      });
    });

    describe('downloadRecording', () => {
      const PATH = `/api/laml${ROOT}/Recordings/${RECORDING}.wav`;
      const MEDIA = 'https://media.example.com/secret-7.wav?signature=s3';
      const wav = Buffer.from('RIFF and so on');
      const asWav =
        (body = wav, headers = {}): Respond =>
        (res) =>
          res.writeHead(200, { 'content-type': 'audio/x-wav', 'content-length': body.length, ...headers }).end(body);
      const redirect =
        (location: string): Respond =>
        (res) =>
          res.writeHead(302, { location }).end('moved');
      /** `https://media.example.com` is the same server, so `requests` has the requests to both hosts. */
      const downloader = () =>
        createRestClient(
          { url, projectId: 'p-1', apiToken: 'PT1' },
          {
            timeoutMs: 1_000,
            now: () => NOW,
            fetch: (input, init) => fetch(String(input).replace('https://media.example.com', url), init),
          },
        );
      const ours = `Basic ${Buffer.from('p-1:PT1').toString('base64')}`;

      it('opens the audio as WAV', async () => {
        answers(asWav());
        const audio = await downloader().downloadRecording(RECORDING);
        expect(audio).toMatchObject({ contentType: 'audio/x-wav', contentLength: wav.length });
        expect(await buffer(audio?.body as ReadableStream)).toEqual(wav);
        expect(requests).toEqual([`GET ${PATH} ${ours}`]);
      });

      it('follows a redirect to another host, which does not get our credentials', async () => {
        answers(redirect(MEDIA), asWav());
        const audio = await downloader().downloadRecording(RECORDING);
        expect(await buffer(audio?.body as ReadableStream)).toEqual(wav);
        expect(requests).toEqual([`GET ${PATH} ${ours}`, 'GET /secret-7.wav?signature=s3 undefined']);
      });

      describe('in part', () => {
        const range = parseByteRange('bytes=5-');
        const part =
          (headers: Record<string, string>): Respond =>
          (res) =>
            res.writeHead(206, { 'content-type': 'audio/x-wav', ...headers }).end(wav.subarray(5));

        it('asks every host for it, and says where it belongs', async () => {
          const asked: unknown[] = [];
          answer = (req, res) => {
            asked.push(req.headers.range);
            (asked.length === 1 ? redirect(MEDIA) : part({ 'content-range': 'bytes 5-13/14' }))(res);
          };
          const audio = await downloader().downloadRecording(RECORDING, { range });
          expect(asked).toEqual(['bytes=5-', 'bytes=5-']);
          expect(audio).toMatchObject({ contentRange: 'bytes 5-13/14', acceptsRanges: true });
          expect(await buffer(audio?.body as ReadableStream)).toEqual(wav.subarray(5));
        });

        it('gets the whole from a Space without ranges', async () => {
          answers(asWav());
          const audio = await downloader().downloadRecording(RECORDING, { range });
          expect(audio).toMatchObject({ contentRange: undefined, acceptsRanges: false, contentLength: wav.length });
        });

        it.each<[string, Respond, object]>([
          ['begins beyond the end', (res) => res.writeHead(416).end(), { code: 'refused', status: 416 }],
          ['has no place', part({}), { code: 'unreadable', status: 206 }],
          ['has a place that cannot be read', part({ 'content-range': 'bytes x' }), { code: 'unreadable' }],
          ['has parts', part({ 'content-type': 'multipart/byteranges; boundary=a' }), { code: 'unreadable' }],
        ])('rejects one that %s', async (_what, respond, expected) => {
          answers(respond);
          await expect(downloader().downloadRecording(RECORDING, { range })).rejects.toMatchObject(expected);
        });

        it('rejects one that was not asked for', async () => {
          answers(part({ 'content-range': 'bytes 5-13/14' }));
          await expect(downloader().downloadRecording(RECORDING)).rejects.toMatchObject({ code: 'unreadable' });
        });
      });

      it.each<[string, Respond[], number]>([
        ['not to https', [redirect('http://media.example.com/secret-7.wav')], 1],
        ['to a file', [redirect('file:///etc/secret-7')], 1],
        ['to nowhere', [(res) => res.writeHead(302).end()], 1],
        ['to no address', [redirect('https://')], 1],
        ['again and again', Array.from({ length: 9 }, () => redirect(MEDIA)), 4],
      ])('rejects redirects %s', async (_what, all, count) => {
        answers(...all);
        const failed = await downloader()
          .downloadRecording(RECORDING)
          .catch((reason) => reason);
        expect(failed).toMatchObject({ name: 'SpaceError' });
        expect(inspect(failed, { depth: 9 })).not.toMatch(/secret-7|s3|example\.com|\.wav/);
        expect(requests).toHaveLength(count);
      });

      it.each<[string, Respond, object]>([
        ['is refused', error(403, { code: 20_003, message: `No ${MEDIA}` }), { code: 'refused', status: 403 }],
        ['is HTML', html(200), { code: 'unreadable', status: 200 }],
        ['is not there', (res) => void res.destroy(), { code: 'unreachable' }],
        ['does not begin', () => {}, { code: 'timeout' }],
      ])('rejects without an address if the audio %s', async (_what, respond, expected) => {
        answers(redirect(MEDIA), respond);
        const failed = await downloader()
          .downloadRecording(RECORDING)
          .catch((reason) => reason);
        expect(failed).toMatchObject({ name: 'SpaceError', ...expected });
        expect(inspect(failed, { depth: 9 })).not.toMatch(/secret-7|s3|example\.com|\.wav/);
      });

      it.each<[string, Respond, string]>([
        ['breaks off', (res) => res.write(wav, () => res.destroy()), 'unreachable'],
        ['stops', (res) => void res.write(wav), 'timeout'],
      ])('fails to read a body that %s', async (_what, finish, code) => {
        answers(redirect(MEDIA), (res) => {
          res.writeHead(200, { 'content-type': 'audio/x-wav' });
          finish(res);
        });
        const audio = await downloader().downloadRecording(RECORDING, { timeoutMs: 300 });
        const failed = await buffer(audio?.body as ReadableStream).catch((reason) => reason);
        expect(failed).toMatchObject({ name: 'SpaceError', code });
        expect(inspect(failed, { depth: 9 })).not.toMatch(/secret-7|s3|example\.com|\.wav/);
      });

      it('reads a body for longer than its deadline', async () => {
        answers(async (res) => {
          res.writeHead(200, { 'content-type': 'audio/x-wav' });
          for (let part = 0; part < 5; part++) {
            res.write('RIFF');
            await new Promise((resolve) => setTimeout(resolve, 200));
          }
          res.end();
        });
        const audio = await downloader().downloadRecording(RECORDING, { timeoutMs: 600 });
        expect(await buffer(audio?.body as ReadableStream)).toHaveLength(20);
      });

      it('closes the connection if its reader cancels', async () => {
        let closed = false;
        answers((res) => {
          res.on('close', () => {
            closed = true;
          });
          res.writeHead(200, { 'content-type': 'audio/x-wav' }).write(wav);
        });
        const audio = await downloader().downloadRecording(RECORDING);
        await audio?.body.cancel();
        await eventually(() => expect(closed).toBe(true));
      });

      it('returns undefined if there is none', async () => {
        answers(missing);
        expect(await downloader().downloadRecording(RECORDING)).toBeUndefined();
      });

      it('does not take the length of compressed audio for its own', async () => {
        const packed = gzipSync(wav);
        answers(asWav(packed, { 'content-encoding': 'gzip' }));
        const audio = await downloader().downloadRecording(RECORDING);
        expect(audio?.contentLength).toBeUndefined();
        expect(await buffer(audio?.body as ReadableStream)).toEqual(wav);
      });
    });

    const NUMBER = parseSid('3d1d0e5c-0000-4000-8000-0000000000pn') as Sid;
    const COACH = 'https://coach.example.com/coach?mode=monitor';
    const number = {
      sid: NUMBER,
      phone_number: '+15550009999',
      voice_application_sid: null,
      voice_url: COACH,
      voice_method: 'POST',
      voice_fallback_url: 'https://coach.example.com/fallback',
      voice_fallback_method: 'GET',
      status_callback: null,
      status_callback_method: 'POST',
    };
    const parsedNumber = {
      numberSid: NUMBER,
      number: '+15550009999',
      usesVoiceUrl: true,
      voiceUrl: COACH,
      voiceMethod: 'POST',
      voiceFallbackUrl: 'https://coach.example.com/fallback',
      voiceFallbackMethod: 'GET',
      statusCallback: undefined,
      statusCallbackMethod: 'POST',
    };
    const numbers = (...entries: unknown[]) => ({ ...paging, incoming_phone_numbers: entries });

    describe('listNumbers', () => {
      it('lists the numbers of every page, with their webhooks', async () => {
        const path = '/IncomingPhoneNumbers.json?Page=1&PageSize=1000&PageToken=PA7';
        const application = { ...number, sid: 'b', voice_application_sid: 'a1', voice_url: '' };
        const odd = [null, { ...number, sid: '../x' }, { ...number, phone_number: null }];
        answers(
          { ...numbers(number, ...odd), next_page_uri: `/api/laml${ROOT}${path}` },
          { ...numbers(application), page: 1 },
        );
        expect(await client.listNumbers()).toEqual([
          parsedNumber,
          { ...parsedNumber, numberSid: 'b', usesVoiceUrl: false, voiceUrl: undefined },
        ]);
        expect(asked).toEqual(['GET /IncomingPhoneNumbers.json?PageSize=1000', `GET ${path}`]);
      });
    });

    describe('changeNumber', () => {
      it.each<[NumberChange, Record<string, string>]>([
        [{ voiceFallbackUrl: '' }, { VoiceFallbackUrl: '' }],
        [
          { voiceUrl: COACH, voiceMethod: 'POST', statusCallback: '', statusCallbackMethod: 'GET' },
          { VoiceUrl: COACH, VoiceMethod: 'POST', StatusCallback: '', StatusCallbackMethod: 'GET' },
        ],
        [
          { voiceFallbackUrl: COACH, voiceFallbackMethod: 'POST' },
          { VoiceFallbackUrl: COACH, VoiceFallbackMethod: 'POST' },
        ],
      ])('sends %j, and returns what the Space shows', async (change, form) => {
        answers({ ...number, voice_fallback_url: null });
        expect(await client.changeNumber(NUMBER, change)).toEqual({ ...parsedNumber, voiceFallbackUrl: undefined });
        const [line = '', sent = ''] = asked[0]?.split('.json ') ?? [];
        expect(line).toBe(`POST /IncomingPhoneNumbers/${NUMBER}`);
        expect(Object.fromEntries(new URLSearchParams(sent))).toEqual(form);
      });

      it('returns undefined if there is no such number', async () => {
        answers(missing);
        expect(await client.changeNumber(NUMBER, { voiceFallbackUrl: '' })).toBeUndefined();
      });
    });

    describe('findAccount', () => {
      const account = { sid: 'p-1', status: 'active' };

      it.each<[string | undefined, Date | undefined]>([
        ['Fri, 02 Jan 2026 09:00:01 GMT', new Date('2026-01-02T09:00:01Z')],
        ['soon', undefined],
        [undefined, undefined],
      ])("reads the account's status, and the Space's date: %s", async (date, spaceDate) => {
        answers((res) => {
          res.sendDate = false;
          res.writeHead(200, date === undefined ? {} : { date }).end(JSON.stringify(account));
        });
        expect(await client.findAccount()).toEqual({ status: 'active', spaceDate });
        expect(requests).toEqual([`GET /api/laml${ROOT}.json Basic ${Buffer.from('p-1:PT1').toString('base64')}`]);
      });
    });

    type Use = (from: ConferenceApi, deadline?: Deadline) => Promise<unknown>;
    /** What must have an answer of the documented form. */
    const reads: [string, Use][] = [
      ['listConferences', (from, deadline) => from.listConferences(undefined, deadline)],
      ['findConference', (from, deadline) => from.findConference(conferenceSid, deadline)],
      ['listParticipants', (from, deadline) => from.listParticipants(conferenceSid, deadline)],
      ['findParticipant', (from, deadline) => from.findParticipant(conferenceSid, TED, deadline)],
      ['createCall', (from, deadline) => from.createCall(newCall, deadline)],
      ['findCall', (from, deadline) => from.findCall(TED, deadline)],
      ['listRecordings', (from, deadline) => from.listRecordings({ conferenceSid }, deadline)],
      ['findRecording', (from, deadline) => from.findRecording(RECORDING, deadline)],
      ['listNumbers', (from, deadline) => from.listNumbers(deadline)],
      ['changeNumber', (from, deadline) => from.changeNumber(NUMBER, { voiceUrl: COACH }, deadline)],
      ['findAccount', (from, deadline) => from.findAccount(deadline)],
    ];
    const changes: [string, Use, unknown][] = [
      [
        'changeParticipant',
        (from, deadline) => from.changeParticipant(conferenceSid, TED, { muted: true }, deadline),
        undefined,
      ],
      ['removeParticipant', (from, deadline) => from.removeParticipant(conferenceSid, TED, deadline), false],
      ['endConference', (from, deadline) => from.endConference(conferenceSid, deadline), false],
      ['redirectCall', (from, deadline) => from.redirectCall(TED, 'https://coach.example.com/coach', deadline), false],
      ['hangUpCall', (from, deadline) => from.hangUpCall(TED, deadline), false],
      [
        'startRecording',
        (from, deadline) => from.startRecording(ALICE, { callback: 'https://coach.example.com' }, deadline),
        undefined,
      ],
      ['changeRecording', (from, deadline) => from.changeRecording(ofConference, 'paused', deadline), undefined],
    ];
    const all: [string, Use][] = [
      ...reads,
      ...changes.map(([name, use]): (typeof reads)[number] => [name, use]),
      ['deleteRecording', (from, deadline) => from.deleteRecording(RECORDING, deadline)],
    ];

    describe.each(changes)('%s of something that is over', (_name, use, expected) => {
      const over = { code: 10_000, message: 'It is over.' };
      it.each<[string, Respond]>([
        ['404', missing],
        ['404 in HTML', html(404)],
        ['400 and code 10000', error(400, over)],
        ['422 and code 10000', error(422, over)],
        ['422 and code 10000 in a list', error(422, { errors: [{ code: '10000', message: 'It is over.' }] })],
      ])('is told by %s', async (_how, respond) => {
        answers(respond);
        expect(await use(client)).toBe(expected);
      });

      it.each<[string, Respond, object]>([
        ['400 and another code', error(400, { code: 16_002, message: 'No' }), { status: 400, spaceCode: 16_002 }],
        ['422 without a code', error(422, { errors: ['No'] }), { status: 422, spaceCode: undefined }],
        ['422 in HTML', html(422), { status: 422, spaceCode: undefined }],
        ['503 and code 10000', error(503, over), { status: 503, spaceCode: 10_000 }],
      ])('is not told by %s', async (_how, respond, expectedError) => {
        answers(respond);
        await expect(use(client)).rejects.toMatchObject({ name: 'SpaceError', code: 'refused', ...expectedError });
      });
    });

    describe.each(reads)('%s', (_name, use) => {
      it('treats code 10000 as an error', async () => {
        answers(error(422, { code: 10_000, message: 'No' }));
        await expect(use(client)).rejects.toMatchObject({ code: 'refused', status: 422, spaceCode: 10_000 });
      });

      it.each<[string, Respond]>([
        ['HTML', html(200)],
        ['nothing', (res) => res.end()],
        ['no object', (res) => json(res, null)],
        ['text', (res) => json(res, 'ok')],
        ['an empty object', (res) => json(res, {})],
        ['another object', (res) => json(res, { message: 'Under maintenance' })],
        ['another list', (res) => json(res, { ...paging, messages: [] })],
        ['no list', (res) => json(res, { ...paging, conferences: null })],
      ])('cannot use %s', async (_what, respond) => {
        answers(respond);
        await expect(use(client)).rejects.toMatchObject({ name: 'SpaceError', code: 'unreadable' });
        expect(asked).toHaveLength(1);
      });
    });

    describe.each(all)('%s', (_name, use) => {
      it.each<[string, unknown, number | undefined]>([
        ['its code', { code: 20_003, message: 'No', status: 403 }, 20_003],
        ['its code as text', { code: '20003', message: 'No' }, 20_003],
        ['the code in a list', { errors: [{ message: 'No' }, { code: '20003' }] }, 20_003],
        ['words alone', { errors: ['No'] }, undefined],
        ['a code that is none', { code: 'not_allowed', errors: [null] }, undefined],
        ['no object', null, undefined],
      ])('rejects with the status of a refusal, and %s', async (_what, body, spaceCode) => {
        answers(error(403, body));
        await expect(use(client)).rejects.toMatchObject({
          name: 'SpaceError',
          code: 'refused',
          status: 403,
          spaceCode,
        });
      });

      it('rejects with the status of an HTML error', async () => {
        answers(html(502));
        await expect(use(client)).rejects.toMatchObject({ code: 'refused', status: 502, spaceCode: undefined });
      });

      it('rejects when the Space cannot be reached', async () => {
        answers();
        await expect(use(client)).rejects.toMatchObject({ name: 'SpaceError', code: 'unreachable' });
      });

      it('rejects when the Space does not answer in time', async () => {
        answers(() => {});
        const hasty = createRestClient({ url, projectId: 'p-1', apiToken: 'PT1' }, { timeoutMs: 100, now: () => NOW });
        await expect(use(hasty)).rejects.toMatchObject({ name: 'SpaceError', code: 'timeout' });
      });

      it('keeps the deadline that it is given', async () => {
        answers(() => {});
        const patient = createRestClient(
          { url, projectId: 'p-1', apiToken: 'PT1' },
          { timeoutMs: 60_000, now: () => NOW },
        );
        await expect(use(patient, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'timeout' });
      });
    });

    it.each<[string, (from: ConferenceApi) => Promise<unknown>, object[]]>([
      ['both lists of conferences', (from) => from.listConferences(), [conferences()]],
      [
        'the pages of a list',
        (from) => from.listParticipants(conferenceSid),
        [{ ...participants(participant), next_page_uri: `${ROOT}/Conferences/${CONFERENCE}/Participants.json?Page=1` }],
      ],
      ['a conference without participants', (from) => from.listParticipants(conferenceSid), [participants()]],
    ])('has one deadline for %s', async (_what, use, first) => {
      answers(...first, () => {});
      const hasty = createRestClient({ url, projectId: 'p-1', apiToken: 'PT1' }, { timeoutMs: 1_000, now: () => NOW });
      await expect(use(hasty)).rejects.toMatchObject({ name: 'SpaceError', code: 'timeout' });
      expect(asked).toHaveLength(first.length + 1);
    });
  });
});
