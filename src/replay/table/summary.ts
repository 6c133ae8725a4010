/** What the kills of a replay have in common, in a few sentences below the table. */
import type { LogRecord } from "../../record/log-record.ts";
import { countOf } from "../input/captures.ts";
import type { ReplayFacts } from "../sink.ts";
import type { Row } from "./row.ts";

export interface Summary {
  add(record: LogRecord, row: Row): void;
  /** reports that the kernel dropped */
  addSuppressed(count: number): void;
  readonly kills: number;
  /** sentences, most telling first */
  lines(facts: ReplayFacts): string[];
}

/** Names and places that are counted; what the input can make up must not fill the memory. */
const MAX_VICTIMS = 10_000;
/** How many of them are named. */
const NAMED = 3;

export function createSummary(): Summary {
  const scopes = new Map<string, number>();
  const victims = new Map<string, number>();
  const assumed = new Set<string>();
  const years = new Set<number>();
  let kills = 0;
  let suppressed = 0;
  let unknown = 0;
  /** of the unknown, those of which the log has nothing but the kill line */
  let bare = 0;
  let inferred = 0;
  let unclear = 0;

  return {
    add({ attributes, timestampUs }, row) {
      kills++;
      const scope = String(attributes["oom.scope"]);
      scopes.set(scope, (scopes.get(scope) ?? 0) + 1);
      const victim = `${row.comm}${row.place === undefined ? "" : ` in ${shorten(row)}`}`;
      if (victims.has(victim) || victims.size < MAX_VICTIMS) victims.set(victim, (victims.get(victim) ?? 0) + 1);
      if (row.place === undefined) {
        unknown++;
        const evidence = attributes["oom.evidence"];
        if (Array.isArray(evidence) && !evidence.includes("report")) bare++;
      }
      if (row.isInferred) inferred++;
      if (attributes["oom.origin"] === "unknown") unclear++;
      const timeAssumed = attributes["oom.time.assumed"];
      if (!Array.isArray(timeAssumed)) return;
      for (const what of timeAssumed) assumed.add(what);
      if (timeAssumed.includes("year") && timestampUs !== undefined)
        years.add(new Date(timestampUs / 1000).getUTCFullYear());
    },
    addSuppressed(count) {
      suppressed += count;
    },
    get kills() {
      return kills;
    },
    lines({ captures, duplicates }) {
      const lines = [`${countOf(kills, "kill")} in ${countOf(captures, "capture")}: ${scopesOf(scopes)}.`];
      if (unknown > 0) lines.push(unknownSentence(unknown, bare, suppressed));
      if (suppressed > 0) lines.push(`The kernel left ${countOf(suppressed, "report")} out of its log (rate limit).`);
      if (inferred > 0)
        lines.push(`~ ${countOf(inferred, "place")} inferred: the only report that can be the kill's names it.`);
      const repeated = [...victims].filter(([, count]) => count > 1).sort(([, a], [, b]) => b - a);
      if (repeated.length > 0) {
        const named = repeated.slice(0, NAMED).map(([victim, count]) => `${victim} ${countOf(count, "time")}`);
        const more = repeated.length > NAMED ? `, ${repeated.length - NAMED} more` : "";
        lines.push(`Killed again and again: ${named.join(", ")}${more}.`);
      }
      if (duplicates > 0) lines.push(`${countOf(duplicates, "record")} stood there more than once, and count once.`);
      if (assumed.has("year")) lines.push(`No year in the log: ${[...years].join(", ")} assumed; --year sets it.`);
      if (assumed.has("timezone")) lines.push("No time zone in the log: --timezone sets it, UTC if not.");
      if (unclear > 0) {
        lines.push(
          `The log has lost who wrote its lines (dmesg -x keeps it): ${countOf(unclear, "kill")} could be a program's text.`,
        );
      }
      return lines;
    },
  };
}

/** The place as people say it: a container without its pod. */
function shorten({ place = "", isPath }: Row): string {
  return isPath ? place : place.split(" ")[0] === "pod" ? place : (place.split(" ")[0] ?? "");
}

const SCOPE_WORDS: Readonly<Record<string, string>> = {
  container: "at a container's limit",
  pod: "at a pod's limit",
  kubepods: "at the limit of the node's pods",
  cgroup: "at another cgroup's limit",
  node: "as the node ran out",
  unknown: "for an unknown limit",
};

function scopesOf(scopes: ReadonlyMap<string, number>): string {
  const known = Object.keys(SCOPE_WORDS).filter((scope) => scopes.has(scope));
  return known.map((scope) => `${scopes.get(scope)} ${SCOPE_WORDS[scope]}`).join(", ");
}

function unknownSentence(unknown: number, bare: number, suppressed: number): string {
  const who = `${countOf(unknown, "kill")} without a cgroup:`;
  if (bare < unknown) return `${who} the report in the log does not name it, or is another process's.`;
  const why = suppressed > 0 ? "dropped by the kernel's rate limit" : "dropped by the kernel's rate limit, or cut off";
  return `${who} the log has the kill line but no report (${why}).`;
}
