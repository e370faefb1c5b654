import { z } from 'zod';
import { groupBy } from '../ops/group-by';
import { RIGHTS } from '../people/rights';
import { ROOM_NAME_FORM } from '../rooms/room';
import { SID_FORM } from '../signalwire/sid';
import { EXAMPLES } from './examples';
import { KEY_FORM, REPLAYED_HEADER } from './idempotency';
import { type Operation, TAGS } from './operation';
import { PROBLEM_STATUS, type ProblemCode, REASON_CODES } from './problem';
import { problemView } from './schemas';

/** Problems of every request that needs somebody to be let in. */
const COMMON: readonly ProblemCode[] = [
  'no_token',
  'wrong_token',
  'not_allowed',
  'invalid_parameter',
  'malformed_request',
  'store_away',
  'internal_error',
];
const OF_BODIES: readonly ProblemCode[] = [
  'invalid_json',
  'not_json',
  'length_required',
  'body_too_large',
  'invalid_body',
];
const OF_ACTIONS: readonly ProblemCode[] = ['cross_site', 'request_in_progress', 'idempotency_key_reused', 'stopping'];

/** Of actions that failed. Their answers are kept; those of actions that did not begin are not. */
const KEPT_CODES: ReadonlySet<ProblemCode> = new Set(Object.values(REASON_CODES));

const REPLAYED = { headers: { [REPLAYED_HEADER]: { $ref: `#/components/headers/${REPLAYED_HEADER}` } } };

const RANGE = {
  name: 'Range',
  in: 'header',
  schema: { type: 'string' },
  description: 'One range of bytes, such as `bytes=1000-`. Ignored with `If-Range`, and if the Space serves no ranges',
};
const PART = {
  description: 'The part that `Range` names',
  headers: { 'Content-Range': { schema: { type: 'string' }, description: 'Such as `bytes 1000-1999/2000`' } },
};

const PARAMETERS: Readonly<Record<string, object>> = {
  room: { schema: { type: 'string', maxLength: 64 }, description: `Name of the room: ${ROOM_NAME_FORM}` },
  callSid: { schema: { type: 'string', pattern: SID_FORM.source }, description: 'Call SID of the participant' },
  recordingSid: { schema: { type: 'string', pattern: SID_FORM.source }, description: 'SID of the recording' },
};

/** The codes that a request of this operation can fail with. */
export function problemsOf({ right, path, body, query, isAction, problems }: Operation): ReadonlySet<ProblemCode> {
  return new Set([
    ...(right === undefined ? (['internal_error'] as const) : COMMON),
    ...(path.includes('{room}') ? (['no_such_room'] as const) : []),
    ...(query === undefined ? [] : (['invalid_parameter'] as const)),
    ...(body === undefined ? [] : OF_BODIES),
    ...(isAction ? OF_ACTIONS : []),
    ...problems,
  ]);
}

/** Describes the operations as OpenAPI 3.1. */
export function describeApi(operations: readonly Operation[]): object {
  const schemas: Record<string, object> = {};

  /** A schema, whose named parts become components. */
  function refer(schema: z.ZodType, io: 'input' | 'output'): object {
    const {
      $schema: _version,
      $defs = {},
      ...own
    } = z.toJSONSchema(schema, {
      target: 'draft-2020-12',
      io,
      override({ jsonSchema }) {
        if (jsonSchema.format === 'date-time') {
          // It says the same in 300 characters.
          delete jsonSchema.pattern;
        }
      },
    });
    for (const [name, { id: _id, ...definition }] of Object.entries($defs)) {
      schemas[name] = pointToComponents({ ...definition, ...(name in EXAMPLES && { examples: [EXAMPLES[name]] }) });
    }
    return pointToComponents(own);
  }

  function describe(one: Operation): object {
    const { id, tag, summary, right, path, query, body, response, isAction, servesRanges } = one;
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
    const { properties = {} } = query === undefined ? {} : z.toJSONSchema(query, { io: 'input' });
    const queryProperties = properties as Record<string, { description?: string }>;
    const parameters = [
      ...names.map((name) => ({ name, in: 'path', required: true, ...PARAMETERS[name] })),
      ...Object.entries(queryProperties).map(([name, { description, ...schema }]) => ({
        name,
        in: 'query',
        schema,
        description,
      })),
      ...(isAction
        ? [
            {
              name: 'Idempotency-Key',
              in: 'header',
              schema: { type: 'string', pattern: KEY_FORM.source },
              description: 'A key of your choice. A repeated request with it gets the first answer, for a day.',
            },
          ]
        : []),
      ...(servesRanges ? [RANGE] : []),
    ];
    const content = Object.fromEntries(
      [response.mediaType ?? (response.schema === undefined ? [] : 'application/json')]
        .flat()
        .map((type) => [type, response.schema === undefined ? {} : { schema: refer(response.schema, 'output') }]),
    );
    return {
      operationId: id,
      tags: [tag],
      summary,
      ...(right === undefined
        ? { security: [] }
        : {
            description: `Needs the right ${typeof right === 'string' ? `\`${right}\`` : 'of the same name as the mode'}.`,
          }),
      ...(parameters.length > 0 && { parameters }),
      ...(body !== undefined && {
        requestBody: { required: true, content: { 'application/json': { schema: refer(body, 'input') } } },
      }),
      responses: {
        [response.status]: {
          description: response.description,
          ...(isAction && REPLAYED),
          content,
        },
        ...(servesRanges && { 206: { ...PART, content } }),
        ...describeProblems(problemsOf(one), isAction),
      },
    };
  }

  function describeProblems(codes: ReadonlySet<ProblemCode>, isAction: boolean): object {
    return Object.fromEntries(
      [...groupBy(codes, (code) => PROBLEM_STATUS[code])]
        .sort(([one], [other]) => one - other)
        .map(([status, list]) => [
          status,
          {
            description: list.map((code) => `\`${code}\``).join(', '),
            ...(isAction && list.some((code) => KEPT_CODES.has(code)) && REPLAYED),
            content: { 'application/problem+json': { schema: refer(problemView, 'output') } },
          },
        ]),
    );
  }

  const paths: Record<string, Record<string, object>> = {};
  for (const one of operations) {
    paths[one.path] = { ...paths[one.path], [one.method]: describe(one) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Conference Coach',
      version: '1',
      license: { name: 'MIT', identifier: 'MIT' },
      description: `Live rooms, confirmed modes, recordings and the audit trail. Tokens have rights: ${RIGHTS.join(', ')}.`,
    },
    servers: [{ url: '/api/v1' }],
    security: [{ token: [] }, { session: [] }],
    tags: TAGS.map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A secret that `npm run tokens -- add` printed' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: '__Host-session',
          description: 'Of somebody who is signed in to the screen; their rights in the roster count',
        },
      },
      headers: {
        [REPLAYED_HEADER]: {
          schema: { const: 'true' },
          description: 'The first answer to this Idempotency-Key: it shows the state of then. Otherwise missing',
        },
      },
      schemas: Object.fromEntries(Object.entries(schemas).sort(([one], [other]) => (one < other ? -1 : 1))),
    },
  };
}

function pointToComponents(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('#/$defs/', '#/components/schemas/'));
}
