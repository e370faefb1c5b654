import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { ErrorPage } from './pages/small-pages';
import type { SendPage } from './send-page';
import type { SignIn } from './sign-in';
import { titleOf } from './sign-in-pages';
import type { Texts } from './texts-en';
import { type Viewer, viewerOf } from './viewer';

/** What the routes of pages have in common. */
export interface PageTools {
  texts: Texts;
  sendPage: SendPage;
  /** Sends a page, or JSON to a script, that says what went wrong. */
  sendError: (req: Request, res: Response, status: number, sentence: string) => Promise<void>;
  /** Redirects to a path of this server. */
  goTo: (res: Response, path: string) => void;
  /** Sends whoever is not signed in to the sign-in; afterwards `viewerOf(res)` is known. */
  requireViewer: RequestHandler;
  /** Refuses what no page of this server has sent. */
  requireSameOrigin: RequestHandler;
  /** Milliseconds since 1970. */
  now: () => number;
}

export function createPageTools(options: {
  signIn: Pick<SignIn, 'identify' | 'isSameOrigin'>;
  texts: Texts;
  sendPage: SendPage;
  /** See `basePathOf`. */
  basePath: string;
  now: () => number;
}): PageTools {
  const { signIn, texts, sendPage, basePath, now } = options;
  return { texts, sendPage, sendError, goTo, requireViewer, requireSameOrigin, now };

  function goTo(res: Response, path: string): void {
    res.redirect(303, basePath + path);
  }

  /** Cookies alone do not show that a page of ours sent the request. */
  async function requireSameOrigin(req: Request, res: Response, next: NextFunction): Promise<void> {
    if (signIn.isSameOrigin(req)) {
      next();
    } else {
      res.locals.refusal = { code: 'cross_site', reason: 'Refused.' };
      await sendError(req, res, 403, texts.errors.crossSite);
    }
  }

  /** Sends whoever is not signed in to the sign-in, and programs away. */
  async function requireViewer(req: Request, res: Response, next: NextFunction): Promise<void> {
    const viewer = await signIn.identify(req, res);
    if (viewer !== undefined) {
      res.locals.actor = viewer.actor.name;
      next();
    } else if (wantsJson(req)) {
      res.status(401).json({ problem: texts.problems.signed_out });
    } else {
      const path = req.method === 'GET' ? req.originalUrl : '/';
      goTo(res, path === '/' ? '/sign-in' : `/sign-in?${new URLSearchParams({ next: path })}`);
    }
  }

  async function sendError(req: Request, res: Response, status: number, sentence: string): Promise<void> {
    if (wantsJson(req)) {
      res.status(status).json({ problem: sentence });
      return;
    }
    const title = titleOf(status, texts);
    await sendPage(req, res, {
      title,
      status,
      content: <ErrorPage texts={texts} title={title} sentence={sentence} />,
    });
  }
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
