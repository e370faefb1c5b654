/** Keeps a value that can be computed again, and returns it. Forgets all others when there are `max` keys. */
export function keep<K, V>(kept: Map<K, V>, key: K, value: V, max: number): V {
  if (kept.size >= max && !kept.has(key)) {
    kept.clear();
  }
  kept.set(key, value);
  return value;
}
