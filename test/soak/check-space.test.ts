import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { checkSpace } from '../../src/simulator/space-check/check-space';
import { createDescriptionCheck } from '../../src/simulator/space-check/description';
import type { Exchange } from '../../src/simulator/space-check/exchanges';
import { runInProcess } from '../support/command';
import { temporaryFolder } from '../support/temporary-folder';

const SID = '3d1d0e5c-0000-4000-8000-000000000001';

describe('createDescriptionCheck', () => {
  const json = (schema: object) => ({ content: { 'application/json': { schema } } });
  const check = createDescriptionCheck({
    paths: {
      '/Rooms': {
        get: { parameters: [{ in: 'query', name: 'Size', schema: { type: 'integer' } }], responses: { 200: json({}) } },
      },
      '/Rooms/{Sid}': {
        get: { responses: { 200: json({ $ref: '#/components/schemas/Room' }), 404: json({}) } },
        post: {
          requestBody: {
            content: {
              'application/x-www-form-urlencoded': {
                schema: {
                  properties: { Muted: { type: 'boolean' }, Url: { format: 'uri' } },
                  unevaluatedProperties: { not: {} },
                },
              },
            },
          },
          responses: { 200: json({}), 422: json({}) },
        },
        delete: { responses: { 204: {} } },
      },
      '/Rooms/Front': { get: { responses: { 200: json({ type: 'null' }) } } },
    },
    components: {
      schemas: {
        Room: {
          type: 'object',
          required: ['sid', 'status'],
          properties: { sid: { type: 'string', format: 'uuid' }, status: { enum: ['live', 'over'] } },
          unevaluatedProperties: { not: {} },
        },
      },
    },
  } as Parameters<typeof createDescriptionCheck>[0]);
  const room = { sid: SID, status: 'live' };
  const exchange: Exchange = {
    method: 'GET',
    path: `/api/laml/2010-04-01/Rooms/${SID}.json`,
    form: {},
    status: 200,
    contentType: 'application/json',
    body: room,
  };
  const rooms = { path: '/2010-04-01/Rooms?Size=50', body: {} };
  const post = { method: 'POST', form: { Muted: 'true', Url: 'https://coach.example.com' } };

  it.each<[string, Partial<Exchange>]>([
    ['an answer as described', {}],
    ['a parameter as described', rooms],
    ['a form as described', post],
    ['a refused form, whatever it says', { ...post, form: { Volume: '3' }, status: 422, body: {} }],
    ['no body', { method: 'DELETE', status: 204, contentType: '', body: undefined }],
    ['audio, which is described in words', { path: `/2010-04-01/Rooms/${SID}.wav`, contentType: 'audio/x-wav' }],
    ['the resource of a path without parameters', { path: '/2010-04-01/Rooms/Front', body: null }],
  ])('accepts %s', (_what, given) => {
    expect(check({ ...exchange, ...given })).toEqual([]);
  });

  it.each<[Partial<Exchange>, string]>([
    [{ path: '/2010-04-01/Calls' }, 'GET /2010-04-01/Calls 200: not described'],
    [{ method: 'PUT' }, 'PUT /Rooms/{Sid} 200: not described'],
    [{ status: 418 }, 'GET /Rooms/{Sid} 418: the status is not described'],
    [{ contentType: 'text/html' }, "GET /Rooms/{Sid} 200: the answer's type text/html is not described"],
    [{ contentType: '' }, "GET /Rooms/{Sid} 200: the answer's type (none) is not described"],
    [{ method: 'DELETE', status: 204 }, 'DELETE /Rooms/{Sid} 204: the answer has a body of type application/json'],
    [{ body: { sid: SID } }, "GET /Rooms/{Sid} 200: the answer must have required property 'status'"],
    [{ body: { ...room, sid: 'CA1' } }, 'GET /Rooms/{Sid} 200: the answer/sid must match format "uuid"'],
    [
      { body: { ...room, status: 'new' } },
      'GET /Rooms/{Sid} 200: the answer/status must be equal to one of the allowed values',
    ],
    [{ body: { ...room, price: 1 } }, 'GET /Rooms/{Sid} 200: the answer/price must NOT be valid'],
    [{ ...rooms, path: '/2010-04-01/Rooms?Page=1' }, "GET /Rooms 200: the query's Page is not described"],
    [{ ...rooms, path: '/2010-04-01/Rooms?Size=all' }, "GET /Rooms 200: the query's Size must be integer"],
    [{ ...post, form: { Muted: 'yes' } }, 'POST /Rooms/{Sid} 200: the form/Muted must be boolean'],
    [{ ...post, form: { Url: '/next' } }, 'POST /Rooms/{Sid} 200: the form/Url must match format "uri"'],
    [{ form: { Muted: 'true' } }, "GET /Rooms/{Sid} 200: the form's Muted is not described"],
  ])('finds the mismatch of %j', (given, problem) => {
    expect(check({ ...exchange, ...given })).toContain(problem);
  });
});

describe('check:space', () => {
  const QUERY = ['FriendlyName', 'Status', 'CallSid', 'ConferenceSid', 'Page', 'PageSize', 'PageToken'];

  /** Describes every request of our client loosely. */
  function describeAll() {
    const json = { content: { 'application/json': { schema: {} as object } } };
    const responses: Record<string, object> = { 200: json, 204: {}, 400: json, 401: json, 404: json, 422: json };
    const parameters = QUERY.map((name) => ({ in: 'query', name, schema: {} }));
    const form = { content: { 'application/x-www-form-urlencoded': { schema: {} } } };
    const operations = () => ({
      get: { parameters, responses: { ...responses } },
      post: { requestBody: form, responses: { ...responses } },
      delete: { responses: { ...responses } },
    });
    const templates = ['', '/{List}', '/{List}/{Sid}', '/{List}/{Sid}/{Inner}', '/{List}/{Sid}/{Inner}/{InnerSid}'];
    return { paths: Object.fromEntries(templates.map((end) => [`/Accounts/{AccountSid}${end}`, operations()])) };
  }

  function run(description: unknown) {
    const file = join(temporaryFolder(), 'description.json');
    writeFileSync(file, typeof description === 'string' ? description : JSON.stringify(description));
    return runInProcess('check:space', checkSpace, { args: [file] });
  }

  it('ends with code 0 if everything is as described', async () => {
    const { code, stdout } = await run(describeAll());
    expect(stdout).toMatch(/^\d{3} requests and answers compared, 0 mismatches\n$/);
    expect(code).toBe(0);
  });

  it('ends with code 1, and lists each mismatch once', async () => {
    const description = describeAll();
    const lists = description.paths['/Accounts/{AccountSid}/{List}'];
    const none = { content: { 'application/json': { schema: { required: ['pages'] } } } };
    lists?.get.parameters.splice(QUERY.indexOf('FriendlyName'), 1);
    Object.assign(lists?.get.responses ?? {}, { 200: none });
    Object.assign(lists?.post.responses ?? {}, { 400: undefined });
    const { code, stdout } = await run(description);
    expect(stdout.split('\n').slice(1)).toEqual([
      "GET /Accounts/{AccountSid}/{List} 200: the answer must have required property 'pages'",
      "GET /Accounts/{AccountSid}/{List} 200: the query's FriendlyName is not described",
      'POST /Accounts/{AccountSid}/{List} 400: the status is not described',
      '',
    ]);
    expect(code).toBe(1);
  });

  it.each([
    ['text', 'Cannot read '],
    ['{}', ' is no OpenAPI description: it has no paths.'],
  ])('cannot use %j', async (description, words) => {
    expect(await run(description)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(words) });
  });

  it('needs one file', async () => {
    const usage = { code: 2, stderr: expect.stringContaining('Usage: npm run check:space -- FILE') };
    expect(await runInProcess('check:space', checkSpace)).toMatchObject(usage);
  });
});
