import { once } from 'node:events';
import { createServer, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from '@jest/globals';
import { answerWithStream } from '../../src/api/server-sent-events';
import { onTestFinished } from '../support/on-test-finished';

/** Sends a request to a server that has not answered yet. */
async function send(method: string) {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = request({ host: '127.0.0.1', port, method, agent: false });
  client.on('error', () => {});
  client.end();
  const [, res] = (await once(server, 'request')) as [unknown, ServerResponse];
  return { client, res };
}

/** Answers with a stream, and counts how many are open. */
function answer(res: ServerResponse) {
  const streams = { open: 0 };
  answerWithStream(res, () => {
    streams.open++;
    return () => {
      streams.open--;
    };
  });
  return streams;
}

it('a stream ends with its connection', async () => {
  const { client, res } = await send('GET');
  const streams = answer(res);
  expect(streams.open).toBe(1);
  client.destroy();
  await once(res, 'close');
  expect(streams.open).toBe(0);
});

it('a reader who went before the answer gets no stream, which would have no end', async () => {
  const { client, res } = await send('GET');
  client.destroy();
  await once(res, 'close');
  expect(answer(res).open).toBe(0);
});

it('HEAD gets the headers of a stream, and no stream', async () => {
  const { client, res } = await send('HEAD');
  expect(answer(res).open).toBe(0);
  const [reply] = await once(client, 'response');
  expect(reply.headers['content-type']).toBe('text/event-stream; charset=utf-8');
  reply.resume();
  await once(reply, 'end');
});
