import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { anyCharacter, fuzzRuns, isFullFuzz } from '../support/fuzz';
import { onTestFinished } from '../support/on-test-finished';
import { startProgram } from '../support/process';
import { eventually } from '../support/redis-server';
import { rosterSettings } from '../support/roster';
import { sign } from '../support/sign';

const KEY = 'PSK_test';
const PUBLIC_URL = 'https://coach.example.com';
const FORM = 'application/x-www-form-urlencoded';

/** Requests in a batch; a batch has a connection of its own for each. */
const BATCH = 50;

const some = <T>(...values: T[]) => fc.constantFrom(...values);
const junk = fc.oneof(
  fc.string({ unit: anyCharacter, maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  some(
    '__proto__',
    'constructor',
    '<Hangup/>',
    '&#0;',
    '\u0000',
    '\u202e',
    '../..',
    '%00',
    '%zz',
    ' ',
    '',
    '+15557788999',
  ),
);
const room = fc.oneof(some('sales', 'Sales 2', 'sample-conf', '..', '.', 'é', 'x'.repeat(65)), junk);
const path = fc.oneof(
  some(
    '/conference',
    '/coach',
    '/supervisor',
    '/supervisor/pin',
    '/supervisor/room',
    '/fallback',
    '/healthz',
    '/readyz',
  ),
  some('/notices/moderator', '/notices/supervisor', '/', '//', '/.', '*', 'http://a/conference', 'http://[/x', ''),
  room.map((name) => `/conference/${encodeURIComponent(name)}`),
  fc
    .tuple(
      some('/conference', '/coach', '/events/conference', '/fallback'),
      room,
      some('', '/pin', '/ended', '/key', '/a/b'),
    )
    .map(([start, name, end]) => `${start}/${encodeURIComponent(name)}${end}`),
  junk.map((text) => `/${text.replace(/[\s\p{Cc}]/gu, '')}`),
);
const field = fc.tuple(
  fc.oneof(
    some('CallSid', 'From', 'To', 'Direction', 'Digits', 'CallStatus', 'DialCallStatus', 'ErrorCode', 'Timestamp'),
    some('ConferenceSid', 'StatusCallbackEvent', 'Muted', 'Coaching', 'CallSidToCoach', 'StartConferenceOnEnter'),
    some(
      'EndConferenceOnExit',
      'mode',
      'attempt',
      'stay',
      'reprompts',
      'target',
      'announced',
      'token',
      'try',
      'room',
      'rooms',
      'page',
    ),
    junk,
  ),
  fc.oneof(
    some(
      'call-1',
      'call-2',
      '+15557788999',
      '+15550001111',
      '+15550002222',
      'anonymous',
      'sip:ted@example.com',
      '13240',
    ),
    some('participant-join', 'participant-leave', 'conference-end', 'answered', 'failed', 'completed', 'true', 'false'),
    some(
      '1',
      '2',
      '4',
      '9',
      '*',
      '#',
      '*12345',
      '24680',
      'coach',
      'barge',
      'monitor',
      '-1',
      '1e9',
      '99999999999999999999',
    ),
    some('Wed, 25 Nov 2026 08:00:00 +0000', 'Thu, 01 Jan 1970 00:00:00 GMT', 'x'.repeat(5_000)),
    junk,
  ),
);
const form = fc
  .array(field, { maxLength: 12 })
  .map((fields) => ({ fields, text: new URLSearchParams(fields).toString() }));
const method = fc.oneof(
  { weight: 8, arbitrary: some('POST', 'GET') },
  { weight: 1, arbitrary: some('PUT', 'HEAD', 'OPTIONS', 'TRACE', 'CONNECT', 'PROPFIND', 'SHOUT', 'get', '') },
);
const extraHeader = fc.oneof(
  some(
    'Expect: 100-continue',
    'Expect: x',
    'Connection: Upgrade\r\nUpgrade: websocket',
    'Connection: Upgrade\r\nUpgrade: h2c',
  ),
  some(
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: gzip',
    'Content-Encoding: gzip',
    'Content-Length: 3',
    'Content-Length: -1',
  ),
  some(
    'Host: b',
    'X-Forwarded-For: 1.2.3.4, x',
    'X-Forwarded-Proto: https',
    'Cookie: a=b',
    'X-A: é\u0007',
    'X-A',
    ': a',
    ' folded',
  ),
  fc.tuple(junk, junk).map(([name, value]) => `${name}: ${value}`),
);

/** A request that is right but for one thing, or for nothing. */
const nearMiss: fc.Arbitrary<Buffer> = fc
  .record({
    method: some('POST', 'GET'),
    path,
    query: form,
    form,
    miss: some('none', 'none', 'none', 'key', 'byte', 'case', 'cut', 'twice', 'url', 'field', 'order', 'header'),
  })
  .map(({ method, path, query, form, miss }) => {
    const target = encodeURI(path || '/') + (query.text === '' ? '' : `?${query.text}`);
    const fields = method === 'POST' ? form.fields : [];
    const signed = sign(
      miss === 'key' ? `${KEY}x` : KEY,
      PUBLIC_URL + target + (miss === 'url' ? '&' : ''),
      miss === 'field' ? [...fields, ['x', 'y']] : miss === 'order' ? [...fields].reverse() : fields,
    );
    const spoilt: Record<string, string> = {
      byte: `${signed.slice(0, -2)}A=`,
      case: signed.toLowerCase(),
      cut: signed.slice(0, -1),
    };
    const signature = spoilt[miss] ?? signed;
    const header = `X-SignalWire-Signature: ${signature}\r\n`;
    const body = method === 'POST' ? form.text : '';
    return Buffer.from(
      `${method} ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${miss === 'header' ? '' : header}${miss === 'twice' ? header : ''}` +
        (method === 'POST' ? `Content-Type: ${FORM}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` : '') +
        `\r\n${body}`,
    );
  });

/** Something like a request. */
const distorted: fc.Arbitrary<Buffer> = fc
  .record({
    method,
    target: fc.oneof(path, junk),
    version: some('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/9', ''),
    headers: fc.array(extraHeader, { maxLength: 4 }),
    type: some(FORM, `${FORM}; charset=utf-16`, 'application/json', 'multipart/form-data', ''),
    body: fc.oneof(
      form.map(({ text }) => text),
      junk,
      some('x'.repeat(70_000), 'a=1&'.repeat(200), '5\r\nhello\r\n0\r\n\r\n', 'ffffffff\r\nx', '{"a":1}'),
    ),
    lengthOff: some(0, 0, 0, 0, -1, 5),
    lineEnd: some('\r\n', '\r\n', '\r\n', '\n', '\r'),
    cut: fc.option(fc.nat(400), { freq: 6 }),
  })
  .map(({ method, target, version, headers, type, body, lengthOff, lineEnd, cut }) => {
    const lines = [
      `${method} ${target} ${version}`,
      'Host: a',
      'Connection: close',
      'X-SignalWire-Signature: x',
      `Content-Type: ${type}`,
      `Content-Length: ${Buffer.byteLength(body) + lengthOff}`,
      ...headers,
    ];
    const bytes = Buffer.from(lines.join(lineEnd) + lineEnd + lineEnd + body);
    return cut === null ? bytes : bytes.subarray(0, cut);
  });

const noise: fc.Arbitrary<Buffer> = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes));

const attack = fc.oneof(
  { weight: 5, arbitrary: nearMiss },
  { weight: 4, arbitrary: distorted },
  { weight: 1, arbitrary: noise },
);

/** Sends this and closes our side; what the server said. */
function exchange(port: number, bytes: Buffer | string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1').on('data', (part: string) => {
      text += part;
    });
    // A reset, too, is an answer.
    socket.on('error', () => {}).once('close', () => resolve(text));
    socket.end(bytes);
  });
}

it('nothing that a stranger can send is answered with 5xx, ends the process or is remembered', async () => {
  const TED = { name: 'Ted', number: '+15550002222', pin: '24680', requirePin: true };
  const program = await startProgram({
    PORT: '0',
    PUBLIC_URL,
    SIGNALWIRE_SIGNING_KEY: KEY,
    MODERATOR_NUMBERS: '+15557788999',
    ...rosterSettings({ supervisors: [TED] }),
  });
  onTestFinished(() => {
    program.child.kill('SIGKILL');
    return program.exit;
  });
  const port = await program.port();
  const resident = () =>
    Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${program.child.pid}/status`, 'utf8'))?.[1]) / 1024;
  const statuses = new Map<string, number>();
  let early: number | undefined;

  await fc.assert(
    fc.asyncProperty(fc.array(attack, { minLength: BATCH, maxLength: BATCH }), async (batch) => {
      const answers = await Promise.all(batch.map((one) => exchange(port, one)));
      for (const answer of answers) {
        for (const [, status = ''] of answer.matchAll(/^HTTP\/1\.1 (\d{3})/gm)) {
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          expect(status).not.toMatch(/^5/);
        }
      }
      expect(await exchange(port, 'GET /healthz HTTP/1.0\r\n\r\n')).toMatch(/ok\n$/);
      early ??= resident();
    }),
    { numRuns: fuzzRuns(100_000 / BATCH), endOnFailure: true },
  );

  // Each kind of answer is among them: the requests are not all alike.
  const expected = ['200', '400', '403', '404', ...(isFullFuzz ? ['204', '405', '413', '415'] : [])];
  expect([...statuses.keys()]).toEqual(expect.arrayContaining(expected));
  const failures = program
    .stdout()
    .split('\n')
    .filter((line) => /"level":"(error|fatal)"/.test(line));
  expect(failures).toEqual([]);
  expect(program.stderr()).toBe('');
  if (isFullFuzz) {
    // Once it is idle, Node gives back what a busy moment took.
    await eventually(() => expect(resident() - (early ?? 0)).toBeLessThan(20), 60_000);
  }
  program.child.kill('SIGTERM');
  expect(await program.exit).toBe(0);
});
