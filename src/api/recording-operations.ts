import { pipeline, Readable } from 'node:stream';
import type { Response } from 'express';
import type { Logger } from 'pino';
import type { z } from 'zod';
import { type RecordingAudio, SpaceError } from '../signalwire/conference-api';
import type { Sid } from '../signalwire/sid';
import type { RecordingActions } from '../supervision/recordings';
import { failureProblem, recordingsReportOf, refusalProblem } from './action-replies';
import { type Operation, operation } from './operation';
import { ACTION_PROBLEMS, type Problem, problem, REASON_CODES, restNotConfigured, SPACE_PROBLEMS } from './problem';
import { bodies, recordingList, recordingsReport } from './schemas';
import { viewListedRecording } from './views';

export interface RecordingOperationsOptions {
  /** Undefined when the Space's REST API is not configured. */
  recordings: RecordingActions | undefined;
  log: Logger;
}

function downloadProblem({ code, status }: SpaceError): Problem {
  return status === 416
    ? problem('range_not_satisfiable', 'The recording is not as long as the Range begins.')
    : failureProblem(code);
}

const report = { status: 200, description: 'The Space was seen to have done it', schema: recordingsReport };

/** The operations on the recordings of a room. */
export function createRecordingOperations({ recordings, log }: RecordingOperationsOptions): Operation[] {
  function requireRecordings(): RecordingActions {
    if (recordings === undefined) {
      throw restNotConfigured();
    }
    return recordings;
  }

  return [
    operation({
      id: 'listRecordings',
      tag: 'Recordings',
      method: 'get',
      path: '/rooms/{room}/recordings',
      summary: 'Lists the recordings of a room, as the Space has them',
      right: 'record',
      response: { status: 200, description: 'The latest 50, the newest last', schema: recordingList },
      problems: ['store_away', 'rest_not_configured'],
      isAction: false,
      async handle({ room }) {
        const list = await requireRecordings().list(room);
        if (list.kind === 'refused') {
          throw refusalProblem(list.refusal);
        }
        const body: z.output<typeof recordingList> = {
          recordings: list.recordings.map(viewListedRecording),
          failure: list.failure === undefined ? null : REASON_CODES[list.failure],
        };
        return { status: 200, body };
      },
    }),
    operation({
      id: 'startRecording',
      tag: 'Recordings',
      method: 'post',
      path: '/rooms/{room}/recordings',
      summary: "Starts to record the agent's call; answers when it is confirmed or has failed",
      right: 'record',
      response: report,
      problems: [...ACTION_PROBLEMS, 'no_conference', 'no_moderator', 'already_recording', 'left'],
      isAction: true,
      handle: async ({ actor, room }) => ({
        status: 200,
        body: recordingsReportOf(await requireRecordings().start(room, actor.name)),
      }),
    }),
    operation({
      id: 'changeRecordings',
      tag: 'Recordings',
      method: 'patch',
      path: '/rooms/{room}/recordings',
      summary: 'Pauses every recording that runs in a room, or resumes those that were paused so',
      right: 'record',
      body: bodies.recordings,
      response: report,
      problems: [...ACTION_PROBLEMS, 'no_conference'],
      isAction: true,
      async handle({ actor, room, body: { status } }) {
        const { pause, resume } = requireRecordings();
        return {
          status: 200,
          body: recordingsReportOf(await (status === 'paused' ? pause : resume)(room, actor.name)),
        };
      },
    }),
    operation({
      id: 'stopRecording',
      tag: 'Recordings',
      method: 'post',
      path: '/rooms/{room}/recordings/{recordingSid}/stop',
      summary: 'Stops a recording for good',
      right: 'record',
      response: report,
      problems: [...ACTION_PROBLEMS, 'no_such_recording'],
      isAction: true,
      handle: async ({ actor, room, sid }) => ({
        status: 200,
        body: recordingsReportOf(await requireRecordings().stop(room, sid, actor.name)),
      }),
    }),
    operation({
      id: 'downloadRecording',
      tag: 'Recordings',
      method: 'get',
      path: '/rooms/{room}/recordings/{recordingSid}/media',
      summary: 'Downloads the audio of a recording that is over; the audit trail says who did',
      right: 'record',
      response: {
        status: 200,
        mediaType: ['audio/*', 'application/octet-stream'],
        description:
          'The whole audio as the Space has it, usually WAV. The connection breaks off if that of the Space does',
      },
      servesRanges: true,
      problems: [...SPACE_PROBLEMS, 'no_such_recording', 'range_not_satisfiable', 'store_away'],
      isAction: false,
      async handle({ actor, room, sid, range }) {
        const opened = await requireRecordings()
          .open(room, sid, actor.name, range)
          .catch((error) => {
            throw error instanceof SpaceError ? downloadProblem(error) : error;
          });
        if (opened.kind === 'refused') {
          throw opened.refusal === 'no-recording'
            ? problem('no_such_recording', 'This room has no such recording, or it has no audio yet.')
            : refusalProblem(opened.refusal);
        }
        return { send: (res) => sendAudio(res, sid, opened.audio) };
      },
    }),
  ];

  /** Passes on the audio alone: whatever else the Space sent may hold its address. */
  function sendAudio(res: Response, sid: Sid, audio: RecordingAudio): void {
    const { contentType = '', contentLength, contentRange, acceptsRanges, body } = audio;
    const [type] = /^audio\/[\w.+-]+/i.exec(contentType) ?? ['application/octet-stream'];
    res.writeHead(contentRange === undefined ? 200 : 206, {
      'Content-Type': type,
      // A page that plays it has said so before.
      ...(!res.hasHeader('Content-Disposition') && { 'Content-Disposition': `attachment; filename="${sid}.wav"` }),
      ...(contentLength !== undefined && { 'Content-Length': contentLength }),
      ...(contentRange !== undefined && { 'Content-Range': contentRange }),
      ...(acceptsRanges && { 'Accept-Ranges': 'bytes' }),
    });
    if (res.req.method === 'HEAD') {
      void body.cancel();
      res.end();
      return;
    }
    // If either side breaks off, it ends the other.
    pipeline(Readable.fromWeb(body), res, (err) => {
      if (err instanceof SpaceError) {
        log.warn({ err }, 'Recording broke off');
      }
    });
  }
}
