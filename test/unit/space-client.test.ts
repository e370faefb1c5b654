import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseSid, type Sid } from '../../src/signalwire/sid';
import { createSpaceClient, type SpaceClient } from '../../src/signalwire/space-client';

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
});
