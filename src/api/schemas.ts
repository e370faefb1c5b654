import { z } from 'zod';
import { RIGHTS } from '../people/rights';
import { MODES } from '../rooms/mode';
import { SID_FORM } from '../signalwire/sid';
import { isNote } from '../supervision/note';
import type { RefusalEvent } from '../supervision/refusals';
import type { AuditRecord } from '../supervision/trail';
import { PROBLEM_STATUS, type ProblemCode, REASON_CODES } from './problem';

const instant = z.iso.datetime().describe('ISO 8601, in UTC');
const instantOrNull = instant.nullable();
const nameOrNull = z.string().nullable().describe('Their name; null if it is unknown');
const callSid = z.string().describe('Call SID');
const roomName = z.string().describe('Name of a room');
const recordingSid = z.string().describe('Recording SID');
const mode = z.enum(MODES).describe('monitor: nobody hears them. coach: the agent alone does. barge: everybody does');
const heard = z.enum([...MODES, 'unknown']);
const role = z.enum(['moderator', 'caller', 'supervisor', 'unknown']).describe('A moderator is an agent');

const reason = z.enum(Object.values(REASON_CODES));

/** Every kind of action. */
const actionName = z
  .enum([
    'mode',
    'join',
    'mute',
    'unmute',
    'hold',
    'unhold',
    'remove',
    'note',
    'end',
    'record',
    'pause',
    'resume',
    'stop',
    'open',
  ])
  .describe('What was requested; open, in the trail alone: the audio of a recording, to play it or to save it');

const actionStatus = z
  .enum(['requested', 'confirmed', 'accepted', 'failed'])
  .describe(
    'requested: recorded before the first request to the Space. confirmed: the Space was seen to have done it. accepted: the Space took it, and nothing shows its effect.',
  );

export const actionView = z
  .strictObject({
    id: z.string().describe('Unique'),
    name: actionName,
    by: z.string().describe('Who requested it'),
    status: actionStatus,
    requestedAt: instant,
    settledAt: instantOrNull.describe('When it was confirmed, accepted or failed'),
    reason: reason.nullable().describe('Why it failed: a code, as of problems'),
    callSid: callSid
      .nullable()
      .describe('The call it is about; of record the call that is recorded; null for the whole room'),
    recordingSid: z.string().nullable().describe('Of stop; of record once it is known'),
    mode: mode.nullable().describe('Of mode, and of join: the mode that follows'),
    supervisor: z.string().nullable().describe('Of join: the person who is called'),
  })
  .meta({ id: 'Action' });

export const participantView = z
  .strictObject({
    callSid,
    role,
    name: nameOrNull,
    number: z.string().nullable().describe('Masked number or address'),
    arrivedAt: instantOrNull.describe('When they asked to be connected; null if it is unknown'),
    joinedAt: instantOrNull.describe('Null until they were seen in the conference'),
    muted: z.boolean().nullable().describe('As the Space reported it; null if it did not'),
    onHold: z.boolean().nullable().describe('As the Space reported it; null if it did not'),
    onHoldSince: instantOrNull.describe('Since when, as far as is known; null if they are not on hold'),
    speakingSince: instantOrNull.describe('Null while they are silent, or if it is unknown'),
    supervision: z
      .strictObject({
        requestedMode: mode.nullable().describe('The mode that was requested last; null if it is unknown'),
        heardAs: heard.describe(
          'The mode in which the Space last reported them; unknown if it did not, if the room was not compared with it for more than 10 seconds, or if others than their agent may hear a coach',
        ),
        confirmed: z
          .boolean()
          .describe(
            'Whether the Space reported the requested mode and target; false while the mode is being changed, and while others than their agent may hear a coach',
          ),
        observedAt: instantOrNull.describe('When heardAs was observed'),
        target: callSid.nullable().describe('The call of the agent they supervise'),
        moderator: nameOrNull.describe('The name of that agent'),
      })
      .nullable()
      .describe('Of a supervisor'),
  })
  .meta({ id: 'Participant' });

export const recordingView = z
  .strictObject({
    recordingSid,
    status: z.string().describe('As the Space has it, such as in-progress, paused or completed'),
    callSid: callSid.nullable().describe('The recorded call; null for a conference, or if it is unknown'),
    conferenceSid: z.string().nullable().describe('The recorded conference; null for a call, or if it is unknown'),
    changedAt: instant.describe('When it got this status, as far as is known'),
    pausedByUs: z.boolean().describe('Whether resume will resume it'),
  })
  .meta({ id: 'Recording' });

export const roomView = z
  .strictObject({
    room: roomName,
    at: instantOrNull.describe(
      'When the state last changed, by the clock of the store; null if the store has no such room',
    ),
    conferenceSid: z.string().nullable().describe('The running conference; null if there is none'),
    target: callSid.nullable().describe('The call of the agent whom supervisors coach'),
    moderatorLeftAt: instantOrNull.describe(
      'When the last agent left; null while one is in the conference, or if none is known to have been',
    ),
    participants: z.array(participantView).describe('Everybody in the room or on the way'),
    recordings: z.array(recordingView).describe('The latest 50, as the room remembers them'),
    actions: z.array(actionView).describe('Requested through this API recently'),
  })
  .meta({ id: 'Room' });

const eventId = z.string().optional().describe('Send it as Last-Event-ID to go on after this event');
const storeStatus = z.enum(['ok', 'away']).describe('away: changes may be missing until it is ok');

export const liveEvent = z
  .discriminatedUnion('event', [
    z.strictObject({
      event: z.literal('snapshot').describe('Replaces everything before'),
      id: eventId,
      data: z
        .strictObject({ rooms: z.array(roomView).describe('Every room with anybody in it that you may see') })
        .describe('As JSON'),
    }),
    z.strictObject({ event: z.literal('room').describe('A room has changed'), id: eventId, data: roomView }),
    z.strictObject({
      event: z.literal('store').describe('The store is away, or back'),
      data: z.strictObject({ store: storeStatus }).describe('As JSON'),
    }),
    z.strictObject({
      event: z.literal('heartbeat').describe('Every 5 seconds'),
      id: eventId,
      data: z.strictObject({ at: instant.describe('Now'), store: storeStatus }).describe('As JSON'),
    }),
  ])
  .meta({ id: 'LiveEvent', description: 'One event of the stream, by its fields. `data` is sent as JSON on one line' });

/** A room as the API shows it. */
export type RoomView = z.output<typeof roomView>;

/** Somebody in a room as the API shows them. */
export type ParticipantView = z.output<typeof participantView>;

export const roomSummary = z
  .strictObject({
    room: roomName,
    at: instant.describe('When the state last changed'),
    target: z
      .strictObject({
        callSid,
        name: nameOrNull,
        hasJoined: z.boolean().describe('Whether they were seen in the conference'),
        arrivedAt: instant.describe('When they asked to be connected'),
      })
      .nullable()
      .describe('The agent whom supervisors coach'),
    hasCaller: z.boolean().describe('Whether a caller is in the conference'),
    supervisors: z.number().int().describe('How many are there or on their way'),
  })
  .meta({ id: 'RoomSummary' });

export const roomList = z
  .strictObject({ rooms: z.array(roomSummary).describe('The rooms with anybody in them') })
  .meta({ id: 'RoomList' });

export const actionReport = z
  .strictObject({
    action: actionView,
    participant: participantView.nullable().describe('As the room shows them now; null if they are not there'),
  })
  .meta({ id: 'ActionReport' });

const listedRecordingView = recordingView
  .extend({
    startedAt: instantOrNull.describe('Null if the Space did not tell'),
    durationSeconds: z.number().nullable().describe('Null if the Space did not tell'),
  })
  .meta({ id: 'ListedRecording' });

export const recordingList = z
  .strictObject({
    recordings: z.array(listedRecordingView).describe('The newest last'),
    failure: reason
      .nullable()
      .describe('Why the Space did not tell of all of them: the others are as the room remembers them'),
  })
  .meta({ id: 'RecordingList' });

export const recordingsReport = z
  .strictObject({ action: actionView, recordings: z.array(recordingView).describe('As the room shows them now') })
  .meta({ id: 'RecordingsReport' });

export const auditRecord = z
  .strictObject({
    at: instant.describe('When it happened'),
    kind: z.enum(['arrived', 'joined', 'identified', 'mode', 'told', 'left', 'action']).describe('What happened'),
    role: role.optional().describe('Missing for an action on the whole room'),
    supervisor: z.string().optional().describe('Their name'),
    number: z.string().optional().describe('Masked number or address'),
    room: roomName.optional(),
    mode: mode.optional().describe('The mode that was requested'),
    heard: heard.optional().describe('The mode that the Space reported'),
    confirmed: z.boolean().optional().describe('Whether the Space reported the requested mode and target'),
    moderator: z.string().optional().describe('The name of the agent; of a supervisor, of the one they supervise'),
    since: instant.optional().describe('Of left: when they joined'),
    until: instant.optional().describe('Of left: when they left'),
    reason: reason.optional().describe('Why an action failed: a code, as of problems'),
    by: z.string().optional().describe('Who requested the action, or the mode, through the API'),
    action: actionName.optional().describe('Of action'),
    status: actionStatus.optional(),
    callSid: callSid.optional().describe('Call SID; missing for an action on the whole room'),
    stay: z.number().int().optional().describe("Counts the stays of a supervisor's call from 1"),
    moderatorCallSid: callSid.optional().describe("The agent's call"),
    callerCallSids: z.array(callSid).optional().describe('The callers in the conference during the stay, at most 10'),
    conferenceSid: z.string().optional().describe('Conference SID'),
    recordingSid: z.string().optional().describe('The recording that an action started, stopped or opened'),
    source: z.enum(['webhook', 'callback', 'rest', 'api', 'inferred']).optional().describe('How it is known'),
  } satisfies Record<Exclude<keyof AuditRecord, 'lockedOut' | 'limit' | 'method' | 'ip'>, z.ZodType>)
  .meta({ id: 'AuditRecord', description: 'A line of the audit trail. Fields that do not apply are missing' });

export const auditPage = z
  .strictObject({
    records: z.array(auditRecord).describe('Nearly in the order they were written; may be empty although more follow'),
    next: z.string().nullable().describe('Send it as `after` for the next page; null at the end'),
  })
  .meta({ id: 'AuditPage' });

const refusal = z
  .strictObject({
    id: z.string().describe('For removing duplicates'),
    at: instant.describe('When it happened'),
    kind: z
      .enum(['refused', 'locked-out', 'signed-in', 'signed-out', 'sign-in-refused', 'sign-in-locked-out'])
      .describe(
        'Calls are refused or locked-out: no PIN is accepted for a while. The others are about the screen; sign-in-locked-out: no password is accepted for a while',
      ),
    number: z.string().optional().describe('Of a call: the masked number or address'),
    callSid: callSid.optional().describe('Of a call: the Call SID'),
    reason: z
      .enum([
        'unknown',
        'wrong-pin',
        'no-pin',
        'room',
        'rights',
        'removed',
        'wrong-password',
        'unknown-email',
        'unverified-email',
        'signed-out',
        'everywhere',
        'replaced',
        'roster',
      ])
      .optional()
      .describe(
        'Of refused: an unknown number, a wrong PIN or none, a room or a mode that they may not have, or removed from the roster. Of sign-in-refused: a wrong password, or an email address that nobody in the roster has or that is not verified. Of signed-out: here, everywhere, replaced by another sign-in in the same browser, or removed from the roster or changed there',
      ),
    supervisor: z.string().optional().describe('Their name, if it is known'),
    moderator: z.string().optional().describe("Of the screen: the agent's name, if it is known"),
    room: roomName.optional(),
    lockedOut: z
      .enum(['number', 'everybody', 'pair', 'address', 'name'])
      .optional()
      .describe(
        'Whose PINs are not taken: of this number, or of everybody; whose passwords: this name at this address, everybody at this address, or this name at new addresses',
      ),
    limit: z.enum(['attempts', 'prompts']).optional().describe('Of locked-out: too many wrong PINs, or prompts'),
    method: z.enum(['password', 'oidc']).optional().describe('Of signed-in: how they proved who they are'),
    ip: z.string().optional().describe("Of the screen: the client's address"),
  } satisfies Record<KeyOfAny<RefusalEvent>, z.ZodType>)
  .meta({ id: 'Refusal', description: 'A call that was not let in, or a sign-in to the screen' });

export const refusalPage = z
  .strictObject({
    records: z.array(refusal).describe('In the order they were written'),
    isComplete: z
      .boolean()
      .describe('False if there are more: ask with a later `since`, and drop what you know by its id'),
  })
  .meta({ id: 'RefusalPage' });

export const personView = z
  .strictObject({
    name: z.string().describe('Their name, or the masked number if they have none'),
    role: z.enum(['moderator', 'supervisor']).describe('A moderator is an agent'),
    number: z.string().nullable().describe('Masked; null for a person without a number or address'),
    rooms: z.array(roomName).nullable().describe('Null for every room'),
    rights: z.array(z.enum(RIGHTS)).describe('Of a supervisor; empty for a moderator'),
    hasPin: z.boolean().describe('Whether they may identify themselves by PIN'),
  })
  .meta({ id: 'Person' });

export const peopleList = z
  .strictObject({ people: z.array(personView).describe('Moderators, then supervisors') })
  .meta({ id: 'PeopleList' });

export const problemView = z
  .looseObject({
    type: z.literal('about:blank').describe('As RFC 9457 asks'),
    title: z.string().describe('The code in words'),
    status: z.number().int().describe('The HTTP status'),
    code: z.enum(Object.keys(PROBLEM_STATUS) as [ProblemCode, ...ProblemCode[]]).describe('Stable'),
    detail: z.string().describe('A sentence for people; may change'),
    errors: z
      .array(z.string())
      .optional()
      .describe('Of invalid_body, and of invalid_parameter for unknown parameters: one for each problem'),
    action: actionView.optional().describe('Of an action that failed'),
    participant: participantView.nullable().optional().describe('Of an action that failed: as the room shows them now'),
    recordings: z.array(recordingView).optional().describe('Of an action on recordings that failed'),
    by: z.string().optional().describe('Of busy: whose action is being carried out'),
  })
  .meta({ id: 'Problem' });

/** A key of one of the members of a union. */
type KeyOfAny<Union> = Union extends unknown ? keyof Union : never;

/** The bodies of requests. */
export const bodies = {
  join: z
    .strictObject({ supervisor: z.string().min(1).max(64).describe('Their name in the roster'), mode })
    .meta({ id: 'Join' }),
  mode: z
    .strictObject({
      mode,
      target: z
        .string()
        .regex(SID_FORM, 'must be a Call SID: 1 to 64 letters, digits, - or _')
        .optional()
        .describe(
          'The call of the agent you mean; if another one leads by now, nothing is changed (`conversation_changed`)',
        ),
    })
    .meta({ id: 'ModeChange' }),
  participant: z
    .union(
      [
        z.strictObject({ muted: z.boolean().describe('true mutes, false unmutes') }),
        z.strictObject({ onHold: z.boolean().describe('true puts them on hold, false takes them back') }),
      ],
      {
        error: 'Send either muted or onHold, as true or false.',
      },
    )
    .meta({ id: 'ParticipantChange' }),
  recordings: z
    .strictObject({ status: z.enum(['paused', 'in-progress']).describe('in-progress resumes') })
    .meta({ id: 'RecordingsChange' }),
  note: z
    .strictObject({
      text: z
        .string()
        .refine(isNote, 'must be 1 to 300 characters on one line')
        .describe('1 to 300 characters on one line'),
    })
    .meta({ id: 'Note' }),
};
