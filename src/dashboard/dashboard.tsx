import { randomUUID } from 'node:crypto';
import express, { type NextFunction, type Request, type Response, Router } from 'express';
import type { Logger } from 'pino';
import { renderToStaticMarkup } from 'preact-render-to-string';
import type { LiveFeed } from '../api/live-feed';
import type { Operation } from '../api/operation';
import { Problem } from '../api/problem';
import { answerWithStream, comeBackMs, startStream } from '../api/server-sent-events';
import type { TrailReader } from '../api/trail-reader';
import { viewRoom } from '../api/views';
import type { Tokens } from '../people/tokens';
import { parseRoomName, type RoomName } from '../rooms/room';
import type { Rooms } from '../rooms/rooms';
import type { ParticipantActions } from '../supervision/participant-actions';
import { actionUrl, SCREEN_ACTIONS, type ScreenAction } from './action-url';
import type { Assets } from './assets';
import { withBasePath } from './base-path';
import { createBoard } from './board';
import type { Abilities } from './board-model';
import { createErrorAnswer, createPageTools, type PublicPageTools, viewerIn, wantsJson } from './page-tools';
import { RoomsPage, type RoomsPageProps } from './pages/rooms';
import { Confirm, ConfirmPage } from './pages/small-pages';
import { createRecordingPages } from './recording-pages';
import { type ActionOutcome, type ActionParameters, createScreenActions } from './screen-actions';
import { createScreenStreams } from './screen-stream';
import { createScreenView } from './screen-view';
import type { SignIn } from './sign-in';
import { createTrailPages } from './trail-pages';
import { type Viewer, viewerOf } from './viewer';
import { createWalls } from './wall';

export interface DashboardOptions {
  feed: Pick<LiveFeed, 'subscribe'>;
  rooms: Pick<Rooms, 'read'>;
  operations: readonly Operation[];
  trail: TrailReader;
  /** How long a call can last, in milliseconds. */
  longestCallMs: number;
  /** Undefined when the Space's REST API is not configured. */
  participants: Pick<ParticipantActions, 'remove'> | undefined;
  can: Abilities;
  signIn: SignIn;
  /** The tokens of walls. */
  tokens: Pick<Tokens, 'findWall'>;
  tools: PublicPageTools;
  assets: Assets;
  /** See `basePathOf`. */
  basePath: string;
  /** The addresses of the webhooks, for whoever has not set up a number yet. */
  webhooks: { conferenceUrl: string; supervisorUrl: string };
  /** Whether browsers reach this server by https. */
  isSecure: boolean;
  /** The one origin that may show the screen in a frame; undefined for none. */
  framedBy: string | undefined;
  /** Aborted when the server stops. */
  draining: AbortSignal;
  log: Logger;
}

/** Tabs of one browser share a stream; a person may use several browsers. */
const MAX_STREAMS_PER_PERSON = 30;

/** How long what became of an action is said on a page without the script, in milliseconds. */
const SAID_MS = 8_000;

const ONE_YEAR_S = 31_536_000;

/** The supervisors' screen, below `/`. */
export function createDashboard(options: DashboardOptions): Router {
  const { signIn, can, rooms, operations, participants, webhooks, assets, basePath, draining, log } = options;
  const tools = createPageTools(options.tools, signIn.identify);
  const { texts, sendPage, sendError, goTo, requireViewer, requireSameOrigin, now } = tools;
  const board = createBoard({ feed: options.feed, now });
  const view = createScreenView({ board, texts, can, basePath, now });
  const streams = createScreenStreams({
    board,
    view,
    refresh: signIn.refresh,
    isStillInRoster: signIn.isStillInRoster,
    epoch: randomUUID().slice(0, 8),
    log,
    now,
  });
  const act = createScreenActions({ operations, rooms, participants, texts, isStillAllowed: signIn.isStillInRoster });
  const walls = createWalls({ board, tokens: options.tokens, texts, assets: assets.urls, basePath, log, now });
  const stop = () => {
    streams.close(comeBackMs);
    walls.close(comeBackMs);
    board.close();
  };
  draining.addEventListener('abort', stop, { once: true });

  const router = Router({ caseSensitive: true, strict: true });
  const policy = policyFor(options);
  router.use((_req, res, next) => {
    res.set(policy);
    next();
  });
  router.get('/assets/:file', (req, res, next) => sendAsset(assets, req, res) || next());
  router.use(signIn.routes);
  router.get('/sign-out-everywhere', requireViewer, sendSignOutEverywhere);
  router.get('/', requireViewer, async (req, res) => {
    await sendRooms(req, res, saidBy(String(req.query.said ?? ''), Number(req.query.at)));
  });
  router.get('/live', signIn.readViewer, openStream);
  router.use(createTrailPages({ ...tools, trail: options.trail, longestCallMs: options.longestCallMs, log }));
  router.post(
    '/rooms/:room/:action',
    requireSameOrigin,
    requireViewer,
    express.urlencoded({ extended: false, limit: '4kb', parameterLimit: 10 }),
    answerAction,
  );
  router.use(walls.routes);
  router.use(createRecordingPages({ tools, operations, rooms, board, isStillAllowed: signIn.isStillInRoster }));
  router.use(answerUnknown);
  router.use(createErrorAnswer(tools, log));
  return router;

  async function sendSignOutEverywhere(req: Request, res: Response): Promise<void> {
    const { title, question } = texts.signOutEverywhere;
    const content = <ConfirmPage texts={texts} question={question} yes={title} action="/sign-out-everywhere" />;
    await sendPage(req, res, { title, content });
  }

  async function sendRooms(req: Request, res: Response, said: RoomsPageProps['said']): Promise<void> {
    const viewer = viewerIn(res);
    if (viewer.role === 'moderator') {
      goTo(res, '/mine');
      return;
    }
    await board.whenReady();
    const parts = board.isKnown ? view.pageFor(viewer) : undefined;
    const id = streams.idFor(viewer);
    const isStoreAway = board.store === 'away';
    const about = { texts, said, parts, id, isStoreAway, canControl: can.control, now: now() };
    const content = <RoomsPage {...about} empty={emptyFor(viewer)} />;
    await sendPage(req, res, { title: texts.board.title, content });
  }

  function emptyFor({ actor }: Viewer): RoomsPageProps['empty'] {
    if (!actor.rights.has('see')) {
      return 'not-allowed';
    }
    if (!board.isKnown) {
      return 'starting';
    }
    return board.changes === 0 ? webhooks : 'none';
  }

  /** The address of the rooms that says what became of an action. */
  function saying(code: string): string {
    return `/?said=${code}&at=${now()}`;
  }

  /** @param at when it became so; soon afterwards, as at a reload, it may not be so any more */
  function saidBy(code: string, at: number): RoomsPageProps['said'] {
    if (!(Math.abs(now() - at) < SAID_MS)) {
      return undefined;
    }
    const done = Object.entries(texts.results).find(([name]) => name === code);
    if (done !== undefined) {
      return { isProblem: false, text: done[1] };
    }
    const known = Object.hasOwn(texts.problems, code) ? texts.problems[code] : undefined;
    return known === undefined ? undefined : { isProblem: true, text: known };
  }

  async function openStream(req: Request, res: Response): Promise<void> {
    const viewer = viewerOf(res);
    if (viewer === undefined) {
      startStream(res);
      res.end('event: signed-out\ndata: {}\n\n');
      return;
    }
    await board.whenReady();
    if (draining.aborted || streams.countOf(viewer.actor.name) >= MAX_STREAMS_PER_PERSON) {
      res.status(503).end();
      return;
    }
    const after = req.get('last-event-id') ?? String(req.query.after ?? '');
    answerWithStream(res, () => streams.open(viewer, after, res));
  }

  async function answerAction(req: Request, res: Response): Promise<void> {
    const viewer = viewerIn(res);
    const room = parseRoomName(String(req.params.room));
    const action = SCREEN_ACTIONS.find((one) => one === req.params.action);
    if (room === undefined || action === undefined) {
      await sendError(req, res, 404, texts.errors.notFound);
      return;
    }
    const given = parametersOf(req);
    try {
      const outcome = await act(viewer, room, action, given);
      await noteRoom(room);
      await answerOutcome(req, res, { room, action, given }, outcome);
    } catch (error) {
      if (!(error instanceof Problem)) {
        throw error;
      }
      res.locals.refusal = { code: error.code, reason: error.message };
      if (wantsJson(req)) {
        res.status(error.status).json({ problem: texts.problems[error.code] ?? texts.problems.other });
      } else {
        goTo(res, saying(Object.hasOwn(texts.problems, error.code) ? error.code : 'other'));
      }
    }
  }

  /** The page that follows shows what the action has done. */
  async function noteRoom(room: RoomName): Promise<void> {
    const found = await rooms.read(room);
    if (found.isKnown && !found.state.isForeign) {
      board.note(viewRoom(found.state));
    }
  }

  async function answerOutcome(
    req: Request,
    res: Response,
    { room, action, given }: { room: RoomName; action: ScreenAction; given: ActionParameters },
    outcome: ActionOutcome,
  ): Promise<void> {
    if (outcome.kind === 'done') {
      if (wantsJson(req)) {
        res.json({ said: texts.results[outcome.said] });
      } else {
        goTo(res, saying(outcome.said));
      }
      return;
    }
    const { question, yes, conference } = outcome;
    const again = actionUrl(room, action, { call: given.call, recording: given.recording, conference, sure: 'yes' });
    const asked = { texts, question, yes, action: again };
    if (wantsJson(req)) {
      res.json({ confirm: withBasePath(renderToStaticMarkup(<Confirm {...asked} />), basePath) });
    } else {
      await sendPage(req, res, { title: yes, content: <ConfirmPage {...asked} /> });
    }
  }

  /** Answers an address without a route: a browser gets a page; the app answers others. */
  async function answerUnknown(req: Request, res: Response, next: NextFunction): Promise<void> {
    const isRead = req.method === 'GET' || req.method === 'HEAD';
    if (!isRead || req.accepts(['text/plain', 'text/html']) !== 'text/html') {
      next();
      return;
    }
    await signIn.identify(req, res);
    await sendError(req, res, 404, texts.errors.notFound, 'not_found');
  }
}

/** The headers of every page. */
function policyFor({ framedBy, isSecure }: Pick<DashboardOptions, 'framedBy' | 'isSecure'>): Record<string, string> {
  const rules = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self'",
    "form-action 'self'",
    "media-src 'self'",
    "base-uri 'none'",
    `frame-ancestors ${framedBy ?? "'none'"}`,
  ];
  return {
    'Content-Security-Policy': rules.join('; '),
    // `no-referrer` would make forms send `Origin: null`.
    'Referrer-Policy': 'same-origin',
    'Cache-Control': 'no-store',
    'Cross-Origin-Opener-Policy': 'same-origin',
    // For this host alone; others may not have https yet.
    ...(isSecure && { 'Strict-Transport-Security': `max-age=${ONE_YEAR_S}` }),
    ...(framedBy === undefined && { 'X-Frame-Options': 'DENY' }),
  };
}

function sendAsset({ files }: Assets, req: Request, res: Response): boolean {
  const file = files.get(req.path);
  if (file === undefined) {
    return false;
  }
  const isGzipped = req.acceptsEncodings('gzip') === 'gzip';
  res.set({
    'Content-Type': file.type,
    'Cache-Control': `public, max-age=${ONE_YEAR_S}, immutable`,
    Vary: 'Accept-Encoding',
  });
  res.set(isGzipped ? { 'Content-Encoding': 'gzip' } : {}).send(isGzipped ? file.gzipped : file.text);
  return true;
}

/** The parameters of an action: those of a button are in its address, what was typed is in the body. */
function parametersOf(req: Request): ActionParameters {
  const body = (req.body ?? {}) as Record<string, unknown>;
  const given = { ...req.query, ...(typeof body.text === 'string' && { text: body.text }) };
  return Object.fromEntries(Object.entries(given).filter((one): one is [string, string] => typeof one[1] === 'string'));
}
