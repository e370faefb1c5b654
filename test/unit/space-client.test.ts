import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseSid, type Sid } from '../../src/signalwire/sid';
import { createSpaceClient, type ParticipantChange, type SpaceClient } from '../../src/signalwire/space-client';

const CONFERENCE = '3d1d0e5c-0000-4000-8000-000000000001';
const MODERATOR = '3d1d0e5c-0000-4000-8000-00000000000a';
const NOW = Date.parse('2026-01-02T10:00:00Z');
const paging = { uri: '/x', page: 0, page_size: 50, next_page_uri: null };

let server: Server;
let url: string;
let client: SpaceClient;
let requests: string[];
let answer: (req: IncomingMessage, res: ServerResponse) => void;

const json = (res: ServerResponse, body: unknown, status = 200) =>
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

/** Answers as a Space with one conference of these participants. */
function holds(participants: object[], conference: object = { sid: CONFERENCE, friendly_name: 'Sales 2' }) {
  answer = (req, res) =>
    req.url?.includes('/Participants')
      ? json(res, { ...paging, participants })
      : json(res, { ...paging, conferences: [{ status: 'in-progress', ...conference }] });
}

beforeEach(async () => {
  requests = [];
  server = createServer((req, res) => {
    requests.push(`${req.method} ${req.url} ${req.headers.authorization}`);
    answer(req, res);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  client = createSpaceClient({ url, projectId: 'p-1', apiToken: 'PT1' }, { timeoutMs: 2_000, now: () => NOW });
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
});

describe('createSpaceClient', () => {
  it('finds the participant who ends the conference by leaving it', async () => {
    holds([
      { call_sid: 'bob', end_conference_on_exit: false, status: 'in-progress' },
      { call_sid: 'gone', end_conference_on_exit: true, status: 'completed' },
      { call_sid: MODERATOR, end_conference_on_exit: true, status: 'in-progress' },
    ]);
    expect(await client.findModerator('Sales 2')).toEqual({
      callSid: MODERATOR,
      conferenceSid: CONFERENCE,
      enteredAgoMs: 1,
    });
    const authorization = `Basic ${Buffer.from('p-1:PT1').toString('base64')}`;
    expect(requests).toEqual([
      `GET /2010-04-01/Accounts/p-1/Conferences.json?FriendlyName=Sales+2&Status=in-progress ${authorization}`,
      `GET /2010-04-01/Accounts/p-1/Conferences/${CONFERENCE}/Participants.json ${authorization}`,
    ]);
  });

  it.each([
    ['without a moderator', [{ call_sid: 'bob', end_conference_on_exit: false, status: 'in-progress' }], {}],
    ['of another name', [{ call_sid: MODERATOR, end_conference_on_exit: true }], { friendly_name: 'Sales 22' }],
    ['whose SID is none', [{ call_sid: MODERATOR, end_conference_on_exit: true }], { sid: '../Calls' }],
    ['whose moderator has no SID', [{ call_sid: 'a b', end_conference_on_exit: true }], {}],
  ])('finds nobody in a conference %s', async (_what, participants, conference) => {
    holds(participants, { sid: CONFERENCE, friendly_name: 'Sales 2', ...conference });
    expect(await client.findModerator('Sales 2')).toBeUndefined();
  });

  it.each([
    ['since they entered', 'Fri, 02 Jan 2026 09:00:00 +0000', 3_600_000],
    ['nearly nothing, for a date in the future', 'Fri, 02 Jan 2026 11:00:00 +0000', 1],
    ['nearly nothing, for no date', undefined, 1],
    ['nearly nothing, for none that can be read', 'soon', 1],
  ])('tells how long ago that was: %s', async (_what, date_created, agoMs) => {
    holds([{ call_sid: MODERATOR, end_conference_on_exit: true, status: 'in-progress', date_created }]);
    expect(await client.findModerator('Sales 2')).toMatchObject({ enteredAgoMs: agoMs });
  });

  it('takes the last to enter of several moderators, and passes over one it cannot name', async () => {
    const role = { end_conference_on_exit: true, status: 'in-progress' };
    holds([
      { ...role, call_sid: 'earlier', date_created: 'Fri, 02 Jan 2026 09:00:00 +0000' },
      { ...role, call_sid: 'a b', date_created: 'Fri, 02 Jan 2026 09:50:00 +0000' },
      { ...role, call_sid: MODERATOR, date_created: 'Fri, 02 Jan 2026 09:30:00 +0000' },
    ]);
    expect(await client.findModerator('Sales 2')).toMatchObject({ callSid: MODERATOR });
  });

  it('takes the word "false" for no', async () => {
    holds([{ call_sid: MODERATOR, end_conference_on_exit: 'false', status: 'in-progress' }]);
    expect(await client.findModerator('Sales 2')).toBeUndefined();
  });

  it('reads every page', async () => {
    answer = (req, res) => {
      if (req.url?.includes('/Conferences.json')) {
        json(res, { ...paging, conferences: [{ sid: CONFERENCE, friendly_name: 'a', status: 'in-progress' }] });
      } else if (req.url?.includes('Page=1')) {
        json(res, { ...paging, participants: [{ call_sid: MODERATOR, end_conference_on_exit: true }] });
      } else {
        const next_page_uri = `/2010-04-01/Accounts/p-1/Conferences/${CONFERENCE}/Participants.json?Page=1`;
        json(res, { ...paging, next_page_uri, participants: [{ call_sid: 'bob', end_conference_on_exit: false }] });
      }
    };
    expect(await client.findModerator('a')).toMatchObject({ callSid: MODERATOR });
  });

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
  ])('tells of %s', async (_what, code, status, respond) => {
    answer = (_req, res) => void respond(res);
    await expect(client.findModerator('a')).rejects.toMatchObject({ name: 'SpaceError', code, status });
  });

  it('waits no longer than told, over all its requests', async () => {
    holds([]);
    const answerConference = answer;
    answer = (req, res) => (req.url?.includes('/Participants') ? undefined : answerConference(req, res));
    const hasty = createSpaceClient({ url, projectId: 'p-1', apiToken: 'PT1' }, { timeoutMs: 300, now: () => NOW });
    await expect(hasty.findModerator('Sales 2')).rejects.toMatchObject({ code: 'timeout' });
    expect(requests).toHaveLength(2);
  });

  it('tells of a Space that is not there', async () => {
    server.close();
    await expect(client.findModerator('a')).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('lists the moderators of what runs, asking each conference once', async () => {
    const [sales, support, lunch] = [1, 2, 3].map((n) => `3d1d0e5c-0000-4000-8000-00000000000${n}`);
    answer = (req, res) => {
      const participants = [{ call_sid: 'bob', end_conference_on_exit: false, status: 'in-progress' }];
      const moderator = { call_sid: 'alice', end_conference_on_exit: true, status: 'in-progress' };
      const date_created = 'Fri, 02 Jan 2026 09:00:00 +0000';
      if (req.url?.includes('/Participants')) {
        const isLed = !req.url.includes(String(lunch));
        json(res, { ...paging, participants: [...participants, ...(isLed ? [{ ...moderator, date_created }] : [])] });
      } else {
        const conferences = [
          { sid: sales, friendly_name: 'Sales' },
          { sid: support, friendly_name: 'Süpport' },
          { sid: lunch, friendly_name: 'Lunch' },
          { sid: '../Calls', friendly_name: 'Nowhere' },
        ];
        json(res, { ...paging, conferences: conferences.map((one) => ({ ...one, status: 'in-progress' })) });
      }
    };
    expect(await client.listModerators()).toEqual([
      { room: 'Sales', callSid: 'alice', conferenceSid: sales, enteredAgoMs: 3_600_000 },
      { room: 'Süpport', callSid: 'alice', conferenceSid: support, enteredAgoMs: 3_600_000 },
    ]);
    expect(
      requests.map((request) => request.split(' ')[1]?.replace('/2010-04-01/Accounts/p-1/Conferences', '')),
    ).toEqual([
      '.json?Status=in-progress',
      `/${sales}/Participants.json`,
      `/${support}/Participants.json`,
      `/${lunch}/Participants.json`,
    ]);
  });

  describe('about participants', () => {
    const TED = parseSid('ted') as Sid;
    const NOTICE = 'https://coach.example.com/notices/supervisor';
    const participant = { call_sid: 'ted', muted: true, coaching: true, call_sid_to_coach: MODERATOR };
    const heard = { muted: false, coaching: true, call_sid_to_coach: 'bob' };
    const moderator = parseSid(MODERATOR) as Sid;
    type Respond = (res: ServerResponse) => void;
    const gone: Respond = (res) => json(res, { code: 20404, message: 'The requested resource was not found.' }, 404);
    const fails: Respond = (res) => json(res, { code: 20500, message: 'No' }, 500);
    const badGateway: Respond = (res) => res.writeHead(502).end('<html>Bad Gateway</html>');
    const html: Respond = (res) => res.end('<html></html>');
    const never: Respond = () => {};
    let changes: string[];

    /** Answers as a Space where Ted is in `Sales 2`; `answers` take the place of those about him, one by one. */
    function holdsTed(...answers: (Respond | object)[]): void {
      changes = [];
      answer = async (req, res) => {
        if (!req.url?.includes('/Participants')) {
          const conferences = [{ sid: CONFERENCE, friendly_name: 'Sales 2', status: 'in-progress' }];
          return json(res, { ...paging, conferences });
        }
        let form = '';
        for await (const chunk of req.setEncoding('utf8')) {
          form += chunk;
        }
        changes.push(`${req.method} ${form}`.trim());
        const next = answers[changes.length - 1] ?? {};
        return typeof next === 'function' ? next(res) : json(res, { ...participant, ...next });
      };
    }

    it('reads, mutes, then changes whom they coach, then reads back', async () => {
      holdsTed(heard);
      expect(await client.silence('Sales 2', TED, moderator)).toEqual({ wasHeard: true, isMuted: true, isLed: true });
      expect(changes).toEqual(['GET', 'POST Muted=true', `POST Coaching=true&CallSidToCoach=${MODERATOR}`, 'GET']);
      const path = `/2010-04-01/Accounts/p-1/Conferences/${CONFERENCE}/Participants/ted.json`;
      expect(requests.slice(1).map((request) => request.split(' ')[1])).toEqual([path, path, path, path]);
    });

    it('mutes alone without a target', async () => {
      holdsTed(heard);
      expect(await client.silence('Sales 2', TED, undefined)).toEqual({ wasHeard: true, isMuted: true, isLed: true });
      expect(changes).toEqual(['GET', 'POST Muted=true', 'GET']);
    });

    it.each<[string, object, Sid | undefined]>([
      ['muted and coaching the target', {}, moderator],
      ['muted, in words', { muted: 'true' }, moderator],
      ['muted and coaching another, without a target', { call_sid_to_coach: 'bob' }, undefined],
      ['muted and coaching nobody, without a target', { coaching: false, call_sid_to_coach: null }, undefined],
    ])('only reads when they are %s already', async (_how, found, target) => {
      holdsTed(found);
      expect(await client.silence('Sales 2', TED, target)).toEqual({ wasHeard: false, isMuted: true, isLed: true });
      expect(changes).toEqual(['GET']);
      expect(requests.map((request) => request.split(' ')[0])).toEqual(['GET', 'GET']);
    });

    it.each<[string, object, boolean]>([
      ['was muted, coaching another', { call_sid_to_coach: 'bob' }, false],
      ['was muted, coaching nobody', { coaching: false, call_sid_to_coach: null }, false],
      ['was heard by the target', { muted: false }, true],
      ['was heard by the target, in words', { muted: 'false' }, true],
      ['was heard by all', { muted: false, coaching: false, call_sid_to_coach: null }, true],
      ['was not said to be muted', { muted: undefined }, true],
    ])('tells whether somebody %s', async (_how, found, wasHeard) => {
      holdsTed(found);
      expect(await client.silence('Sales 2', TED, moderator)).toEqual({ wasHeard, isMuted: true, isLed: true });
      expect(changes).toEqual(['GET', 'POST Muted=true', `POST Coaching=true&CallSidToCoach=${MODERATOR}`, 'GET']);
    });

    const silenced = { wasHeard: true, isMuted: true, isLed: true };

    it.each<[string, (Respond | object)[], object | undefined]>([
      ['muted, in words', [heard, {}, {}, { muted: 'true' }], silenced],
      ['not muted', [heard, {}, {}, { muted: false }], { ...silenced, isMuted: false }],
      ['not muted, in words', [heard, {}, {}, { muted: 'false' }], { ...silenced, isMuted: false }],
      ['not said to be muted', [heard, {}, {}, { muted: undefined }], { ...silenced, isMuted: false }],
      ['coaching another', [heard, {}, {}, { call_sid_to_coach: 'bob' }], { ...silenced, isLed: false }],
      ['coaching nobody', [heard, {}, {}, { call_sid_to_coach: null }], { ...silenced, isLed: false }],
      ['neither', [heard, {}, {}, heard], { wasHeard: true, isMuted: false, isLed: false }],
      ['so though the change was refused', [heard, {}, fails, {}], silenced],
      [
        'not so as the change was refused',
        [heard, {}, fails, { call_sid_to_coach: 'bob' }],
        { ...silenced, isLed: false },
      ],
      ['gone before the first reading', [gone], undefined],
      ['gone before the mute', [heard, gone], undefined],
      ['gone after the mute', [heard, {}, gone, gone], undefined],
      ['gone before the reading', [heard, {}, {}, gone], undefined],
    ])('tells whether nobody hears them, as it was read back: %s', async (_how, answers, expected) => {
      holdsTed(...answers);
      expect(await client.silence('Sales 2', TED, moderator)).toEqual(expected);
      expect(changes).toHaveLength(answers.length);
    });

    describe('remove', () => {
      const WAITING = '3d1d0e5c-0000-4000-8000-000000000002';
      type Status = 'init' | 'in-progress';

      /** Answers as a Space with conferences of that name in these states, whose participants `respond` speaks for. */
      function holdsAll(conferences: Partial<Record<Status, string>>, respond: Respond, name = 'Sales 2'): void {
        answer = (req, res) => {
          const asked = new URL(String(req.url), url);
          if (asked.pathname.includes('/Participants')) {
            return respond(res);
          }
          const status = asked.searchParams.get('Status') as Status;
          const sid = conferences[status];
          return json(res, { ...paging, conferences: sid ? [{ sid, friendly_name: name, status }] : [] });
        };
      }

      const removed: Respond = (res) => res.writeHead(204).end();
      const asked = () =>
        requests.map((request) => request.split(' ').slice(0, 2).join(' ').replace('/2010-04-01/Accounts/p-1', ''));
      const list = (status: Status) => `GET /Conferences.json?FriendlyName=Sales+2&Status=${status}`;
      const del = (conference: string) => `DELETE /Conferences/${conference}/Participants/ted.json`;

      it.each<[string, Partial<Record<Status, string>>, string[]]>([
        ['one that runs', { 'in-progress': CONFERENCE }, [list('init'), list('in-progress'), del(CONFERENCE)]],
        ['one that waits', { init: WAITING }, [list('init'), del(WAITING), list('in-progress')]],
        [
          'both',
          { init: WAITING, 'in-progress': CONFERENCE },
          [list('init'), del(WAITING), list('in-progress'), del(CONFERENCE)],
        ],
        // Begun between the two questions.
        [
          'one that begins at this moment',
          { init: CONFERENCE, 'in-progress': CONFERENCE },
          [list('init'), del(CONFERENCE), list('in-progress'), del(CONFERENCE)],
        ],
        ['none', {}, [list('init'), list('in-progress')]],
      ])('takes them out of every conference of that name: %s', async (_which, conferences, expected) => {
        holdsAll(conferences, removed);
        expect(await client.remove('Sales 2', TED)).toBeUndefined();
        expect(asked()).toEqual(expected);
      });

      it('goes on to the next when they are not in the first', async () => {
        holdsAll({ init: WAITING, 'in-progress': CONFERENCE }, gone);
        expect(await client.remove('Sales 2', TED)).toBeUndefined();
        expect(asked()).toEqual([list('init'), del(WAITING), list('in-progress'), del(CONFERENCE)]);
      });

      it('does nothing in a conference of another name', async () => {
        holdsAll({ init: WAITING, 'in-progress': CONFERENCE }, removed, 'Sales 22');
        await client.remove('Sales 2', TED);
        expect(asked()).toEqual([list('init'), list('in-progress')]);
      });

      it.each<[string, Respond, object]>([
        ['an error', fails, { code: 'refused', status: 500 }],
        ['an HTML error', badGateway, { code: 'refused', status: 502 }],
        ['no answer', never, { code: 'timeout' }],
        ['half a connection', (res) => res.destroy(), { code: 'unreachable' }],
      ])('tells of %s', async (_what, respond, error) => {
        holdsAll({ 'in-progress': CONFERENCE }, respond);
        const timeoutMs = respond === never ? 600 : 5_000;
        const other = createSpaceClient({ url, projectId: 'p-1', apiToken: 'PT1' }, { timeoutMs, now: () => NOW });
        await expect(other.remove('Sales 2', TED)).rejects.toMatchObject({ name: 'SpaceError', ...error });
        expect(asked().at(-1)).toBe(del(CONFERENCE));
      });
    });

    it('plays a document to them, which is asked for with POST', async () => {
      holdsTed();
      expect(await client.announce('Sales 2', TED, NOTICE)).toBe(true);
      expect(changes).toEqual([`POST ${new URLSearchParams({ AnnounceUrl: NOTICE, AnnounceMethod: 'POST' })}`]);
    });

    it.each<[string, (asked: SpaceClient) => Promise<unknown>, unknown]>([
      ['silence', (asked) => asked.silence('Sales', TED, moderator), undefined],
      ['announce', (asked) => asked.announce('Sales', TED, NOTICE), false],
    ])('does nothing in a conference of another name: %s', async (_what, use, expected) => {
      holdsTed();
      expect(await use(client)).toBe(expected);
      expect(changes).toEqual([]);
    });

    const silence = (asked: SpaceClient) => asked.silence('Sales 2', TED, moderator);
    const announce = (asked: SpaceClient) => asked.announce('Sales 2', TED, NOTICE);
    const list = (asked: SpaceClient) => asked.listModerators();

    it.each<[string, (asked: SpaceClient) => Promise<unknown>, (Respond | object)[], object]>([
      ['an error at the first reading', silence, [fails], { code: 'refused', status: 500 }],
      ['HTML at the first reading', silence, [html], { code: 'unreadable' }],
      ['an error at the mute', silence, [heard, fails], { code: 'refused', status: 500 }],
      ['an HTML error at the mute', silence, [heard, badGateway], { code: 'refused', status: 502 }],
      ['HTML at the mute', silence, [heard, html], { code: 'unreadable' }],
      ['HTML at the change', silence, [heard, {}, html], { code: 'unreadable' }],
      ['an error at the reading', silence, [heard, {}, {}, fails], { code: 'refused', status: 500 }],
      ['silence at the first reading', silence, [never], { code: 'timeout' }],
      ['silence at the mute', silence, [heard, never], { code: 'timeout' }],
      ['silence at the change', silence, [heard, {}, never], { code: 'timeout' }],
      ['silence at the reading', silence, [heard, {}, {}, never], { code: 'timeout' }],
      ['an error at the announcement', announce, [fails], { code: 'refused', status: 500 }],
      ['an HTML error at the announcement', announce, [badGateway], { code: 'refused', status: 502 }],
      ['HTML at the announcement', announce, [html], { code: 'unreadable' }],
      ['silence at the announcement', announce, [never], { code: 'timeout' }],
      ['an error in the list of participants', list, [fails], { code: 'refused', status: 500 }],
      ['HTML in the list of participants', list, [html], { code: 'unreadable' }],
      ['silence in the list of participants', list, [never], { code: 'timeout' }],
    ])('tells of %s', async (_what, use, answers, error) => {
      holdsTed(...answers);
      const timeoutMs = answers.includes(never) ? 600 : 5_000;
      const asked = createSpaceClient({ url, projectId: 'p-1', apiToken: 'PT1' }, { timeoutMs, now: () => NOW });
      await expect(use(asked)).rejects.toMatchObject({ name: 'SpaceError', ...error });
      expect(changes).toHaveLength(answers.length);
    });

    it.each<[string, (asked: SpaceClient) => Promise<unknown>]>([
      ['silence', silence],
      ['announce', announce],
      ['remove', (asked) => asked.remove('Sales 2', TED)],
      ['listModerators', list],
    ])('tells that the conferences could not be asked for: %s', async (_what, use) => {
      answer = (_req, res) => void fails(res);
      await expect(use(client)).rejects.toMatchObject({ name: 'SpaceError', code: 'refused', status: 500 });
      answer = (_req, res) => void html(res);
      await expect(use(client)).rejects.toMatchObject({ name: 'SpaceError', code: 'unreadable' });
      server.close();
      server.closeAllConnections();
      await expect(use(client)).rejects.toMatchObject({ name: 'SpaceError', code: 'unreachable' });
    });
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
      startsConference: false,
      joinedAgoMs: 3_600_000,
    };
    const call = { sid: TED, status: 'in-progress', from: '+15550001', to: '+15550002', direction: 'inbound' };
    const conferences = (...entries: unknown[]) => ({ ...paging, conferences: entries });
    const participants = (...entries: unknown[]) => ({ ...paging, participants: entries });
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
      it('lists those that are not over, started or not', async () => {
        answers(
          conferences({ sid: OTHER, friendly_name: 'Süpport 2', status: 'init' }),
          conferences(conference, { ...conference, sid: 'over', status: 'completed' }),
        );
        expect(await client.listConferences()).toEqual([
          { conferenceSid: OTHER, room: 'Süpport 2', hasStarted: false, createdAgoMs: 1 },
          { conferenceSid: CONFERENCE, room: 'Sales', hasStarted: true, createdAgoMs: 3_600_000 },
        ]);
        expect(asked).toEqual([
          'GET /Conferences.json?Status=init&PageSize=1000',
          'GET /Conferences.json?Status=in-progress&PageSize=1000',
        ]);
      });

      it('lists those of one room by its exact name', async () => {
        const named = (name: string, sid: string) => ({ ...conference, sid, friendly_name: name });
        answers(conferences(named('Sales 22', 'a'), named('sales 2', 'b')), conferences(named('Sales 2', 'c')));
        expect(await client.listConferences('Sales 2')).toMatchObject([{ conferenceSid: 'c', room: 'Sales 2' }]);
        expect(asked).toEqual([
          'GET /Conferences.json?FriendlyName=Sales+2&Status=init&PageSize=1000',
          'GET /Conferences.json?FriendlyName=Sales+2&Status=in-progress&PageSize=1000',
        ]);
      });

      it('lists one that starts meanwhile once, as started', async () => {
        answers(conferences({ ...conference, status: 'init' }), conferences(conference));
        expect(await client.listConferences()).toMatchObject([{ conferenceSid: CONFERENCE, hasStarted: true }]);
      });

      it('leaves out odd entries', async () => {
        const odd = [null, 'Sales', 1, [], {}, { ...conference, sid: '../Calls' }, { ...conference, sid: null }];
        const unnamed = [undefined, null, '', 7].map((name) => ({ ...conference, sid: 'a', friendly_name: name }));
        answers(conferences(...odd, conference, ...unnamed), conferences());
        expect(await client.listConferences()).toHaveLength(1);
      });
    });

    describe('listParticipants', () => {
      it('lists those who have not left', async () => {
        answers(participants(participant, { ...participant, call_sid: 'gone', status: 'completed' }));
        expect(await client.listParticipants(conferenceSid)).toEqual([ted]);
        expect(asked).toEqual([`GET /Conferences/${CONFERENCE}/Participants.json?PageSize=1000`]);
      });

      it('reads every page, at the address that the one before gives', async () => {
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
          { isMuted: false, isOnHold: true, isCoaching: true, endsConference: true, startsConference: true },
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
        ['no date', { date_created: undefined }, { joinedAgoMs: 1 }],
        ['an unreadable date', { date_created: 'soon' }, { joinedAgoMs: 1 }],
        ['a date in the future', { date_created: 'Fri, 02 Jan 2026 11:00:00 +0000' }, { joinedAgoMs: 1 }],
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
        [{ target: 'nobody' }, 'Coaching=false'],
        [{ announceUrl: URL }, `${new URLSearchParams({ AnnounceUrl: URL, AnnounceMethod: 'POST' })}`],
        [{ muted: true, target: ALICE }, `Muted=true&Coaching=true&CallSidToCoach=${ALICE}`],
      ])('sends %j', async (change, form) => {
        answers(participant);
        expect(await client.changeParticipant(conferenceSid, TED, change)).toEqual(ted);
        expect(asked).toEqual([`POST /Conferences/${CONFERENCE}/Participants/${TED}.json ${form}`]);
      });

      it('answers with what the Space answered, even if that is not the change', async () => {
        answers({ ...participant, muted: 'false' });
        expect(await client.changeParticipant(conferenceSid, TED, { muted: true })).toEqual({ ...ted, isMuted: false });
      });

      it('answers with nobody when the participant has left', async () => {
        answers({ ...participant, status: 'completed' });
        expect(await client.changeParticipant(conferenceSid, TED, { muted: true })).toBeUndefined();
      });
    });

    it('removes a participant', async () => {
      answers((res) => res.writeHead(204).end());
      expect(await client.removeParticipant(conferenceSid, TED)).toBe(true);
      expect(asked).toEqual([`DELETE /Conferences/${CONFERENCE}/Participants/${TED}.json`]);
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

      it('finds none where there is none', async () => {
        answers(missing);
        expect(await client.findCall(TED)).toBeUndefined();
      });
    });

    describe('redirectCall', () => {
      const URL = 'https://coach.example.com/coach/Sales?mode=monitor';

      it.each([
        ['in-progress', true],
        ['completed', false],
      ])('sends a call to another address, and it is %s', async (status, expected) => {
        answers({ ...call, status });
        expect(await client.redirectCall(TED, URL)).toBe(expected);
        expect(asked).toEqual([`POST /Calls/${TED}.json ${new URLSearchParams({ Url: URL, Method: 'POST' })}`]);
      });
    });

    const reads: [string, (from: SpaceClient) => Promise<unknown>][] = [
      ['listConferences', (from) => from.listConferences()],
      ['listParticipants', (from) => from.listParticipants(conferenceSid)],
      ['findParticipant', (from) => from.findParticipant(conferenceSid, TED)],
      ['findCall', (from) => from.findCall(TED)],
    ];
    const changes: [string, (from: SpaceClient) => Promise<unknown>, unknown][] = [
      ['changeParticipant', (from) => from.changeParticipant(conferenceSid, TED, { muted: true }), undefined],
      ['removeParticipant', (from) => from.removeParticipant(conferenceSid, TED), false],
      ['redirectCall', (from) => from.redirectCall(TED, 'https://coach.example.com/coach'), false],
    ];
    const all = [...reads, ...changes.map(([name, use]): (typeof reads)[number] => [name, use])];

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
      it('takes code 10000 for an error', async () => {
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
        const hasty = createSpaceClient({ url, projectId: 'p-1', apiToken: 'PT1' }, { timeoutMs: 100, now: () => NOW });
        await expect(use(hasty)).rejects.toMatchObject({ name: 'SpaceError', code: 'timeout' });
      });
    });

    it.each<[string, (from: SpaceClient) => Promise<unknown>, object[]]>([
      ['both lists of conferences', (from) => from.listConferences(), [conferences()]],
      [
        'the pages of a list',
        (from) => from.listParticipants(conferenceSid),
        [{ ...participants(participant), next_page_uri: `${ROOT}/Conferences/${CONFERENCE}/Participants.json?Page=1` }],
      ],
      ['a conference without participants', (from) => from.listParticipants(conferenceSid), [participants()]],
    ])('has one time-out for %s', async (_what, use, first) => {
      answers(...first, () => {});
      const hasty = createSpaceClient({ url, projectId: 'p-1', apiToken: 'PT1' }, { timeoutMs: 1_000, now: () => NOW });
      await expect(use(hasty)).rejects.toMatchObject({ name: 'SpaceError', code: 'timeout' });
      expect(asked).toHaveLength(first.length + 1);
    });

    it('tells of each request before it is made', async () => {
      const log: string[] = [];
      const counted = createSpaceClient(
        { url, projectId: 'p-1', apiToken: 'PT1' },
        { timeoutMs: 5_000, now: () => NOW, onRequest: () => log.push('counted') },
      );
      const lastPage = conferences(conference);
      answers(
        conferences(),
        { ...lastPage, next_page_uri: `${ROOT}/Conferences.json?Page=1&PageToken=PA1` },
        lastPage,
        missing,
      );
      const scripted = answer;
      answer = (req, res) => {
        log.push('asked');
        return scripted(req, res);
      };
      await counted.listConferences();
      await counted.findCall(TED);
      expect(log).toEqual(Array.from({ length: 4 }, () => ['counted', 'asked']).flat());
    });
  });
});
