/** Maps that are keyed by what comes from outside: the keys that were set last are kept. */

/** Sets it as the newest. @param most beyond, the one that was set longest ago goes */
export function remember<V>(map: Map<string, V>, key: string, value: V, most: number): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}
