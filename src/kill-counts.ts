/**
 * How many kills were told, by the little that is known of each without a name: kept with the state, over restarts.
 * Kill lines that no count confirms are among them, as unverified; those that were suppressed too.
 */
import type { LogRecord } from "./ship/log-record.ts";

export interface KillCount {
  scope: string;
  attribution: string;
  kills: number;
}

export interface KillCounts {
  /** @param isNew false: it was counted when it was told before */
  add(records: readonly LogRecord[], isNew: (record: LogRecord) => boolean): void;
  list(): KillCount[];
}

/** Both values come from short lists of our own (attributes.ts): six scopes, four attributions. */
export function createKillCounts(restored: readonly KillCount[] = []): KillCounts {
  const counts = new Map(restored.map((count) => [`${count.scope} ${count.attribution}`, { ...count }]));
  return {
    add(records, isNew) {
      for (const record of records) {
        const kills = killsOf(record);
        if (kills === 0 || !isNew(record)) continue;
        const { "oom.scope": scope = "unknown", "oom.attribution": attribution = UNKNOWN[record.eventName] } =
          record.attributes;
        const key = `${scope} ${attribution}`;
        const count = counts.get(key) ?? { scope: String(scope), attribution: String(attribution), kills: 0 };
        count.kills += kills;
        counts.set(key, count);
      }
    },
    list: () => [...counts.values()].map((count) => ({ ...count })),
  };
}

/** What a record of that kind is, where it does not say so. */
const UNKNOWN: Readonly<Record<string, string>> = { "oom.kill": "unknown", "oom.unverified.suppressed": "unverified" };

function killsOf({ eventName, attributes }: LogRecord): number {
  if (eventName === "oom.unverified.suppressed") return Number(attributes["oom.unverified.suppressed.count"]);
  return eventName === "oom.kill" ? 1 : 0;
}
