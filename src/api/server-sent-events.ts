import type { ServerResponse } from 'node:http';

/**
 * An event as text of a stream of Server-Sent Events.
 *
 * @param json one line
 * @param id where a reader goes on after this event, which sends it back as `Last-Event-ID`
 */
export function formatEvent(event: string, json: string, id?: string): string {
  return id === undefined ? `event: ${event}\ndata: ${json}\n\n` : `event: ${event}\nid: ${id}\ndata: ${json}\n\n`;
}

/** Begins a response that is a stream. A proxy must not keep what it gets. */
export function startStream(res: ServerResponse): void {
  res.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' });
  res.flushHeaders();
}

/**
 * Answers with a stream; to HEAD, with its headers alone. A reader who has gone while the request was looked at gets none:
 * nothing would tell of its end any more.
 *
 * @param open begins to write, and returns what ends it
 */
export function answerWithStream(res: ServerResponse, open: () => () => void): void {
  if (res.closed) {
    return;
  }
  startStream(res);
  if (res.req.method === 'HEAD') {
    res.end();
  } else {
    res.on('close', open());
  }
}

/** When a reader comes back after the server has stopped, in milliseconds: not all at once. */
export const comeBackMs = () => Math.round(500 + Math.random() * 2_000);

/** Tells readers when to come back after the stream has ended, in milliseconds. */
export function formatRetry(retryMs: number): string {
  return `retry: ${retryMs}\n\n`;
}
