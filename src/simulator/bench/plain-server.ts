/** The tutorial's program in Express: reads the form, asks Redis once and writes a document with the SDK. */
import { RestClient } from '@signalwire/compatibility-api';
import express from 'express';
import Redis from 'ioredis';

const redis = new Redis(process.env.REDIS_URL ?? '');
const app = express();
app.use(express.urlencoded({ extended: false }));
app.get('/readyz', (_req, res) => {
  res.end();
});
app.post('/coach/sales', async (_req, res) => {
  const coach = (await redis.get('target')) ?? 'CA0123456789';
  const response = new RestClient.LaML.VoiceResponse();
  response.dial().conference({ coach, startConferenceOnEnter: false, endConferenceOnExit: false }, 'sales');
  res.type('text/xml').send(response.toString());
});
// Connections stay open while the other servers take their turns.
app.listen(Number(process.env.PORT), '127.0.0.1').keepAliveTimeout = 75_000;
