import { type ConferenceApi, type NumberChange, SpaceError, type SpaceNumber } from '../../signalwire/conference-api';
import { error, type Finding } from './finding';
import { maskNumber, type Proposal, showUrl } from './number-checks';

/** One address or method of a number, before and after. Numbers are masked, addresses without secrets. */
export interface ProposedChange {
  number: string;
  field: keyof NumberChange;
  before: string;
  after: string;
}

/** A change, and what became of it: `unknown` if the number could not be read back. */
export interface MadeChange extends ProposedChange {
  result: 'changed' | 'unchanged' | 'unknown';
}

/** The proposed changes, for people to see. */
export function describeProposals(proposals: readonly Proposal[]): ProposedChange[] {
  return proposals.flatMap(({ number, change }) => describeChange(number, change));
}

function describeChange(number: SpaceNumber, change: NumberChange): ProposedChange[] {
  return (Object.keys(change) as (keyof NumberChange)[])
    .map((field) => ({
      number: maskNumber(number),
      field,
      before: show(field, number[field]),
      after: show(field, change[field]),
    }))
    .filter(({ before, after }) => before !== after);
}

function show(field: keyof NumberChange, value: string | undefined): string {
  return field.endsWith('Method') ? (value ?? 'none') : showUrl(value);
}

/**
 * Makes the changes, one number after the other, and reads all numbers back. What counts is what was read: a request
 * without an answer may have been made, and an answer may promise what is not done.
 *
 * @returns the changes, and the numbers as read back; undefined if they could not be read
 */
export async function fixNumbers(
  space: Pick<ConferenceApi, 'changeNumber' | 'listNumbers'>,
  proposals: readonly Proposal[],
): Promise<{ changes: MadeChange[]; numbers: SpaceNumber[] | undefined }> {
  for (const { number, change } of proposals) {
    await unlessFailed(space.changeNumber(number.numberSid, change));
  }
  const numbers = await unlessFailed(space.listNumbers());
  const changes = proposals.flatMap(({ number, change }) => {
    const found = numbers?.find(({ numberSid }) => numberSid === number.numberSid);
    return describeChange(number, change).map((one): MadeChange => {
      const isMade = found !== undefined && (found[one.field] ?? '') === change[one.field];
      return { ...one, result: numbers === undefined ? 'unknown' : isMade ? 'changed' : 'unchanged' };
    });
  });
  return { changes, numbers };
}

/** Reports changes that were not made, or not seen to be made. */
export function judgeChanges(changes: readonly MadeChange[]): Finding[] {
  const left = new Set(changes.filter(({ result }) => result !== 'changed').map(({ number }) => number));
  return left.size === 0
    ? []
    : [
        error(
          'numbers.changes',
          `Not every change was made to ${[...left].join(', ')}.`,
          'Make it in your Space. The token needs the scope Numbers.',
        ),
      ];
}

async function unlessFailed<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof SpaceError) {
      return undefined;
    }
    throw error;
  }
}
