import { get } from 'node:http';

/** What a scrape shows: every series as it stands there, such as `name{label="value"}`, with its value. */
export type Series = ReadonlyMap<string, number>;

/** Answers of the listener for metrics. */
export function ask(port: number, path = '/metrics'): Promise<{ status: number; type: string; text: string }> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent: false }, async (res) => {
      let text = '';
      for await (const part of res.setEncoding('utf8')) {
        text += part;
      }
      resolve({ status: res.statusCode ?? 0, type: String(res.headers['content-type']), text });
    }).on('error', reject);
  });
}

/** Scrapes the metrics at this port. */
export async function scrape(port: number): Promise<Series> {
  const { status, text } = await ask(port);
  if (status !== 200) {
    throw new Error(`The scrape was answered with ${status}: ${text}`);
  }
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}
