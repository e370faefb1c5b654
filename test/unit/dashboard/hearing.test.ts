import { expect, it } from '@jest/globals';
import type { ParticipantView } from '../../../src/api/schemas';
import { hearingOf, type SupervisorView } from '../../../src/dashboard/hearing';
import { wordsOf } from '../../../src/dashboard/pages/elements';
import { english } from '../../../src/dashboard/texts-en';
import { tedIn } from '../../support/room-view';

const of = (ted: ParticipantView) => hearingOf(ted as SupervisorView);

it.each<[string, ParticipantView, string, string | undefined, string]>([
  ['listens, confirmed', tedIn(), 'confirmed', 'monitor', 'Nobody hears you'],
  [
    'coaches, confirmed',
    tedIn({ requestedMode: 'coach', heardAs: 'coach' }),
    'confirmed',
    'coach',
    'Only Alice hears you',
  ],
  [
    'talks to everyone, confirmed',
    tedIn({ requestedMode: 'barge', heardAs: 'barge' }),
    'confirmed',
    'barge',
    'EVERYONE hears you',
  ],
  [
    'is to coach, and still listens',
    tedIn({ requestedMode: 'coach', confirmed: false }),
    'requested',
    'monitor',
    'Nobody hears you',
  ],
  [
    'is to listen, and is still heard',
    tedIn({ heardAs: 'barge', confirmed: false }),
    'requested',
    'barge',
    'EVERYONE hears you',
  ],
  [
    'is unknown',
    tedIn({ heardAs: 'unknown', confirmed: false }),
    'unknown',
    undefined,
    'It is not known who hears you',
  ],
  [
    'coaches, and is to do so again',
    tedIn({ requestedMode: 'coach', heardAs: 'coach', confirmed: false }),
    'requested',
    'coach',
    'Only Alice hears you',
  ],
  [
    'is on the way',
    tedIn({ heardAs: 'unknown', confirmed: false }, { joinedAt: null }),
    'entering',
    undefined,
    'You are being connected',
  ],
  [
    'is on hold',
    tedIn({ requestedMode: 'barge', heardAs: 'barge' }, { onHold: true }),
    'confirmed',
    'barge',
    'You are on hold. Nobody hears you',
  ],
])('a supervisor who %s is shown so', (_what, ted, status, heard, words) => {
  const hearing = of(ted);
  expect(hearing).toMatchObject({ status });
  expect(hearing.heard).toBe(heard);
  expect(wordsOf(hearing, english.hearing)).toMatchObject({ words, isOpen: status !== 'confirmed' });
});
