import type { Mode } from '../rooms/mode';
import type { RoomName } from '../rooms/room';
import { MODE_KEYS } from './outcome';
import type { Prompts } from './prompts';

/** German. */
export const german: Prompts = {
  voice: { language: 'de-DE', voice: 'Polly.Vicki' },
  welcome: 'Willkommen.',
  wrongRoom: 'Auf dieser Leitung sind Sie kein Agent. Sie nehmen als Kunde teil.',
  askPin: {
    asked: 'Bitte geben Sie Ihre PIN ein und drücken Sie die Rautetaste.',
    wrong: 'Falsche PIN. Bitte geben Sie Ihre PIN ein und drücken Sie die Rautetaste.',
    silent: 'Keine Eingabe. Bitte geben Sie Ihre PIN ein und drücken Sie die Rautetaste.',
  },
  joined(mode, room, moderator) {
    const sentences = {
      monitor: `Niemand hört Sie. Sie hören ${agentOf(room, moderator, 'dem Agenten')} zu.`,
      coach: `Nur der Agent hört Sie. Sie coachen ${agentOf(room, moderator, 'den Agenten')}.`,
      barge: `Alle hören Sie. Sie sprechen mit ${agentOf(room, moderator, 'dem Agenten')}.`,
    };
    return `${sentences[mode]} Für das Menü drücken Sie die Sterntaste.`;
  },
  rejoined: { monitor: 'Niemand hört Sie.', coach: 'Nur der Agent hört Sie.', barge: 'Alle hören Sie.' },
  news: {
    'conversation-over': 'Dieses Gespräch ist beendet.',
    'no-such-conversation': 'Dieses Gespräch gibt es nicht.',
    'no-other-conversation': 'Es gibt kein anderes Gespräch.',
    muted: 'Sie wurden stummgeschaltet.',
    'not-allowed': 'Diese Taste dürfen Sie nicht benutzen.',
  },
  keypad(modes, conversation) {
    const choices = modes.map((mode, index) =>
      index === 0
        ? `${choiceOf(mode, conversation)} drücken Sie die ${MODE_KEYS[mode]}.`
        : `${choiceOf(mode, undefined)} die ${MODE_KEYS[mode]}.`,
    );
    return ['Niemand hört Sie jetzt.', ...choices, 'Für ein anderes Gespräch die 4.', 'Zum Beenden die 9.'].join(' ');
  },
  menu({ choices, more, hasExtensions }) {
    return [
      ...choices.map(({ room, name, isAmbiguous, hasCaller }, index) => {
        const agent = `${agentOf(room, name, 'den Agenten')}${isAmbiguous ? ` in ${room}` : ''}`;
        return `Für ${hasCaller ? agent : `${agent}, noch ohne Anrufer,`} drücken Sie die ${index + 1}.`;
      }),
      ...(hasExtensions ? ['Oder geben Sie eine Durchwahl ein und drücken Sie die Rautetaste.'] : []),
      ...(more === 'more' ? ['Für weitere Gespräche drücken Sie die Rautetaste.'] : []),
      ...(more === 'again' ? ['Um die Liste noch einmal zu hören, drücken Sie die Rautetaste.'] : []),
    ].join(' ');
  },
  wait(reason, room, moderator) {
    switch (reason) {
      case 'nobody-there':
        return `Zurzeit kein Gespräch${room === undefined ? '' : ` in ${room}`}. Bitte warten Sie.`;
      case 'store-down':
        return 'Es gibt leider ein technisches Problem. Bitte warten Sie.';
      case 'target-gone':
        return `Wir konnten Sie leider nicht mit ${room} verbinden. Bitte warten Sie.`;
      case 'no-caller':
        return `${moderator ?? `Der Agent in ${room}`} hat noch keinen Anrufer. Bitte warten Sie.`;
      case 'over':
        return 'Dieses Gespräch ist beendet. Bitte warten Sie auf das nächste.';
    }
  },
  callout: (room) => `Niemand hört Sie. Um dem Agenten in ${room} zuzuhören, drücken Sie die 1.`,
  goodbye: 'Auf Wiederhören.',
  removed: 'Sie wurden aus dem Gespräch entfernt. Auf Wiederhören.',
  apology: 'Es ist leider etwas schiefgegangen. Bitte rufen Sie später noch einmal an.',
  moderatorNotice: 'Ein Supervisor ist in der Leitung.',
  supervisorNotice: 'Sie wurden stummgeschaltet. Niemand hört Sie.',
};

/** @param conversation undefined to name nobody */
function choiceOf(mode: Mode, conversation: Parameters<Prompts['keypad']>[1]): string {
  const agent = (form: 'dem Agenten' | 'den Agenten') =>
    conversation && agentOf(conversation.room, conversation.moderator, form);
  switch (mode) {
    case 'monitor':
      return conversation === undefined ? 'Zum Zuhören' : `Um ${agent('dem Agenten')} zuzuhören,`;
    case 'coach':
      return conversation === undefined ? 'Zum Coachen' : `Um ${agent('den Agenten')} zu coachen,`;
    case 'barge':
      return `Um mit ${conversation === undefined ? 'allen' : `${agent('dem Agenten')} und allen anderen`} zu sprechen,`;
  }
}

/** @param form `Agent` with its article, in the case that the sentence needs */
function agentOf(room: RoomName, moderator: string | undefined, form: 'dem Agenten' | 'den Agenten'): string {
  return moderator ?? `${form} in ${room}`;
}
