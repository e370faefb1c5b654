/** The actions of the screen, by their names in addresses. */
export const SCREEN_ACTIONS = [
  'listen',
  'mode',
  'leave',
  'note',
  'mute',
  'unmute',
  'hold',
  'unhold',
  'remove',
  'record',
  'pause',
  'resume',
  'stop',
  'end',
] as const;

export type ScreenAction = (typeof SCREEN_ACTIONS)[number];

/** Where a form of this action is posted to. Its parameters are in the query, so that one form holds many buttons. */
export function actionUrl(
  room: string,
  action: ScreenAction,
  parameters: Readonly<Record<string, string | undefined>> = {},
): string {
  const given = Object.entries(parameters).filter((one): one is [string, string] => one[1] !== undefined);
  const query = new URLSearchParams(given).toString();
  return `/rooms/${encodeURIComponent(room)}/${action}${query === '' ? '' : `?${query}`}`;
}
