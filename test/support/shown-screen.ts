import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { pino } from 'pino';
import type { FeedOutput } from '../../src/api/live-feed';
import type { RoomView } from '../../src/api/schemas';
import { formatEvent } from '../../src/api/server-sent-events';
import type { TrailReader } from '../../src/api/trail-reader';
import { loadConfig } from '../../src/config';
import { german } from '../../src/dashboard/texts-de';
import { english } from '../../src/dashboard/texts-en';
import { createRoster, type Roster } from '../../src/people/roster';
import { parseRoster } from '../../src/people/roster-file';
import { createScreen } from '../../src/screen';
import type { ParticipantActions } from '../../src/supervision/participant-actions';
import type { PageOptions, TestBrowser, TestPage } from './browser';
import { onTestFinished } from './on-test-finished';
import { NOW } from './room-view';
import { rosterText } from './roster';
import { fillSignIn, TED_LISTED } from './screen-bench';

/** The screen with rooms that a test makes up. Its clock starts at {@link NOW} and goes on. */
export interface ShownScreen {
  url: string;
  roster: Roster;
  /** Puts these rooms in place of all others. */
  show(...rooms: RoomView[]): void;
  /** Changes one room. */
  change(room: RoomView): void;
  /** Ends every connection, and takes none any more. */
  stop(): void;
  /** Tells whether the store can be reached. */
  setStore(store: 'ok' | 'away'): void;
  /** Opens the sign-in. */
  open(options?: PageOptions): Promise<TestPage>;
  /** Opens the rooms, with Ted signed in. */
  signIn(options?: PageOptions): Promise<TestPage>;
}

/** Starts it; it stops when the test is over. No action does anything there. */
export async function startShownScreen(browser: TestBrowser, language: 'en' | 'de' = 'en'): Promise<ShownScreen> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  const startedAt = performance.now();
  const outs = new Set<FeedOutput>();
  const draining = new AbortController();
  let latest: readonly RoomView[] = [];
  const config = loadConfig({ ANNOUNCE_IS_PRIVATE: 'true', PROMPT_LANGUAGE: language });
  const roster = createRoster({ moderatorNumbers: [], supervisorNumbers: [] });
  roster.replace(parseRoster(rosterText({ supervisors: [TED_LISTED] }), { file: 'roster.json', hasPinKey: true }));
  const send = (out: FeedOutput, event: string, data: object) =>
    out.write(Buffer.from(formatEvent(event, JSON.stringify(data))));
  const { routes } = createScreen({
    config,
    publicUrl: url,
    framedBy: undefined,
    roster,
    store: { redis: undefined, rooms: { now: () => undefined } },
    rooms: { read: () => Promise.reject(new Error('No action reads a room here')) },
    feed: {
      subscribe(_reader, _lastEventId, out) {
        outs.add(out);
        send(out, 'snapshot', { rooms: latest });
        return () => void outs.delete(out);
      },
    },
    operations: [],
    trail: {} as TrailReader,
    tokens: { findWall: () => undefined },
    control: { participants: {} as ParticipantActions, callSupervisor: {} },
    supervision: { recordSignIn() {} },
    draining: draining.signal,
    log: pino({ level: 'silent' }),
    now: () => NOW + (performance.now() - startedAt),
  });
  server.on('request', express().use(routes));
  const stop = () => {
    draining.abort();
    server.close();
    server.closeAllConnections();
  };
  onTestFinished(stop);
  const sendAll = (event: string, data: object) => {
    for (const out of outs) {
      send(out, event, data);
    }
  };
  const open = async (options?: PageOptions) => {
    const page = await browser.newPage(options);
    await page.goto(`${url}/sign-in`);
    return page;
  };
  return {
    url,
    roster,
    open,
    stop,
    show(...rooms) {
      latest = rooms;
      sendAll('snapshot', { rooms });
    },
    change: (room) => sendAll('room', room),
    setStore: (store) => sendAll('store', { store }),
    async signIn(options) {
      const page = await open(options);
      await fillSignIn(page, 'Ted', language === 'de' ? german : english);
      return page;
    },
  };
}
