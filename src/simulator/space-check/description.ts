import Ajv2020 from 'ajv/dist/2020';
import { type Exchange, fieldsOf } from './exchanges';

/** What we read of an OpenAPI 3.1 description; the rest are schemas. */
export interface Description {
  paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  parameters?: readonly { in?: string; name?: string; schema?: unknown }[];
  requestBody?: { content?: Readonly<Record<string, unknown>> };
  responses?: Readonly<Record<string, { content?: Readonly<Record<string, unknown>> }>>;
}

const FORM = 'application/x-www-form-urlencoded';

/**
 * Compares exchanges with a description.
 *
 * @returns a function that returns what is wrong with an exchange, each as `METHOD path STATUS: problem`; requests that
 *   were refused are not validated, only their answers
 */
export function createDescriptionCheck(description: Description): (exchange: Exchange) => string[] {
  const answers = createValidator(description, false);
  const requests = createValidator(description, true);

  return (exchange) => {
    const { method, status, contentType, form } = exchange;
    const [path = '', query = ''] = exchange.path.split('?');
    const template = findTemplate(description, path);
    const operation = description.paths[template ?? '']?.[method.toLowerCase()];
    const about = (problem: string) => `${method} ${template ?? path} ${status}: ${problem}`;
    if (template === undefined || operation === undefined) {
      return [about('not described')];
    }
    const pointer = ['paths', template, method.toLowerCase()];
    return [...requestProblems(), ...answerProblems()].map(about);

    function requestProblems(): string[] {
      if (status >= 400) {
        return [];
      }
      const known = operation?.parameters ?? [];
      const inQuery = Object.entries(fieldsOf(new URLSearchParams(query))).flatMap(([name, value]) => {
        const index = known.findIndex((one) => one.in === 'query' && one.name === name);
        return index < 0
          ? [`the query's ${name} is not described`]
          : requests([...pointer, 'parameters', String(index), 'schema'], value).map(
              (it) => `the query's ${name}${it}`,
            );
      });
      const hasForm = operation?.requestBody?.content?.[FORM] !== undefined;
      const inForm = hasForm
        ? requests([...pointer, 'requestBody', 'content', FORM, 'schema'], form).map((it) => `the form${it}`)
        : Object.keys(form).map((name) => `the form's ${name} is not described`);
      return [...inQuery, ...inForm];
    }

    function answerProblems(): string[] {
      const response = operation?.responses?.[String(status)];
      if (response === undefined) {
        return ['the status is not described'];
      }
      // The official description has audio in words alone.
      if (contentType.startsWith('audio/')) {
        return [];
      }
      if (response.content === undefined) {
        return contentType === '' ? [] : [`the answer has a body of type ${contentType}`];
      }
      return response.content[contentType] === undefined
        ? [`the answer's type ${contentType || '(none)'} is not described`]
        : answers([...pointer, 'responses', String(status), 'content', contentType, 'schema'], exchange.body).map(
            (it) => `the answer${it}`,
          );
    }
  };
}

/** @returns a function that returns what is wrong with a value, by the schema at a place in the description */
function createValidator(description: Description, coerceTypes: boolean) {
  const ajv = new Ajv2020({
    allErrors: true,
    coerceTypes,
    logger: false,
    strict: false,
    formats: { uuid: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, uri: URL.canParse },
  });
  ajv.addSchema(description, 'description', false, false);

  return (place: readonly string[], value: unknown): string[] => {
    const pointer = place.map((part) => `/${encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))}`);
    const validate = ajv.compile({ $ref: `description#${pointer.join('')}` });
    return validate(value) ? [] : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
  };
}

/** The described path that this path, after the version, is an instance of; one without parameters first. */
function findTemplate({ paths }: Description, path: string): string | undefined {
  const given = path
    .replace(/^.*\/2010-04-01/, '')
    .replace(/\.(?:json|wav)$/, '')
    .split('/');
  const matching = Object.keys(paths).filter((template) => {
    const parts = template.split('/');
    return parts.length === given.length && parts.every((part, index) => part.startsWith('{') || part === given[index]);
  });
  return matching.toSorted((one, other) => one.split('{').length - other.split('{').length)[0];
}
