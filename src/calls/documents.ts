import { randomUUID } from 'node:crypto';
import type { Mode } from '../rooms/mode';
import type { RoomName } from '../rooms/room-name';
import type { Addresses } from './call-request';
import type { LineWait, Outcome, RoomWait, SupervisorJoin } from './outcome';
import type { Prompts } from './prompts';
import { VoiceResponse } from './voice-response';

export interface DocumentSettings {
  /** The longest a call may last, in seconds. */
  maxCallSeconds: number;
  /** The address of what callers hear while they wait; undefined for the Space's own music. */
  waitUrl: string | undefined;
  /** Said to callers before they join; undefined for nothing. */
  callerNotice: string | undefined;
  /** Said to a moderator when a supervisor joins; undefined for the prompt of the language. */
  moderatorNoticeText: string | undefined;
  /** How notices are spoken; undefined for the Space's own way. */
  noticeVoice: string | undefined;
  noticeLanguage: string | undefined;
}

/** How long a supervisor waits before each further attempt, in seconds. */
const WAIT_SECONDS = 10;

/** The same while they wait for a caller or the next conversation. */
const PATIENT_WAIT_SECONDS = 30;

type Response = InstanceType<typeof VoiceResponse>;
type ConferenceAttributes = Exclude<Parameters<ReturnType<Response['dial']>['conference']>[0], string>;

/** Where a frame has a part that differs from document to document. No text that is configured holds it. */
const SLOT = randomUUID();

/** A document that the SDK wrote once, taken apart at its slots. */
type Frame = readonly string[];

/** @param write what the document says, with {@link SLOT} in the place of each value */
function frameOf(write: (response: Response) => void): Frame {
  const response = new VoiceResponse();
  write(response);
  return response.toString().split(SLOT);
}

/** @param values one for each slot: names of rooms, SIDs and our addresses, in which only `&` has to be escaped */
function fill([start = '', ...parts]: Frame, values: readonly string[]): string {
  let document = start;
  for (const [index, part] of parts.entries()) {
    document += values[index]?.replaceAll('&', '&amp;') + part;
  }
  return document;
}

/** A conference, and the address of its status callback. */
interface Conference {
  room: string;
  events: string;
}

/** Writes an outcome as LaML. Pure: the same outcome gives the same document. */
export type Render = (outcome: Outcome) => string;

/** The documents of one server, in one language. */
export function createRender(settings: DocumentSettings, addresses: Addresses, prompts: Prompts): Render {
  const { maxCallSeconds, waitUrl, callerNotice, moderatorNoticeText, noticeVoice, noticeLanguage } = settings;
  const noticeAttributes = {
    ...(noticeVoice !== undefined && { voice: noticeVoice }),
    ...(noticeLanguage !== undefined && { language: noticeLanguage }),
  } as object;

  function render(outcome: Outcome): string {
    if (outcome.kind !== 'join') {
      return documentOf(outcome).toString();
    }
    if (outcome.role === 'supervisor') {
      return supervisorDocument(outcome);
    }
    const { room, events } = conferenceOf(outcome.room);
    return outcome.role === 'moderator'
      ? fill(frames.moderator, [addresses.conferenceEnded(outcome.room), events, room])
      : fill(outcome.isWrongRoom ? frames.callerInWrongRoom : frames.caller, [events, room]);
  }

  function documentOf(outcome: Exclude<Outcome, { kind: 'join' }>): Response {
    switch (outcome.kind) {
      case 'greet':
        return greeting(outcome.room);
      case 'askModeratorPin': {
        const { room, prompt } = outcome;
        return ask(prompts.askPin[prompt.why], { action: addresses.moderatorPin(room, prompt.tryNumber) });
      }
      case 'askPin': {
        const { context, prompt, room } = outcome;
        return ask(prompts.askPin[prompt.why], { action: addresses.linePin(context, prompt.tryNumber, room) });
      }
      case 'wait':
        return waiting(outcome);
      case 'choose':
        return menuOfRooms(outcome);
      case 'keypad':
        return keypad(outcome);
      case 'goodbye':
        return sayAndHangUp(prompts.goodbye);
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
  const inSlots: Conference = { room: SLOT, events: SLOT };
  const frames = {
    moderator: frameOf((response) =>
      response
        .dial({ action: SLOT, timeLimit: maxCallSeconds })
        .conference({ startConferenceOnEnter: true, endConferenceOnExit: true, ...callbacksOf(inSlots) }, SLOT),
    ),
    caller: frameOf((response) => {
      sayNotice(response, callerNotice);
      dialAsCaller(response, inSlots);
    }),
    callerInWrongRoom: frameOf((response) => {
      say(response, prompts.wrongRoom);
      sayNotice(response, callerNotice);
      dialAsCaller(response, inSlots);
    }),
    monitor: supervisorFrame('monitor'),
    coach: supervisorFrame('coach'),
    barge: supervisorFrame('barge'),
  };

  function conferenceOf(room: RoomName): Conference {
    return { room, events: addresses.conferenceEvents(room) };
  }

  /** The status callback. Every `<Conference>` names it, because the Space takes it from whoever joins first. */
  function callbacksOf({ events }: Conference): ConferenceAttributes {
    return {
      statusCallback: events,
      statusCallbackMethod: 'POST',
      statusCallbackEvent: ['start', 'end', 'join', 'leave', 'mute', 'hold', 'speaker'],
    };
  }

  /** Waits until a moderator is in. */
  function dialAsCaller(response: Response, conference: Conference): void {
    response
      .dial({ timeLimit: maxCallSeconds })
      .conference(
        { startConferenceOnEnter: false, ...(waitUrl !== undefined && { waitUrl }), ...callbacksOf(conference) },
        conference.room,
      );
  }

  /** The caller's, during whose greeting a moderator may press `*` and their PIN. */
  function greeting(room: RoomName): Response {
    const response = new VoiceResponse();
    // Every customer waits so long after the greeting: the shortest time there is.
    const gather = response.gather({ action: addresses.moderatorPin(room), timeout: 1 });
    sayNotice(gather, callerNotice, prompts.welcome);
    dialAsCaller(response, conferenceOf(room));
    return response;
  }

  function supervisorFrame(mode: Mode): Frame {
    return frameOf((response) => dialAsSupervisor(response, { mode, action: SLOT, coach: SLOT, ...inSlots }));
  }

  function supervisorDocument(join: SupervisorJoin): string {
    const { state, context, target, announcement, previousMode } = join;
    const { mode } = context;
    const { room, events } = conferenceOf(state.room);
    const action = addresses.coachEnded(state.room, context);
    const coach = target.callSid;
    if (announcement === undefined) {
      return fill(frames[mode], mode === 'barge' ? [action, events, room] : [action, coach, events, room]);
    }
    const response = new VoiceResponse();
    const heard = previousMode === undefined ? prompts.joined(mode, state.room, target.name) : prompts.rejoined[mode];
    say(response, withNews(announcement.news, heard));
    dialAsSupervisor(response, { mode, action, coach, room, events });
    return response.toString();
  }

  /** Enters beside the target, heard as the mode says; `*` leads out again. */
  function dialAsSupervisor(
    response: Response,
    { mode, action, coach, ...conference }: Conference & { mode: Mode; action: string; coach: string },
  ): void {
    response.dial({ action, hangupOnStar: true, timeLimit: maxCallSeconds }).conference(
      {
        // Monitoring keeps the target: should the mute slip, only the moderator hears.
        ...(mode !== 'barge' && { coach }),
        ...(mode === 'monitor' && { muted: true }),
        startConferenceOnEnter: false,
        endConferenceOnExit: false,
        beep: 'false',
        ...callbacksOf(conference),
      },
      conference.room,
    );
  }

  function keypad({ room, context, target }: Outcome & { kind: 'keypad' }): Response {
    const conversation = target && { room, moderator: target.name };
    return ask(prompts.keypad(conversation), { action: addresses.coachKey(room, context), numDigits: 1 });
  }

  function menuOfRooms({ context, menu }: Outcome & { kind: 'choose' }): Response {
    const { choices, page, hasExtensions, news } = menu;
    const rooms = choices.map(({ room }) => room);
    return ask(withNews(news, prompts.menu(menu)), {
      action: addresses.lineRoom(context, { rooms, page }),
      // With extensions the Space waits for more digits: not as long as usual, since most press one. Without them the
      // first key is the answer. Pound alone and no key at all both ask for more.
      ...(hasExtensions ? { timeout: 3 } : { numDigits: 1 }),
    });
  }

  function waiting(wait: RoomWait | LineWait): Response {
    const { reason, context } = wait;
    const moderator = wait.room === undefined ? undefined : wait.target?.name;
    const response = new VoiceResponse();
    say(response, prompts.wait(reason, wait.room, moderator));
    response.pause({ length: context.waits === undefined ? WAIT_SECONDS : PATIENT_WAIT_SECONDS });
    response.redirect(wait.room === undefined ? addresses.line(context) : addresses.coach(wait.room, wait.context));
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

  function withNews(news: keyof Prompts['news'] | undefined, text: string): string {
    return news === undefined ? text : `${prompts.news[news]} ${text}`;
  }

  return render;
}
