import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
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
});
