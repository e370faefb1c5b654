import { Router } from 'express';

export interface HealthRoutesOptions {
  /** Resolves if the store answers. */
  pingStore: () => Promise<void>;
  /** Aborted when the server stops. */
  draining: AbortSignal;
}

/**
 * `/healthz`: the process is up. `/readyz`: it takes calls, until it stops. Whether the store answers is in the body alone,
 * because calls connect without it: while it is away, no server may be taken out of service.
 */
export function createHealthRoutes({ pingStore, draining }: HealthRoutesOptions): Router {
  const router = Router();
  router.get('/healthz', (_req, res) => {
    res.type('text/plain').send('ok\n');
  });
  router.get('/readyz', async (_req, res) => {
    const store = await pingStore().then(
      () => 'ok',
      () => 'away',
    );
    const [status, state] = draining.aborted ? [503, 'stopping'] : [200, 'ready'];
    res.status(status).type('text/plain').send(`${state}\nstore: ${store}\n`);
  });
  return router;
}
