import { Router } from 'express';
import { type CallRoutesOptions, documentRoute } from './document-route';

/** What the Space plays to one participant when it is told to: the addresses given to its REST API. */
export function createNoticeRoutes({ guard, documents, log }: CallRoutesOptions): Router {
  const router = Router();
  for (const [path, document] of [
    ['/notices/moderator', documents.moderatorNotice],
    ['/notices/supervisor', documents.supervisorNotice],
  ] as const) {
    router.all(path, guard, documentRoute(document, { lastResort: document, log }));
  }
  return router;
}
