import type { RoomName } from '../rooms/room';
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
  },
  keypad(conversation) {
    const agent = conversation && agentOf(conversation.room, conversation.moderator);
    return `Nobody hears you now. To listen${agent === undefined ? '' : ` to ${agent}`}, press 1. To coach, 2. To talk to everyone, 3. For another conversation, 4. To end, 9.`;
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
  goodbye: 'Goodbye.',
  apology: 'Sorry, something went wrong. Please call again later.',
  moderatorNotice: 'A supervisor is on the line.',
  supervisorNotice: 'You have been muted. Nobody hears you.',
};

function agentOf(room: RoomName, moderator: string | undefined): string {
  return moderator ?? `the agent in ${room}`;
}
