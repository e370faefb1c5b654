import { expect, it } from '@jest/globals';
import { timeSpace } from '../../../src/metrics/timed-space';
import { type ConferenceApi, SpaceError } from '../../../src/signalwire/conference-api';
import { sid } from '../../support/room-stores';

it('a timed API answers and fails as its own, and tells how each request ended', async () => {
  const answers: Partial<ConferenceApi> = {
    findCall: async (callSid) => ({ callSid }) as unknown as Awaited<ReturnType<ConferenceApi['findCall']>>,
    findConference: async () => undefined,
    hangUpCall: () => Promise.reject(new SpaceError('timeout', 'too late')),
    endConference: () => Promise.reject(new TypeError('a mistake')),
  };
  const ends: string[] = [];
  const timed = timeSpace(
    answers as ConferenceApi,
    (operation) => (outcome, ms) => void ends.push(`${operation} ${ms >= 0 ? outcome : 'before it began'}`),
  );
  expect(await timed.findCall(sid('ted-1'))).toEqual({ callSid: 'ted-1' });
  expect(await timed.findConference(sid('cf-1'))).toBeUndefined();
  await expect(timed.hangUpCall(sid('ted-1'))).rejects.toThrow('too late');
  await expect(timed.endConference(sid('cf-1'))).rejects.toThrow('a mistake');
  expect(ends).toEqual(['findCall ok', 'findConference ok', 'hangUpCall timeout', 'endConference unreadable']);
});
