import { describe, expect, it } from '@jest/globals';
import { type Actor, isAllowed, RIGHTS, type Right, SUPERVISOR_RIGHTS } from '../../src/people/rights';
import { roomNamed } from '../support/room-stores';

const SALES = roomNamed('sales');
const SUPPORT = roomNamed('support');

/** What an actor may do in a room. */
const allowed = (rights: readonly Right[], rooms: Actor['rooms'], room = SALES) =>
  RIGHTS.filter((right) => isAllowed({ rights: new Set(rights), rooms }, right, room));

describe('isAllowed', () => {
  it.each(RIGHTS)('gives %s alone to an actor who has it alone', (right) => {
    expect(allowed([right], 'all')).toEqual([right]);
  });

  it.each<[string, readonly Right[], Actor['rooms'], readonly Right[]]>([
    ['nothing to an actor without rights', [], 'all', []],
    ['every right in every room', RIGHTS, 'all', RIGHTS],
    ['every right in the rooms of the actor', RIGHTS, new Set([SUPPORT, SALES]), RIGHTS],
    ['nothing in other rooms', RIGHTS, new Set([SUPPORT]), []],
    ['nothing without rooms', RIGHTS, new Set(), []],
  ])('gives %s', (_what, rights, rooms, expected) => {
    expect(allowed(rights, rooms)).toEqual(expected);
  });

  it('gives nothing in the room of the smoke test, which is open by telephone alone', () => {
    expect(allowed(RIGHTS, new Set([SALES]), roomNamed('smoke-test'))).toEqual([]);
  });

  it('gives nothing for a right that does not exist', () => {
    const actor = { rights: new Set(RIGHTS), rooms: 'all' } as const;
    expect(isAllowed(actor, 'constructor' as Right, SALES)).toBe(false);
  });
});

it('a supervisor may see rooms and supervise in every mode, unless the roster says otherwise', () => {
  expect([...SUPERVISOR_RIGHTS]).toEqual(['see', 'monitor', 'coach', 'barge']);
});
