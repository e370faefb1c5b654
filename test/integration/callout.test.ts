import { expect, it } from '@jest/globals';
import { ALICE, startApp, TED } from '../support/app';
import { onTestFinished } from '../support/on-test-finished';
import { roomNamed, sid } from '../support/room-stores';

const sales = roomNamed('sales');

it('a supervisor who presses 1 has joined, although the server that called them never learned which call that is', async () => {
  const app = await startApp({ env: { MODERATOR_NUMBERS: ALICE, SUPERVISOR_NUMBERS: TED } });
  onTestFinished(() => app.stop());
  const joined = (CallSid: string) =>
    app.post('/events/conference/sales', {
      CallSid,
      ConferenceSid: 'cf-1',
      StatusCallbackEvent: 'participant-join',
      EndConferenceOnExit: String(CallSid === 'alice-1'),
      Timestamp: new Date().toUTCString(),
    });
  await app.post('/conference/sales', { CallSid: 'alice-1', From: ALICE });
  await joined('alice-1');
  // That server died when the Space had its request.
  const id = '7426ff24-161e-4ded-8c21-b8340c5920fa';
  const wanted = { name: 'join', by: 'token board', person: 'Ted', mode: 'coach', target: sid('alice-1') } as const;
  await app.store.rooms.apply(sales, { kind: 'action-requested', id, ...wanted, ageMs: 0 });
  const leg = { CallSid: 'ted-1', From: '+15550009999', To: TED, Direction: 'outbound-api' };
  await app.post(`/coach/sales/callout?join=${id}`, leg);
  const { text } = await app.post(`/coach/sales/callout/key?join=${id}`, { ...leg, Digits: '1' });
  expect(text).toContain('coach="alice-1"');
  await joined('ted-1');
  const { state } = await app.store.rooms.read(sales);
  expect(state.actions).toMatchObject([{ name: 'join', status: 'confirmed', callSid: 'ted-1' }]);
});
