/** A telephone number in E.164 form: a plus and 7 to 15 digits. Only {@link parsePhoneNumber} makes one. */
export type PhoneNumber = string & { readonly brand: 'PhoneNumber' };

/**
 * Reads a number as a Space, a setting or a form sends it.
 *
 * A leading space counts as the plus: `curl -d From=+1555…` and other form encoders that forget to escape a plus
 * deliver it as a space.
 *
 * @returns undefined for anything that is no E.164 number: absent, `anonymous`, `sip:…`, a name.
 */
export function parsePhoneNumber(text: string | undefined): PhoneNumber | undefined {
  const digits = /^[+ ]([1-9][0-9]{6,14})$/.exec(text ?? '')?.[1];
  return digits === undefined ? undefined : (`+${digits}` as PhoneNumber);
}

/** A number fit for a log: its last four digits. `no number` when there is none. */
export function maskPhoneNumber(number: PhoneNumber | undefined): string {
  return number === undefined ? 'no number' : `***${number.slice(-4)}`;
}
