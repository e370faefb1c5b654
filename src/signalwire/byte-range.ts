/** One range of bytes as HTTP writes it: `bytes=0-99`, `bytes=100-` or `bytes=-100`. Only {@link parseByteRange} creates one. */
export type ByteRange = string & { readonly brand: 'ByteRange' };

/** Parses the header `Range`. @returns undefined for several ranges, other units, and what is no range */
export function parseByteRange(header: string): ByteRange | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(header.trim()) ?? [];
  const isRange = first === '' ? last !== '' : last === '' || Number(first) <= Number(last);
  return isRange ? (`bytes=${first}-${last}` as ByteRange) : undefined;
}
