/**
 * Puts a value at the end of a map that holds at most `max`.
 *
 * @returns the key of the oldest value if it was dropped
 */
export function putLast<K, V>(map: Map<K, V>, key: K, value: V, max: number): K | undefined {
  map.delete(key);
  map.set(key, value);
  if (map.size <= max) {
    return undefined;
  }
  const [oldest] = map.keys();
  map.delete(oldest as K);
  return oldest;
}
