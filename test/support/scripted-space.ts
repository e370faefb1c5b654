import type { RoomName } from '../../src/rooms/room';
import {
  type ConferenceApi,
  type ParticipantChange,
  type SpaceCall,
  SpaceError,
  type SpaceParticipant,
  type SpaceRecording,
} from '../../src/signalwire/conference-api';
import { isFinishedRecording } from '../../src/signalwire/rest-resources';
import type { Sid } from '../../src/signalwire/sid';

/** A participant of a {@link ScriptedSpace}. */
export interface Party {
  callSid: Sid;
  isMuted?: boolean;
  isOnHold?: boolean;
  target?: Sid | undefined;
  isModerator?: boolean;
  joinedAt?: number;
}

/** What becomes of a request instead: `missing` is a 404, `ignored` a 200 that changes nothing. */
export type Trouble = 'missing' | 'ignored' | Error | undefined;

/** What we use of the Space's REST API. */
export type ScriptedClient = Pick<
  ConferenceApi,
  | 'listConferences'
  | 'findConference'
  | 'listParticipants'
  | 'findParticipant'
  | 'changeParticipant'
  | 'removeParticipant'
  | 'endConference'
  | 'redirectCall'
  | 'createCall'
  | 'hangUpCall'
  | 'findCall'
  | 'listRecordings'
  | 'findRecording'
  | 'startRecording'
  | 'changeRecording'
  | 'deleteRecording'
>;

/** A Space without HTTP, which does as it is told and takes down what it was asked. */
export interface ScriptedSpace {
  client: ScriptedClient;
  /** Each request in words, such as `mute ted-1 in cf-1`. A list of conferences counts as two, as it does by HTTP. */
  requests: string[];
  /** The answer to `GET /Calls/{sid}`. */
  calls: Map<Sid, SpaceCall>;
  /** What is or was recorded. */
  recordings: Map<Sid, SpaceRecording>;
  /** How long each answer takes, in milliseconds; a list of conferences takes twice as long. */
  latencyMs: number;
  /** Whether an answer shows the Space as it was when it was asked, instead of when it answers. */
  readsAtOnce: boolean;
  /** Asked about each request, by its words. */
  trouble: (request: string) => Trouble;
  /** Told of each call that REST took out of a conference. */
  onLeave: (callSid: Sid, conferenceSid: Sid) => void;
  open(room: RoomName, conferenceSid: Sid, parties?: readonly Party[]): void;
  close(conferenceSid: Sid): void;
  enter(conferenceSid: Sid, party: Party): void;
  leave(callSid: Sid): void;
  /** Undefined for a call that is in no conference. */
  party(callSid: Sid): Party | undefined;
}

/** The error of a client that got this HTTP status. */
export function refusal(status: number): SpaceError {
  return new SpaceError('refused', `The Space answered with status ${status}.`, { status });
}

/** Every way in which a request of an action fails, by name. */
export const TROUBLES: readonly [string, Trouble][] = [
  ['401', refusal(401)],
  ['404', 'missing'],
  ['422', new SpaceError('refused', 'over', { status: 422, spaceCode: 10_000 })],
  ['429', refusal(429)],
  ['500', refusal(500)],
  ['HTML', new SpaceError('unreadable', 'HTML', { status: 200 })],
  ['nothing', new SpaceError('timeout', 'late')],
  ['no change', 'ignored'],
];

/** @param now milliseconds from any beginning */
export function createScriptedSpace({ now }: { now: () => number }): ScriptedSpace {
  const conferences = new Map<Sid, { room: RoomName; createdAt: number; parties: Map<Sid, Party> }>();

  /** Takes a request down, waits, and answers it; the change is made when the answer comes. */
  async function ask<T>(request: string, missing: T, answer: (isIgnored: boolean) => T): Promise<T> {
    space.requests.push(request);
    if (space.latencyMs > 0) {
      const latencyMs = request.startsWith('list') ? 2 * space.latencyMs : space.latencyMs;
      await new Promise((resolve) => setTimeout(resolve, latencyMs));
    }
    const trouble = space.trouble(request);
    if (trouble instanceof Error) {
      throw trouble;
    }
    return trouble === 'missing' ? missing : answer(trouble === 'ignored');
  }

  /** A request that changes nothing. */
  async function read<T>(request: string, missing: T, answer: () => T): Promise<T> {
    const seen = answer();
    return ask(request, missing, () => (space.readsAtOnce ? seen : answer()));
  }

  function show(
    conferenceSid: Sid,
    { callSid, isMuted, isOnHold, target, isModerator, joinedAt = 0 }: Party,
  ): SpaceParticipant {
    return {
      callSid,
      conferenceSid,
      isMuted: isMuted ?? false,
      isOnHold: isOnHold ?? false,
      target,
      isCoaching: target !== undefined,
      endsConference: isModerator ?? false,
      joinAgeMs: Math.max(1, now() - joinedAt),
    };
  }

  const placeOf = (callSid: Sid) => [...conferences.values()].find(({ parties }) => parties.has(callSid));
  const leave = (callSid: Sid) => placeOf(callSid)?.parties.delete(callSid) ?? false;
  const takeOut = (callSid: Sid) => {
    const [place] = [...conferences].find(([, { parties }]) => parties.has(callSid)) ?? [];
    if (place === undefined) {
      return false;
    }
    leave(callSid);
    space.onLeave(callSid, place);
    return true;
  };

  const space: ScriptedSpace = {
    requests: [],
    calls: new Map(),
    recordings: new Map(),
    latencyMs: 0,
    readsAtOnce: false,
    trouble: () => undefined,
    onLeave: () => {},
    client: {
      listConferences: (room) =>
        read(room === undefined ? 'list' : `list ${room}`, [], () =>
          [...conferences]
            .filter(([, conference]) => room === undefined || conference.room === room)
            .map(([conferenceSid, conference]) => ({
              conferenceSid,
              room: conference.room,
              hasStarted: conference.parties.size > 1,
              ageMs: Math.max(1, now() - conference.createdAt),
            })),
        ),
      findConference: (conferenceSid) =>
        read(`conference ${conferenceSid}`, undefined, () => {
          const conference = conferences.get(conferenceSid);
          return conference && { room: conference.room };
        }),
      listParticipants: (conferenceSid) =>
        read(`participants of ${conferenceSid}`, undefined, () => {
          const conference = conferences.get(conferenceSid);
          return conference && [...conference.parties.values()].map((party) => show(conferenceSid, party));
        }),
      findParticipant: (conferenceSid, callSid) =>
        read(`read ${callSid} in ${conferenceSid}`, undefined, () => {
          const party = conferences.get(conferenceSid)?.parties.get(callSid);
          return party && show(conferenceSid, party);
        }),
      changeParticipant: (conferenceSid, callSid, change) => {
        const { muted, onHold, target } = change;
        const words = wordsOf(change);
        return ask(`${words} ${callSid} in ${conferenceSid}`, undefined, (isIgnored) => {
          const parties = conferences.get(conferenceSid)?.parties;
          const party = parties?.get(callSid);
          if (party === undefined) {
            return undefined;
          }
          if (target !== undefined && target !== 'nobody' && !parties?.has(target)) {
            throw refusal(422);
          }
          const changed = { ...party };
          changed.isMuted = muted ?? changed.isMuted ?? false;
          changed.isOnHold = onHold ?? changed.isOnHold ?? false;
          changed.target = target === 'nobody' ? undefined : (target ?? changed.target);
          if (!isIgnored) {
            parties?.set(callSid, changed);
          }
          return show(conferenceSid, changed);
        });
      },
      removeParticipant: (conferenceSid, callSid) =>
        ask(`remove ${callSid} from ${conferenceSid}`, false, () => takeOut(callSid)),
      endConference: (conferenceSid) => ask(`end ${conferenceSid}`, false, () => conferences.delete(conferenceSid)),
      createCall: ({ from, to, url }) =>
        ask<SpaceCall | undefined>(`call ${to} for ${url}`, undefined, () => {
          const callSid = `out-${space.calls.size + 1}` as Sid;
          const call = { callSid, isOver: false, from, to, direction: 'outbound' };
          space.calls.set(callSid, call);
          return call;
        }).then((call) => {
          if (call === undefined) {
            throw refusal(404);
          }
          return call;
        }),
      hangUpCall: (callSid) => ask(`hang up ${callSid}`, false, () => takeOut(callSid)),
      redirectCall: (callSid, url) => ask(`move ${callSid} to ${url}`, false, () => takeOut(callSid)),
      findCall: (callSid) => ask(`call ${callSid}`, undefined, () => space.calls.get(callSid)),
      listRecordings: (of) => {
        const [[name, sid] = []] = Object.entries(of) as [keyof SpaceRecording, Sid][];
        return read(`recordings of ${sid}`, [], () =>
          [...space.recordings.values()].filter((one) => name !== undefined && one[name] === sid),
        );
      },
      findRecording: (recordingSid) =>
        read(`read recording ${recordingSid}`, undefined, () => space.recordings.get(recordingSid)),
      startRecording: (callSid) =>
        ask(`record ${callSid}`, undefined, () => {
          if (placeOf(callSid) === undefined) {
            return undefined;
          }
          const recordingSid = `recording-${space.recordings.size + 1}` as Sid;
          const started = { recordingSid, callSid, conferenceSid: undefined, status: 'in-progress' };
          const recording = { ...started, startedAgeMs: 1, durationSeconds: undefined };
          space.recordings.set(recordingSid, recording);
          return recording;
        }),
      changeRecording: ({ recordingSid }, status) =>
        ask(`set recording ${recordingSid} ${status}`, undefined, (isIgnored) => {
          const recording = space.recordings.get(recordingSid);
          if (recording === undefined || isFinishedRecording(recording.status)) {
            return undefined;
          }
          const changed = { ...recording, status };
          if (!isIgnored) {
            space.recordings.set(recordingSid, changed);
          }
          return changed;
        }),
      deleteRecording: (recordingSid) =>
        ask(
          `delete recording ${recordingSid}`,
          false,
          (isIgnored) => space.recordings.has(recordingSid) && (isIgnored || space.recordings.delete(recordingSid)),
        ),
    },
    open(room, conferenceSid, parties = []) {
      const createdAt = now();
      conferences.set(conferenceSid, { room, createdAt, parties: new Map() });
      for (const party of parties) {
        space.enter(conferenceSid, party);
      }
    },
    close: (conferenceSid) => void conferences.delete(conferenceSid),
    enter: (conferenceSid, party) =>
      void conferences.get(conferenceSid)?.parties.set(party.callSid, { joinedAt: now(), ...party }),
    leave: (callSid) => void leave(callSid),
    party: (callSid) => placeOf(callSid)?.parties.get(callSid),
  };
  return space;
}

/** A change in words, followed by the participant. */
function wordsOf({ muted, onHold, target, announceUrl }: ParticipantChange): string {
  if (muted !== undefined) {
    return muted ? 'mute' : 'unmute';
  }
  if (onHold !== undefined) {
    return onHold ? 'hold' : 'unhold';
  }
  return target !== undefined ? `coach ${target} as` : `announce ${announceUrl} to`;
}

/** Waits until the Space has got more than so many requests. */
export async function requestsOver({ requests }: Pick<ScriptedSpace, 'requests'>, count: number): Promise<void> {
  while (requests.length <= count) {
    await new Promise(setImmediate);
  }
}

/** Lets the first request by this method wait on its way to the Space until it may go on. */
export function holdBack<M extends keyof ScriptedClient>(
  { client }: { client: Pick<ScriptedClient, M> },
  method: M,
): { begun: Promise<void>; goOn: () => void } {
  const send = client[method] as (...request: unknown[]) => Promise<unknown>;
  let goOn = () => {};
  const waiting = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const begun = new Promise<void>((resolve) => {
    client[method] = (async (...request: unknown[]) => {
      client[method] = send as ScriptedClient[M];
      resolve();
      await waiting;
      return send(...request);
    }) as ScriptedClient[M];
  });
  return { begun, goOn };
}
