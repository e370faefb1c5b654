/** Parses JSON into an object for which `isRecord` is true; undefined for anything else. */
export function parseRecord<T extends object>(
  text: string,
  isRecord: (record: Readonly<Record<string, unknown>>) => boolean,
): T | undefined {
  try {
    const record = JSON.parse(text);
    return record !== null && typeof record === 'object' && isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}
