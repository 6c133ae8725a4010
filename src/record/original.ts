/** `log.record.original`: the kernel's own lines of a report, bounded, the most telling ones first to get a place. */

import { decodeBytes } from "../../parsers/bytes.ts";
import type { KernelRecord } from "../../parsers/kernel-record.ts";
import { KILL_MARKER } from "../../parsers/oom/killed.ts";

/**
 * Quotes a report for one of its kills: its own kill line always, then the head, what names cgroups and limits, other
 * kill lines, then as many of the rest as fit; in the order of the input, each line as it stands there.
 * @param own the kill line's record
 * @param records the report's, in input order
 * @param limit bytes of input, newlines between lines included
 */
export function quoteLines(own: KernelRecord, records: readonly KernelRecord[], limit: number): string {
  let bytes = -1;
  let holdsOwn = false;
  for (const record of records) {
    bytes += record.original.length + 1;
    if (record === own) holdsOwn = true;
  }
  if (!holdsOwn) bytes += own.original.length + 1;
  const chosen = bytes > limit ? chooseSome(own, records, limit) : records;
  // Only input that no kernel wrote has such a line: its beginning is the part that names the process.
  if (chosen === undefined) return decodeBytes(own.original.slice(0, limit));
  return decodeLines(holdsOwn ? chosen : [...chosen, own]);
}

/** @returns undefined where the kill line alone is too long */
function chooseSome(
  own: KernelRecord,
  records: readonly KernelRecord[],
  limit: number,
): readonly KernelRecord[] | undefined {
  let left = limit - own.original.length;
  if (left <= 0) return undefined;
  const ranks = Uint8Array.from(rankAll(records));
  for (let rank = HEAD; rank <= REST; rank++) {
    for (let index = 0; index < ranks.length; index++) {
      if (ranks[index] !== rank) continue;
      const record = records[index] as KernelRecord;
      if (record !== own && record.original.length + 1 > left) continue;
      if (record !== own) left -= record.original.length + 1;
      ranks[index] = TAKEN;
    }
  }
  return records.filter((_, index) => ranks[index] === TAKEN);
}

/** Records of a report from which on it takes longer to rank them again than to remember their ranks. */
const LONG_REPORT = 128;

/** A group kill has one report for all of its victims. */
const ranksOfReports = new WeakMap<readonly KernelRecord[], Uint8Array>();

function rankAll(records: readonly KernelRecord[]): Uint8Array {
  const known = ranksOfReports.get(records);
  if (known?.length === records.length) return known;
  const ranks = Uint8Array.from(records, rankOf);
  if (records.length >= LONG_REPORT) ranksOfReports.set(records, ranks);
  return ranks;
}

/** All at once: no line's broken UTF-8 can swallow a newline. */
function decodeLines(records: readonly KernelRecord[]): string {
  const quoted = records.map((record) => record.original).join("\n");
  // In a byte string only non-ASCII characters need two bytes; this counts several times faster than a search.
  return Buffer.byteLength(quoted) === quoted.length ? quoted : decodeBytes(quoted);
}

const TAKEN = 0;
const HEAD = 1;
const LIMITS = 2;
const KILLS = 3;
const REST = 4;

/** Summary, its parts where printk split it, `Task in`, `Tasks in`, usage. */
const LIMIT_LINE = /^(?:oom-kill:|Tasks? in |(?:memory|memory\+swap|swap|kmem): usage )/;

function rankOf({ text, flag }: KernelRecord): number {
  if (text.includes(" invoked oom-killer")) return HEAD;
  if (LIMIT_LINE.test(text) || flag === "c" || flag === "+") return LIMITS;
  return text.includes(KILL_MARKER) ? KILLS : REST;
}
