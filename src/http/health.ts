import { Router } from 'express';

export interface HealthRoutesOptions {
  /** Resolves if the store answers. */
  pingStore: () => Promise<void>;
  /** Aborted when the server stops. */
  draining: AbortSignal;
}

/** `/healthz`: the process is up. `/readyz`: ready for calls; the store answers and the server is not stopping. */
export function createHealthRoutes({ pingStore, draining }: HealthRoutesOptions): Router {
  const router = Router();
  router.get('/healthz', (_req, res) => {
    res.type('text/plain').send('ok\n');
  });
  router.get('/readyz', async (_req, res) => {
    const obstacle = draining.aborted
      ? 'stopping'
      : await pingStore().then(
          () => undefined,
          () => 'the store does not answer',
        );
    res
      .status(obstacle === undefined ? 200 : 503)
      .type('text/plain')
      .send(`${obstacle ?? 'ready'}\n`);
  });
  return router;
}
