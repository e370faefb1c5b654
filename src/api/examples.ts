import type { z } from 'zod';
import type { actionReport, problemView, roomView } from './schemas';

const ALICE = {
  callSid: 'c1a1b2c3-0000-4000-8000-000000000001',
  role: 'moderator',
  name: 'Alice',
  number: '***8999',
  arrivedAt: '2026-11-26T09:00:00.000Z',
  joinedAt: '2026-11-26T09:00:02.000Z',
  muted: false,
  onHold: false,
  onHoldSince: null,
  speakingSince: null,
  supervision: null,
} as const;

const TED = {
  callSid: 'c1a1b2c3-0000-4000-8000-000000000003',
  role: 'supervisor',
  name: 'Ted',
  number: '***2222',
  arrivedAt: '2026-11-26T09:01:00.000Z',
  joinedAt: '2026-11-26T09:01:02.000Z',
  muted: false,
  onHold: false,
  onHoldSince: null,
  speakingSince: null,
  supervision: {
    requestedMode: 'coach',
    heardAs: 'coach',
    confirmed: true,
    observedAt: '2026-11-26T09:02:01.000Z',
    target: ALICE.callSid,
    moderator: ALICE.name,
  },
} as const;

const COACH = {
  id: '0b5c3a52-3f0e-4c55-9d3c-6a3a1f0d7e11',
  name: 'mode',
  by: 'token wallboard',
  status: 'confirmed',
  requestedAt: '2026-11-26T09:02:00.000Z',
  settledAt: '2026-11-26T09:02:01.000Z',
  reason: null,
  callSid: TED.callSid,
  recordingSid: null,
  mode: 'coach',
  supervisor: null,
} as const;

const room: z.output<typeof roomView> = {
  room: 'sales',
  at: '2026-11-26T09:02:01.000Z',
  conferenceSid: 'c1a1b2c3-0000-4000-8000-00000000000f',
  target: ALICE.callSid,
  moderatorLeftAt: null,
  participants: [ALICE, TED],
  recordings: [],
  actions: [COACH],
};

const report: z.output<typeof actionReport> = { action: COACH, participant: TED };

const problem: z.output<typeof problemView> = {
  type: 'about:blank',
  title: 'Space timeout',
  status: 504,
  code: 'space_timeout',
  detail: 'The Space did not answer in time. The supervisor is muted, or is being muted.',
  action: { ...COACH, status: 'failed', reason: 'space_timeout' },
  participant: {
    ...TED,
    muted: true,
    supervision: { ...TED.supervision, requestedMode: 'monitor', heardAs: 'monitor' },
  },
};

/** An example of a schema, by its name in the description. */
export const EXAMPLES: Readonly<Record<string, object>> = { Room: room, ActionReport: report, Problem: problem };
