import { describe, expect, it } from '@jest/globals';
import type { RoomView } from '../../../src/api/schemas';
import { type Attention, attentionOf, NO_ATTENTION } from '../../../src/dashboard/attention';
import { ALICE_IN, ago, BOB_IN, NOW, participant, roomWith, tedIn } from '../../support/room-view';

/** Looks at rooms one after the other, each some seconds after the start. */
function lookAt(...looks: readonly [seconds: number, room: RoomView][]): Attention {
  return looks.reduce<Attention>(
    (before, [seconds, room]) => attentionOf(room, NOW + seconds * 1_000, before),
    NO_ATTENTION,
  );
}

const kindsOf = ({ alerts }: Attention) => alerts.map(({ kind, isPresent }) => (isPresent ? kind : `(${kind})`));

const SPEAKING = roomWith([{ ...ALICE_IN, speakingSince: ago(0) }, BOB_IN]);
const SILENT = roomWith([ALICE_IN, BOB_IN]);

describe('what needs attention', () => {
  it.each<[string, RoomView, string[]]>([
    ['nothing in a short conversation', SILENT, []],
    ['nothing in an empty room', roomWith([]), []],
    ['a caller without an agent for 30 s', roomWith([{ ...BOB_IN, joinedAt: ago(30) }]), ['no-agent']],
    [
      'a caller whose agent left 30 s ago',
      roomWith([{ ...BOB_IN, joinedAt: ago(900) }], { moderatorLeftAt: ago(30) }),
      ['no-agent'],
    ],
    [
      'no caller whose agent left just now',
      roomWith([{ ...BOB_IN, joinedAt: ago(900) }], { moderatorLeftAt: ago(29) }),
      [],
    ],
    [
      'a caller who came after the last agent had left',
      roomWith([{ ...BOB_IN, joinedAt: ago(30) }], { moderatorLeftAt: ago(900) }),
      ['no-agent'],
    ],
    ['no caller who came just now', roomWith([{ ...BOB_IN, joinedAt: ago(29) }]), []],
    ['no agent who waits for a caller', roomWith([{ ...ALICE_IN, joinedAt: ago(900) }]), []],
    [
      'a caller on hold for two minutes',
      roomWith([ALICE_IN, { ...BOB_IN, onHold: true, onHoldSince: ago(120) }]),
      ['long-hold'],
    ],
    ['nobody on hold for less', roomWith([ALICE_IN, { ...BOB_IN, onHold: true, onHoldSince: ago(119) }]), []],
    ['no agent on hold', roomWith([{ ...ALICE_IN, onHold: true, onHoldSince: ago(500) }, BOB_IN]), []],
    [
      'a conversation of twenty minutes',
      roomWith([
        { ...ALICE_IN, joinedAt: ago(1_500) },
        { ...BOB_IN, joinedAt: ago(1_200) },
      ]),
      ['long-call'],
    ],
    [
      'no conversation that began later than the agent came',
      roomWith([{ ...ALICE_IN, joinedAt: ago(1_500) }, BOB_IN]),
      [],
    ],
    ['nobody on the way', roomWith([participant({ callSid: 'bob-1', joinedAt: null, arrivedAt: ago(90) })]), []],
  ])('is %s', (_what, room, kinds) => {
    expect(kindsOf(lookAt([0, room]))).toEqual(kinds);
  });

  it('is a supervisor who has been unconfirmed for three seconds, first of all', () => {
    const room = roomWith([
      { ...ALICE_IN, joinedAt: ago(2_000) },
      { ...BOB_IN, joinedAt: ago(2_000) },
      tedIn({ requestedMode: 'coach', confirmed: false }),
    ]);
    expect(kindsOf(lookAt([0, room], [2, room]))).toEqual(['long-call']);
    expect(kindsOf(lookAt([0, room], [3, room]))).toEqual(['supervisor-unknown', 'long-call']);
  });

  it('is silence of 30 s, once somebody has been heard in this conference', () => {
    expect(kindsOf(lookAt([0, SILENT], [100, SILENT]))).toEqual([]);
    expect(kindsOf(lookAt([0, SPEAKING], [1, SILENT], [30, SILENT]))).toEqual([]);
    expect(kindsOf(lookAt([0, SPEAKING], [1, SILENT], [31, SILENT]))).toEqual(['silence']);
    const next = { ...SILENT, conferenceSid: 'cf-2' };
    expect(kindsOf(lookAt([0, SPEAKING], [1, SILENT], [31, next]))).toEqual([]);
  });
});

describe('an alert', () => {
  const held = roomWith([ALICE_IN, { ...BOB_IN, onHold: true, onHoldSince: ago(200) }]);

  it('stays for five seconds after its cause has gone', () => {
    expect(kindsOf(lookAt([0, held], [1, SILENT]))).toEqual(['(long-hold)']);
    expect(kindsOf(lookAt([0, held], [1, SILENT], [4.9, SILENT]))).toEqual(['(long-hold)']);
    expect(kindsOf(lookAt([0, held], [1, SILENT], [4.9, SILENT], [5, SILENT]))).toEqual([]);
  });

  it('is one and the same if its cause returns', () => {
    const attention = lookAt([0, held], [1, SILENT], [2, held]);
    expect(attention.alerts).toEqual([{ kind: 'long-hold', since: Date.parse(ago(200)), isPresent: true }]);
  });

  it('goes at once with the last participant', () => {
    expect(kindsOf(lookAt([0, held], [1, roomWith([])]))).toEqual([]);
  });

  it('never began in the future, whatever the clocks say', () => {
    const ahead = roomWith([{ ...BOB_IN, joinedAt: ago(-60) }]);
    expect(lookAt([0, ahead], [30, ahead]).alerts).toEqual([]);
    expect(kindsOf(lookAt([0, ahead], [95, ahead]))).toEqual(['no-agent']);
  });
});
