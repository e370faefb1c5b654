import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Request, Response } from 'express';
import type { ComponentChildren } from 'preact';
import { renderToStaticMarkup } from 'preact-render-to-string';
import { type AssetUrls, Layout } from './pages/layout';
import type { Texts } from './texts-en';
import { viewerOf } from './viewer';

/** Sends a whole page. */
export type SendPage = (req: Request, res: Response, page: PageContent) => Promise<void>;

export interface PageContent {
  title: string;
  content: ComponentChildren;
  status?: number;
}

const compress = promisify(gzip);

/** @param options.now milliseconds since 1970 */
export function createSendPage(options: { texts: Texts; assets: AssetUrls; now: () => number }): SendPage {
  const { texts, assets, now } = options;
  return async (req, res, { title, content, status = 200 }) => {
    const html = renderToStaticMarkup(
      <Layout texts={texts} assets={assets} title={title} viewer={viewerOf(res)} now={now()} path={req.path}>
        {content}
      </Layout>,
    );
    await sendHtml(req, res.status(status), `<!doctype html>${html}`);
  };
}

async function sendHtml(req: Request, res: Response, html: string): Promise<void> {
  res.type('text/html; charset=utf-8').vary('Accept-Encoding');
  // No page holds a secret beside what somebody else may choose, so compression tells nothing.
  if (req.acceptsEncodings('gzip') === 'gzip') {
    const body = await compress(html);
    res.set('Content-Encoding', 'gzip').send(body);
  } else {
    res.send(html);
  }
}
