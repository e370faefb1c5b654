import type { Request, RequestHandler, Response, Router } from 'express';
import { isFinished } from './recordings';
import type { RestContext } from './rest-context';
import { INVALID, RestError } from './rest-error';
import { inputs, readInput, refuseParameters } from './rest-inputs';
import { matches } from './rest-lookup';
import type { Space } from './space';
import { createSilentWav } from './wav';

/**
 * Sends the audio of a finished recording to anybody, as the Space does: only its address is secret. `.wav` may be left
 * out. One range of bytes is served, and of several none.
 */
export function audioHandler({ conferences, behaviour }: Space): RequestHandler<{ file: string }> {
  const wav = createSilentWav();
  return (req, res) => {
    refuseParameters(req.query, 400);
    const sid = req.params.file.replace(/\.wav$/, '');
    const recording = conferences.recordings.all().find((one) => one.sid === sid);
    if (recording === undefined || !isFinished(recording)) {
      throw new RestError(404, 20404, 'The requested resource was not found.');
    }
    res.type('audio/x-wav');
    if (behaviour.servesRanges) {
      res.set('Accept-Ranges', 'bytes');
      sendRanges(req, res, wav);
    } else {
      res.send(wav);
    }
  };
}

function sendRanges(req: Request<{ file: string }>, res: Response, file: Buffer): void {
  const ranges = req.get('range')?.startsWith('bytes=') ? req.range(file.length) : undefined;
  const [range] = typeof ranges === 'object' && ranges.length === 1 ? ranges : [];
  if (ranges === -1) {
    res.status(416).set('Content-Range', `bytes */${file.length}`).end();
  } else if (range === undefined) {
    res.send(file);
  } else {
    const { start, end } = range;
    res
      .status(206)
      .set('Content-Range', `bytes ${start}-${end}/${file.length}`)
      .send(file.subarray(start, end + 1));
  }
}

/** Routes of recordings of conferences and calls. */
export function addRecordingRoutes(api: Router, { space, find, show }: RestContext): void {
  const { recordings } = space.conferences;
  const newestFirst = () => recordings.all().toReversed();

  api.post('/Calls/:callSid/Recordings', (req, res) => {
    const asked = readInput(inputs.newRecording, req.body);
    const call = find.call(req);
    if (call.status !== 'in-progress') {
      throw new RestError(400, 21_220, `A call that is ${call.status} cannot be recorded.`);
    }
    const recording = recordings.start({
      callSid: call.sid,
      callback: asked.RecordingStatusCallback,
      method: asked.RecordingStatusCallbackMethod,
      events: asked.RecordingStatusCallbackEvent,
      trim: asked.Trim,
    });
    res.json(show.recording(recording));
  });

  api.get('/Recordings', (req, res) => {
    const { CallSid, ConferenceSid } = readInput(inputs.recordings, req.query);
    const wanted = { callSid: CallSid, conferenceSid: ConferenceSid };
    const matching = newestFirst().filter((one) => matches(one, wanted));
    res.json(show.page(req, 'recordings', matching, show.recording));
  });
  api.get('/Conferences/:conferenceSid/Recordings', (req, res) => {
    readInput(inputs.list, req.query);
    const { sid } = find.conference(req);
    const matching = newestFirst().filter(({ conferenceSid }) => conferenceSid === sid);
    res.json(show.page(req, 'recordings', matching, show.recording));
  });
  for (const [path, shape] of [
    ['/Conferences/:conferenceSid/Recordings/:recordingSid', 'words'],
    ['/Calls/:callSid/Recordings/:recordingSid', 'object'],
  ] as const) {
    api.post(path, (req, res) => {
      const { Status, PauseBehavior } = readInput(inputs.recording, req.body, shape);
      const recording = find.recording(req);
      if (isFinished(recording)) {
        throw new RestError(422, INVALID, `A recording that is ${recording.status} cannot be changed.`, shape);
      }
      if (!res.locals.isIgnored) {
        recordings.update(recording, Status, PauseBehavior);
      }
      res.json(show.recording({ ...recording, status: Status }));
    });
  }
  for (const path of ['/Recordings/:recordingSid', '/Conferences/:conferenceSid/Recordings/:recordingSid']) {
    api.get(path, (req, res) => {
      refuseParameters(req.query, 400);
      res.json(show.recording(find.recording(req)));
    });
    api.delete(path, (req, res) => {
      const recording = find.recording(req);
      if (!res.locals.isIgnored) {
        recordings.delete(recording);
      }
      res.status(204).end();
    });
  }
}
