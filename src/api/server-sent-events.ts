/**
 * An event as text of a stream of Server-Sent Events.
 *
 * @param json one line
 * @param id where a reader goes on after this event, which sends it back as `Last-Event-ID`
 */
export function formatEvent(event: string, json: string, id?: string): string {
  return id === undefined ? `event: ${event}\ndata: ${json}\n\n` : `event: ${event}\nid: ${id}\ndata: ${json}\n\n`;
}

/** Tells readers when to come back after the stream has ended, in milliseconds. */
export function formatRetry(retryMs: number): string {
  return `retry: ${retryMs}\n\n`;
}
