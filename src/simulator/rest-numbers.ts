import type { Router } from 'express';
import type { PhoneNumber } from './phone-numbers';
import type { RestContext } from './rest-context';
import { inputs, readInput, refuseParameters } from './rest-inputs';
import { matches } from './rest-lookup';

/** Routes of the account and its phone numbers. */
export function addNumberRoutes(api: Router, { space, find, show }: RestContext): void {
  api.get('/', (req, res) => {
    refuseParameters(req.query, 400);
    res.json(show.account());
  });
  api.get('/IncomingPhoneNumbers', (req, res) => {
    const { PhoneNumber } = readInput(inputs.numbers, req.query);
    const matching = space.numbers.filter((one) => matches(one, { number: PhoneNumber }));
    res.json(show.page(req, 'incoming_phone_numbers', matching, show.number));
  });
  api.get('/IncomingPhoneNumbers/:numberSid', (req, res) => {
    refuseParameters(req.query, 400);
    res.json(show.number(find.number(req)));
  });
  api.post('/IncomingPhoneNumbers/:numberSid', (req, res) => {
    const update = readInput(inputs.number, req.body);
    const number = find.number(req);
    const changes: Partial<PhoneNumber> = {
      updatedAt: space.clock.now(),
      // An empty address clears the one that is set.
      ...(update.VoiceUrl !== undefined && { voiceUrl: update.VoiceUrl || undefined }),
      ...(update.VoiceMethod !== undefined && { voiceMethod: update.VoiceMethod }),
      ...(update.VoiceFallbackUrl !== undefined && { voiceFallbackUrl: update.VoiceFallbackUrl || undefined }),
      ...(update.VoiceFallbackMethod !== undefined && { voiceFallbackMethod: update.VoiceFallbackMethod }),
      ...(update.StatusCallback !== undefined && { statusCallback: update.StatusCallback || undefined }),
      ...(update.StatusCallbackMethod !== undefined && { statusCallbackMethod: update.StatusCallbackMethod }),
    };
    res.json(show.number(res.locals.isIgnored ? { ...number, ...changes } : Object.assign(number, changes)));
  });
}
