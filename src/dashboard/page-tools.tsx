import type { ErrorRequestHandler, NextFunction, Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { StoreError } from '../redis/store-error';
import { ErrorPage } from './pages/small-pages';
import { isSameOrigin } from './same-origin';
import type { SendPage } from './send-page';
import type { Texts } from './texts-en';
import { type Viewer, viewerOf } from './viewer';

/** Shared by the routes of all pages. */
export interface PublicPageTools {
  texts: Texts;
  sendPage: SendPage;
  /**
   * Sends a page, or JSON to a script, that says what went wrong.
   *
   * @param code for the log of refused requests
   */
  sendError: (req: Request, res: Response, status: number, sentence: string, code?: string) => Promise<void>;
  /** Redirects to a path of this server. */
  goTo: (res: Response, path: string) => void;
  /** Refuses what no page of this server has sent: cookies alone do not show it. */
  requireSameOrigin: RequestHandler;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** Shared by the routes of pages that only people who are signed in may see. */
export interface PageTools extends PublicPageTools {
  /** Sends whoever is not signed in to the sign-in, and programs away; afterwards `viewerOf(res)` is known. */
  requireViewer: RequestHandler;
}

export function createPublicPageTools(options: {
  texts: Texts;
  sendPage: SendPage;
  /** See `basePathOf`. */
  basePath: string;
  /** As of {@link isSameOrigin}. */
  publicUrl: string | undefined;
  now: () => number;
}): PublicPageTools {
  const { texts, sendPage, basePath, publicUrl, now } = options;
  return { texts, sendPage, sendError, goTo, requireSameOrigin, now };

  function goTo(res: Response, path: string): void {
    res.redirect(303, basePath + path);
  }

  async function requireSameOrigin(req: Request, res: Response, next: NextFunction): Promise<void> {
    if (isSameOrigin(req, publicUrl)) {
      next();
    } else {
      await sendError(req, res, 403, texts.errors.crossSite, 'cross_site');
    }
  }

  async function sendError(
    req: Request,
    res: Response,
    status: number,
    sentence: string,
    code?: string,
  ): Promise<void> {
    if (code !== undefined) {
      // The log is in English.
      res.locals.refusal = { code, reason: code.replaceAll('_', ' ') };
    }
    if (wantsJson(req)) {
      res.status(status).json({ problem: sentence });
      return;
    }
    const { errors } = texts;
    const title = errors.title[status] ?? (status < 500 ? errors.unreadableTitle : errors.internalTitle);
    const isAgent = viewerOf(res)?.role === 'moderator';
    const content = <ErrorPage texts={texts} title={title} sentence={sentence} isAgent={isAgent} />;
    await sendPage(req, res, { title, status, content });
  }
}

/** @param identify who sent a request; undefined if they are not signed in */
export function createPageTools(
  tools: PublicPageTools,
  identify: (req: Request, res: Response) => Promise<Viewer | undefined>,
): PageTools {
  const { texts, goTo } = tools;
  return {
    ...tools,
    async requireViewer(req, res, next) {
      const viewer = await identify(req, res);
      if (viewer !== undefined) {
        res.locals.actor = viewer.actor.name;
        next();
      } else if (wantsJson(req)) {
        res.status(401).json({ problem: texts.problems.signed_out });
      } else {
        const path = req.method === 'GET' ? req.originalUrl : '/';
        goTo(res, path === '/' ? '/sign-in' : `/sign-in?${new URLSearchParams({ next: path })}`);
      }
    },
  };
}

/** Answers a request that failed. */
export function createErrorAnswer({ texts: { errors }, sendError }: PublicPageTools, log: Logger): ErrorRequestHandler {
  return async (error: Error & { status?: unknown }, req, res, next) => {
    if (res.headersSent) {
      next(error);
    } else if (error instanceof StoreError) {
      await sendError(req, res, 503, errors.storeAway, 'store_away');
    } else if (typeof error.status === 'number' && error.status < 500) {
      // Express: a malformed path, or a body that is too large.
      await sendError(req, res, error.status, errors.unreadable, 'unreadable_request');
    } else {
      log.error({ err: error }, 'Page failed');
      await sendError(req, res, 500, errors.internal, 'internal_error');
    }
  };
}

/** Whether a script asks, and no page is wanted. */
export function wantsJson(req: Request): boolean {
  return req.accepts(['text/html', 'application/json']) === 'application/json';
}

/** @throws if nobody is signed in, which `requireViewer` excludes */
export function viewerIn(res: Response): Viewer {
  const viewer = viewerOf(res);
  if (viewer === undefined) {
    throw new Error('Nobody is signed in');
  }
  return viewer;
}
