import { once } from 'node:events';
import { type Request, type Response, Router } from 'express';
import type { Logger } from 'pino';
import { Problem } from '../api/problem';
import { mayReadFact, mayReadRefusal, type TrailLine, type TrailReader } from '../api/trail-reader';
import { viewRecord } from '../api/views';
import { parseMoment } from '../ops/instant';
import { isAllowed } from '../people/rights';
import { StoreError } from '../redis/store-error';
import { parseRoomName, type RoomName } from '../rooms/room';
import type { FeedStart } from '../rooms/room-storage';
import type { RefusalEvent } from '../supervision/refusals';
import type { AuditRecord } from '../supervision/trail';
import { AUDIT_CSV_HEADER, auditCsvIncomplete, auditCsvLine } from './audit-csv';
import { type AuditQuery, parseAuditQuery } from './audit-query';
import { type RowPage, readRefusalRows, readRowPage } from './audit-rows';
import { parseFlightQuery } from './flight-query';
import { readFlightOf } from './flight-reading';
import { readMine } from './my-reading';
import { type PageTools, viewerIn } from './page-tools';
import { AuditPage, MAX_REFUSALS_SHOWN, wordsOfLine } from './pages/audit';
import { FlightPage } from './pages/flight';
import { MyPage } from './pages/mine';
import type { Viewer } from './viewer';

export interface TrailPagesOptions extends PageTools {
  trail: TrailReader;
  /** How long a call can last, in milliseconds: so far back stays may have begun. */
  longestCallMs: number;
  log: Logger;
}

/** How many rows make a page full, and how many lines are read for it at most. */
const MAX_ROWS = 100;
const MAX_LINES = 5_000;

/** How many lines from before the wanted time are read besides, for the stays that go on in it. */
const MAX_EARLY_LINES = 50_000;

/** How many pages are read at most until one has a row. */
const MAX_EMPTY_PAGES = 4;

/** How many lines are read at most to tell of one call: a busy part of the store writes as many in a few hours. */
const MAX_FLIGHT_LINES = 20_000;

/** How many lines are read at most for each span of time that an agent's page tries, and how many rows it has. */
const MAX_MY_LINES = 10_000;
const MAX_MY_ROWS = 50;

/** How many pages an export reads at most. */
const MAX_EXPORTED_PAGES = 40;

/** More refusals than are kept: an export has all of them. */
const MAX_EXPORTED_REFUSALS = 25_000;

/** How far after the end of the time that is asked for stays are followed to their ends, in milliseconds. */
const FOLLOW_MS = 86_400_000;

/** The pages that are read from the audit trail. */
export function createTrailPages(options: TrailPagesOptions): Router {
  const { trail, longestCallMs, texts, sendPage, sendError, requireViewer, now, log } = options;

  const router = Router({ caseSensitive: true, strict: true });
  router.get('/audit', requireViewer, guarded(sendAudit));
  router.get('/audit.csv', requireViewer, guarded(sendExport));
  router.get('/rooms/:room/flight', requireViewer, guarded(sendFlight));
  router.get('/mine', requireViewer, guarded(sendMine));
  return router;

  /** Answers what can be told in a sentence. */
  function guarded(answer: (req: Request, res: Response) => Promise<void>) {
    return async (req: Request, res: Response): Promise<void> => {
      try {
        await answer(req, res);
      } catch (error) {
        const isBusy = error instanceof Problem && error.code === 'too_many_readers';
        if (!isBusy && !(error instanceof StoreError)) {
          throw error;
        }
        if (res.headersSent) {
          // A browser shows that the download has failed.
          log.warn({ err: error }, 'Export of the audit trail broke off');
          res.destroy();
          return;
        }
        res.set('Retry-After', '2');
        await sendError(req, res, 503, isBusy ? texts.trail.busy : texts.trail.storeAway);
      }
    };
  }

  /** What the query asks for; undefined if the viewer may not see it, which is answered. */
  async function readAuditQuery(req: Request, res: Response): Promise<AuditQuery | undefined> {
    const viewer = viewerIn(res);
    const query = parseAuditQuery(req.query, now());
    const room = parseRoomName(query.filter.room ?? '');
    if (!viewer.actor.rights.has('audit') || (room !== undefined && !isAllowed(viewer.actor, 'audit', room))) {
      await sendError(req, res, 403, refusalFor(viewer, room));
      return undefined;
    }
    return query;
  }

  /** Why somebody may not read the trail, and what they can do. */
  function refusalFor({ actor, role }: Viewer, room: RoomName | undefined): string {
    if (role === 'moderator') {
      return texts.trail.notForAgents;
    }
    return actor.rights.has('audit') && room !== undefined
      ? texts.trail.mayNotAuditRoom(room)
      : texts.trail.mayNotAudit;
  }

  async function sendAudit(req: Request, res: Response): Promise<void> {
    const query = await readAuditQuery(req, res);
    if (query === undefined) {
      return;
    }
    const isReadable = query.wrong.length === 0;
    const found = isReadable ? await findRows(viewerIn(res), query) : undefined;
    const content = <AuditPage texts={texts} query={query} found={found} now={now()} />;
    await sendPage(req, res, { title: texts.trail.audit.title, content, status: isReadable ? 200 : 400 });
  }

  function wordsOf(record: AuditRecord): string {
    return wordsOfLine(record, texts);
  }

  function findRows(viewer: Viewer, query: AuditQuery) {
    return trail.inTurn(async () => {
      let { rows, next } = await readPage(viewer, query);
      for (let pages = 1; rows.length === 0 && next !== undefined && pages < MAX_EMPTY_PAGES; pages++) {
        ({ rows, next } = await readPage(viewer, { ...query, cursor: next }));
      }
      const refusals = query.cursor === undefined ? await readRefusals(viewer, query, MAX_REFUSALS_SHOWN) : undefined;
      return { rows, next, refusals };
    });
  }

  function readPage({ actor }: Viewer, { filter, since, cursor }: AuditQuery): Promise<RowPage> {
    const room = parseRoomName(filter.room ?? '');
    const isMeant = (record: AuditRecord) => mayReadFact(actor, record);
    return readRowPage({
      read: (from) => readUntil(from, room, (filter.until ?? Number.POSITIVE_INFINITY) + FOLLOW_MS),
      since: Math.max(0, since - longestCallMs),
      cursor,
      filter: { ...filter, wordsOf },
      isMeant,
      limit: MAX_ROWS,
      maxLines: MAX_LINES,
      maxEarlyLines: MAX_EARLY_LINES,
    });
  }

  async function* readUntil(from: FeedStart, room: RoomName | undefined, end: number): AsyncGenerator<TrailLine> {
    for await (const { record, position } of trail.facts(from, room)) {
      if (Date.parse(record.at) >= end) {
        return;
      }
      yield { record: viewRecord(record), position };
    }
  }

  function readRefusals({ actor }: Viewer, { filter, since }: AuditQuery, limit: number) {
    async function* meant(): AsyncGenerator<RefusalEvent> {
      for await (const refusal of trail.refusals(since)) {
        if (mayReadRefusal(actor, refusal)) {
          yield refusal;
        }
      }
    }
    return readRefusalRows(meant(), { ...filter, wordsOf }, limit);
  }

  /** Sends every page after the other, and waits for its turn before each. */
  async function sendExport(req: Request, res: Response): Promise<void> {
    const query = await readAuditQuery(req, res);
    if (query === undefined) {
      return;
    }
    const [wrong] = query.wrong;
    if (wrong !== undefined) {
      await sendError(req, res, 400, texts.trail.audit.wrong(texts.trail.audit.fields[wrong]));
      return;
    }
    const viewer = viewerIn(res);
    const refusals = await trail.inTurn(() => readRefusals(viewer, query, MAX_EXPORTED_REFUSALS));
    let cursor: string | undefined;
    for (let page = 1; page <= MAX_EXPORTED_PAGES; page++) {
      const { rows, next } = await trail.inTurn(() => readPage(viewer, { ...query, cursor }));
      if (!res.headersSent) {
        const day = new Date(now()).toISOString().slice(0, 10);
        res.type('text/csv; charset=utf-8').attachment(`audit-${day}.csv`);
        res.write(AUDIT_CSV_HEADER + refusals.map(auditCsvLine).join(''));
      }
      if (!res.write(rows.map(auditCsvLine).join('')) && !res.destroyed) {
        await Promise.race([once(res, 'drain'), once(res, 'close')]);
      }
      if (res.destroyed) {
        return;
      }
      if (next === undefined) {
        res.end();
        return;
      }
      cursor = next;
    }
    res.end(auditCsvIncomplete());
  }

  async function sendFlight(req: Request, res: Response): Promise<void> {
    const room = parseRoomName(String(req.params.room));
    const viewer = viewerIn(res);
    if (room === undefined || !isAllowed(viewer.actor, 'audit', room)) {
      await sendError(req, res, 403, refusalFor(viewer, room));
      return;
    }
    const query = parseFlightQuery(req.query, now());
    if (query === undefined) {
      await sendError(req, res, 400, texts.trail.flight.wrong);
      return;
    }
    const { subject, window } = query;
    const read = (from: FeedStart) => trail.facts(from, room);
    const reading = await trail.inTurn(() =>
      readFlightOf({ read, room, subject, window, longestCallMs, maxLines: MAX_FLIGHT_LINES }),
    );
    const content = <FlightPage texts={texts} room={room} query={query} reading={reading} now={now()} />;
    await sendPage(req, res, { title: texts.trail.flight.title(room), content });
  }

  async function sendMine(req: Request, res: Response): Promise<void> {
    const { name, agent } = viewerIn(res);
    if (agent === undefined) {
      await sendError(req, res, 403, texts.trail.mine.notForYou);
      return;
    }
    const given = req.query.until ?? '';
    const until = given === '' ? now() : typeof given === 'string' ? parseMoment(given, now()) : undefined;
    if (until === undefined) {
      await sendError(req, res, 400, texts.trail.mine.wrong);
      return;
    }
    const reading = await trail.inTurn(() =>
      readMine({
        name,
        rooms: agent.rooms,
        read: trail.facts,
        until: Math.min(until, now()),
        now: now(),
        longestCallMs,
        maxLines: MAX_MY_LINES,
        limit: MAX_MY_ROWS,
      }),
    );
    await sendPage(req, res, { title: texts.trail.mine.title, content: <MyPage texts={texts} reading={reading} /> });
  }
}
