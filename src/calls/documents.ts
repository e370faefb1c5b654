import { randomUUID } from 'node:crypto';
import type { Mode } from '../rooms/mode';
import { parseRoomName, type RoomName } from '../rooms/room';
import type { Urls } from './call-request';
import type { KeypadMenu, LineWait, News, Outcome, RoomWait, SupervisorJoin } from './outcome';
import type { Prompts } from './prompts';
import { VoiceResponse } from './voice-response';

export interface DocumentSettings {
  /** The longest a call may last, in seconds. */
  maxCallSeconds: number;
  /** The URL of a LaML document played to waiting callers; undefined for the Space's own music. */
  waitUrl: string | undefined;
  /** Said to callers before they join; undefined for nothing. */
  callerNotice: string | undefined;
  /** Said to a moderator when a supervisor joins; undefined for the prompt of the language. */
  moderatorNoticeText: string | undefined;
  /** How notices are spoken; undefined for the Space's own way. */
  noticeVoice: string | undefined;
  noticeLanguage: string | undefined;
  /** Whether every conference is recorded from its start. */
  recordConferences: boolean;
}

/** How long a supervisor holds before each new attempt, in seconds. */
const WAIT_SECONDS = 10;

/** The same while they wait for a caller or the next conversation. */
const PATIENT_WAIT_SECONDS = 30;

/** How long a supervisor whom the server called may take to press a key, in seconds. */
const CALLOUT_SECONDS = 10;

type Response = InstanceType<typeof VoiceResponse>;
type ConferenceAttributes = Exclude<Parameters<ReturnType<Response['dial']>['conference']>[0], string>;

/** Placeholder for a frame's variable parts: a valid room name that occurs in no text. */
const SLOT = parseRoomName(randomUUID()) as RoomName;

/** A document that the SDK wrote once, split at its slots. */
type Frame = readonly string[];

/** @param write writes the document, with {@link SLOT} for each value */
function frameOf(write: (response: Response) => void): Frame {
  const response = new VoiceResponse();
  write(response);
  return response.toString().split(SLOT);
}

/**
 * @param values one for each slot: room names (plain or encoded), SIDs and our URLs; only `&` needs escaping in them
 */
function fill([start = '', ...parts]: Frame, values: readonly string[]): string {
  let document = start;
  for (const [index, part] of parts.entries()) {
    const value = values[index];
    if (value === undefined) {
      throw new RangeError('A document lacks a value.');
    }
    document += value.replaceAll('&', '&amp;') + part;
  }
  return document;
}

/** Writes an outcome as LaML. Pure: the same outcome gives the same document. */
export type Render = (outcome: Outcome) => string;

/** The documents of one server, in one language. */
export function createRender(settings: DocumentSettings, urls: Urls, prompts: Prompts): Render {
  const { maxCallSeconds, waitUrl, callerNotice, moderatorNoticeText, noticeVoice, noticeLanguage } = settings;
  const { recordConferences } = settings;
  const noticeAttributes = {
    ...(noticeVoice !== undefined && { voice: noticeVoice }),
    ...(noticeLanguage !== undefined && { language: noticeLanguage }),
  } as object;

  function render(outcome: Outcome): string {
    if (outcome.kind !== 'join') {
      return documentOf(outcome).toString();
    }
    if (outcome.role !== 'supervisor') {
      const { room } = outcome;
      const encoded = encodeURIComponent(room);
      const recorded = recordConferences ? [encoded] : [];
      return outcome.role === 'moderator'
        ? fill(frames.moderator, [encoded, encoded, ...recorded, room])
        : fill(outcome.isWrongRoom ? frames.callerInWrongRoom : frames.caller, [encoded, ...recorded, room]);
    }
    if (outcome.announcement !== undefined) {
      return announcedJoin(outcome, outcome.announcement.news).toString();
    }
    const { room } = outcome.state;
    const { mode } = outcome.context;
    const coach = mode === 'barge' ? [] : [outcome.target.callSid];
    const encoded = encodeURIComponent(room);
    const recorded = recordConferences ? [encoded] : [];
    return fill(frames[mode], [urls.coachEnded(room, outcome.context), ...coach, encoded, ...recorded, room]);
  }

  function documentOf(outcome: Exclude<Outcome, { kind: 'join' }>): Response {
    switch (outcome.kind) {
      case 'greet':
        return greeting(outcome.room);
      case 'askModeratorPin': {
        const { room, prompt } = outcome;
        return ask(prompts.askPin[prompt.why], { action: urls.moderatorPin(room, prompt.tryNumber) });
      }
      case 'askPin': {
        const { context, prompt, room } = outcome;
        return ask(prompts.askPin[prompt.why], { action: urls.linePin(context, prompt.tryNumber, room) });
      }
      case 'wait':
        return waiting(outcome);
      case 'choose':
        return menuOfRooms(outcome);
      case 'askToJoin': {
        const { room, join } = outcome;
        const action = urls.calloutKey(room, join);
        return ask(prompts.callout(room), { action, numDigits: 1, timeout: CALLOUT_SECONDS });
      }
      case 'keypad':
        return keypad(outcome);
      case 'goodbye':
        return sayAndHangUp(prompts.goodbye);
      case 'removed':
        return sayAndHangUp(prompts.removed);
      case 'apology':
        return sayAndHangUp(prompts.apology);
      case 'hangUp': {
        const response = new VoiceResponse();
        response.hangup();
        return response;
      }
      case 'reject': {
        const response = new VoiceResponse();
        response.reject();
        return response;
      }
      case 'note': {
        const response = new VoiceResponse();
        sayNotice(response, outcome.text);
        return response;
      }
      case 'notice': {
        const response = new VoiceResponse();
        if (outcome.to === 'supervisor') {
          say(response, prompts.supervisorNotice);
        } else {
          sayNotice(response, moderatorNoticeText, prompts.moderatorNotice);
        }
        return response;
      }
    }
  }

  /** The documents that most calls get. */
  const frames = {
    moderator: frameOf((response) =>
      response
        .dial({ action: urls.conferenceEnded(SLOT), timeLimit: maxCallSeconds })
        .conference({ startConferenceOnEnter: true, endConferenceOnExit: true, ...callbacksOf(SLOT) }, SLOT),
    ),
    caller: frameOf((response) => {
      sayNotice(response, callerNotice);
      dialAsCaller(response, SLOT);
    }),
    callerInWrongRoom: frameOf((response) => {
      say(response, prompts.wrongRoom);
      sayNotice(response, callerNotice);
      dialAsCaller(response, SLOT);
    }),
    monitor: supervisorFrame('monitor'),
    coach: supervisorFrame('coach'),
    barge: supervisorFrame('barge'),
  };

  /** The callbacks, and the recording. Every `<Conference>` has them, because the Space uses the first participant's. */
  function callbacksOf(room: RoomName): ConferenceAttributes {
    return {
      statusCallback: urls.conferenceEvents(room),
      statusCallbackMethod: 'POST',
      statusCallbackEvent: ['start', 'end', 'join', 'leave', 'mute', 'hold', 'speaker'],
      ...(recordConferences && {
        record: 'record-from-start',
        recordingStatusCallback: urls.recordingEvents(room),
        recordingStatusCallbackMethod: 'POST',
        recordingStatusCallbackEvent: ['in-progress', 'completed', 'absent'],
      }),
    };
  }

  /** Joins a caller, who waits with music until a moderator is in. */
  function dialAsCaller(response: Response, room: RoomName): void {
    response
      .dial({ timeLimit: maxCallSeconds })
      .conference(
        { startConferenceOnEnter: false, ...(waitUrl !== undefined && { waitUrl }), ...callbacksOf(room) },
        room,
      );
  }

  /** The caller document after a greeting, during which a moderator may press `*` and their PIN. */
  function greeting(room: RoomName): Response {
    const response = new VoiceResponse();
    // Every customer waits this long after the greeting, so it is the shortest possible.
    const gather = response.gather({ action: urls.moderatorPin(room), timeout: 1 });
    sayNotice(gather, callerNotice, prompts.welcome);
    dialAsCaller(response, room);
    return response;
  }

  function supervisorFrame(mode: Mode): Frame {
    return frameOf((response) => dialAsSupervisor(response, { mode, action: SLOT, coach: SLOT, room: SLOT }));
  }

  /** Says the news, if any, and who hears the supervisor; then joins them. */
  function announcedJoin({ state, context, target, previousMode }: SupervisorJoin, news: News | undefined): Response {
    const { mode } = context;
    const { room } = state;
    const response = new VoiceResponse();
    const heard = previousMode === undefined ? prompts.joined(mode, room, target.name) : prompts.rejoined[mode];
    say(response, withNews(news, heard));
    dialAsSupervisor(response, { mode, action: urls.coachEnded(room, context), coach: target.callSid, room });
    return response;
  }

  /** Joins a supervisor to the target, heard as the mode says; `*` ends the `<Dial>`. */
  function dialAsSupervisor(
    response: Response,
    { mode, action, coach, room }: { mode: Mode; action: string; coach: string; room: RoomName },
  ): void {
    response.dial({ action, hangupOnStar: true, timeLimit: maxCallSeconds }).conference(
      {
        // Monitoring keeps the target: if muting ever failed, only the agent would hear them.
        ...(mode !== 'barge' && { coach }),
        ...(mode === 'monitor' && { muted: true }),
        startConferenceOnEnter: false,
        endConferenceOnExit: false,
        beep: 'false',
        ...callbacksOf(room),
      },
      room,
    );
  }

  function keypad({ room, context, modes, target, news }: KeypadMenu): Response {
    const conversation = target && { room, moderator: target.name };
    const text = withNews(news, prompts.keypad(modes, conversation));
    return ask(text, { action: urls.coachKey(room, context), numDigits: 1 });
  }

  function menuOfRooms({ context, menu }: Outcome & { kind: 'choose' }): Response {
    const { choices, page, hasExtensions, news } = menu;
    const rooms = choices.map(({ room }) => room);
    return ask(withNews(news, prompts.menu(menu)), {
      action: urls.lineRoom(context, { rooms, page }),
      // With extensions the Space waits for more digits, but less than usual, since most callers press one. Without them
      // the first key is the answer. Pound alone and no key both ask for more.
      ...(hasExtensions ? { timeout: 3 } : { numDigits: 1 }),
    });
  }

  function waiting(wait: RoomWait | LineWait): Response {
    const { reason, context } = wait;
    const moderator = wait.room === undefined ? undefined : wait.target?.name;
    const response = new VoiceResponse();
    say(response, prompts.wait(reason, wait.room, moderator));
    response.pause({ length: context.waits === undefined ? WAIT_SECONDS : PATIENT_WAIT_SECONDS });
    response.redirect(wait.room === undefined ? urls.line(context) : urls.coach(wait.room, wait.context));
    return response;
  }

  /** Asks for keys. Without keys the call goes to the same address. */
  function ask(text: string, options: { action: string; numDigits?: number; timeout?: number }): Response {
    const response = new VoiceResponse();
    say(response.gather(options), text);
    response.redirect(options.action);
    return response;
  }

  function sayAndHangUp(text: string): Response {
    const response = new VoiceResponse();
    say(response, text);
    response.hangup();
    return response;
  }

  /** Says a configured text in the configured voice, or else a prompt, if there is one. */
  function sayNotice(verb: Pick<Response, 'say'>, configured: string | undefined, prompt?: string): void {
    if (configured !== undefined) {
      verb.say(noticeAttributes, configured);
    } else if (prompt !== undefined) {
      say(verb, prompt);
    }
  }

  function say(verb: Pick<Response, 'say'>, text: string): void {
    verb.say(prompts.voice as object, text);
  }

  function withNews(news: News | undefined, text: string): string {
    return news === undefined ? text : `${prompts.news[news]} ${text}`;
  }

  return render;
}
