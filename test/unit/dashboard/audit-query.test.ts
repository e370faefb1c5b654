import { describe, expect, it } from '@jest/globals';
import { auditUrl, parseAuditQuery } from '../../../src/dashboard/audit-query';

const NOW = Date.parse('2026-11-25T08:00:00.000Z');
const DAY_AGO = NOW - 86_400_000;

describe('the query of the audit page', () => {
  it('without fields, or with empty ones as a form sends them, is the last day', () => {
    const empty = { person: '', room: '', agent: '', reached: '', confirmed: '', from: '', until: '', text: ' ' };
    for (const query of [{}, empty]) {
      expect(parseAuditQuery(query, NOW)).toMatchObject({
        filter: { from: DAY_AGO, person: undefined, room: undefined, reached: undefined, isConfirmed: undefined },
        since: DAY_AGO,
        cursor: undefined,
        form: { from: '2026-11-24T08:00:00' },
        wrong: [],
      });
    }
  });

  it.each([
    ['person', ' Ted ', { person: 'Ted' }],
    ['room', 'sales', { room: 'sales' }],
    ['agent', 'Alice', { agent: 'Alice' }],
    ['reached', 'barge', { reached: 'barge' }],
    ['confirmed', 'yes', { isConfirmed: true }],
    ['confirmed', 'no', { isConfirmed: false }],
    ['from', '2026-11-25T07:30:00', { from: NOW - 1_800_000 }],
    ['from', '2026-11-25T07:30', { from: NOW - 1_800_000 }],
    ['from', '7d', { from: NOW - 7 * 86_400_000 }],
    ['until', '2026-11-25', { until: NOW - 8 * 3_600_000 }],
    ['text', 'a&b', { text: 'a&b' }],
  ])('takes %s=%s', (name, text, filter) => {
    const query = parseAuditQuery({ [name]: text }, NOW);
    expect(query).toMatchObject({ filter, wrong: [] });
    // The link to the next page asks for the same.
    const again = new URLSearchParams(auditUrl('/audit', query.form).split('?')[1]);
    expect(parseAuditQuery(Object.fromEntries(again), NOW + 5_000)).toMatchObject({ filter: query.filter });
  });

  it.each([
    ['room', '../x'],
    ['reached', 'shout'],
    ['confirmed', 'maybe'],
    ['from', '2026-02-30'],
    ['until', 'soon'],
    ['text', 'x'.repeat(101)],
    ['person', ['Ted', 'Carol']],
    ['person', { name: 'Ted' }],
    ['cursor', 'x'],
    ['cursor', '1~after~'],
    ['cursor', '1~after~p1'],
    ['cursor', '1~since~-1'],
    ['cursor', '123456~after~1'],
    ['cursor', '1~after~1-18446744073709551616'],
  ])('refuses %s=%j', (name, given) => {
    expect(parseAuditQuery({ [name]: given }, NOW).wrong).toEqual([name]);
  });

  it.each(['0~since~1764057600000', '12~after~5000', '2500~after~1764057600000-0,1764057600000-18446744073709551615'])(
    'takes the cursor %s',
    (cursor) => {
      expect(parseAuditQuery({ cursor }, NOW)).toMatchObject({ cursor, wrong: [] });
    },
  );
});
