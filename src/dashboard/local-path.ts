/** One slash at the start: two begin another host's address, and browsers read `\` as `/`, and skip tabs and line ends. */
const LOCAL_PATH = /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/;

const MAX_CHARACTERS = 2_000;

/** Parses where somebody wants to go after the sign-in. Returns undefined for anything but a path of this server. */
export function parseLocalPath(text: unknown): string | undefined {
  return typeof text === 'string' && text.length <= MAX_CHARACTERS && LOCAL_PATH.test(text) ? text : undefined;
}
