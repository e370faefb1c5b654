import { keep } from '../ops/keep';
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

/** For how many rooms constant parts are kept. */
const MAX_ROOMS = 2_000;

/** How long a supervisor waits before each further attempt, in seconds. */
const WAIT_SECONDS = 10;

/** The same while they wait for a caller or the next conversation. */
const PATIENT_WAIT_SECONDS = 30;

type Response = InstanceType<typeof VoiceResponse>;
type ConferenceAttributes = Exclude<Parameters<ReturnType<Response['dial']>['conference']>[0], string>;

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
    if (outcome.kind === 'join') {
      return outcome.role === 'supervisor' ? supervisorDocument(outcome) : participantDocument(outcome);
    }
    return documentOf(outcome).toString();
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

  /** Those of moderators and callers, which are the same for every call. */
  const constantDocuments = new Map<string, string>();

  /** A moderator starts the conference and ends it on leaving; a caller waits until one is in. */
  function participantDocument({ room, role, ...join }: Exclude<Outcome & { kind: 'join' }, SupervisorJoin>): string {
    const isWrongRoom = 'isWrongRoom' in join && join.isWrongRoom === true;
    // No room's name has a slash.
    const key = `${isWrongRoom ? 'wrong-room' : role}/${room}`;
    const known = constantDocuments.get(key);
    if (known !== undefined) {
      return known;
    }
    const response = new VoiceResponse();
    if (role === 'caller') {
      if (isWrongRoom) {
        say(response, prompts.wrongRoom);
      }
      sayNotice(response, callerNotice);
      dialAsCaller(response, room);
    } else {
      response
        .dial({ action: addresses.conferenceEnded(room), timeLimit: maxCallSeconds })
        .conference({ startConferenceOnEnter: true, endConferenceOnExit: true, ...callbacksOf(room) }, room);
    }
    return keep(constantDocuments, key, response.toString(), MAX_ROOMS);
  }

  const callbacks = new Map<RoomName, ConferenceAttributes>();

  /** The status callback. Every `<Conference>` names it, because the Space takes it from whoever joins first. */
  function callbacksOf(room: RoomName): ConferenceAttributes {
    return (
      callbacks.get(room) ??
      keep(
        callbacks,
        room,
        {
          statusCallback: addresses.conferenceEvents(room),
          statusCallbackMethod: 'POST',
          statusCallbackEvent: ['start', 'end', 'join', 'leave', 'mute', 'hold', 'speaker'],
        },
        MAX_ROOMS,
      )
    );
  }

  function dialAsCaller(response: Response, room: RoomName): void {
    response
      .dial({ timeLimit: maxCallSeconds })
      .conference(
        { startConferenceOnEnter: false, ...(waitUrl !== undefined && { waitUrl }), ...callbacksOf(room) },
        room,
      );
  }

  /** The caller's, during whose greeting a moderator may press `*` and their PIN. */
  function greeting(room: RoomName): Response {
    const response = new VoiceResponse();
    // Every customer waits so long after the greeting: the shortest time there is.
    const gather = response.gather({ action: addresses.moderatorPin(room), timeout: 1 });
    sayNotice(gather, callerNotice, prompts.welcome);
    dialAsCaller(response, room);
    return response;
  }

  /** Enters beside the target, heard as the mode says; `*` leads out again. */
  function supervisorDocument({ state, context, target, announcement, previousMode }: SupervisorJoin): string {
    const response = new VoiceResponse();
    const { room } = state;
    const { mode } = context;
    if (announcement !== undefined) {
      const heard = previousMode === undefined ? prompts.joined(mode, room, target.name) : prompts.rejoined[mode];
      say(response, withNews(announcement.news, heard));
    }
    response
      .dial({ action: addresses.coachEnded(room, context), hangupOnStar: true, timeLimit: maxCallSeconds })
      .conference(
        {
          // Monitoring keeps the target: should the mute slip, only the moderator hears.
          ...(mode !== 'barge' && { coach: target.callSid }),
          ...(mode === 'monitor' && { muted: true }),
          startConferenceOnEnter: false,
          endConferenceOnExit: false,
          beep: 'false',
          ...callbacksOf(room),
        },
        room,
      );
    return response.toString();
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
