import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler } from 'express';
import { z } from 'zod';
import { CALL_EVENTS, CALL_STATUSES, type Call, durationOfCall } from './call';
import type { Conference, Participant } from './conferences';
import { isFinished, type Recording, sourceOf } from './recordings';
import type { Space } from './space';
import { booleanText, httpMethod, wholeNumberText } from './values';

/** What a call's quality is measured by, which is not simulated. */
const NO_QUALITY = {
  audio_in_mos: null,
  audio_rtt_avg: null,
  audio_rtt_min: null,
  audio_rtt_max: null,
  audio_out_jitter_min: null,
  audio_out_jitter_max: null,
  audio_out_jitter_avg: null,
  audio_out_lost: null,
};

/** Where the API is, and where the SDK looks for it. */
const PREFIXES = ['/api/laml/2010-04-01/Accounts', '/2010-04-01/Accounts'];
const DEFAULT_PAGE_SIZE = 50;
/** A Space makes one call a second, in simulated milliseconds; more are queued. */
const CALL_EVERY_MS = 1_000;

/** The shapes in which errors come: a `list` when a call is made, `words` for a conference's recordings. */
type ErrorShape = 'object' | 'list' | 'words';

/** SignalWire's codes for what is wrong with a field; others have {@link INVALID}. */
const FIELD_CODES: Readonly<Record<string, number>> = {
  CallSidToCoach: 16_002,
  From: 21_213,
  FriendlyName: 20_002,
  PageSize: 54_454,
  To: 21_211,
  Url: 21_205,
};
/** An argument is wrong or missing, or what is to be changed is over. */
const INVALID = 10_000;

/** An error as the API tells it. */
class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: number,
    message: string,
    readonly shape: ErrorShape = 'object',
  ) {
    super(message);
  }
}

const url = z.url({ protocol: /^https?$/ });
/** A field that may come several times, or with several values, separated by spaces. */
const repeated = <T extends string>(known: readonly T[]) =>
  z
    .union([z.string(), z.array(z.string())])
    .transform((values) => [values].flat().flatMap((value) => value.split(' ')))
    .pipe(z.array(z.enum(known)));
const paging = {
  Page: wholeNumberText(0, 1_000_000).default(0),
  PageSize: wholeNumberText(1, 1_000).default(DEFAULT_PAGE_SIZE),
  PageToken: z.string().optional(),
};

const inputs = {
  conferences: z.strictObject({
    FriendlyName: z.string().min(1).max(64).optional(),
    Status: z.enum(['init', 'in-progress', 'completed']).optional(),
    ...paging,
  }),
  conference: z.strictObject({
    Status: z.string().optional(),
    AnnounceUrl: url.optional(),
    AnnounceMethod: httpMethod,
  }),
  participants: z.strictObject({ Muted: booleanText.optional(), Hold: booleanText.optional(), ...paging }),
  calls: z.strictObject({
    From: z.string().optional(),
    To: z.string().optional(),
    Status: z.enum(CALL_STATUSES).optional(),
    ...paging,
  }),
  list: z.strictObject(paging),
  participant: z
    .strictObject({
      Muted: booleanText.optional(),
      Hold: booleanText.optional(),
      HoldUrl: url.optional(),
      HoldMethod: z.enum(['GET', 'POST']).default('GET'),
      Coaching: booleanText.optional(),
      CallSidToCoach: z.string().optional(),
      AnnounceUrl: url.optional(),
      AnnounceMethod: httpMethod,
      WaitUrl: url.optional(),
      WaitMethod: httpMethod,
    })
    .refine(({ Coaching, CallSidToCoach }) => Coaching !== true || CallSidToCoach !== undefined, {
      path: ['CallSidToCoach'],
      message: 'is required when Coaching is true',
    }),
  newCall: z.strictObject({
    To: z.string().min(1),
    From: z.string().min(1),
    Url: url,
    Method: httpMethod,
    FallbackUrl: url.optional(),
    FallbackMethod: httpMethod,
    StatusCallback: url.optional(),
    StatusCallbackMethod: httpMethod,
    StatusCallbackEvent: repeated(CALL_EVENTS).default(['completed']),
  }),
  call: z
    .strictObject({
      Url: url.optional(),
      Method: httpMethod,
      Status: z.enum(['canceled', 'completed']).optional(),
    })
    .refine(({ Url, Status }) => (Url === undefined) !== (Status === undefined), {
      message: 'Url or Status is required, and not both.',
    }),
  newRecording: z.strictObject({
    RecordingStatusCallback: url.optional(),
    RecordingStatusCallbackMethod: httpMethod,
    RecordingStatusCallbackEvent: repeated(['in-progress', 'completed', 'absent']).default(['completed']),
    Trim: z.enum(['trim-silence', 'do-not-trim']).default('do-not-trim'),
  }),
  recording: z.strictObject({
    Status: z.enum(['paused', 'in-progress', 'stopped']),
    PauseBehavior: z.enum(['skip', 'silence']).default('silence'),
  }),
  recordings: z.strictObject({ CallSid: z.string().optional(), ConferenceSid: z.string().optional(), ...paging }),
  nothing: z.strictObject({}),
} as const;

/** A request to the API, before it is looked at. */
export interface RestRequest {
  method: string;
  /** Below the account, without `.json` and query: `/Conferences/SID/Participants/SID`. */
  path: string;
  /** The form's fields, of a GET the query's; the values of a repeated one separated by commas. */
  form: Readonly<Record<string, string>>;
}

/**
 * What becomes of a request instead: it gets this answer and changes nothing. `ignore` answers a change as if it had
 * been made; what is created is created nevertheless.
 */
export type Fault = 'ignore' | { status: number; body?: object | string };

export interface RestApiOptions {
  /** Called for every authenticated request, which waits for it. Undefined lets it pass. */
  intercept?: (request: RestRequest) => Promise<Fault | undefined> | Fault | undefined;
}

/**
 * The Space's Compatibility API, for clients such as the SDK's: conferences, participants, calls and recordings. A
 * request that it does not understand is an error, never ignored.
 */
export function createRestApi(space: Space, { intercept }: RestApiOptions = {}): Express {
  const { conferences } = space;
  const { recordings } = conferences;
  const root = `${PREFIXES[0]}/${space.accountSid}`;
  const newestFirst = () => recordings.all().toReversed();
  let nextCallAt = 0;

  const authenticate: RequestHandler = (req, _res, next) => {
    const expected = Buffer.from(`Basic ${Buffer.from(`${space.accountSid}:${space.apiToken}`).toString('base64')}`);
    const given = Buffer.from(req.get('authorization') ?? '');
    const isOurs = given.length === expected.length && timingSafeEqual(given, expected);
    if (!isOurs || req.params.accountSid !== space.accountSid) {
      throw new ApiError(401, 20003, 'Authentication failed.');
    }
    next();
  };

  const prepare: RequestHandler = (req, _res, next) => {
    req.url = req.url.replace(/^([^?]*)\.json(?=\?|$)/, '$1');
    if (req.method !== 'GET') {
      read(inputs.nothing, req.query);
    }
    if (req.method === 'DELETE' && Number(req.get('content-length') ?? 0) > 0) {
      throw new ApiError(422, INVALID, 'A DELETE takes no parameters.');
    }
    if (req.method === 'POST' && !req.is('application/x-www-form-urlencoded') && req.get('content-length') !== '0') {
      throw new ApiError(400, 20001, 'Send a form.');
    }
    next();
  };

  const interfere: RequestHandler = async (req, res, next) => {
    const fields = Object.entries({ ...(req.method === 'GET' ? req.query : req.body) });
    const form = Object.fromEntries(fields.map(([name, value]) => [name, String(value)]));
    const fault = await intercept?.({ method: req.method, path: req.path, form });
    if (fault === undefined || fault === 'ignore') {
      res.locals.isIgnored = fault === 'ignore';
      next();
    } else {
      res.status(fault.status).send(fault.body);
    }
  };

  function conferenceOf(req: Request): Conference {
    return found(conferences.all().find(({ sid }) => sid === req.params.conferenceSid));
  }

  function participantOf(req: Request): Participant {
    const { participants } = conferenceOf(req);
    return found(participants.find(({ callSid }) => callSid === req.params.callSid));
  }

  function callOf(req: Request): Call {
    return found(space.calls.find(({ sid }) => sid === req.params.callSid));
  }

  function recordingOf(req: Request): Recording {
    const { recordingSid } = req.params;
    return found(recordings.all().find((one) => one.sid === recordingSid && matches(one, ownerIn(req))));
  }

  function common(sid: string, createdAt: number, updatedAt: number) {
    return {
      sid,
      account_sid: space.accountSid,
      api_version: '2010-04-01',
      date_created: space.dateOf(createdAt),
      date_updated: space.dateOf(updatedAt),
    };
  }

  function showConference(one: Conference) {
    const path = `${root}/Conferences/${one.sid}`;
    return {
      ...common(one.sid, one.createdAt, one.updatedAt),
      friendly_name: one.name,
      status: one.status,
      region: 'us1',
      uri: `${path}.json`,
      subresource_uris: { participants: `${path}/Participants.json`, recordings: `${path}/Recordings.json` },
    };
  }

  function showParticipant(one: Participant) {
    const { conference, callSid } = one;
    return {
      account_sid: space.accountSid,
      call_sid: callSid,
      call_sid_to_coach: one.callSidToCoach ?? null,
      coaching: one.callSidToCoach !== undefined,
      conference_sid: conference.sid,
      date_created: space.dateOf(one.enteredAt),
      date_updated: space.dateOf(one.updatedAt),
      end_conference_on_exit: one.endConferenceOnExit,
      hold: one.hold,
      muted: one.muted,
      start_conference_on_enter: one.startConferenceOnEnter,
      status: 'in-progress',
      uri: `${root}/Conferences/${conference.sid}/Participants/${callSid}.json`,
    };
  }

  function showCall(one: Call) {
    const { from = '', to } = one;
    const path = `${root}/Calls/${one.sid}`;
    return {
      ...common(one.sid, one.startedAt, one.updatedAt),
      // Webhooks say outbound-api or outbound-dial.
      direction: one.direction === 'inbound' ? 'inbound' : 'outbound',
      from,
      formatted_from: formatNumber(from),
      from_formatted: formatNumber(from),
      to,
      formatted_to: formatNumber(to),
      to_formatted: formatNumber(to),
      status: one.status,
      start_time: space.dateOf(one.startedAt),
      end_time: one.isOver ? space.dateOf(one.updatedAt) : null,
      duration: durationOfCall(one),
      price: null,
      price_unit: 'USD',
      parent_call_sid: null,
      phone_number_sid: null,
      answered_by: null,
      forwarded_from: null,
      caller_name: null,
      annotation: null,
      group_sid: null,
      sip_result_code: null,
      ...NO_QUALITY,
      uri: `${path}.json`,
      subresource_uris: { notifications: null, recordings: `${path}/Recordings.json` },
    };
  }

  function showRecording(one: Recording) {
    const path =
      one.conferenceSid === undefined
        ? `${root}/Recordings/${one.sid}`
        : `${root}/Conferences/${one.conferenceSid}/Recordings/${one.sid}`;
    return {
      ...common(one.sid, one.startedAt, one.updatedAt),
      call_sid: one.callSid ?? null,
      conference_sid: one.conferenceSid ?? null,
      channel: '1',
      channels: '1',
      duration: recordings.durationOf(one),
      source: sourceOf(one),
      start_time: space.dateOf(one.startedAt),
      end_time: isFinished(one) ? space.dateOf(one.updatedAt) : null,
      status: one.status,
      trim: one.trim,
      price: null,
      price_unit: 'USD',
      error_code: null,
      encryption_details: null,
      uri: `${path}.json`,
      subresource_uris: { transcriptions: `${root}/Recordings/${one.sid}/Transcriptions.json` },
    };
  }

  /** One page of a list, as every list comes. */
  function page<T>(req: Request, name: string, all: readonly T[], show: (one: T) => object) {
    const { Page, PageSize, PageToken, ...filter } = req.query as Record<string, string>;
    const number = Number(Page ?? 0);
    if (number > 0 && PageToken !== tokenOf(number)) {
      throw new ApiError(422, 54_453, 'A Page above 0 needs the PageToken of its address.');
    }
    const size = Number(PageSize ?? DEFAULT_PAGE_SIZE);
    const path = `${root}${req.path}.json`;
    const uriOf = (page: number) => {
      const token = page > 0 ? { PageToken: tokenOf(page) } : {};
      return `${path}?${new URLSearchParams({ ...filter, Page: String(page), PageSize: String(size), ...token })}`;
    };
    return {
      uri: uriOf(number),
      first_page_uri: uriOf(0),
      next_page_uri: (number + 1) * size < all.length ? uriOf(number + 1) : null,
      previous_page_uri: number > 0 ? uriOf(number - 1) : null,
      page: number,
      page_size: size,
      [name]: all.slice(number * size, (number + 1) * size).map(show),
    };
  }

  const api = express.Router({ caseSensitive: true, strict: true });

  api.get('/Conferences', (req, res) => {
    const { FriendlyName, Status } = read(inputs.conferences, req.query);
    const matching = conferences.all().filter((one) => matches(one, { name: FriendlyName, status: Status }));
    res.json(page(req, 'conferences', matching, showConference));
  });
  api.get('/Conferences/:conferenceSid', (req, res) => {
    read(inputs.nothing, req.query);
    res.json(showConference(conferenceOf(req)));
  });
  api.post('/Conferences/:conferenceSid', (req, res) => {
    const { Status, AnnounceUrl, AnnounceMethod } = read(inputs.conference, req.body);
    const conference = conferenceOf(req);
    if (Status !== undefined && Status !== 'completed') {
      throw new ApiError(422, 21_475, 'Status must be completed.');
    }
    demandLive(conference);
    if (!res.locals.isIgnored) {
      if (AnnounceUrl !== undefined) {
        conferences.announce(conference, { url: AnnounceUrl, method: AnnounceMethod });
      }
      if (Status === 'completed') {
        conferences.end(conference);
      }
    }
    res.json(showConference({ ...conference, status: Status ?? conference.status }));
  });

  api.get('/Conferences/:conferenceSid/Participants', (req, res) => {
    const { Muted, Hold } = read(inputs.participants, req.query);
    const matching = conferenceOf(req).participants.filter((one) => matches(one, { muted: Muted, hold: Hold }));
    res.json(page(req, 'participants', matching, showParticipant));
  });
  api.get('/Conferences/:conferenceSid/Participants/:callSid', (req, res) => {
    read(inputs.nothing, req.query);
    res.json(showParticipant(participantOf(req)));
  });
  api.post('/Conferences/:conferenceSid/Participants/:callSid', (req, res) => {
    const update = read(inputs.participant, req.body);
    demandLive(conferenceOf(req));
    const participant = participantOf(req);
    const { Muted, Hold, Coaching, CallSidToCoach: target } = update;
    const { participants } = participant.conference;
    const canCoach = participants.some(({ callSid }) => callSid === target && callSid !== participant.callSid);
    if (target !== undefined && Coaching !== false && !canCoach) {
      throw new ApiError(422, 16_002, 'CallSidToCoach is not in this conference.');
    }
    const changes = {
      ...(Muted !== undefined && { muted: Muted }),
      ...(Hold !== undefined && { hold: Hold }),
      ...((Coaching !== undefined || target !== undefined) && {
        callSidToCoach: Coaching === false ? undefined : target,
      }),
    };
    if (res.locals.isIgnored) {
      res.json(showParticipant({ ...participant, ...changes }));
      return;
    }
    conferences.update(participant, changes);
    if (update.HoldUrl !== undefined) {
      conferences.checkMusic(participant.line, { url: update.HoldUrl, method: update.HoldMethod });
    }
    if (update.WaitUrl !== undefined && participant.conference.status === 'init') {
      conferences.checkMusic(participant.line, { url: update.WaitUrl, method: update.WaitMethod });
    }
    if (update.AnnounceUrl !== undefined) {
      conferences.announce(participant, { url: update.AnnounceUrl, method: update.AnnounceMethod });
    }
    res.json(showParticipant(participant));
  });
  api.delete('/Conferences/:conferenceSid/Participants/:callSid', (req, res) => {
    const participant = participantOf(req);
    if (!res.locals.isIgnored) {
      conferences.leave(participant);
    }
    res.status(204).end();
  });

  api.post('/Calls', (req, res) => {
    const call = read(inputs.newCall, req.body, 'list');
    const now = space.clock.now();
    const startsAt = Math.max(now, nextCallAt);
    nextCallAt = startsAt + CALL_EVERY_MS;
    const made = space.call({
      direction: 'outbound-api',
      queuedMs: startsAt - now,
      from: call.From,
      to: call.To,
      url: call.Url,
      method: call.Method,
      ...(call.FallbackUrl !== undefined && { fallbackUrl: call.FallbackUrl, fallbackMethod: call.FallbackMethod }),
      ...(call.StatusCallback !== undefined && {
        statusCallback: call.StatusCallback,
        statusCallbackMethod: call.StatusCallbackMethod,
        statusCallbackEvents: call.StatusCallbackEvent,
      }),
    });
    res.json(showCall(made));
  });
  api.get('/Calls', (req, res) => {
    const { From, To, Status } = read(inputs.calls, req.query);
    const matching = space.calls.filter((one) => matches(one, { from: From, to: To, status: Status }));
    res.json(page(req, 'calls', matching, showCall));
  });
  api.get('/Calls/:callSid', (req, res) => {
    read(inputs.nothing, req.query);
    res.json(showCall(callOf(req)));
  });
  api.post('/Calls/:callSid', async (req, res) => {
    const { Url, Method, Status } = read(inputs.call, req.body);
    const call = callOf(req);
    if (call.isOver || (Status === 'canceled' && call.status === 'in-progress')) {
      throw new ApiError(422, INVALID, `This cannot be done to a call that is ${call.status}.`);
    }
    if (Url !== undefined && call.status !== 'in-progress') {
      throw new ApiError(400, 21_220, `A call that is ${call.status} cannot be redirected.`);
    }
    if (res.locals.isIgnored) {
      res.json(showCall({ ...call, status: Status ?? call.status }));
      return;
    }
    if (Status !== undefined) {
      call.hangUp(Status);
    } else if (Url !== undefined) {
      call.redirect(Url, Method);
    }
    // The call lets go of what it was doing before the answer tells its state.
    await new Promise(setImmediate);
    res.json(showCall(call));
  });

  api.post('/Calls/:callSid/Recordings', (req, res) => {
    const asked = read(inputs.newRecording, req.body);
    const call = callOf(req);
    if (call.status !== 'in-progress') {
      throw new ApiError(400, 21_220, `A call that is ${call.status} cannot be recorded.`);
    }
    const recording = recordings.start({
      callSid: call.sid,
      callback: asked.RecordingStatusCallback,
      method: asked.RecordingStatusCallbackMethod,
      events: asked.RecordingStatusCallbackEvent,
      trim: asked.Trim,
    });
    res.json(showRecording(recording));
  });

  api.get('/Recordings', (req, res) => {
    const { CallSid, ConferenceSid } = read(inputs.recordings, req.query);
    const wanted = { callSid: CallSid, conferenceSid: ConferenceSid };
    const matching = newestFirst().filter((one) => matches(one, wanted));
    res.json(page(req, 'recordings', matching, showRecording));
  });
  api.get('/Conferences/:conferenceSid/Recordings', (req, res) => {
    read(inputs.list, req.query);
    const { sid } = conferenceOf(req);
    const matching = newestFirst().filter(({ conferenceSid }) => conferenceSid === sid);
    res.json(page(req, 'recordings', matching, showRecording));
  });
  for (const [path, shape] of [
    ['/Conferences/:conferenceSid/Recordings/:recordingSid', 'words'],
    ['/Calls/:callSid/Recordings/:recordingSid', 'object'],
  ] as const) {
    api.post(path, (req, res) => {
      const { Status, PauseBehavior } = read(inputs.recording, req.body, shape);
      const recording = recordingOf(req);
      if (isFinished(recording)) {
        throw new ApiError(422, INVALID, `A recording that is ${recording.status} cannot be changed.`, shape);
      }
      if (!res.locals.isIgnored) {
        recordings.update(recording, Status, PauseBehavior);
      }
      res.json(showRecording({ ...recording, status: Status }));
    });
  }
  for (const path of ['/Recordings/:recordingSid', '/Conferences/:conferenceSid/Recordings/:recordingSid']) {
    api.get(path, (req, res) => {
      read(inputs.nothing, req.query);
      res.json(showRecording(recordingOf(req)));
    });
    api.delete(path, (req, res) => {
      const recording = recordingOf(req);
      if (!res.locals.isIgnored) {
        recordings.delete(recording);
      }
      res.status(204).end();
    });
  }

  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(
    PREFIXES.map((prefix) => `${prefix}/:accountSid`),
    authenticate,
    prepare,
    express.urlencoded({ extended: false, limit: '64kb' }),
    interfere,
    api,
  );
  app.use(() => {
    throw new ApiError(404, 20404, 'There is no such resource.');
  });
  app.use(answerError);
  return app;
}

/** Listens for the API on a free port of this machine. */
export async function serveRestApi(
  space: Space,
  options: RestApiOptions = {},
): Promise<{ url: string; close: () => void }> {
  const server = createServer(createRestApi(space, options)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The conference or the call that a path names, as a recording knows it. */
function ownerIn({ params }: Request): { conferenceSid: unknown; callSid: unknown } {
  return { conferenceSid: params.conferenceSid, callSid: params.callSid };
}

/** Whether one has all these values; undefined stands for any. */
function matches<T>(one: T, wanted: { [K in keyof T]?: unknown }): boolean {
  return (Object.keys(wanted) as (keyof T)[]).every((name) => wanted[name] === undefined || one[name] === wanted[name]);
}

function found<T>(one: T | undefined): T {
  if (one === undefined) {
    throw new ApiError(404, 20404, 'The requested resource was not found.');
  }
  return one;
}

/** @param shape how this resource tells of a mistake */
function read<T extends z.ZodType>(schema: T, given: unknown, shape: ErrorShape = 'object'): z.infer<T> {
  const result = schema.safeParse({ ...(given as object) });
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new ApiError(shape === 'list' ? 400 : 422, codeOf(issue), sentenceOf(issue), shape);
  }
  return result.data;
}

function codeOf(issue: z.core.$ZodIssue | undefined): number {
  const field = String(issue?.path[0]);
  if (issue?.code === 'unrecognized_keys') {
    return 90_000;
  }
  const isMissing = issue?.code === 'invalid_type';
  return field.endsWith('Url') && !isMissing ? 21_402 : (FIELD_CODES[field] ?? INVALID);
}

function sentenceOf(issue: z.core.$ZodIssue | undefined): string {
  if (issue?.code === 'unrecognized_keys') {
    return `There is no parameter ${issue.keys.join(', ')}.`;
  }
  return [issue?.path.join(), issue?.message].filter(Boolean).join(': ');
}

/** @throws ApiError because nothing can be changed in a conference that is over */
function demandLive({ status }: Conference): void {
  if (status === 'completed') {
    throw new ApiError(422, INVALID, 'The conference is over.');
  }
}

function tokenOf(page: number): string {
  return `PA${page}`;
}

/** A number as people write it in the United States. */
function formatNumber(number: string): string {
  return number.replace(/^\+1(\d{3})(\d{3})(\d{4})$/, '($1) $2-$3');
}

const answerError: ErrorRequestHandler = (err, _req, res, _next) => {
  const { status = 500, code = 20001, message, shape = 'object' } = err as ApiError;
  const more_info = 'https://signalwire.com/docs/compatibility-api/error-codes';
  const bodies = {
    object: { code, message, more_info, status },
    list: { errors: [{ code: String(code), message, more_info }] },
    words: { errors: [message] },
  };
  res.status(status).json(bodies[shape]);
};
