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

const SEPARATORS = {
  spaces: /\s/gu,
  brackets: /[()[\]]/gu,
  dashes: /\p{Pd}/gu,
  dots: /\./gu,
  'invisible characters': /\p{Cf}/gu,
} as const;

/** Common replacements for the plus, each with advice; the group is the number that follows. */
const BEGINNINGS = [
  { form: /^00([1-9][0-9]{6,14})$/, advice: 'write + instead of 00' },
  { form: /^0([1-9][0-9]{6,14})$/, advice: 'write + and the country code instead of 0' },
  { form: /^([1-9][0-9]{6,14})$/, advice: 'put + before the country code' },
];

/**
 * Tells the person who wrote a number that {@link parsePhoneNumber} refuses what to change. Shows no more of it than
 * its last four digits, and nothing of a text that is no number at all. Follows the name of the place it stands in, without a full stop.
 */
export function explainPhoneNumber(text: string): string {
  if (text.includes(';')) {
    return 'must be one number: separate numbers by commas';
  }
  const present = Object.entries(SEPARATORS).filter(([, separator]) => text.search(separator) >= 0);
  const bare = present.reduce((rest, [, separator]) => rest.replace(separator, ''), text);
  const beginning = BEGINNINGS.find(({ form }) => form.test(bare));
  if (beginning === undefined && !/^\+[1-9][0-9]{6,14}$/.test(bare)) {
    return 'must be a telephone number in E.164 form, such as +15557788999';
  }
  const names = new Intl.ListFormat('en-GB').format(present.map(([name]) => name));
  const advice = [...(present.length > 0 ? [`remove the ${names}`] : []), ...(beginning ? [beginning.advice] : [])];
  return `(***${bare.slice(-4)}): ${advice.join('; ')}`;
}
