/** Whether a text can be a note to an agent: 1 to 300 characters on one line that XML can hold. */
export function isNote(text: string): boolean {
  return /^[^\p{Cc}\p{Cs}\uFFFE\uFFFF]{1,300}$/u.test(text);
}
