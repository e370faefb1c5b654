import { randomBytes } from 'node:crypto';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { RIGHTS } from '../../src/people/rights';
import { StoreError } from '../../src/redis/store-error';
import { createRestClient } from '../../src/signalwire/rest-client';
import { createMemoryStore } from '../../src/stores';
import { LONGEST_OPENING_MS, SAME_OPENING_MS } from '../../src/supervision/recording-openings';
import { type AuditRecord, readTrail } from '../../src/supervision/trail';
import { tokenFor } from '../support/api-client';
import { ALICE, startApp, type TestAppOptions } from '../support/app';
import { onTestFinished } from '../support/on-test-finished';
import { eventually } from '../support/redis-server';
import { roomNamed } from '../support/room-stores';
import { type Asked, startScriptedServer } from '../support/scripted-server';

const ALL = tokenFor('all', RIGHTS);
const OTHER = tokenFor('other', ['record']);
const SUPPORT = tokenFor('support', RIGHTS, { rooms: [roomNamed('support')] });
const NO_RECORDS = tokenFor(
  'blind',
  RIGHTS.filter((right) => right !== 'record'),
);
/** Where the Space has the audio, and all else. */
const AUDIO = '/api/laml/2010-04-01/Accounts/p-1';
const ROOT = '/2010-04-01/Accounts/p-1';
const PATH = '/rooms/sales/recordings/RE-7/media';
const WAV = randomBytes(3_000_000);

type Play = (res: ServerResponse, asked: Asked) => void;

/** How the Space sends audio, with headers that are none of the client's business. */
const audio = (headers: object = { 'content-type': 'audio/x-wav' }) => ({ 'x-secret': 'secret-8', ...headers });
const play: Play = (res) => res.writeHead(200, { ...audio(), 'content-length': WAV.length }).end(WAV);
const missing: Play = (res) => res.writeHead(404, { 'content-type': 'application/json' }).end('{"code":20404}');

/** A server whose room `sales` knows the recording RE-7, but not RE-8. The Space sends audio from a secret path. */
async function start(answer: Play = play, options: TestAppOptions = {}) {
  let isClosed = false;
  const json =
    (body: object): Play =>
    (res) => {
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
  const redirect: Play = (res) => res.writeHead(302, { location: '/secret-7.wav?signature=1' }).end();
  const space = await startScriptedServer({
    [`${AUDIO}/Recordings/RE-7.wav`]: redirect,
    [`${AUDIO}/Recordings/RE-8.wav`]: redirect,
    '/secret-7.wav': (res, asked) => {
      res.on('close', () => {
        isClosed = true;
      });
      answer(res, asked);
    },
    [`${ROOT}/Recordings/RE-7.json`]: json({ sid: 'RE-7', conference_sid: 'CF-1', status: 'completed' }),
    [`${ROOT}/Recordings/RE-8.json`]: json({ sid: 'RE-8', conference_sid: 'CF-1', status: 'completed' }),
    [`${ROOT}/Recordings/RE-9.json`]: missing,
    [`${ROOT}/Conferences/CF-1.json`]: json({ sid: 'CF-1', friendly_name: 'sales', status: 'completed' }),
  });
  const settings = { url: space.url, projectId: 'p-1', apiToken: 'PT-secret' };
  const app = await startApp({
    space: createRestClient(settings, { timeoutMs: 2_000, now: Date.now }),
    tokens: [ALL, OTHER, SUPPORT, NO_RECORDS].map(({ entry }) => entry),
    ...options,
  });
  onTestFinished(async () => {
    await app.stop();
    expect(app.log.join('') + JSON.stringify(app.refused)).not.toMatch(/secret|Accounts|RE-[789]/);
  });
  await app.post('/events/recording/sales', { CallSid: 'alice-1', RecordingSid: 'RE-7', RecordingStatus: 'completed' });

  /** Sends a request; resolves when the answer begins. */
  const open = (path = PATH, token = ALL.secret, method = 'GET', more: Record<string, string> = {}) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, ...more };
      httpRequest({ host: '127.0.0.1', port: app.port, method, path: `/api/v1${path}`, agent: false, headers }, resolve)
        .on('error', reject)
        .end();
    });
  /** The whole answer. @throws if it breaks off */
  const load = async (...request: Parameters<typeof open>) => {
    const res = await open(...request);
    const body = await buffer(res);
    expect(JSON.stringify(res.rawHeaders)).not.toMatch(/secret|Accounts/);
    return { status: res.statusCode, headers: res.headers, body };
  };
  /** The lines of the trail about the audio of recordings. */
  const opened = async () => {
    const lines: AuditRecord[] = [];
    for await (const record of readTrail(app.store, 0)) {
      if (record.action === 'open') {
        lines.push(record);
      }
    }
    return lines;
  };
  return { app, space, open, load, opened, isClosed: () => isClosed };
}

/** The problem in an answer. */
const problemIn = ({ status, body }: { status: number | undefined; body: Buffer }) => {
  expect(body.toString()).not.toMatch(/secret|Accounts|RE-[789]/);
  return [status, JSON.parse(body.toString()).code];
};

describe('the audio of a recording', () => {
  it('arrives whole, as a file to save', async () => {
    const { load } = await start();
    const { status, headers, body } = await load();
    expect(status).toBe(200);
    expect(body.equals(WAV)).toBe(true);
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'content-disposition': 'attachment; filename="RE-7.wav"',
      'content-length': String(WAV.length),
      'content-type': 'audio/x-wav',
      'x-content-type-options': 'nosniff',
    });
  });

  it.each<[string, object, string]>([
    ['no type', {}, 'application/octet-stream'],
    ['another type', { 'content-type': 'binary/octet-stream' }, 'application/octet-stream'],
    ['a type with a parameter', { 'content-type': 'audio/mpeg; x="<script>"' }, 'audio/mpeg'],
  ])('arrives with %s, and without its length', async (_what, headers, type) => {
    const { load } = await start((res) => res.writeHead(200, audio(headers)).end(WAV));
    const reply = await load();
    expect(reply.body.equals(WAV)).toBe(true);
    expect(reply.headers).toMatchObject({ 'content-type': type, 'content-disposition': expect.any(String) });
    expect(reply.headers['content-length']).toBeUndefined();
  });

  it('is opened for the room after which the Space named its conference, also if the room does not know it', async () => {
    const { load } = await start();
    const { status, body } = await load('/rooms/sales/recordings/RE-8/media');
    expect([status, body.equals(WAV)]).toEqual([200, true]);
  });

  it('is not sent for HEAD', async () => {
    const { load, isClosed } = await start((res) => void res.writeHead(200, audio()).write(WAV));
    const { status, headers, body } = await load(PATH, ALL.secret, 'HEAD');
    expect([status, headers['content-type'], body.length]).toEqual([200, 'audio/x-wav', 0]);
    await eventually(() => expect(isClosed()).toBe(true));
  });

  it.each<[string, Parameters<Awaited<ReturnType<typeof start>>['open']>, number, string]>([
    ['a token of another room', [PATH, SUPPORT.secret], 403, 'not_allowed'],
    ['a token without the right', [PATH, NO_RECORDS.secret], 403, 'not_allowed'],
    ["another room's recording", ['/rooms/support/recordings/RE-7/media', SUPPORT.secret], 404, 'no_such_recording'],
    ['a recording that nobody knows', ['/rooms/sales/recordings/RE-9/media'], 404, 'no_such_recording'],
    ['a SID that cannot be', ['/rooms/sales/recordings/a.b/media'], 400, 'invalid_parameter'],
  ])('is refused to %s, without a request for it', async (_what, request, status, code) => {
    const { space, load } = await start();
    expect(problemIn(await load(...request))).toEqual([status, code]);
    expect(space.asked.filter(({ path }) => /\.wav/.test(path))).toEqual([]);
  });

  it.each<[string, Play, number, string]>([
    ['has none yet', missing, 404, 'no_such_recording'],
    ['refuses', (res) => res.writeHead(401).end('{"message":"secret-7"}'), 502, 'space_refused'],
    [
      'sends a page',
      (res) => res.writeHead(200, { 'content-type': 'text/html' }).end('secret'),
      502,
      'space_unreadable',
    ],
    ['breaks off before it begins', (res) => res.destroy(), 502, 'space_unreachable'],
    ['does not begin', () => {}, 504, 'space_timeout'],
  ])('is a problem if the Space %s', async (_what, answer, status, code) => {
    const { load } = await start(answer);
    expect(problemIn(await load())).toEqual([status, code]);
  });

  it.each<[string, object, (res: ServerResponse) => void]>([
    ['breaks off', {}, (res) => res.destroy()],
    ['breaks off before the length it gave', { 'content-length': WAV.length * 2 }, (res) => res.destroy()],
    ['stops', { 'content-length': WAV.length * 2 }, () => {}],
  ])('breaks off if the Space %s in the middle, and the log says so', async (_what, headers, end) => {
    const { app, open } = await start((res) => {
      res.writeHead(200, audio({ 'content-type': 'audio/x-wav', ...headers })).write(WAV, () => end(res));
    });
    const res = await open();
    expect(res.statusCode).toBe(200);
    await expect(buffer(res)).rejects.toThrow('aborted');
    const lines = app.log.map((line) => JSON.parse(line));
    await eventually(() => expect(app.log.join('')).toContain('Recording broke off'));
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('ends at the Space too if the client leaves in the middle', async () => {
    const { app, open, isClosed } = await start((res) => void res.writeHead(200, audio()).write(WAV));
    const res = await open();
    res.destroy();
    await eventually(() => expect(isClosed()).toBe(true));
    await eventually(() => expect(app.log.join('')).toContain('"aborted":true'));
    expect(app.log.join('')).not.toContain('Recording broke off');
  });

  it('ends at the Space too if the client leaves before it begins', async () => {
    let begin = () => {};
    const { app, space, isClosed } = await start((res) => {
      begin = () => void res.writeHead(200, audio()).write(WAV);
    });
    const headers = { authorization: `Bearer ${ALL.secret}` };
    const req = httpRequest({ host: '127.0.0.1', port: app.port, path: `/api/v1${PATH}`, agent: false, headers });
    req.on('error', () => {}).end();
    await eventually(() => expect(space.asked.at(-1)?.path).toContain('secret-7'));
    req.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    begin();
    await eventually(() => expect(isClosed()).toBe(true));
  });

  it('is read no faster than the client reads it', async () => {
    let sent = 0;
    const { open } = await start((res) => {
      res.writeHead(200, audio());
      const more = () => {
        while (res.writable && sent < 200_000_000) {
          sent += WAV.length;
          if (!res.write(WAV)) {
            res.once('drain', more);
            return;
          }
        }
      };
      more();
    });
    const res = await open();
    let before = -1;
    await eventually(async () => {
      [before] = [sent];
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(sent).toBe(before);
    });
    expect(sent).toBeLessThan(30_000_000);
    res.destroy();
  });
});

describe('a part of the audio', () => {
  /** A Space that serves ranges. */
  const playPart: Play = (res, { headers: { range = 'bytes=0-' } }) => {
    const [, from = '', last] = /^bytes=(\d*)-(\d*)$/.exec(String(range)) ?? [];
    const first = from === '' ? Math.max(0, WAV.length - Number(last)) : Number(from);
    if (first >= WAV.length) {
      res.writeHead(416, { 'content-range': `bytes */${WAV.length}` }).end();
      return;
    }
    const place = `bytes ${first}-${WAV.length - 1}/${WAV.length}`;
    res.writeHead(206, audio({ 'content-type': 'audio/x-wav', 'content-range': place })).end(WAV.subarray(first));
  };
  const partOf = (range: string, method = 'GET', more: Record<string, string> = {}) =>
    [PATH, ALL.secret, method, { range, ...more }] as const;

  it('is what the Space sends of the range', async () => {
    const { load } = await start(playPart);
    const { status, headers, body } = await load(...partOf('bytes=2000000-'));
    expect(status).toBe(206);
    expect(headers).toMatchObject({
      'accept-ranges': 'bytes',
      'cache-control': 'no-store',
      'content-disposition': 'attachment; filename="RE-7.wav"',
      'content-range': 'bytes 2000000-2999999/3000000',
      'content-type': 'audio/x-wav',
    });
    expect(body.equals(WAV.subarray(2_000_000))).toBe(true);
  });

  it('is the whole if the Space serves no ranges', async () => {
    const { load } = await start();
    const { status, headers, body } = await load(...partOf('bytes=2000000-'));
    expect([status, headers['accept-ranges'], headers['content-range']]).toEqual([200, undefined, undefined]);
    expect(body.equals(WAV)).toBe(true);
  });

  it.each<[string, Parameters<typeof partOf>]>([
    ['several ranges', ['bytes=0-1,4-5']],
    ['another unit', ['seconds=1-2']],
    ['a version, which audio has not', ['bytes=5-', 'GET', { 'if-range': '"a"' }]],
    ['HEAD', ['bytes=5-', 'HEAD']],
  ])('is not asked for with %s', async (_what, request) => {
    const { load, space } = await start();
    expect(await load(...partOf(...request))).toMatchObject({ status: 200 });
    expect(space.asked.filter(({ headers }) => headers.range !== undefined)).toEqual([]);
  });

  it('is a problem beyond the end, and no line of the trail', async () => {
    const { load, opened } = await start(playPart);
    expect(problemIn(await load(...partOf('bytes=3000000-')))).toEqual([416, 'range_not_satisfiable']);
    expect(await opened()).toEqual([]);
  });

  it('has a line in the trail, also without the beginning', async () => {
    const { load, opened } = await start(playPart);
    await load(...partOf('bytes=1-'));
    expect(await opened()).toHaveLength(1);
  });

  it('belongs to the listening that it continues, for an hour', async () => {
    let time = Date.now();
    const { load, opened } = await start(playPart, { now: () => time });
    const written = time;
    await load(...partOf('bytes=0-'));
    for (; time < written + LONGEST_OPENING_MS; time += SAME_OPENING_MS - 1) {
      await load(...partOf('bytes=65536-'));
    }
    expect(await opened()).toHaveLength(1);
    // After an hour, from the beginning again, or after a pause, it is another.
    time = written + LONGEST_OPENING_MS;
    await load(...partOf('bytes=-100'));
    expect(await opened()).toHaveLength(2);
    time += SAME_OPENING_MS - 1;
    await load(...partOf('bytes=2000000-'));
    time += 1;
    await load(...partOf('bytes=0-'));
    expect(await opened()).toHaveLength(3);
    time += SAME_OPENING_MS;
    await load(...partOf('bytes=2000000-'));
    expect(await opened()).toHaveLength(4);
  });

  it.each<[string, string, Play]>([
    ['leaves out almost nothing', 'bytes=1-', playPart],
    ['leaves out a few seconds', 'bytes=65535-', playPart],
    ['is longer than the audio', 'bytes=-999999999', playPart],
    ['the Space answers with the whole', 'bytes=2000000-', play],
  ])('that %s is another listening', async (_what, range, answer) => {
    let time = Date.now();
    const { load, opened } = await start(answer, { now: () => time });
    await load(...partOf(range));
    time += SAME_OPENING_MS - 1;
    await load(...partOf(range));
    expect(await opened()).toHaveLength(1);
    time += 1;
    await load(...partOf(range));
    expect(await opened()).toHaveLength(2);
  });
});

describe('the audit trail', () => {
  it('says who opened the audio of which recording, and whose call it is', async () => {
    const people = { moderators: [{ name: 'Alice', number: ALICE }] };
    const { app, load, opened } = await start(play, { people });
    await app.post('/conference/sales', { CallSid: 'alice-1', From: ALICE });
    await load();
    await load('/rooms/sales/recordings/RE-8/media', OTHER.secret);
    const line = { kind: 'action', action: 'open', status: 'accepted', room: 'sales', source: 'api' };
    expect(await opened()).toEqual([
      expect.objectContaining({
        ...line,
        at: expect.any(String),
        by: 'token all',
        recordingSid: 'RE-7',
        callSid: 'alice-1',
        role: 'moderator',
        moderator: 'Alice',
      }),
      expect.objectContaining({ ...line, by: 'token other', recordingSid: 'RE-8', conferenceSid: 'CF-1' }),
    ]);
    // It is no action on the room.
    const { body } = await load('/rooms/sales');
    expect(JSON.parse(body.toString())).toMatchObject({ actions: [], participants: [{ callSid: 'alice-1' }] });
  });

  it('has one line for each person and recording, again after a while', async () => {
    let time = Date.now();
    const { load, opened } = await start(play, { now: () => time });
    await Promise.all([load(), load(), load(PATH, OTHER.secret)]);
    time += SAME_OPENING_MS - 1;
    await load();
    expect((await opened()).map(({ by }) => by).sort()).toEqual(['token all', 'token other']);
    time += 1;
    await load();
    expect(await opened()).toHaveLength(3);
  });

  it.each<[string, Play]>([
    ['has none', missing],
    ['does not send it', (res) => res.destroy()],
  ])('has no line of audio that the Space %s', async (_what, answer) => {
    const { load, opened } = await start(answer);
    await load();
    expect(await opened()).toEqual([]);
  });

  it('is written before the audio is sent: none is, while that is impossible', async () => {
    const memory = createMemoryStore({ lifetimeMs: 60_000, monotonicNow: Date.now, now: Date.now });
    let isAway = false;
    const store: TestAppOptions['store'] = {
      ...memory,
      rooms: {
        ...memory.rooms,
        apply: (...write) =>
          isAway ? Promise.reject(new StoreError('unavailable', 'away')) : memory.rooms.apply(...write),
      },
    };
    const { load, opened, isClosed } = await start(play, { store });
    isAway = true;
    expect(problemIn(await load())).toEqual([503, 'store_away']);
    await eventually(() => expect(isClosed()).toBe(true));
    isAway = false;
    expect(await load()).toMatchObject({ status: 200 });
    expect(await opened()).toHaveLength(1);
  });
});
