import { type Request, type Response, Router } from 'express';
import type { z } from 'zod';
import { type Operation, perform, rangeOf } from '../api/operation';
import { Problem } from '../api/problem';
import type { recordingList } from '../api/schemas';
import { isAllowed } from '../people/rights';
import { parseRoomName, type RoomName, type Stay } from '../rooms/room';
import type { Rooms } from '../rooms/rooms';
import { parseSid, type Sid } from '../signalwire/sid';
import type { Board } from './board';
import { type PageTools, viewerIn } from './page-tools';
import { type RecordingRow, RecordingsPage } from './pages/recordings';
import type { Texts } from './texts-en';
import type { Viewer } from './viewer';

type ListedRecordings = z.output<typeof recordingList>;

export interface RecordingPagesOptions {
  tools: PageTools;
  /** Those of the API: whoever may not do something there may not do it here. */
  operations: readonly Operation[];
  rooms: Pick<Rooms, 'read'>;
  board: Pick<Board, 'rooms' | 'whenReady'>;
  /** Whether somebody may still do what they were allowed to a moment ago. */
  isStillAllowed: (viewer: Viewer) => boolean;
}

/** Recordings that are over and have audio. */
const PLAYABLE = new Set(['completed', 'stopped']);

/** `/recordings`, and the audio below it. */
export function createRecordingPages(options: RecordingPagesOptions): Router {
  const { tools, operations, rooms, board, isStillAllowed } = options;
  const { texts, sendPage, sendError, requireViewer } = tools;
  const operationNamed = (id: string) => operations.find((one) => one.id === id) as Operation;
  const [listing, download] = [operationNamed('listRecordings'), operationNamed('downloadRecording')];
  const router = Router({ caseSensitive: true, strict: true });
  router.get('/recordings', requireViewer, sendList);
  router.get('/recordings/:room/:recording', requireViewer, sendAudio);
  return router;

  async function sendList(req: Request, res: Response): Promise<void> {
    const viewer = viewerIn(res);
    if (!viewer.actor.rights.has('record')) {
      const { notAllowed, notForAgents } = texts.recordings;
      await sendError(req, res, 403, viewer.role === 'moderator' ? notForAgents : notAllowed);
      return;
    }
    await board.whenReady();
    const given = typeof req.query.room === 'string' ? req.query.room : undefined;
    const { status, rows, problem } = given === undefined ? NOTHING_ASKED : await list(viewer, given, res);
    const choices = roomsOf(viewer);
    const content = <RecordingsPage texts={texts} room={given} rooms={choices} rows={rows} problem={problem} />;
    await sendPage(req, res, { title: texts.recordings.title, content, status });
  }

  /** The rooms that are offered: the live ones, and those that the roster names. */
  function roomsOf({ actor }: Viewer): string[] {
    const live = [...board.rooms.keys()].filter(
      (room) => isAllowed(actor, 'see', room as RoomName) && isAllowed(actor, 'record', room as RoomName),
    );
    return [...new Set([...live, ...(actor.rooms === 'all' ? [] : actor.rooms)])].sort();
  }

  async function list(viewer: Viewer, given: string, res: Response): Promise<Listed> {
    const room = parseRoomName(given);
    if (room === undefined) {
      return { status: 404, rows: undefined, problem: texts.errors.noSuchRoom };
    }
    try {
      const reply = await perform(listing, request(viewer, room));
      const { recordings, failure } = ('body' in reply ? reply.body : undefined) as ListedRecordings;
      const found = await rooms.read(room);
      const stays = found.isKnown ? found.state.stays : [];
      const rows = recordings
        .map((one) => rowOf(room, one, stays, texts))
        .sort((one, other) => dateOf(other) - dateOf(one));
      return { status: 200, rows, problem: failure === null ? undefined : texts.recordings.incomplete };
    } catch (error) {
      const { status, sentence } = explain(error, res);
      return { status, rows: undefined, problem: sentence };
    }
  }

  async function sendAudio(req: Request, res: Response): Promise<void> {
    const viewer = viewerIn(res);
    const room = parseRoomName(String(req.params.room));
    const sid = parseSid(req.params.recording);
    if (room === undefined || sid === undefined) {
      await sendError(req, res, 404, texts.errors.notFound);
      return;
    }
    try {
      const reply = await perform(download, { ...request(viewer, room), sid, range: rangeOf(req) });
      // Without a name: the page has a better one than the SID.
      res.set('Content-Disposition', req.query.save === undefined ? 'inline' : 'attachment');
      (reply as Extract<typeof reply, { send: unknown }>).send(res);
    } catch (error) {
      const { status, code, sentence } = explain(error, res);
      await sendError(req, res, status, code === 'store_away' ? texts.recordings.notNoted : sentence);
    }
  }

  function request(viewer: Viewer, room: RoomName) {
    return { actor: viewer.actor, room, body: undefined, isStillAllowed: () => isStillAllowed(viewer) };
  }

  /** What to tell somebody about a problem. @throws any other error */
  function explain(error: unknown, res: Response): { status: number; code: string; sentence: string } {
    if (!(error instanceof Problem)) {
      throw error;
    }
    const { status, code, message } = error;
    res.locals.refusal = { code, reason: message };
    return { status, code, sentence: texts.problems[code] ?? texts.problems.other };
  }
}

interface Listed {
  status: number;
  rows: RecordingRow[] | undefined;
  problem: string | undefined;
}

const NOTHING_ASKED: Listed = { status: 200, rows: undefined, problem: undefined };

type ListedRecording = ListedRecordings['recordings'][number];

function rowOf(room: string, recording: ListedRecording, stays: readonly Stay[], texts: Texts): RecordingRow {
  const { recordingSid, status, startedAt, changedAt, durationSeconds } = recording;
  const when = (startedAt ?? changedAt).slice(0, 16).replace('T', ' ').replace(':', '.');
  return {
    url: PLAYABLE.has(status) ? `/recordings/${encodeURIComponent(room)}/${recordingSid}` : undefined,
    startedAt: startedAt ?? undefined,
    changedAt,
    durationSeconds: durationSeconds ?? undefined,
    whose: whoseOf(recording, stays, texts),
    status,
    fileName: `${room} ${when}.wav`,
  };
}

/** Whose call a recording has: by name, or by role and masked number; of a conference, its agents. */
function whoseOf({ callSid, conferenceSid }: ListedRecording, stays: readonly Stay[], texts: Texts): string {
  if (callSid !== null) {
    const stay = stays.findLast((one) => one.callSid === (callSid as Sid));
    return stay === undefined ? texts.recordings.unknown : labelOf(stay, texts);
  }
  const agents = stays.filter((one) => one.role === 'moderator' && one.conferenceSid === conferenceSid);
  const names = [...new Set(agents.map((one) => labelOf(one, texts)))];
  return names.length === 0
    ? texts.recordings.conference
    : texts.recordings.conferenceOf(new Intl.ListFormat(texts.language).format(names));
}

function labelOf({ name, address, role }: Stay, texts: Texts): string {
  return name ?? (address === undefined ? texts.unnamed[role] : `${texts.unnamed[role]} ${address}`);
}

/** Milliseconds since 1970. */
function dateOf({ startedAt, changedAt }: RecordingRow): number {
  return Date.parse(startedAt ?? changedAt);
}
