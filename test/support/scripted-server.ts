import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from './on-test-finished';

/** A request that the scripted server got. */
export interface Asked {
  method: string;
  /** With the query. */
  path: string;
  fields: Record<string, string>;
  headers: Record<string, string | string[] | undefined>;
}

/** The content of a `<Response>`, or a whole answer of its own. */
export type Answer = string | ((res: ServerResponse, asked: Asked) => void);

/** A webhook server that answers as the test says, by path; 404 for all else. */
export interface ScriptedServer {
  url: string;
  /** What it answers from now on, by path. */
  answers: Record<string, Answer>;
  /** Every request so far. */
  asked: Asked[];
  /** What was asked of a path, fields alone. */
  askedOf(path: string): Record<string, string>[];
}

/** Starts a scripted server, which is closed when the test is over. */
export async function startScriptedServer(answers: Record<string, Answer>): Promise<ScriptedServer> {
  const asked: Asked[] = [];
  const server = createServer(async (req, res) => {
    let body = '';
    for await (const chunk of req.setEncoding('utf8')) {
      body += chunk;
    }
    const { pathname, search, searchParams } = new URL(req.url ?? '', 'http://localhost');
    const one: Asked = {
      method: req.method ?? '',
      path: pathname + search,
      fields: Object.fromEntries(req.method === 'POST' ? new URLSearchParams(body) : searchParams),
      headers: req.headers,
    };
    asked.push(one);
    const answer = answers[pathname];
    if (answer === undefined) {
      res.writeHead(404).end();
    } else if (typeof answer === 'string') {
      res.writeHead(200, { 'content-type': 'text/xml; charset=utf-8' }).end(`<Response>${answer}</Response>`);
    } else {
      answer(res, one);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answers,
    asked,
    askedOf: (path) => asked.filter((one) => one.path.split('?')[0] === path).map(({ fields }) => fields),
  };
}
