/** How many kills were told, by the little that is known of each without a name: kept with the state, over restarts. */
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

/** Both values come from short lists of our own (attributes.ts): six scopes, three attributions. */
export function createKillCounts(restored: readonly KillCount[] = []): KillCounts {
  const counts = new Map(restored.map((count) => [`${count.scope} ${count.attribution}`, { ...count }]));
  return {
    add(records, isNew) {
      for (const record of records) {
        if (record.eventName !== "oom.kill" || !isNew(record)) continue;
        const { "oom.scope": scope = "unknown", "oom.attribution": attribution = "unknown" } = record.attributes;
        const key = `${scope} ${attribution}`;
        const count = counts.get(key) ?? { scope: String(scope), attribution: String(attribution), kills: 0 };
        count.kills++;
        counts.set(key, count);
      }
    },
    list: () => [...counts.values()].map((count) => ({ ...count })),
  };
}
