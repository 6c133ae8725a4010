/**
 * Which kills have been handed on already, so that a kill that stands in two captures, or twice in one, is one record.
 *
 * The same line read again has the same log.record.uid. The same kill in another format does not, since formats keep
 * different things of it: it is told by its process and figures, at a time that does not speak against it.
 */
import type { Attributes, AttributeValue, LogRecord } from "../ship/log-record.ts";

export interface Seen {
  /** @returns false where the record's kill has been added before, as far as is remembered */
  add(record: LogRecord): boolean;
}

/** About 20 MB. A kill that comes again after so many others is taken for another one. */
const MAX_KEPT = 65_536;

/** Remembers the last records; the oldest are forgotten first, so memory is bounded whatever the input. */
export function createSeen(maxKept = MAX_KEPT): Seen {
  const uids = new Set<string>();
  const kills = new Map<string, Sighting[]>();

  function forgetOldest(kept: Set<string> | Map<string, unknown>): void {
    const oldest = kept.size > maxKept ? kept.keys().next().value : undefined;
    if (oldest !== undefined) kept.delete(oldest);
  }

  return {
    add(record) {
      const uid = String(record.attributes["log.record.uid"]);
      if (uids.has(uid)) return false;
      uids.add(uid);
      forgetOldest(uids);
      const figures = figuresOf(record.attributes);
      if (figures === undefined) return true;
      const sighting = toSighting(record);
      const same = kills.get(figures) ?? [];
      if (same.some((other) => mayBeOne(sighting, other))) return false;
      kills.set(figures, [...same, sighting]);
      forgetOldest(kills);
      return true;
    },
  };
}

/** What a format may keep of where and when a kill was. */
interface Sighting {
  boot: AttributeValue | undefined;
  host: AttributeValue | undefined;
  monotonic: AttributeValue | undefined;
  timestampUs: number | undefined;
}

function toSighting({ attributes, resource, timestampUs }: LogRecord): Sighting {
  return {
    boot: attributes["oom.kernel.boot_id"],
    host: resource["host.name"],
    monotonic: attributes["oom.kernel.monotonic"],
    timestampUs,
  };
}

/** Two processes of one pid do not end with all of these figures the same. */
const FIGURES = ["process.pid", "oom.victim.total_vm", "oom.victim.anon_rss", "oom.victim.file_rss"] as const;

function figuresOf(attributes: Attributes): string | undefined {
  const values = FIGURES.map((key) => attributes[key]);
  return values.includes(undefined) ? undefined : values.join(" ");
}

/** `-T` of dmesg and some daemons keep whole seconds, and count them from a time of boot of their own. */
const SLACK_US = 3_000_000;

/** Whether nothing that both have speaks against their being one kill. */
function mayBeOne(one: Sighting, other: Sighting): boolean {
  if (differ(one.boot, other.boot) || differ(one.host, other.host)) return false;
  // Every format that keeps the kernel's own time keeps its microseconds.
  if (one.monotonic !== undefined && other.monotonic !== undefined) return one.monotonic === other.monotonic;
  if (one.timestampUs === undefined || other.timestampUs === undefined) return true;
  return Math.abs(one.timestampUs - other.timestampUs) < SLACK_US;
}

function differ(one: AttributeValue | undefined, other: AttributeValue | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}
