import { setTimeout as sleep } from 'node:timers/promises';
import type { RestClient } from '@signalwire/compatibility-api';
import { downloadAudio } from './audio-download';
import { isFinalStatus } from './call-status';
import { createCallTurns } from './call-turns';
import {
  type ConferenceApi,
  type Deadline,
  type SpaceConference,
  SpaceError,
  type SpaceNumber,
  type SpaceParticipant,
  type SpaceRecording,
  type SpaceSettings,
} from './conference-api';
import { createSlots } from './request-slots';
import {
  ageOf,
  isFinishedRecording,
  parseCall,
  parseNumber,
  parseParticipant,
  parseRecording,
  requiredSid,
  textIn,
} from './rest-resources';
import { createTransport, type TransportOptions } from './rest-transport';
import { parseSid, type Sid } from './sid';

/** How long a request to make a call may take, at least, in milliseconds. */
const CALL_REQUEST_MS = 3_000;

/**
 * A client of the Space's REST API: the SDK, over a transport of our own. The SDK's own transport waits 30 s, and
 * reports an HTML error page as a syntax error without a status. At most
 * {@link MAX_REQUESTS_AT_ONCE} requests run at once.
 *
 * @param options.timeoutMs the default deadline of a method
 * @param options.now milliseconds since 1970
 * @param options.fetch sends the requests; Node's own by default
 */
export function createRestClient(
  settings: SpaceSettings,
  {
    timeoutMs: defaultTimeoutMs,
    now,
    fetch = globalThis.fetch,
  }: { timeoutMs: number; now: () => number; fetch?: typeof globalThis.fetch },
): ConferenceApi {
  // Loaded only here, because it takes as long to load as the rest of the server.
  const sdk: { RestClient: typeof RestClient } = require('@signalwire/compatibility-api');
  const callTurns = createCallTurns({ monotonicNow: () => performance.now(), sleep });
  /** As documented; the SDK has a shorter path of its own. */
  const accountPath = `/api/laml/2010-04-01/Accounts/${encodeURIComponent(settings.projectId)}`;
  const runInSlot = createSlots(MAX_REQUESTS_AT_ONCE);
  return {
    listConferences: (room, deadline) =>
      ask(async (client) => {
        const found = new Map<Sid, SpaceConference>();
        // One after the other: a conference that starts in between is then in both lists, not in neither.
        for (const status of ['init', 'in-progress'] as const) {
          const filter = { status, pageSize: PAGE_SIZE, ...(room !== undefined && { friendlyName: room }) };
          for await (const one of readAll(await client.conferences.page(filter), 'conferences')) {
            const conferenceSid = parseSid(one.sid);
            const name = textIn(one.friendlyName);
            const isOther = room !== undefined && name !== room;
            if (conferenceSid !== undefined && name !== undefined && !isOther && one.status !== 'completed') {
              const hasStarted = status === 'in-progress';
              const ageMs = ageOf(one.dateCreated, now());
              found.set(conferenceSid, { conferenceSid, room: name, hasStarted, ageMs });
            }
          }
        }
        return [...found.values()];
      }, deadline),

    findConference: (conferenceSid, deadline) =>
      ask(async (client) => {
        const found = await unlessGone(client.conferences(conferenceSid).fetch());
        const room = textIn(found?.friendlyName);
        if (found !== undefined && room === undefined) {
          throw new SpaceError('unreadable', 'The Space answered without the name of a conference.');
        }
        return room === undefined ? undefined : { room };
      }, deadline),

    listParticipants: (conferenceSid, deadline) =>
      ask(async (client) => {
        const seen = await unlessGone(listParticipants(client, conferenceSid));
        if (seen === undefined || seen.length > 0) {
          return seen;
        }
        // A conference that is over has an empty list too.
        const conference = await unlessGone(client.conferences(conferenceSid).fetch());
        return conference === undefined || conference.status === 'completed' ? undefined : [];
      }, deadline),

    findParticipant: (conferenceSid, callSid, deadline) =>
      ask(async (client) => {
        const found = await unlessGone(client.conferences(conferenceSid).participants(callSid).fetch());
        return found && parseParticipant(found, conferenceSid, now());
      }, deadline),

    changeParticipant: (conferenceSid, callSid, { muted, onHold, target, announceUrl }, deadline) =>
      ask(async (client) => {
        const changes = {
          ...(muted !== undefined && { muted }),
          ...(onHold !== undefined && { hold: onHold }),
          ...(target === 'nobody' && { coaching: false }),
          ...(target !== undefined && target !== 'nobody' && { coaching: true, callSidToCoach: target }),
          ...(announceUrl !== undefined && { announceUrl, announceMethod: 'POST' }),
        };
        const request = client.conferences(conferenceSid).participants(callSid).update(changes);
        const changed = await unlessGone(request, isOverError);
        return changed && parseParticipant(changed, conferenceSid, now());
      }, deadline),

    removeParticipant: (conferenceSid, callSid, deadline) =>
      ask(async (client) => {
        const request = client.conferences(conferenceSid).participants(callSid).remove();
        return (await unlessGone(request, isOverError)) !== undefined;
      }, deadline),

    endConference: (conferenceSid, deadline) =>
      ask(async (client) => {
        const request = client.conferences(conferenceSid).update({ status: 'completed' });
        return wasChanged(await unlessGone(request, isOverError));
      }, deadline),

    createCall: ({ from, to, url, statusCallback }, { timeoutMs = defaultTimeoutMs } = {}) =>
      ask(
        async (client) => {
          // A request without time for its answer would ring, and be reported as failed.
          await callTurns.take(Math.max(0, timeoutMs - CALL_REQUEST_MS));
          const call = { from, to, url, method: 'POST', ...(statusCallback !== undefined && { statusCallback }) };
          return parseCall(await client.calls.create(call));
        },
        { timeoutMs },
      ),

    findCall: (callSid, deadline) =>
      ask(async (client) => {
        const found = await unlessGone(client.calls(callSid).fetch());
        return found && parseCall(found);
      }, deadline),

    redirectCall: (callSid, url, deadline) =>
      ask(async (client) => {
        const redirected = await unlessGone(client.calls(callSid).update({ url, method: 'POST' }), isOverError);
        return redirected !== undefined && !isFinalStatus(textIn(redirected.status));
      }, deadline),

    hangUpCall: (callSid, deadline) =>
      ask(async (client) => {
        const request = client.calls(callSid).update({ status: 'completed' });
        return wasChanged(await unlessGone(request, isOverError));
      }, deadline),

    listRecordings: (of, deadline) =>
      ask(async (client) => {
        // By SID, because a recording that starts meanwhile moves others to the next page.
        const found = new Map<Sid, SpaceRecording>();
        for await (const one of readAll(await client.recordings.page({ ...of, pageSize: PAGE_SIZE }), 'recordings')) {
          // If the Space ignored the filter, we would pause or delete the recordings of others.
          const isMeant = 'callSid' in of ? one.callSid === of.callSid : one.conferenceSid === of.conferenceSid;
          const recordingSid = parseSid(one.sid);
          if (isMeant && recordingSid !== undefined) {
            found.set(recordingSid, parseRecording(one, now()));
          }
        }
        return [...found.values()];
      }, deadline),

    findRecording: (recordingSid, deadline) => ask((client) => findRecording(client, recordingSid), deadline),

    startRecording: (callSid, { callback }, deadline) =>
      ask(async (client) => {
        const call = client.calls(callSid);
        const request = call.recordings.create({
          recordingStatusCallback: callback,
          recordingStatusCallbackMethod: 'POST',
          // One field with all names in it.
          recordingStatusCallbackEvent: 'in-progress completed absent',
        });
        const started = await unlessOver(request, async () => {
          const found = await unlessGone(call.fetch());
          return found === undefined || parseCall(found).isOver;
        });
        return started && parseRecording(started, now());
      }, deadline),

    changeRecording: ({ recordingSid, conferenceSid, callSid }, status, deadline) =>
      ask(async (client) => {
        const changed = await unlessOver(
          updateRecording(client, { recordingSid, conferenceSid, callSid }, status),
          async () => {
            const found = await findRecording(client, recordingSid);
            return found === undefined || isFinishedRecording(found.status);
          },
        );
        const recording = changed && parseRecording(changed, now());
        const isOver = recording !== undefined && status !== 'stopped' && isFinishedRecording(recording.status);
        return isOver ? undefined : recording;
      }, deadline),

    deleteRecording: (recordingSid, deadline) =>
      ask(async (client) => (await unlessGone(client.recordings(recordingSid).remove())) !== undefined, deadline),

    downloadRecording: (recordingSid, { timeoutMs = defaultTimeoutMs, range } = {}) =>
      downloadAudio(settings, `${accountPath}/Recordings/${recordingSid}.wav`, {
        ...transportOptions(timeoutMs),
        readTimeoutMs: timeoutMs,
        range,
      }),

    listNumbers: (deadline) =>
      ask(async (client) => {
        const found: SpaceNumber[] = [];
        const firstPage = await client.incomingPhoneNumbers.page({ pageSize: PAGE_SIZE });
        for await (const one of readAll(firstPage, 'incoming_phone_numbers')) {
          const number = parseNumber(one);
          if (number !== undefined) {
            found.push(number);
          }
        }
        return found;
      }, deadline),

    changeNumber: (numberSid, change, deadline) =>
      ask(async (client) => {
        const changed = await unlessGone(client.incomingPhoneNumbers(numberSid).update(change));
        if (changed === undefined) {
          return undefined;
        }
        const number = parseNumber(changed);
        if (number === undefined) {
          throw new SpaceError('unreadable', 'The Space answered without a number.');
        }
        return number;
      }, deadline),

    findAccount: (deadline) =>
      ask(async (_client, transport) => {
        // The SDK does not pass on the header Date.
        const { body, date } = await transport.request({
          method: 'GET',
          uri: new URL(`${accountPath}.json`, settings.url).href,
        });
        const account = body as { sid?: unknown; status?: unknown } | null;
        requiredSid(account?.sid);
        const time = Date.parse(date ?? '');
        return { status: textIn(account?.status), spaceDate: Number.isNaN(time) ? undefined : new Date(time) };
      }, deadline),
  };

  function transportOptions(timeoutMs: number): TransportOptions {
    return { fetch, signal: AbortSignal.timeout(timeoutMs), runInSlot };
  }

  async function ask<T>(
    question: (client: Client, transport: Transport) => Promise<T>,
    { timeoutMs = defaultTimeoutMs }: Deadline = {},
  ): Promise<T> {
    const transport = createTransport(settings, transportOptions(timeoutMs));
    const client = sdk.RestClient(settings.projectId, settings.apiToken, {
      signalwireSpaceUrl: new URL(settings.url).host,
      httpClient: transport as never,
    });
    try {
      return await question(client, transport);
    } catch (error) {
      throw error instanceof SpaceError
        ? error
        : new SpaceError('unreadable', 'The Space gave an unexpected answer.', { cause: error });
    }
  }

  async function findRecording(client: Client, recordingSid: Sid): Promise<SpaceRecording | undefined> {
    const found = await unlessGone(client.recordings(recordingSid).fetch());
    return found && parseRecording(found, now());
  }

  async function listParticipants(client: Client, conferenceSid: Sid): Promise<SpaceParticipant[]> {
    const seen: SpaceParticipant[] = [];
    const firstPage = await client.conferences(conferenceSid).participants.page({ pageSize: PAGE_SIZE });
    for await (const participant of readAll(firstPage, 'participants')) {
      const one =
        parseSid(participant.callSid) === undefined ? undefined : parseParticipant(participant, conferenceSid, now());
      if (one !== undefined) {
        seen.push(one);
      }
    }
    return seen;
  }
}

type Client = ReturnType<typeof RestClient>;
type Transport = ReturnType<typeof createTransport>;

/** The requests of one client at once. More wait, and their wait counts against the deadline. */
export const MAX_REQUESTS_AT_ONCE = 100;
/** The largest page of a list. */
const PAGE_SIZE = 1_000;
/** The HTTP statuses of a change that the Space cannot make. */
const INVALID_STATUSES = [400, 422];
/** The Space's error code for a change to something that is over. */
const IS_OVER = 10_000;

/** The recordings of a conference can be changed only under the conference, and those of a call only under the call. */
function updateRecording(
  client: Client,
  { recordingSid, conferenceSid, callSid }: Pick<SpaceRecording, 'recordingSid' | 'callSid' | 'conferenceSid'>,
  status: 'paused' | 'in-progress' | 'stopped',
): Promise<Parameters<typeof parseRecording>[0]> {
  if (conferenceSid !== undefined) {
    return client.conferences(conferenceSid).recordings(recordingSid).update({ status });
  }
  if (callSid !== undefined) {
    return client.calls(callSid).recordings(recordingSid).update({ status });
  }
  throw new SpaceError('unreadable', 'The Space names neither a conference nor a call for this recording.');
}

/**
 * The result of a change; undefined if it failed because its subject is over. Some refusals have no code for this: then
 * `isOver` reads the subject.
 */
async function unlessOver<T>(request: Promise<T>, isOver: () => Promise<boolean>): Promise<T | undefined> {
  try {
    return await unlessGone(request, isOverError);
  } catch (error) {
    const isAmbiguous = error instanceof SpaceError && INVALID_STATUSES.includes(error.status ?? 0);
    if (isAmbiguous && (await isOver().catch(() => false))) {
      return undefined;
    }
    throw error;
  }
}

/** The result of a request; undefined if it failed because its subject is gone. */
async function unlessGone<T>(request: Promise<T> | undefined, isGone = isMissingError): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (isGone(error)) {
      return undefined;
    }
    throw error;
  }
}

/**
 * Whether a change was made.
 *
 * @param answer undefined if its subject is gone
 * @throws SpaceError `unreadable` if the answer is no resource
 */
function wasChanged(answer: { readonly sid?: unknown } | undefined): boolean {
  return answer !== undefined && requiredSid(answer.sid) !== undefined;
}

function isMissingError(error: unknown): boolean {
  return error instanceof SpaceError && error.status === 404;
}

/** Whether a change failed because its subject is over or was never there. */
function isOverError(error: unknown): boolean {
  if (isMissingError(error)) {
    return true;
  }
  return error instanceof SpaceError && INVALID_STATUSES.includes(error.status ?? 0) && error.spaceCode === IS_OVER;
}

/**
 * The entries of this page and of those after it. The SDK's own `list` leaves rejections of later pages unhandled.
 *
 * @param name the list's name in the answer; the SDK would take any other list, or an answer without one
 */
async function* readAll<T>(
  firstPage: { getInstance(payload: never): T },
  name: 'conferences' | 'participants' | 'recordings' | 'incoming_phone_numbers',
): AsyncGenerator<T> {
  // The SDK's types lack the instances, and do not say that the last page has no next one.
  type PageOf = { instances: T[]; _payload: Record<string, unknown>; nextPage(): Promise<PageOf> | undefined };
  let page = firstPage as unknown as PageOf | undefined;
  while (page !== undefined) {
    if (!Array.isArray(page._payload[name])) {
      throw new SpaceError('unreadable', `The Space answered without a list of ${name}.`);
    }
    yield* page.instances;
    page = await page.nextPage();
  }
}
