import type { Finding, Status } from './finding';
import type { ProposedChange } from './fix-numbers';

const WIDTH = 80;

/** The heading of the checks whose ids begin with this. */
const HEADINGS: Readonly<Record<string, string>> = {
  settings: 'Settings',
  people: 'Roster and tokens',
  redis: 'Redis',
  space: 'Space (REST API)',
  'public-url': 'PUBLIC_URL',
  numbers: 'Phone numbers',
};

const LABELS: Readonly<Record<Status, string>> = { ok: 'ok', warning: 'warning', error: 'ERROR', skipped: 'skipped' };

/** Left of the text: two spaces, the longest label, two spaces. */
const INDENT = 2 + 7 + 2;

/** What each field of a number is called in a Space. */
const FIELDS: Readonly<Record<ProposedChange['field'], string>> = {
  voiceUrl: 'url',
  voiceMethod: 'method',
  voiceFallbackUrl: 'fallback',
  voiceFallbackMethod: 'fallback method',
  statusCallback: 'status callback',
  statusCallbackMethod: 'status callback method',
};

/** Formats findings for a terminal of 80 columns, under headings. */
export function formatFindings(findings: readonly Finding[]): string {
  const areas = [...new Set(findings.map(areaOf))];
  const sections = areas.map((area) => {
    const ofArea = findings.filter((finding) => areaOf(finding) === area);
    return `${HEADINGS[area]}\n${mergeSkipped(ofArea).map(formatFinding).join('')}`;
  });
  return sections.join('\n');
}

/** Formats changes, with what became of them if that is known. */
export function formatChanges(changes: readonly (ProposedChange & { result?: string })[]): string {
  return changes
    .map(({ number, field, before, after, result }) => {
      const lines = [`${number}, ${FIELDS[field]}${result === undefined ? '' : `: ${result}`}`];
      return `  ${[...lines, `  before: ${before}`, `  after:  ${after}`].join('\n  ')}\n`;
    })
    .join('');
}

function areaOf({ id }: Finding): string {
  return id.split('.')[0] ?? '';
}

/** Checks that were skipped for the same reason are one. */
function mergeSkipped(findings: readonly Finding[]): Finding[] {
  const first = new Map<string, Finding>();
  return findings.filter((finding) => {
    const isRepeated = finding.status === 'skipped' && first.has(finding.message);
    first.set(finding.message, finding);
    return !isRepeated;
  });
}

function formatFinding({ status, message, remedy }: Finding): string {
  // Messages may quote a file or a Space, whose control characters could steer a terminal.
  const text = [message, remedy].filter(Boolean).join(' ').replace(/\p{C}/gu, '?');
  const [first = '', ...rest] = wrap(text, WIDTH - INDENT);
  const lines = [`  ${LABELS[status].padEnd(INDENT - 2)}${first}`, ...rest.map((line) => ' '.repeat(INDENT) + line)];
  return `${lines.join('\n')}\n`;
}

/** Lines of at most `width` characters; a longer word has a line of its own. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(word);
    }
  }
  return lines;
}
