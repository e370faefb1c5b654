import { z } from 'zod';
import { MOMENT_FORM, parseMoment } from '../ops/instant';
import { isAllowed } from '../people/rights';
import type { Roster } from '../people/roster';
import type { Mode } from '../rooms/mode';
import { isOpen, type RoomName, type Stay } from '../rooms/room';
import type { Rooms } from '../rooms/rooms';
import { parseSid, type Sid } from '../signalwire/sid';
import type { CallSupervisor } from '../supervision/call-supervisor';
import type { ChangeMode } from '../supervision/mode-change';
import type { ParticipantActions } from '../supervision/participant-actions';
import type { RefusalEvent } from '../supervision/refusals';
import type { AuditRecord } from '../supervision/trail';
import { reportOf } from './action-replies';
import type { LiveFeed } from './live-feed';
import { type Operation, operation } from './operation';
import { ACTION_PROBLEMS, type ProblemCode, problem, restNotConfigured } from './problem';
import { actionReport, auditPage, bodies, liveEvent, peopleList, refusalPage, roomList, roomView } from './schemas';
import { answerWithStream } from './server-sent-events';
import { isPosition, mayReadFact, mayReadRefusal, POSITION_FORM, type TrailReader } from './trail-reader';
import { viewEntry, viewPerson, viewRecord, viewRoom } from './views';

/** The parts of the server that the API uses. */
export interface OperationsOptions {
  rooms: Pick<Rooms, 'listStored' | 'read'>;
  roster: Pick<Roster, 'moderators' | 'supervisors' | 'supervisorLabelled'>;
  feed: Pick<LiveFeed, 'subscribe' | 'readersOf'>;
  trail: TrailReader;
  /** Undefined when the Space's REST API is not configured. */
  control:
    | {
        changeMode: ChangeMode;
        participants: ParticipantActions;
        /** Undefined without a number to call from. */
        callSupervisor: CallSupervisor | undefined;
      }
    | undefined;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** The problems of every action on a conference, or on somebody in it. */
const CONTROL_PROBLEMS: readonly ProblemCode[] = [...ACTION_PROBLEMS, 'not_in_room', 'left', 'no_conference'];

/** The most records of one page of the trail, and the most lines that are read for it. */
const MAX_RECORDS = 1_000;
const MAX_LINES = 5_000;

const AFTER_FORM = 'send `next` of the previous page';
const LIMIT_FORM = `must be a whole number from 1 to ${MAX_RECORDS}`;

/** How many streams of the live feed a token has at once: a quarter of those that a server was measured with. */
const MAX_STREAMS_PER_TOKEN = 250;

/** Every operation of the API. */
export function createOperations(options: OperationsOptions): Operation[] {
  const { rooms, roster, feed, trail, control, now } = options;
  const moment = z.string().transform((text, context) => {
    const parsed = parseMoment(text, now());
    if (parsed === undefined) {
      context.addIssue(`must be ${MOMENT_FORM}`);
    }
    return parsed ?? z.NEVER;
  });
  const refusalQuery = z.object({
    since: moment.prefault('24h').describe(`From then on: ${MOMENT_FORM}`),
    limit: z.coerce
      .number(LIMIT_FORM)
      .int(LIMIT_FORM)
      .min(1, LIMIT_FORM)
      .max(MAX_RECORDS, LIMIT_FORM)
      .default(MAX_RECORDS)
      .describe('At most this many records'),
  });
  const trailQuery = refusalQuery.extend({
    until: moment.optional().describe('Before then; the same forms'),
    after: z
      .string()
      .regex(POSITION_FORM, { error: AFTER_FORM, abort: true })
      .refine(isPosition, AFTER_FORM)
      .optional()
      .describe('The `next` of the previous page, instead of `since`'),
  });

  function requireControl(): NonNullable<typeof control> {
    if (control === undefined) {
      throw restNotConfigured();
    }
    return control;
  }

  /** @param isMeant whether the actor may see a record */
  function pageOfTrail(
    { since, until = Number.POSITIVE_INFINITY, after, limit }: z.output<typeof trailQuery>,
    room: RoomName | undefined,
    isMeant: (record: AuditRecord) => boolean,
  ): Promise<{ records: AuditRecord[]; next: string | null }> {
    const isInTime = ({ at }: AuditRecord) =>
      (after !== undefined || Date.parse(at) >= since) && Date.parse(at) < until;
    return trail.inTurn(async () => {
      const records: AuditRecord[] = [];
      let lines = 0;
      for await (const { record, position } of trail.facts(after === undefined ? { since } : { after }, room)) {
        if (isInTime(record) && isMeant(record)) {
          records.push(viewRecord(record));
        }
        if (records.length >= limit || ++lines >= MAX_LINES) {
          return { records, next: position };
        }
      }
      return { records, next: null };
    });
  }

  function pageOfRefusals(
    { since, limit }: z.output<typeof refusalQuery>,
    isMeant: (refusal: RefusalEvent) => boolean,
  ): Promise<{ records: RefusalEvent[]; isComplete: boolean }> {
    return trail.inTurn(async () => {
      const records: RefusalEvent[] = [];
      for await (const refusal of trail.refusals(since)) {
        if (isMeant(refusal)) {
          if (records.length >= limit) {
            return { records, isComplete: false };
          }
          records.push(refusal);
        }
      }
      return { records, isComplete: true };
    });
  }

  return [
    operation({
      id: 'listRooms',
      tag: 'Rooms',
      method: 'get',
      path: '/rooms',
      summary: 'Lists the rooms with anybody in them',
      right: 'see',
      response: { status: 200, description: 'The rooms that you may see', schema: roomList },
      problems: ['store_away'],
      isAction: false,
      async handle({ actor }) {
        const entries = await rooms.listStored();
        if (entries === 'unknown') {
          throw problem('store_away', 'The store does not answer. Try again soon.');
        }
        const visible = entries.filter(({ room }) => isAllowed(actor, 'see', room));
        return { status: 200, body: { rooms: visible.map(viewEntry) } };
      },
    }),
    operation({
      id: 'readRoom',
      tag: 'Rooms',
      method: 'get',
      path: '/rooms/{room}',
      summary: 'Shows a room: its conference, participants, and recent actions',
      right: 'see',
      response: { status: 200, description: 'The room; empty if nobody is in it', schema: roomView },
      problems: ['store_away'],
      isAction: false,
      async handle({ room }) {
        const found = await rooms.read(room);
        if (!found.isKnown) {
          throw problem('store_away', 'The store does not answer, and this server does not know the room.');
        }
        return { status: 200, body: viewRoom(found.state) };
      },
    }),
    operation({
      id: 'followRooms',
      tag: 'Rooms',
      method: 'get',
      path: '/events',
      summary: 'Streams the rooms that you may see: a snapshot, then every change (Server-Sent Events)',
      right: 'see',
      response: {
        status: 200,
        mediaType: 'text/event-stream',
        schema: liveEvent,
        description:
          'A stream of such events, without an end. Send the last id as Last-Event-ID to go on from there, at any server.',
      },
      problems: ['too_many_readers'],
      isAction: false,
      async handle({ actor: { name: owner, rooms }, lastEventId, isStillAllowed }) {
        if (feed.readersOf(owner) >= MAX_STREAMS_PER_TOKEN) {
          throw problem(
            'too_many_readers',
            `This token has ${MAX_STREAMS_PER_TOKEN} streams at this server, and may have no more. Close one, or use another token.`,
          );
        }
        return {
          send(res) {
            answerWithStream(res, () => feed.subscribe({ owner, rooms, isStillAllowed }, lastEventId, res));
          },
        };
      },
    }),
    operation({
      id: 'callSupervisor',
      tag: 'Supervisors',
      method: 'post',
      path: '/rooms/{room}/supervisors',
      summary:
        'Calls a supervisor of the roster from CALLER_ID. They join in monitor when they press a key; the mode follows',
      right: ({ mode }) => mode,
      body: bodies.join,
      response: {
        status: 202,
        description: 'The Space took the call; the room shows what becomes of it',
        schema: actionReport,
      },
      problems: [
        ...CONTROL_PROBLEMS,
        'no_such_supervisor',
        'no_address',
        'no_moderator',
        'calls_not_configured',
        'no_key',
        'no_answer',
        'line_busy',
        'not_connected',
      ],
      isAction: true,
      async handle({ actor, room, body: { supervisor, mode } }) {
        const { callSupervisor } = requireControl();
        if (callSupervisor === undefined) {
          throw problem('calls_not_configured', 'Set CALLER_ID to a number of your Space.');
        }
        const person = roster.supervisors.byName.get(supervisor);
        if (person === undefined) {
          throw problem('no_such_supervisor', 'The roster has no supervisor of this name.');
        }
        if (!isAllowed(person, mode, room) || !isAllowed(person, 'monitor', room)) {
          throw problem(
            'not_allowed',
            `${supervisor} may not supervise this room in the mode ${mode}, or may not listen.`,
          );
        }
        if (person.address === undefined) {
          throw problem('no_address', `${supervisor} has no number or address in the roster.`);
        }
        const called = { name: supervisor, address: person.address };
        return { status: 202, body: reportOf(await callSupervisor(room, called, mode, actor.name), undefined) };
      },
    }),
    operation({
      id: 'changeMode',
      tag: 'Supervisors',
      method: 'put',
      path: '/rooms/{room}/supervisors/{callSid}/mode',
      summary: 'Changes how a supervisor in the conference is heard; answers when it is confirmed or has failed',
      right: ({ mode }) => mode,
      body: bodies.mode,
      response: { status: 200, description: 'The Space was seen to have made the change', schema: actionReport },
      problems: [...CONTROL_PROBLEMS, 'not_a_supervisor', 'conversation_changed', 'muted_by_server'],
      isAction: true,
      async handle({ actor, room, sid, body: { mode, target }, isStillAllowed }) {
        const { changeMode } = requireControl();
        await requireOwnRight(room, sid, mode);
        const request = {
          by: actor.name,
          target: parseSid(target),
          isAllowed: ({ name }: Stay) => isStillAllowed() && hasOwnRight(name, mode, room),
        };
        return { status: 200, body: reportOf(await changeMode(room, sid, mode, request), sid) };
      },
    }),
    operation({
      id: 'changeParticipant',
      tag: 'Participants',
      method: 'patch',
      path: '/rooms/{room}/participants/{callSid}',
      summary: 'Mutes or unmutes a participant who is no supervisor, or puts one on hold or back',
      right: 'control',
      body: bodies.participant,
      response: { status: 200, description: 'The Space was seen to have made the change', schema: actionReport },
      problems: [...CONTROL_PROBLEMS, 'is_a_supervisor'],
      isAction: true,
      async handle({ actor, room, sid, body }) {
        const { participants } = requireControl();
        const result = await ('muted' in body
          ? participants.setMuted(room, sid, body.muted, actor.name)
          : participants.setOnHold(room, sid, body.onHold, actor.name));
        return { status: 200, body: reportOf(result, sid) };
      },
    }),
    operation({
      id: 'removeParticipant',
      tag: 'Participants',
      method: 'delete',
      path: '/rooms/{room}/participants/{callSid}',
      summary: 'Takes a participant out of the conference; a supervisor hears so, and their call ends',
      right: 'control',
      response: { status: 200, description: 'They were seen to be out', schema: actionReport },
      problems: CONTROL_PROBLEMS,
      isAction: true,
      async handle({ actor, room, sid }) {
        const { participants } = requireControl();
        // The room shows them until their leave is reported.
        return { status: 200, body: reportOf(await participants.remove(room, sid, actor.name), undefined) };
      },
    }),
    operation({
      id: 'sendNote',
      tag: 'Participants',
      method: 'post',
      path: '/rooms/{room}/participants/{callSid}/notes',
      summary: 'Speaks a text to an agent; only with ANNOUNCE_IS_PRIVATE=true',
      right: 'coach',
      body: bodies.note,
      response: { status: 200, description: 'The Space took it', schema: actionReport },
      problems: [...CONTROL_PROBLEMS, 'notes_not_private', 'not_a_moderator'],
      isAction: true,
      async handle({ actor, room, sid, body: { text } }) {
        const { participants } = requireControl();
        return { status: 200, body: reportOf(await participants.note(room, sid, text, actor.name), sid) };
      },
    }),
    operation({
      id: 'endConference',
      tag: 'Rooms',
      method: 'delete',
      path: '/rooms/{room}/conference',
      summary: 'Ends the conference for everybody',
      right: 'control',
      response: { status: 200, description: 'The conference was seen to be over', schema: actionReport },
      problems: CONTROL_PROBLEMS,
      isAction: true,
      async handle({ actor, room }) {
        const { participants } = requireControl();
        return { status: 200, body: reportOf(await participants.end(room, actor.name), undefined) };
      },
    }),
    operation({
      id: 'readRoomTrail',
      tag: 'Audit trail',
      method: 'get',
      path: '/rooms/{room}/audit',
      summary: 'Reads the audit trail of a room',
      right: 'audit',
      query: trailQuery,
      response: { status: 200, description: 'Its lines, nearly in the order they were written', schema: auditPage },
      problems: ['store_away', 'too_many_readers'],
      isAction: false,
      handle: async ({ room, query }) => ({
        status: 200,
        body: await pageOfTrail(query, room, (record) => record.room === room),
      }),
    }),
    operation({
      id: 'readTrail',
      tag: 'Audit trail',
      method: 'get',
      path: '/audit',
      summary: 'Reads the audit trail of every room that you may audit',
      right: 'audit',
      query: trailQuery,
      response: { status: 200, description: 'Its lines, nearly in the order they were written', schema: auditPage },
      problems: ['store_away', 'too_many_readers'],
      isAction: false,
      handle: async ({ actor, query }) => ({
        status: 200,
        body: await pageOfTrail(query, undefined, (record) => mayReadFact(actor, record)),
      }),
    }),
    operation({
      id: 'readRefusals',
      tag: 'Audit trail',
      method: 'get',
      path: '/refusals',
      summary:
        'Reads who was not let in, lockouts, and sign-ins to the screen: of the rooms that you may audit; with all rooms, also without a room',
      right: 'audit',
      query: refusalQuery,
      response: { status: 200, description: 'The refusals, in the order they were written', schema: refusalPage },
      problems: ['store_away', 'too_many_readers'],
      isAction: false,
      handle: async ({ actor, query }) => ({
        status: 200,
        body: await pageOfRefusals(query, (refusal) => mayReadRefusal(actor, refusal)),
      }),
    }),
    operation({
      id: 'listPeople',
      tag: 'People',
      method: 'get',
      path: '/people',
      summary: 'Lists the moderators and supervisors of the rooms that you may see, without secrets',
      right: 'see',
      response: { status: 200, description: 'The people of the roster and the settings', schema: peopleList },
      problems: [],
      isAction: false,
      async handle({ actor }) {
        const people = [
          ...roster.moderators.all.map((person) => ({ person, role: 'moderator' as const })),
          ...roster.supervisors.all.map((person) => ({ person, role: 'supervisor' as const })),
        ];
        const isVisible = ({ rooms: own }: (typeof people)[number]['person']) =>
          actor.rooms === 'all' || own === 'all' || [...own].some((room) => isAllowed(actor, 'see', room));
        const visible = people.filter(({ person }) => isVisible(person));
        return {
          status: 200,
          body: { people: visible.map(({ person, role }) => viewPerson(person, role, actor.rooms)) },
        };
      },
    }),
  ];

  /** Nobody gets a voice through the API that they may not choose by telephone. @throws Problem */
  async function requireOwnRight(room: RoomName, callSid: Sid, mode: Mode): Promise<void> {
    if (mode === 'monitor') {
      return;
    }
    const found = await rooms.read(room);
    if (!found.isKnown) {
      throw problem('store_away', 'The store does not answer, and this server does not know the room.');
    }
    // An earlier stay of the call may have no name: its document is not known.
    const stay = found.state.stays.find((one) => one.callSid === callSid && isOpen(one));
    if (stay?.supervision !== undefined && !hasOwnRight(stay.name, mode, room)) {
      throw problem('not_allowed', `${stay.name ?? 'This supervisor'} lacks the right ${mode} in this room.`);
    }
  }

  function hasOwnRight(name: string | undefined, mode: Mode, room: RoomName): boolean {
    const person = roster.supervisorLabelled(name);
    return person !== undefined && isAllowed(person, mode, room);
  }
}
