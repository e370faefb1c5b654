import type { ReadableStream } from 'node:stream/web';
import type { ByteRange } from './byte-range';
import type { Sid } from './sid';

/** How to reach a Space's REST API. */
export interface SpaceSettings {
  /** The Space's address with its scheme, such as `https://example.signalwire.com`. */
  url: string;
  projectId: string;
  apiToken: string;
}

/**
 * A request to the Space's REST API failed.
 *
 * `timeout`, `unreachable`: no answer; `refused`: an HTTP error, see `status` and `spaceCode`; `unreadable`: not the
 * documented answer.
 */
export class SpaceError extends Error {
  override readonly name = 'SpaceError';
  readonly status: number | undefined;
  /** The Space's own error code, such as 20003; undefined when the answer has none. */
  readonly spaceCode: number | undefined;

  constructor(
    readonly code: 'timeout' | 'unreachable' | 'refused' | 'unreadable',
    message: string,
    details: ErrorOptions & { status?: number; spaceCode?: number | undefined } = {},
  ) {
    super(message, details);
    this.status = details.status;
    this.spaceCode = details.spaceCode;
  }
}

/** A conference that is not over. */
export interface SpaceConference {
  conferenceSid: Sid;
  room: string;
  hasStarted: boolean;
  /** At least 1; 1 if the Space gives no date. */
  ageMs: number;
}

/** A participant who has not left. Booleans that the Space leaves out are false. */
export interface SpaceParticipant {
  callSid: Sid;
  conferenceSid: Sid;
  isMuted: boolean;
  isOnHold: boolean;
  /** The call they coach; undefined if they coach nobody, or the Space does not name the call. */
  target: Sid | undefined;
  isCoaching: boolean;
  endsConference: boolean;
  /** At least 1; 1 if the Space gives no date. */
  joinAgeMs: number;
}

/** A call, over or not. */
export interface SpaceCall {
  callSid: Sid;
  isOver: boolean;
  /** As the Space writes it: E.164 or raw. */
  from: string | undefined;
  to: string | undefined;
  direction: string | undefined;
}

/** A recording of a conference or a call, finished or not. */
export interface SpaceRecording {
  recordingSid: Sid;
  /** Undefined for the recording of a conference. */
  callSid: Sid | undefined;
  /** Undefined for the recording of a call. */
  conferenceSid: Sid | undefined;
  /** As the Space names it, such as `in-progress`, `paused`, `stopped`, `completed`; `resumed` is `in-progress`. */
  status: string;
  /** At least 1; 1 if the Space gives no date. */
  startedAgeMs: number;
  /** Undefined if the Space does not say. */
  durationSeconds: number | undefined;
}

/** A phone number of the Space, with its webhooks. Addresses that are not set are undefined. */
export interface SpaceNumber {
  numberSid: Sid;
  /** E.164. */
  number: string;
  /** Whether calls go to `voiceUrl`; otherwise an application of the Space handles them. */
  usesVoiceUrl: boolean;
  voiceUrl: string | undefined;
  /** `GET` or `POST`, like the other methods. */
  voiceMethod: string | undefined;
  voiceFallbackUrl: string | undefined;
  voiceFallbackMethod: string | undefined;
  statusCallback: string | undefined;
  statusCallbackMethod: string | undefined;
}

/** Changes to a number; anything left out stays as it is. An empty address clears it. */
export interface NumberChange {
  voiceUrl?: string;
  voiceMethod?: 'GET' | 'POST';
  voiceFallbackUrl?: string;
  voiceFallbackMethod?: 'GET' | 'POST';
  statusCallback?: string;
  statusCallbackMethod?: 'GET' | 'POST';
}

/** Our account at the Space. */
export interface SpaceAccount {
  status: string | undefined;
  /** The Space's clock, to the second; undefined if it does not say. */
  spaceDate: Date | undefined;
}

/** The audio of a recording. Read `body` to its end, or cancel it: until then it holds a connection. */
export interface RecordingAudio {
  contentType: string | undefined;
  /** In bytes; undefined if the Space does not say. */
  contentLength: number | undefined;
  /** Of a part, its place in the whole: `bytes 0-99/844`. Undefined if this is the whole. */
  contentRange: string | undefined;
  /** Whether the Space says that it serves ranges. */
  acceptsRanges: boolean;
  /** Reading it fails with a SpaceError, also if the Space sends nothing for as long as the deadline. */
  body: ReadableStream<Uint8Array>;
}

/** A call to make. */
export interface NewCall {
  /** A number of the Space, in E.164. */
  from: string;
  /** A number in E.164, or a SIP address. */
  to: string;
  /** The Space requests the first document here, by POST, when the call is answered. */
  url: string;
  /** The Space reports the end of the call here, by POST. */
  statusCallback?: string;
}

/** Changes to a participant; anything left out stays as it is. */
export interface ParticipantChange {
  muted?: boolean;
  onHold?: boolean;
  /** The call to coach, which must be in the conference; `nobody` ends the coaching. */
  target?: Sid | 'nobody';
  /** Address of a document to play; the Space requests it by POST. Everybody in the conference may hear it. */
  announceUrl?: string;
}

/** The deadline of one call of a method, however many requests it makes. */
export interface Deadline {
  /** The client's own by default. */
  timeoutMs?: number;
}

/**
 * What we use of the Space's REST API. Every method settles before its deadline; all failures are SpaceErrors.
 *
 * No method repeats a request: callers count requests, and know what is safe to repeat. After `timeout` or
 * `unreachable`, the Space may have made the change.
 */
export interface ConferenceApi {
  /**
   * The conferences that are not over, started or not. Entries without a SID or a name are left out.
   *
   * Two requests, and one more for each 1,000 conferences.
   *
   * @param room its exact name; every room if undefined
   */
  listConferences(room?: string, deadline?: Deadline): Promise<SpaceConference[]>;
  /** The name of a conference, over or not; undefined if there is none. */
  findConference(conferenceSid: Sid, deadline?: Deadline): Promise<Pick<SpaceConference, 'room'> | undefined>;
  /**
   * The participants who have not left. Entries without a Call SID are left out.
   *
   * One request, one more for each 1,000 participants, and one more if there are none.
   *
   * @returns undefined if there is no such conference, or it is over
   */
  listParticipants(conferenceSid: Sid, deadline?: Deadline): Promise<SpaceParticipant[] | undefined>;
  /** @returns undefined if the call is not in the conference */
  findParticipant(conferenceSid: Sid, callSid: Sid, deadline?: Deadline): Promise<SpaceParticipant | undefined>;
  /**
   * Changes a participant, in one request.
   *
   * @returns the Space's answer, which may not show the change yet; undefined if the call is not in the conference
   */
  changeParticipant(
    conferenceSid: Sid,
    callSid: Sid,
    change: ParticipantChange,
    deadline?: Deadline,
  ): Promise<SpaceParticipant | undefined>;
  /** Removes a participant; false if the call is not in the conference. */
  removeParticipant(conferenceSid: Sid, callSid: Sid, deadline?: Deadline): Promise<boolean>;
  /** Ends a conference for everybody in it; false if it is over or unknown. */
  endConference(conferenceSid: Sid, deadline?: Deadline): Promise<boolean>;
  /**
   * Makes a call. Calls of one client are made one a second, and wait for their turn until then. A call whose turn would
   * come after its deadline is never made: it fails with `timeout` at once.
   */
  createCall(call: NewCall, deadline?: Deadline): Promise<SpaceCall>;
  /** @returns undefined if there is no such call */
  findCall(callSid: Sid, deadline?: Deadline): Promise<SpaceCall | undefined>;
  /** Makes a call request another document, by POST; false if the call is over or unknown. */
  redirectCall(callSid: Sid, url: string, deadline?: Deadline): Promise<boolean>;
  /** Ends a call, which may still be queued or ringing; false if it is over or unknown. */
  hangUpCall(callSid: Sid, deadline?: Deadline): Promise<boolean>;
  /**
   * The recordings of a conference or of a call, finished or not. Entries without a SID are left out.
   *
   * One request, and one more for each 1,000 recordings.
   */
  listRecordings(of: { conferenceSid: Sid } | { callSid: Sid }, deadline?: Deadline): Promise<SpaceRecording[]>;
  /** @returns undefined if there is no such recording */
  findRecording(recordingSid: Sid, deadline?: Deadline): Promise<SpaceRecording | undefined>;
  /**
   * Starts to record a call. One request, and one more if the Space refuses it without saying that the call is over.
   *
   * @param options.callback the Space reports here by POST when the recording starts, completes, or is found empty
   * @returns undefined if the call is over or unknown
   */
  startRecording(callSid: Sid, options: { callback: string }, deadline?: Deadline): Promise<SpaceRecording | undefined>;
  /**
   * Pauses (as silence), resumes or stops a recording. One request, and one more if the Space refuses it without saying
   * that the recording is over.
   *
   * @returns the Space's answer, which may not show the change yet; undefined if the recording is over or unknown
   */
  changeRecording(
    recording: Pick<SpaceRecording, 'recordingSid' | 'callSid' | 'conferenceSid'>,
    status: 'paused' | 'in-progress' | 'stopped',
    deadline?: Deadline,
  ): Promise<SpaceRecording | undefined>;
  /** Deletes a recording with its audio; false if there is none. */
  deleteRecording(recordingSid: Sid, deadline?: Deadline): Promise<boolean>;
  /**
   * Opens the audio of a recording, as WAV. Settles when the audio begins; its body has no deadline as a whole.
   *
   * One request, and at most three more if the Space redirects it. Neither the result nor an error has its address,
   * which is a secret: whoever has it can hear the recording.
   *
   * @param options.range the part to send; a Space that serves no ranges sends the whole
   * @returns undefined if there is no such recording, or no audio of it yet
   * @throws SpaceError with status 416 if the range is beyond the end
   */
  downloadRecording(
    recordingSid: Sid,
    options?: Deadline & { range?: ByteRange | undefined },
  ): Promise<RecordingAudio | undefined>;
  /**
   * The account's phone numbers. Entries without a SID or a number are left out. The token needs the scope Numbers.
   *
   * One request, and one more for each 1,000 numbers.
   */
  listNumbers(deadline?: Deadline): Promise<SpaceNumber[]>;
  /**
   * Changes the webhooks of a number. Check the result: SignalWire does not document that an empty address clears one.
   * The token needs the scope Numbers.
   *
   * @returns the Space's answer; undefined if there is no such number
   */
  changeNumber(numberSid: Sid, change: NumberChange, deadline?: Deadline): Promise<SpaceNumber | undefined>;
  /** Our account. The token needs the scope Management; a token without it can be valid for everything else. */
  findAccount(deadline?: Deadline): Promise<SpaceAccount>;
}
