/** A telephone number in E.164 form: a plus and 7 to 15 digits. Only {@link parsePhoneNumber} creates one. */
export type PhoneNumber = string & { readonly brand: 'PhoneNumber' };

/**
 * Parses a number from a Space, a setting or a form.
 *
 * A leading space counts as the plus: form encoders that do not escape it, such as `curl -d From=+1555…`, deliver a
 * space.
 *
 * @returns undefined for anything else: missing, `anonymous`, `sip:…`, a name
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

/** What people write instead of the plus, with advice; the group is the number that follows. */
const BEGINNINGS = [
  { form: /^00([1-9][0-9]{6,14})$/, advice: 'write + instead of 00' },
  { form: /^0([1-9][0-9]{6,14})$/, advice: 'write + and the country code instead of 0' },
  { form: /^([1-9][0-9]{6,14})$/, advice: 'put + before the country code' },
];

/**
 * Says what to change in a number that {@link parsePhoneNumber} refuses: the end of a sentence, without its subject and
 * full stop. Shows at most the last four digits, and nothing of a text that is not a number.
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
