import { describe, expect, it } from '@jest/globals';
import { placeOf } from '../../../../src/cli/doctor/number-places';
import type { RoomName } from '../../../../src/rooms/room';

const settings = { publicUrl: 'https://coach.example.com/phones', conferenceName: 'sample-conf' as RoomName };

describe('placeOf', () => {
  it.each<[path: string, kind: string, room: string]>([
    ['/conference', 'conference', 'sample-conf'],
    ['/conference/', 'conference', 'sample-conf'],
    ['/Conference/sales', 'conference', 'sales'],
    ['/conference/Sales%202', 'conference', 'Sales 2'],
    ['/conference/sales#rt=15000', 'conference', 'sales'],
    ['/coach', 'supervisors', 'sample-conf'],
    ['/coach/sales?mode=barge', 'supervisors', 'sales'],
    ['/supervisor?mode=monitor', 'supervisors', 'sample-conf'],
    ['/fallback/sales', 'fallback', 'sales'],
    ['/events/call', 'call-events', 'sample-conf'],
  ])('knows the route %s', (path, kind, room) => {
    expect(placeOf(settings.publicUrl + path, settings)).toMatchObject({ kind, room });
  });

  it.each([
    '',
    '/',
    '?mode=coach',
    '/conferences/sales',
    '/conference/sales/ended',
    '/conference/a%2Fb',
    '/conference/%E0',
    '/supervisor/sales',
    '/events/conference/sales',
    '/notices/supervisor',
  ])('knows that %s is no route for numbers', (path) => {
    expect(placeOf(settings.publicUrl + path, settings)).toMatchObject({ kind: 'no-route' });
  });

  it.each([
    ['http://coach.example.com/phones/coach/sales'],
    ['https://coach.example.com/coach/sales'],
    ['https://COACH.example.com/phones/coach/sales'],
    ['https://coach.example.com:8443/phones/coach/sales'],
  ])('knows that %s misses PUBLIC_URL', (address) => {
    expect(placeOf(address, settings)).toMatchObject({
      kind: 'astray',
      meant: { kind: 'supervisors', path: '/coach/sales', room: 'sales' },
    });
  });

  it('takes a default port for none, as signatures do', () => {
    expect(placeOf('https://coach.example.com:443/phones/coach', settings)).toMatchObject({ kind: 'supervisors' });
  });

  it.each(['', 'coach', 'https://other.example.com/coach', 'https://coach.example.com/shop', 'sip:ted@example.com'])(
    'knows that %j leads elsewhere',
    (address) => {
      expect(placeOf(address, settings)).toEqual({ kind: 'elsewhere' });
    },
  );

  it('shows of a query only the mode', () => {
    expect(placeOf(`${settings.publicUrl}/coach?key=secret&mode=barge`, settings)).toMatchObject({
      path: '/coach?mode=barge',
    });
  });

  it.each([
    ['/coach/sales?mode=whisper', true],
    ['/coach?mode=coach&mode=barge', true],
    ['/supervisor?mode=barge', false],
    ['/conference?mode=whisper', false],
  ])('judges the mode of %s', (path, hasBadMode) => {
    expect(placeOf(settings.publicUrl + path, settings)).toMatchObject({ hasBadMode });
  });
});
