import { request as httpRequest } from 'node:http';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020';
import { createSecret, hashSecret, type TokenEntry, type TokenRight } from '../../src/people/tokens';
import type { RoomName } from '../../src/rooms/room';

/** An answer of the API. */
export interface ApiReply {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came back
  body: any;
  headers: Record<string, string | string[] | undefined>;
}

export interface ApiRequestOptions {
  token?: string | undefined;
  headers?: Record<string, string>;
  /** Sent as JSON; a string as it is. */
  body?: unknown;
}

/** A token of the API, and its secret. */
export function tokenFor(
  name: string,
  rights: readonly TokenRight[],
  { rooms = 'all', expires }: { rooms?: readonly RoomName[] | 'all'; expires?: number } = {},
): { secret: string; entry: TokenEntry } {
  const secret = createSecret();
  const scope = rooms === 'all' ? rooms : new Set(rooms);
  const entry = { name, hash: hashSecret(secret), rights: new Set(rights), rooms: scope, created: 0, expires };
  return { secret, entry };
}

let known: Description | undefined;
const ajv = new Ajv2020({ strict: false, formats: { 'date-time': isDateTime } });
const validators = new Map<string, ValidateFunction>();

/**
 * Asks the API of a server, and holds each answer to the description that the server gives of itself: the operation must be
 * described, with this status, type and body.
 */
export async function createApiClient(port: number) {
  // The same for every server of a test file.
  known ??= (await send(port, 'GET', '/openapi.json', {})).body as Description;
  const description = known;

  function check(method: string, path: string, { status, body, headers }: ApiReply): void {
    const template = Object.keys(description.paths).find((one) => matches(one, path));
    const operation = template === undefined ? undefined : description.paths[template]?.[method.toLowerCase()];
    // What no operation describes is a problem all the same.
    const described = operation?.responses[status];
    const schema = described ? described.content : { 'application/problem+json': { schema: PROBLEM } };
    const type = String(headers['content-type']).split(';')[0] ?? '';
    if (operation !== undefined && described === undefined) {
      throw new Error(`${method} ${path} answered ${status} (${body?.code}), which is not described.`);
    }
    const content = schema?.[type]?.schema;
    if (content === undefined) {
      throw new Error(`${method} ${path} answered with ${type}, which is not described.`);
    }
    if (headers['idempotency-replayed'] !== undefined && described?.headers?.['Idempotency-Replayed'] === undefined) {
      throw new Error(`${method} ${path}: the header Idempotency-Replayed is not described.`);
    }
    const key = JSON.stringify(content);
    const validate = validators.get(key) ?? ajv.compile({ ...content, components: description.components });
    validators.set(key, validate);
    const isValid: boolean = validate(body);
    if (!isValid) {
      throw new Error(`${method} ${path}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(body)}`);
    }
    const codes = String((described as { description?: string } | undefined)?.description);
    if (status >= 400 && operation !== undefined && !codes.includes(`\`${body.code}\``)) {
      throw new Error(`${method} ${path}: the code ${body.code} is not described.`);
    }
  }

  return {
    description,
    /** The errors of a value by a schema of the description; undefined if it is valid. */
    mistakeIn(name: string, value: unknown): string | undefined {
      const schema = { $ref: `#/components/schemas/${name}`, components: description.components };
      return ajv.validate(schema, value) ? undefined : ajv.errorsText();
    },
    /** @param path below `/api/v1` */
    async ask(method: string, path: string, options: ApiRequestOptions = {}): Promise<ApiReply> {
      const reply = await send(port, method, path, options);
      check(method, path.split('?')[0] ?? '', reply);
      return reply;
    },
  };
}

interface DescribedResponse {
  headers?: Record<string, object>;
  content?: Record<string, { schema: object }>;
}

interface Description {
  paths: Record<string, Record<string, { responses: Record<number, DescribedResponse> } | undefined>>;
  components: { schemas: Record<string, object> };
}

const PROBLEM = { $ref: '#/components/schemas/Problem' };

function matches(template: string, path: string): boolean {
  return new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path);
}

function isDateTime(text: string): boolean {
  return !Number.isNaN(Date.parse(text));
}

function send(port: number, method: string, path: string, options: ApiRequestOptions): Promise<ApiReply> {
  const { token, headers = {}, body } = options;
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const req = httpRequest(
      {
        host: '127.0.0.1',
        port,
        method,
        path: `/api/v1${path}`,
        agent: false,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(text !== undefined && {
            'content-type': 'application/json',
            'content-length': String(Buffer.byteLength(text)),
          }),
          ...headers,
        },
      },
      async (res) => {
        let received = '';
        for await (const chunk of res.setEncoding('utf8')) {
          received += chunk;
        }
        const isJson = /json/.test(res.headers['content-type'] ?? '');
        resolve({ status: res.statusCode ?? 0, body: isJson ? JSON.parse(received) : received, headers: res.headers });
      },
    );
    req.on('error', reject);
    req.end(text);
  });
}
