/** Makes an untrusted text safe for a terminal: it can neither start a new line nor control the terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\u{fffd}');
}
