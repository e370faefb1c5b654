import type { RoomName } from '../rooms/room-name';
import type { Prompts } from './prompts';

/** English, in the voice that a Space uses unless told otherwise. */
export const english: Prompts = {
  voice: {},
  welcome: 'Welcome.',
  wrongRoom: 'You are not an agent on this line. You are joining as a customer.',
  askPin: {
    asked: 'Please enter your PIN, then press pound.',
    wrong: 'That is not right. Please enter your PIN, then press pound.',
    silent: 'Nothing was entered. Please enter your PIN, then press pound.',
  },
  joined(mode, room, moderator) {
    const agent = agentOf(room, moderator);
    const sentences = {
      monitor: `You are listening to ${agent}. Nobody hears you.`,
      coach: `You are coaching ${agent}. Nobody else hears you.`,
      barge: `You are speaking with ${agent}. Everybody hears you.`,
    };
    return `${sentences[mode]} Press star for the menu.`;
  },
  rejoined: { monitor: 'Nobody hears you.', coach: 'The agent alone hears you.', barge: 'Everybody hears you.' },
  news: {
    'conversation-over': 'That conversation is over.',
    'no-such-conversation': 'There is no such conversation.',
    'no-other-conversation': 'There is no other conversation.',
    muted: 'You have been muted.',
  },
  present(mode, room, moderator) {
    const agent = agentOf(room, moderator);
    return {
      monitor: `You are listening to ${agent}.`,
      coach: `You are coaching ${agent}.`,
      barge: `You are speaking to everybody with ${agent}.`,
    }[mode];
  },
  keys: 'Press 1 to listen, 2 to coach, 3 to speak to everybody, 4 for another conversation, 9 to hang up. Nobody hears you now.',
  menu({ choices, more, hasExtensions }) {
    return [
      ...choices.map(({ room, name, isAmbiguous, hasCaller }, index) => {
        const agent = `${agentOf(room, name)}${isAmbiguous ? ` in ${room}` : ''}`;
        return `For ${hasCaller ? agent : `${agent}, who has no caller yet`}, press ${index + 1}.`;
      }),
      ...(hasExtensions ? ['Or enter an extension, then press pound.'] : []),
      ...(more === 'more' ? ['For more, press pound.'] : []),
      ...(more === 'again' ? ['For the first ones, press pound.'] : []),
    ].join(' ');
  },
  wait(reason, room, moderator) {
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
        return `${moderator ?? `the agent in ${room}`} has no caller yet. Please stay on the line.`;
      case 'over':
        return 'That conversation is over. Please stay on the line for the next one.';
    }
  },
  goodbye: 'Goodbye.',
  apology: 'We are sorry. Something went wrong. Please call again later.',
  moderatorNotice: 'A supervisor is on the line.',
  supervisorNotice: 'You are listening now, and nobody hears you.',
};

function agentOf(room: RoomName, moderator: string | undefined): string {
  return moderator ?? `the agent in ${room}`;
}
