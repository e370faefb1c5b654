import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Request, Response } from 'express';
import type { ComponentChildren } from 'preact';
import { renderToStaticMarkup } from 'preact-render-to-string';
import { withBasePath } from './base-path';
import { type AssetUrls, Layout } from './pages/layout';
import type { Texts } from './texts-en';
import { viewerOf } from './viewer';

/** What every page has. */
export interface PageSettings {
  texts: Texts;
  assets: AssetUrls;
  /** See `basePathOf`. */
  basePath: string;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** One page. */
export interface PageContent {
  title: string;
  content: ComponentChildren;
}

/** Sends a page; with status 200 unless it is given. */
export type SendPage = (req: Request, res: Response, page: PageContent & { status?: number }) => Promise<void>;

const compress = promisify(gzip);

export function createSendPage({ texts, assets, basePath, now }: PageSettings): SendPage {
  return async (req, res, { title, content, status = 200 }) => {
    const layout = { texts, assets, title, viewer: viewerOf(res), now: now(), path: req.path, basePath };
    const html = `<!doctype html>${withBasePath(renderToStaticMarkup(<Layout {...layout}>{content}</Layout>), basePath)}`;
    res.status(status).type('text/html; charset=utf-8').vary('Accept-Encoding');
    // No page holds a secret beside what somebody else may choose, so its compressed size tells nothing.
    if (req.acceptsEncodings('gzip') === 'gzip') {
      const body = await compress(html);
      res.set('Content-Encoding', 'gzip').send(body);
    } else {
      res.send(html);
    }
  };
}
