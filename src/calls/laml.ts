import { RestClient } from '@signalwire/compatibility-api';
import type { Mode } from '../rooms/mode';
import type { RoomName } from '../rooms/room-name';
import type { Sid } from '../signalwire/sid';
import { type Approach, DEFAULT_MODE, type LineApproach, MAX_ATTEMPTS, MAX_WAITS, ownMode } from './approach';

export interface DocumentSettings {
  /** The address a Space reaches this server at, without a slash at the end. */
  publicUrl: string;
  /** The longest a call may last, in seconds. */
  maxCallSeconds: number;
  /** The address of what callers hear while they wait; undefined for the Space's own music. */
  waitUrl: string | undefined;
  /** What callers are told before they enter; undefined for nothing. */
  callerNotice: string | undefined;
  /** What a moderator is told when a supervisor comes in. */
  moderatorNoticeText: string;
  /** How notices are spoken; undefined for the Space's own way. */
  noticeVoice: string | undefined;
  noticeLanguage: string | undefined;
}

/** What a menu offers: what it calls a conversation, and its room. */
export interface Choice {
  label: string;
  room: RoomName;
  hasCaller: boolean;
}

/** A menu of rooms. */
export interface RoomMenu {
  /** At most {@link CHOICES_AT_ONCE}. */
  choices: readonly Choice[];
  /** Counted from 0. */
  page: number;
  /** What pound leads to: more, or all again from the first; undefined when this is all. */
  more: 'more' | 'again' | undefined;
  hasExtensions: boolean;
  /** A sentence spoken before the menu. */
  news?: string | undefined;
}

/** How many rooms a menu offers at once: one for each digit but 0. */
export const CHOICES_AT_ONCE = 9;

/** How a PIN is asked for: the n-th time in this call, and why. */
export interface PinPrompt {
  tryNumber: number;
  /** `wrong` and `silent`: what came of the time before. */
  why: 'asked' | 'wrong' | 'silent';
}

/** How long a supervisor waits before each further attempt, in seconds. */
const WAIT_SECONDS = 10;

/** How long they are put off at a time who wait for a caller, or for the next conversation. */
const PATIENT_WAIT_SECONDS = 30;

/** Why a supervisor has to wait. */
export type WaitReason = 'nobody-there' | 'store-down' | 'target-gone' | 'no-caller' | 'over';

type Conference = Parameters<ReturnType<InstanceType<typeof RestClient.LaML.VoiceResponse>['dial']>['conference']>[0];

type Response = InstanceType<typeof RestClient.LaML.VoiceResponse>;

/** The keys of the menu during a call, and that it is heard outside of it. */
const KEYPAD =
  'Press 1 to listen, 2 to coach, 3 to speak to everybody, 4 for another conversation, 9 to hang up. Nobody hears you now.';

/** Every document a phone may hear, as LaML text. They are pure: the same arguments give the same document. */
export type Documents = ReturnType<typeof createDocuments>;

/** The documents of one server. */
export function createDocuments(settings: DocumentSettings) {
  const { publicUrl, maxCallSeconds, waitUrl, callerNotice, moderatorNoticeText } = settings;
  const { noticeVoice, noticeLanguage } = settings;
  const { VoiceResponse } = RestClient.LaML;
  const noticeVoiceAttributes = {
    ...(noticeVoice !== undefined && { voice: noticeVoice }),
    ...(noticeLanguage !== undefined && { language: noticeLanguage }),
  } as object;

  /** The address of a webhook of ours for a room. */
  function addressOf(family: string, room: RoomName, rest = ''): string {
    return `${publicUrl}/${family}/${encodeURIComponent(room)}${rest}`;
  }

  /** What a supervisor's address carries, as a query; what is usual, empty or none goes without saying. */
  function queryOf(values: Record<string, string | number | undefined>): string {
    const query = new URLSearchParams();
    // A Space may sort them before it signs.
    for (const [name, value] of Object.entries(values).sort(([one], [other]) => (one < other ? -1 : 1))) {
      if (value !== undefined && value !== 0) {
        query.set(name, String(value));
      }
    }
    return query.size === 0 ? '' : `?${query}`;
  }

  /** @param usualStay which stay goes without saying there */
  function approachQuery(approach: Approach, usualStay = 0): string {
    const { mode, own, isOnLine, stay, attempt, waits, round, of, isTold, isMoved, pass } = approach;
    return queryOf({
      attempt,
      in: of?.conferenceSid,
      line: isOnLine ? 1 : undefined,
      mode: mode === DEFAULT_MODE ? undefined : mode,
      moved: isMoved ? 1 : undefined,
      of: of?.target,
      own: own === mode && !isOnLine ? undefined : own,
      pass,
      round,
      stay: stay === usualStay ? undefined : stay,
      told: isTold ? 1 : undefined,
      waits,
    });
  }

  function lineAddress(rest: string, approach: LineApproach, more: Record<string, string | number | undefined> = {}) {
    const { mode, attempt, stay, waits, pass } = approach;
    return `${publicUrl}/supervisor${rest}${queryOf({ mode, attempt, stay, waits, pass, ...more })}`;
  }

  /** What every `<Conference>` carries: the first to enter decides for all. */
  function reporting(room: RoomName): Exclude<Conference, string> {
    return {
      statusCallback: addressOf('events/conference', room),
      statusCallbackMethod: 'POST',
      statusCallbackEvent: ['start', 'end', 'join', 'leave', 'mute', 'hold', 'speaker'],
    };
  }

  function lastWords(text: string): string {
    const response = new VoiceResponse();
    response.say(text);
    response.hangup();
    return response.toString();
  }

  /** Asks for keys; who presses none goes to the same address without. */
  function ask(text: string, options: { action: string; numDigits?: number; timeout?: number }): string {
    const response = new VoiceResponse();
    response.gather(options).say(text);
    response.redirect(options.action);
    return response.toString();
  }

  function enterAsCaller(response: Response, room: RoomName): string {
    response.dial({ timeLimit: maxCallSeconds }).conference(
      {
        startConferenceOnEnter: false,
        ...(waitUrl !== undefined && { waitUrl }),
        ...reporting(room),
      },
      room,
    );
    return response.toString();
  }

  /** The same, after the notice to callers. */
  function joinAsCaller(response: Response, room: RoomName): string {
    if (callerNotice !== undefined) {
      response.say(noticeVoiceAttributes, callerNotice);
    }
    return enterAsCaller(response, room);
  }

  function notice(text: string): string {
    const response = new VoiceResponse();
    response.say(noticeVoiceAttributes, text);
    return response.toString();
  }

  const goodbye = (news = '') => lastWords(`${news} Goodbye.`.trim());

  return {
    /** Starts the conference and ends it on leaving. */
    moderator(room: RoomName): string {
      const response = new VoiceResponse();
      response.dial({ action: addressOf('conference', room, '/ended'), timeLimit: maxCallSeconds }).conference(
        {
          startConferenceOnEnter: true,
          endConferenceOnExit: true,
          ...reporting(room),
        },
        room,
      );
      return response.toString();
    },

    /** Waits until a moderator is in. */
    caller(room: RoomName): string {
      return joinAsCaller(new VoiceResponse(), room);
    },

    /** Tells a moderator that the room is not theirs; then they join exactly as a caller. */
    wrongRoom(room: RoomName): string {
      const response = new VoiceResponse();
      response.say('You are not an agent on this line. You are joining as a customer.');
      return joinAsCaller(response, room);
    },

    /** The caller's, during whose greeting a moderator may press `*` and their PIN. */
    greeting(room: RoomName): string {
      const response = new VoiceResponse();
      // Every customer waits so long after the greeting: the shortest time there is.
      const gather = response.gather({ action: addressOf('conference', room, '/pin'), timeout: 1 });
      gather.say(noticeVoiceAttributes, callerNotice ?? 'Welcome.');
      return enterAsCaller(response, room);
    },

    /** Asks a moderator for their PIN. */
    askModeratorPin(room: RoomName, prompt: PinPrompt): string {
      return ask(askForPin(prompt), { action: addressOf('conference', room, `/pin?try=${prompt.tryNumber}`) });
    },

    /** Asks a supervisor for their PIN; `room` is where they want to go, if they said so. */
    askPin(approach: LineApproach, prompt: PinPrompt, room?: RoomName): string {
      return ask(askForPin(prompt), { action: lineAddress('/pin', approach, { try: prompt.tryNumber, room }) });
    },

    /** Enters beside the moderator `target`, heard as the mode says; `*` leads out again. `news` is said before. */
    supervisor(room: RoomName, approach: Approach, target: Sid, news?: string): string {
      const { mode } = approach;
      const response = new VoiceResponse();
      if (news !== undefined) {
        response.say(news);
      }
      const action = addressOf('coach', room, `/ended${approachQuery({ ...approach, of: undefined }, 1)}`);
      response.dial({ action, hangupOnStar: true, timeLimit: maxCallSeconds }).conference(
        {
          // Monitoring keeps the target: should the mute slip, only the moderator hears.
          ...(mode !== 'barge' && { coach: target }),
          ...(mode === 'monitor' && { muted: true }),
          startConferenceOnEnter: false,
          endConferenceOnExit: false,
          beep: 'false',
          ...reporting(room),
        },
        room,
      );
      return response.toString();
    },

    /** The menu during a call: says how the supervisor is heard in whose conversation, if it is known; asks what they want. */
    keypad(room: RoomName, approach: Approach, label?: string): string {
      const present = label === undefined ? '' : sayModeOutside(approach.mode, label);
      return ask(`${present} ${KEYPAD}`.trim(), {
        action: addressOf('coach', room, `/key${approachQuery(approach, 1)}`),
        numDigits: 1,
      });
    },

    /** Asks which conversation to go to. */
    chooseRoom(approach: LineApproach, { choices, page, more, hasExtensions, news }: RoomMenu): string {
      const text = [
        ...(news === undefined ? [] : [news]),
        ...choices.map(({ label, hasCaller }, index) => {
          const who = hasCaller ? label : `${label}, who has no caller yet`;
          return `For ${who}, press ${index + 1}.`;
        }),
        ...(hasExtensions ? ['Or enter an extension, then press pound.'] : []),
        ...(more === 'more' ? ['For more, press pound.'] : []),
        ...(more === 'again' ? ['For the first ones, press pound.'] : []),
      ];
      // Without extensions the first key is the answer; pound alone and no key at all both ask for more.
      return ask(text.join(' '), {
        action: lineAddress('/room', approach, { rooms: choices.map(({ room }) => room).join(','), page }),
        // With them the Space waits for more digits: not as long as usual, since most press one.
        ...(hasExtensions ? { timeout: 3 } : { numDigits: 1 }),
      });
    },

    /** Says why, waits and asks for this room again; in the end says goodbye. `label` is the moderator's, if there is one. */
    wait(room: RoomName, approach: Approach, reason: WaitReason, label?: string): string {
      return waitFor(approach, explain(reason, room, label), (next) => addressOf('coach', room, approachQuery(next)));
    },

    /** The same for any room. */
    waitOnLine(approach: LineApproach, reason: 'nobody-there' | 'store-down' | 'over'): string {
      return waitFor(approach, explain(reason), (next) => lineAddress('', next));
    },

    /** Where REST sends a supervisor who was made to listen: back into this room, unheard. */
    addressAfterMove(room: RoomName, approach: Approach): string {
      const own = ownMode(approach);
      const moved = { ...approach, own, mode: 'monitor' as const, waits: undefined, of: undefined, isMoved: true };
      return addressOf('coach', room, approachQuery(moved));
    },

    goodbye,

    /** For a supervisor whom we failed in a way that waiting will not mend. */
    apology: () => lastWords('We are sorry. Something went wrong. Please call again later.'),

    /** Played to a moderator alone when a supervisor comes in. */
    moderatorNotice: () => notice(moderatorNoticeText),

    /** Played to a supervisor alone who was made to listen. */
    supervisorNotice: () => notice('You are listening now, and nobody hears you.'),

    /** Ends the call without a word. */
    hangup(): string {
      const response = new VoiceResponse();
      response.hangup();
      return response.toString();
    },

    /** Turns the call away unanswered and unbilled. */
    reject(): string {
      const response = new VoiceResponse();
      response.reject();
      return response.toString();
    },
  };

  /** Those who wait for a caller or for the next conversation may wait up to half an hour. */
  function waitFor<A extends LineApproach>(approach: A, text: string, addressOfNext: (next: A) => string): string {
    const { attempt, waits } = approach;
    if (waits === undefined ? attempt >= MAX_ATTEMPTS : waits >= MAX_WAITS) {
      return goodbye();
    }
    const response = new VoiceResponse();
    response.say(text);
    response.pause({ length: waits === undefined ? WAIT_SECONDS : PATIENT_WAIT_SECONDS });
    const next = waits === undefined ? { attempt: attempt + 1 } : { waits: waits + 1 };
    response.redirect(addressOfNext({ ...approach, ...next }));
    return response.toString();
  }
}

/** How a supervisor is heard and in whose conversation, in a sentence for them. */
export function sayMode(mode: Mode, label: string): string {
  switch (mode) {
    case 'monitor':
      return `You are listening to ${label}. Nobody hears you.`;
    case 'coach':
      return `You are coaching ${label}. Nobody else hears you.`;
    case 'barge':
      return `You are speaking with ${label}. Everybody hears you.`;
  }
}

/** The mode to which a supervisor at the keypad returns. It does not say who hears them: now nobody does. */
function sayModeOutside(mode: Mode, label: string): string {
  switch (mode) {
    case 'monitor':
      return `You are listening to ${label}.`;
    case 'coach':
      return `You are coaching ${label}.`;
    case 'barge':
      return `You are speaking to everybody with ${label}.`;
  }
}

/** The same, short, for who is in that conversation already: they are out of it while it is said. */
export function sayModeAgain(mode: Mode): string {
  return { monitor: 'Nobody hears you.', coach: 'The agent alone hears you.', barge: 'Everybody hears you.' }[mode];
}

function askForPin({ why }: PinPrompt): string {
  const news = { asked: '', wrong: 'That is not right. ', silent: 'Nothing was entered. ' }[why];
  return `${news}Please enter your PIN, then press pound.`;
}

function explain(reason: WaitReason, room?: RoomName, label?: string): string {
  switch (reason) {
    case 'nobody-there':
      return room === undefined
        ? 'There is no conversation at the moment. Please stay on the line.'
        : `No agent is in ${room} at the moment. Please stay on the line.`;
    case 'store-down':
      return `We are sorry. We cannot tell at the moment who is in ${room ?? 'which conversation'}. Please stay on the line.`;
    case 'target-gone':
      return `The call in ${room} could not be joined. We will try again. Please stay on the line.`;
    case 'no-caller':
      return `${label} has no caller yet. Please stay on the line.`;
    case 'over':
      return 'That conversation is over. Please stay on the line for the next one.';
  }
}
