import type { Mode } from '../rooms/mode';
import type { RoomName } from '../rooms/room';
import { MODE_KEYS } from './outcome';
import type { Prompts } from './prompts';

/** English, the Space's default. */
export const english: Prompts = {
  voice: {},
  welcome: 'Welcome.',
  wrongRoom: 'You are not an agent on this line. You are joining as a customer.',
  askPin: {
    asked: 'Please enter your PIN, then press pound.',
    wrong: 'Wrong PIN. Please enter your PIN, then press pound.',
    silent: 'Nothing entered. Please enter your PIN, then press pound.',
  },
  joined(mode, room, moderator) {
    const agent = agentOf(room, moderator);
    const sentences = {
      monitor: `Nobody hears you. You are listening to ${agent}.`,
      coach: `The agent alone hears you. You are coaching ${agent}.`,
      barge: `Everybody hears you. You are talking with ${agent}.`,
    };
    return `${sentences[mode]} For the menu, press star.`;
  },
  rejoined: { monitor: 'Nobody hears you.', coach: 'The agent alone hears you.', barge: 'Everybody hears you.' },
  news: {
    'conversation-over': 'That conversation is over.',
    'no-such-conversation': 'There is no such conversation.',
    'no-other-conversation': 'There is no other conversation.',
    muted: 'You have been muted.',
    'not-allowed': 'You may not use that key.',
  },
  keypad(modes, conversation) {
    const agent = conversation && agentOf(conversation.room, conversation.moderator);
    const choices = modes.map((mode, index) =>
      index === 0
        ? `${choiceOf(mode, agent)}, press ${MODE_KEYS[mode]}.`
        : `${choiceOf(mode, undefined)}, ${MODE_KEYS[mode]}.`,
    );
    return ['Nobody hears you now.', ...choices, 'For another conversation, 4.', 'To end, 9.'].join(' ');
  },
  menu({ choices, more, hasExtensions }) {
    return [
      ...choices.map(({ room, name, isAmbiguous, hasCaller }, index) => {
        const agent = `${agentOf(room, name)}${isAmbiguous ? ` in ${room}` : ''}`;
        return `For ${hasCaller ? agent : `${agent}, no caller yet`}, press ${index + 1}.`;
      }),
      ...(hasExtensions ? ['Or enter an extension, then press pound.'] : []),
      ...(more === 'more' ? ['For more conversations, press pound.'] : []),
      ...(more === 'again' ? ['To hear the list again, press pound.'] : []),
    ].join(' ');
  },
  wait(reason, room, moderator) {
    switch (reason) {
      case 'nobody-there':
        return `No conversation${room === undefined ? '' : ` in ${room}`} right now. Please hold.`;
      case 'store-down':
        return 'Sorry, a technical problem. Please hold.';
      case 'target-gone':
        return `Sorry, we could not connect you to ${room}. Please hold.`;
      case 'no-caller':
        return `${moderator ?? `The agent in ${room}`} has no caller yet. Please hold.`;
      case 'over':
        return 'That conversation is over. Please hold for the next one.';
    }
  },
  callout: (room) => `Nobody hears you. To listen to the agent in ${room}, press 1.`,
  goodbye: 'Goodbye.',
  removed: 'You have been removed. Goodbye.',
  apology: 'Sorry, something went wrong. Please call again later.',
  moderatorNotice: 'A supervisor is on the line.',
  supervisorNotice: 'You have been muted. Nobody hears you.',
};

/** @param agent undefined to name nobody */
function choiceOf(mode: Mode, agent: string | undefined): string {
  switch (mode) {
    case 'monitor':
      return agent === undefined ? 'To listen' : `To listen to ${agent}`;
    case 'coach':
      return agent === undefined ? 'To coach' : `To coach ${agent}`;
    case 'barge':
      return agent === undefined ? 'To talk to everyone' : `To talk to ${agent} and everyone else`;
  }
}

function agentOf(room: RoomName, moderator: string | undefined): string {
  return moderator ?? `the agent in ${room}`;
}
