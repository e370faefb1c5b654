/**
 * The least that a webhook can cost: a bare Express route that asks Redis once and answers with a constant. It neither reads
 * the form nor checks the signature.
 */
import express from 'express';
import Redis from 'ioredis';

const DOCUMENT =
  '<?xml version="1.0" encoding="UTF-8"?><Response><Dial><Conference coach="CA0123456789">sales</Conference></Dial></Response>';

const redis = new Redis(process.env.REDIS_URL ?? '');
const app = express();
app.get('/readyz', (_req, res) => {
  res.end();
});
app.post('/coach/sales', async (_req, res) => {
  await redis.get('target');
  res.type('text/xml').send(DOCUMENT);
});
// Connections stay open while the other servers take their turns.
app.listen(Number(process.env.PORT), '127.0.0.1').keepAliveTimeout = 75_000;
