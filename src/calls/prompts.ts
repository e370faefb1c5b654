import type { Mode } from '../rooms/mode';
import type { RoomName } from '../rooms/room';
import type { News, PinPrompt, RoomMenu, WaitReason } from './outcome';

/** Every prompt in one language. Each begins with what matters most: the news, or who hears them. */
export interface Prompts {
  /** The attributes of `<Say>` for this language; empty for the Space's own voice. */
  voice: { language?: string; voice?: string };
  /** The greeting of callers where an agent may press `*`, unless a notice is configured. */
  welcome: string;
  /** To a moderator who dialled a room that is not theirs. */
  wrongRoom: string;
  askPin: Readonly<Record<PinPrompt['why'], string>>;
  /** To a supervisor as they join: who hears them, and whom they join. */
  joined(mode: Mode, room: RoomName, moderator: string | undefined): string;
  /** The same to a supervisor who was in that conversation until just now. */
  rejoined: Readonly<Record<Mode, string>>;
  news: Readonly<Record<News, string>>;
  /**
   * The keypad menu.
   *
   * @param modes those that they may choose
   * @param conversation the one they left, if it goes on; the first choice names it
   */
  keypad(modes: readonly Mode[], conversation: { room: RoomName; moderator: string | undefined } | undefined): string;
  /** The list of conversations. */
  menu(menu: RoomMenu): string;
  /** Why a supervisor waits for a room, or for any. */
  wait(reason: WaitReason, room: RoomName | undefined, moderator: string | undefined): string;
  goodbye: string;
  /** To a supervisor whom somebody took out through the API; then their call ends. */
  removed: string;
  apology: string;
  /** To a supervisor whom the server called. */
  callout(room: RoomName): string;
  /** To a moderator when a supervisor comes in, unless a notice is configured. */
  moderatorNotice: string;
  /** To a supervisor whom the server muted. */
  supervisorNotice: string;
}
