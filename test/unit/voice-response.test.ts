import { expect, it } from '@jest/globals';
import { RestClient } from '@signalwire/compatibility-api';
import { VoiceResponse } from '../../src/calls/voice-response';

it('is what the SDK exports', () => {
  const documents = [VoiceResponse, RestClient.LaML.VoiceResponse].map((Response) => {
    const response = new Response();
    response.say({ language: 'de-DE' } as object, 'Ä & <b>');
    response.gather({ action: 'https://example.com/?a=1&b=2', numDigits: 1 }).say('Press 1.');
    response.pause({ length: 10 });
    response.redirect('https://example.com/');
    response
      .dial({ hangupOnStar: true, timeLimit: 60 })
      .conference({ coach: 'alice-1', muted: true, beep: 'false', statusCallbackEvent: ['start', 'end'] }, 'sales');
    response.reject();
    response.hangup();
    return response.toString();
  });
  expect(documents[0]).toBe(documents[1]);
  expect(documents[0]).toContain('<Conference coach="alice-1" muted="true"');
});
