import type { Config } from '../../config';
import { maskAddress, parsePhoneNumber } from '../../people/address';
import { MODES } from '../../rooms/mode';
import type { NumberChange, SpaceNumber } from '../../signalwire/conference-api';
import { error, type Finding, ok, skipped, warning } from './finding';
import { type NumberSettings, type Place, placeOf, type RoutePlace } from './number-places';

const VOICE = 'numbers.voice-url';
const FALLBACK = 'numbers.fallback';
const STATUS_CALLBACK = 'numbers.status-callback';
const CALLER_ID = 'numbers.caller-id';
const OTHERS = 'numbers.others';

/** What the check of a number found, and the changes that would correct it. */
interface Report {
  findings: Finding[];
  change: NumberChange;
}

/** The number that supervisors are called from; undefined if they are not. */
type CallerSettings = Pick<Config, 'callerId'>;

/** A number to change. */
export interface Proposal {
  number: SpaceNumber;
  change: NumberChange;
}

/** The findings if the numbers cannot be read. */
export function skipNumbers(reason: string, remedy: string | null = null): Finding[] {
  return skipped([VOICE, FALLBACK, STATUS_CALLBACK, CALLER_ID, OTHERS], reason, remedy);
}

/** Whether a finding is from here, and would be found anew after a change. */
export function isAboutNumbers({ id }: Finding): boolean {
  return id.startsWith('numbers.');
}

/** A number that output may show: `***8999`. */
export function maskNumber({ number }: Pick<SpaceNumber, 'number'>): string {
  return maskAddress(parsePhoneNumber(number));
}

/** An address as output may show it: without user, password and query. */
export function showUrl(url: string | undefined): string {
  if (url === undefined || url === '') {
    return 'none';
  }
  return URL.canParse(url) ? new URL(url).origin + new URL(url).pathname : 'not a url';
}

/** Checks the account's numbers and CALLER_ID, and proposes changes to fallbacks and status callbacks. Pure. */
export function checkNumbers(
  numbers: readonly SpaceNumber[],
  settings: NumberSettings & CallerSettings,
): { findings: Finding[]; proposals: Proposal[] } {
  const checked = numbers.map((number) => ({ number, report: checkNumber(number, settings) }));
  const findings = checked.flatMap(({ report }) => report?.findings ?? []);
  const others = checked.filter(({ report }) => report === undefined).map(({ number }) => maskNumber(number));
  if (findings.length === 0) {
    findings.push(
      warning(
        VOICE,
        'No number of the project leads to this server.',
        `Let a number request ${settings.publicUrl}/conference when a call comes in, and another one /supervisor.`,
      ),
    );
  }
  return {
    findings: [
      ...findings,
      ...checkCallerId(numbers, settings),
      ok(OTHERS, others.length === 0 ? 'No number of the project leads elsewhere.' : `Not ours: ${others.join(', ')}.`),
    ],
    proposals: checked.flatMap(({ number, report: { change } = { change: {} } }) =>
      Object.keys(change).length === 0 ? [] : [{ number, change }],
    ),
  };
}

/** Checks the number that supervisors are called from. */
function checkCallerId(numbers: readonly SpaceNumber[], { callerId }: CallerSettings): Finding[] {
  if (callerId === undefined) {
    return skipped([CALLER_ID], 'CALLER_ID is not set: the API cannot call supervisors.');
  }
  const name = maskAddress(callerId);
  return [
    numbers.some(({ number }) => parsePhoneNumber(number) === callerId)
      ? ok(CALLER_ID, `Supervisors are called from ${name}.`)
      : warning(
          CALLER_ID,
          `CALLER_ID is ${name}, which is no number of the project.`,
          'Set it to one, or make sure that your Space has verified it: otherwise calls to supervisors fail.',
        ),
  ];
}

/** Undefined for a number that leads elsewhere. */
function checkNumber(number: SpaceNumber, settings: NumberSettings): Report | undefined {
  const place: Place = number.usesVoiceUrl ? placeOf(number.voiceUrl ?? '', settings) : { kind: 'elsewhere' };
  const meant = place.kind === 'astray' ? place.meant : place;
  if (meant.kind === 'elsewhere') {
    return undefined;
  }
  const voice = checkVoiceUrl(number, place, settings);
  // Also if the url is wrong: then every call goes to the fallback.
  if (meant.kind === 'supervisors' || (meant.kind === 'no-route' && /^\/(coach|supervisor)/i.test(meant.path))) {
    const { findings, change } = checkSupervisors(number, settings);
    return { findings: [voice, ...findings], change };
  }
  if (place.kind !== 'conference') {
    return { findings: [voice], change: {} };
  }
  const reports = [
    checkAddress(number, place, settings, {
      id: FALLBACK,
      what: 'fallback',
      kind: 'fallback',
      path: '/fallback',
      fields: ['voiceFallbackUrl', 'voiceFallbackMethod'],
      risk: 'calls are lost while the server fails',
    }),
    checkAddress(number, place, settings, {
      id: STATUS_CALLBACK,
      what: 'status callback',
      kind: 'call-events',
      path: '/events/call',
      fields: ['statusCallback', 'statusCallbackMethod'],
      risk: 'an agent who hangs up early may be taken for present',
    }),
  ];
  return {
    findings: [voice, ...reports.flatMap(({ findings }) => findings)],
    change: Object.assign({}, ...reports.map(({ change }) => change)),
  };
}

/** Checks where calls to a number go. */
function checkVoiceUrl(number: SpaceNumber, place: Place, { publicUrl }: NumberSettings): Finding {
  const name = maskNumber(number);
  if (place.kind === 'astray') {
    return error(
      VOICE,
      `${name} leads to ${showUrl(number.voiceUrl)}, which is not below PUBLIC_URL: its signatures do not match.`,
      `Set it to ${publicUrl}${place.meant.path}.`,
    );
  }
  if (place.kind !== 'conference' && place.kind !== 'supervisors') {
    return error(
      VOICE,
      `${name} leads to ${'path' in place ? place.path : 'no path'}, which is no route for incoming calls.`,
      'Set it to /conference, /coach or /supervisor, with the room if it is not the default one.',
    );
  }
  if (place.hasBadMode) {
    return error(
      VOICE,
      `${name} leads to ${place.path}: the server refuses this mode.`,
      `Use one of ${MODES.join(', ')}.`,
    );
  }
  return isRightMethod(number.voiceMethod)
    ? ok(VOICE, `${name} leads to ${place.path}.`)
    : error(VOICE, `${name} requests its documents by ${number.voiceMethod}.`, 'Set POST.');
}

/** Another address of a number for agents and customers. */
interface OtherAddress {
  id: string;
  what: string;
  /** Where it must lead, if it leads to this server. */
  kind: RoutePlace['kind'];
  path: string;
  fields: ['voiceFallbackUrl', 'voiceFallbackMethod'] | ['statusCallback', 'statusCallbackMethod'];
  /** What may happen without it. */
  risk: string;
}

/** Checks another address of a number for agents and customers. One that leads elsewhere is not ours to judge. */
function checkAddress(
  number: SpaceNumber,
  { room, roomPath }: RoutePlace,
  settings: NumberSettings,
  { id, what, kind, path, fields, risk }: OtherAddress,
): Report {
  const name = maskNumber(number);
  const [urlField, methodField] = fields;
  const [url, method] = [number[urlField], number[methodField]];
  const target = settings.publicUrl + path + roomPath;
  const change = { [urlField]: target, [methodField]: 'POST' };
  if (url === undefined) {
    return { findings: [warning(id, `${name} has no ${what}: ${risk}.`, `Set it to ${target}.`)], change };
  }
  const place = placeOf(url, settings);
  if (place.kind !== 'elsewhere' && !(place.kind === kind && place.room === room)) {
    return { findings: [error(id, `${name} has the wrong ${what}: ${showUrl(url)}.`, `Set it to ${target}.`)], change };
  }
  return isRightMethod(method)
    ? { findings: [], change: {} }
    : {
        findings: [error(id, `${name} requests its ${what} by ${method}.`, 'Set POST.')],
        change: { [methodField]: 'POST' },
      };
}

/** A supervisors' number must have no fallback, not even one elsewhere: none of them could know who may supervise. */
function checkSupervisors(number: SpaceNumber, settings: NumberSettings): Report {
  const name = maskNumber(number);
  const remedy = 'Remove it in your Space, or with --fix-numbers.';
  const report: Report = { findings: [], change: {} };
  if (number.voiceFallbackUrl !== undefined) {
    report.findings.push(
      error(
        FALLBACK,
        `${name} is a supervisors' number with a fallback: it lets supervisors in as callers, heard by everyone.`,
        remedy,
      ),
    );
    report.change.voiceFallbackUrl = '';
  }
  const callback = placeOf(number.statusCallback ?? '', settings);
  if (callback.kind !== 'elsewhere' && callback.kind !== 'call-events') {
    const url = showUrl(number.statusCallback);
    report.findings.push(error(STATUS_CALLBACK, `${name} has the wrong status callback: ${url}.`, remedy));
    report.change.statusCallback = '';
  }
  return report;
}

/** Every route takes GET and POST; a Space that does not say posts. */
function isRightMethod(method = 'POST'): boolean {
  return method === 'GET' || method === 'POST';
}
