import type { Router } from 'express';
import type { RestContext } from './rest-context';
import { INVALID, RestError } from './rest-error';
import { inputs, readInput, refuseParameters } from './rest-inputs';
import { matches } from './rest-lookup';

/** A Space makes one call a second, in simulated milliseconds; more are queued. */
const CALL_EVERY_MS = 1_000;

/** Routes of calls: made, listed, redirected and hung up. */
export function addCallRoutes(api: Router, { space, find, show }: RestContext): void {
  let nextCallAt = 0;

  api.post('/Calls', (req, res) => {
    const call = readInput(inputs.newCall, req.body, 'list');
    const now = space.clock.now();
    const startsAt = Math.max(now, nextCallAt);
    nextCallAt = startsAt + CALL_EVERY_MS;
    const made = space.call({
      direction: 'outbound-api',
      queuedMs: startsAt - now,
      from: call.From,
      to: call.To,
      url: call.Url,
      method: call.Method,
      ...(call.FallbackUrl !== undefined && { fallbackUrl: call.FallbackUrl, fallbackMethod: call.FallbackMethod }),
      ...(call.StatusCallback !== undefined && {
        statusCallback: call.StatusCallback,
        statusCallbackMethod: call.StatusCallbackMethod,
        statusCallbackEvents: call.StatusCallbackEvent,
      }),
    });
    res.json(show.call(made));
  });
  api.get('/Calls', (req, res) => {
    const { From, To, Status } = readInput(inputs.calls, req.query);
    const matching = space.calls.filter((one) => matches(one, { from: From, to: To, status: Status }));
    res.json(show.page(req, 'calls', matching, show.call));
  });
  api.get('/Calls/:callSid', (req, res) => {
    refuseParameters(req.query, 400);
    res.json(show.call(find.call(req)));
  });
  api.post('/Calls/:callSid', async (req, res) => {
    const { Url, Method, Status } = readInput(inputs.call, req.body);
    const call = find.call(req);
    if (call.isOver || (Status === 'canceled' && call.status === 'in-progress')) {
      throw new RestError(422, INVALID, `A call that is ${call.status} cannot be changed.`);
    }
    if (Url !== undefined && call.status !== 'in-progress') {
      throw new RestError(400, 21_220, `A call that is ${call.status} cannot be redirected.`);
    }
    if (res.locals.isIgnored) {
      res.json(show.call({ ...call, status: Status ?? call.status }));
      return;
    }
    if (Status !== undefined) {
      call.hangUp(Status);
    } else if (Url !== undefined) {
      call.redirect(Url, Method);
    }
    // The call stops what it was doing before the response shows its state.
    await new Promise(setImmediate);
    res.json(show.call(call));
  });
}
