/**
 * The outbox: records on their way out and how far the agent has read, saved together, so that a crash at any instant
 * neither skips a record nor adds one twice. On `node:sqlite` in a directory of the node.
 *
 * Records are on the disk when `commit` returns (`synchronous=FULL`): a node that is out of memory is the one that is
 * reset next, and its last kills are those that are asked for. That costs one fsync a commit. What may be repeated is
 * not waited for (`NORMAL`): a state without records, and that records are delivered. SIGKILL loses none of these; with
 * the power the last of them may go, after which records are read or sent again under the same `log.record.uid`.
 */
import { createAgeClock } from "./age-clock.ts";
import type { LogRecord } from "./log-record.ts";
import type { DroppedRecords } from "./outbox-dropped.ts";
import type { StoredRecord, StoredRow } from "./outbox-store.ts";
import { type DiskTrouble, openTiers } from "./outbox-tiers.ts";
import { decodeRecord } from "./stored-record.ts";

export type OutboxTrouble = DiskTrouble | "outbox_dropped" | "outbox_record_unreadable" | "state_unreadable";
export type OutboxDetail = Readonly<Record<string, string | number>>;

export interface OutboxOptions<S = unknown> {
  /** made where it is not there; absent: memory only, and nothing outlives the process */
  directory?: string | undefined;
  /** of the records as they are stored, default 64 MiB; the file is up to a half larger, and its log 1 MiB or a commit */
  maxBytes?: number;
  /** of what is in memory while the disk fails, or without one; default 8 MiB */
  maxMemoryBytes?: number;
  /** milliseconds that a record is kept unsent, counted while the node is up; default 7 days */
  maxAgeMs?: number;
  /** milliseconds since the Unix epoch */
  now?: () => number;
  /** which boot of the kernel this is; undefined: not known */
  bootId?: string | undefined;
  /** CLOCK_BOOTTIME in milliseconds; default CLOCK_MONOTONIC, which does not count a suspended node */
  upMs?: () => number;
  onTrouble(name: OutboxTrouble, detail: OutboxDetail): void;
  /** Beside the event, for what is dropped while it is open. */
  onDropped?(dropped: DroppedRecords): void;
  /**
   * The state as it was saved → the state; default: whatever the JSON says.
   * @param onProblem called with what of it cannot be used
   * @returns undefined where none of it can
   */
  readState?(json: string, onProblem: (problem: string) => void): S | undefined;
  /** What was saved and cannot be used, before it leaves the outbox. */
  onUnreadable?(unreadable: Unreadable): void;
}

/** Something that was saved and is not what it should be. */
export interface Unreadable {
  what: "record" | "state";
  problem: string;
  /** as it was saved, or the beginning of it */
  text: string;
}

export interface OutboxEntry {
  id: number;
  record: LogRecord;
}

export interface Outbox<S> {
  /** what the last run saved; undefined: a first start, or the file was lost */
  readonly restored: S | undefined;
  /**
   * Adds records and saves the state that covers them, all or nothing. A record whose `log.record.uid` is here, or was
   * until not too long ago, is not added again. Never throws for a full or read-only disk: goes on from memory, and
   * back to the disk at a later call when it works again.
   */
  commit(records: readonly LogRecord[], state: S): void;
  /** Whether commit() would add it. */
  isNew(record: LogRecord): boolean;
  /**
   * Adds records again that were set aside, whether they are known or not.
   * @returns false: not now, since there is no room for them or the disk fails
   */
  addAgain(records: readonly LogRecord[]): boolean;
  /**
   * The oldest records that are not taken, in order: up to `limit`, and up to `maxBytes` of JSON but at least one.
   * @param accepts which of them; default: all
   */
  take(limit: number, maxBytes?: number, accepts?: (id: number) => boolean): readonly OutboxEntry[];
  /** They were delivered, or set aside for good. */
  done(ids: readonly number[]): void;
  /** They go back, in their place. */
  putBack(ids: readonly number[]): void;
  /** Of what is not done; taken ones count. */
  readonly size: { records: number; bytes: number };
  /** when the oldest of it was added, milliseconds since the Unix epoch; undefined: there is none */
  readonly oldestMs: number | undefined;
  /** Of what is only in memory, and lost if the process is; without a directory that is everything. */
  readonly atRisk: { records: number; bytes: number };
  /** What is only in memory is dropped, and said to be. */
  close(): void;
}

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
const DEFAULT_MAX_MEMORY_BYTES = 8 * 1024 * 1024;
/** Of a state that cannot be used, in the file that it is kept in. */
const MAX_TEXT = 256 * 1024;
const DEFAULT_MAX_AGE_MS = 7 * 24 * 3600 * 1000;

/** @throws OutboxInUseError where another process has it open; any other trouble is told and goes on from memory */
export function openOutbox<S>(options: OutboxOptions<S>): Outbox<S> {
  const { onTrouble, maxBytes = DEFAULT_MAX_BYTES, maxAgeMs = DEFAULT_MAX_AGE_MS, now = Date.now } = options;
  const maxMemoryBytes = Math.min(options.maxMemoryBytes ?? DEFAULT_MAX_MEMORY_BYTES, maxBytes);
  const tiers = openTiers({ directory: options.directory, onTrouble });
  const { bootId, upMs = monotonicMs } = options;
  const ageClock = createAgeClock({ bootId, upMs, restored: tiers.restoredClock });
  /** ID → bytes */
  const taken = new Map<number, number>();
  const restored = restoreState();
  let nextId = tiers.lastId + 1;
  let closed = false;

  function restoreState(): S | undefined {
    const json = tiers.restored;
    if (json === undefined) return undefined;
    const onProblem = (problem: string): void => {
      options.onUnreadable?.({ what: "state", problem, text: json.slice(0, MAX_TEXT) });
      onTrouble("state_unreadable", { problem });
    };
    return (options.readState ?? parseState)(json, onProblem) as S | undefined;
  }

  function isNew({ attributes: { "log.record.uid": uid } }: LogRecord): boolean {
    return !tiers.knows(String(uid ?? ""));
  }

  function encode(record: LogRecord): StoredRecord {
    const uid = record.attributes["log.record.uid"];
    const content = JSON.stringify(record);
    const bytes = Buffer.byteLength(content);
    return {
      id: nextId++,
      uid: typeof uid === "string" ? uid : null,
      addedMs: now(),
      addedAgeMs: ageClock.nowMs(),
      bytes,
      jsonBytes: bytes,
      content,
    };
  }

  /**
   * Deflates what is here, drops the oldest of it and then of what is to come, until it all fits. Not before: deflating
   * takes as long as a third of a commit, and as a rule a record is delivered at once.
   * @returns how many of those to come are dropped
   */
  function makeRoom(coming: readonly StoredRecord[]): number {
    let comingBytes = coming.reduce((sum, { bytes }) => sum + bytes, 0);
    free(tiers.size.bytes + comingBytes - maxBytes, false);
    if (tiers.inMemory !== undefined) free(tiers.inMemory.bytes + comingBytes - maxMemoryBytes, true);
    const limit = tiers.inMemory === undefined ? maxBytes : maxMemoryBytes;
    const held = (tiers.inMemory ?? tiers.size).bytes;
    let first = 0;
    while (first < coming.length && held + comingBytes > limit) comingBytes -= coming[first++]?.bytes ?? 0;
    if (first > 0) sayDropped(coming.slice(0, first), "too_much");
    return first;
  }

  function free(excess: number, onlyMemory: boolean): void {
    if (excess <= 0) return;
    dropOldest(excess - tiers.deflateOldest(excess, (id) => !taken.has(id), onlyMemory), onlyMemory);
  }

  function dropOldest(excess: number, onlyMemory: boolean): void {
    if (excess <= 0) return;
    const dropped: StoredRow[] = [];
    let bytes = 0;
    for (const row of tiers.rows(onlyMemory)) {
      if (bytes >= excess) break;
      if (taken.has(row.id)) continue;
      dropped.push(row);
      bytes += row.bytes;
    }
    drop(dropped, "too_much");
  }

  function dropAged(): void {
    const aged: StoredRow[] = [];
    const limitMs = ageClock.nowMs() - maxAgeMs;
    for (const row of tiers.rows()) {
      if (Math.max(row.addedAgeMs, 0) >= limitMs) break;
      if (!taken.has(row.id)) aged.push(row);
    }
    drop(aged, "too_old");
  }

  function drop(rows: readonly StoredRow[], reason: string): void {
    if (rows.length === 0) return;
    tiers.settle(rows);
    sayDropped(rows, reason);
  }

  function sayDropped(rows: readonly StoredRow[], reason: string): void {
    const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
    onTrouble("outbox_dropped", { records: rows.length, bytes, reason });
    const [first, last] = [rows[0]?.addedMs ?? 0, rows.at(-1)?.addedMs ?? 0];
    options.onDropped?.({ reason, records: rows.length, bytes, sinceMs: first, untilMs: last });
  }

  function begin(): void {
    if (closed) throw new Error("the outbox is closed");
    tiers.retryDisk(now());
  }

  return {
    restored,
    isNew,
    commit(records, state) {
      begin();
      const coming = records.filter(isNew).map(encode);
      const dropped = makeRoom(coming);
      tiers.commit(coming.slice(dropped), JSON.stringify(state), ageClock.state(), coming.slice(0, dropped));
      // Where the disk has failed just now, the bound of memory applies.
      makeRoom([]);
    },
    addAgain(records) {
      begin();
      const coming = records.map(encode);
      const bytes = coming.reduce((sum, one) => sum + one.bytes, 0);
      // What waits was never sent: it is not dropped for what was.
      if (tiers.size.bytes + bytes > maxBytes && tiers.size.records > 0) return false;
      return tiers.addAgain(coming);
    },
    take(limit, maxTakenBytes = Number.POSITIVE_INFINITY, accepts = () => true) {
      begin();
      dropAged();
      const entries: OutboxEntry[] = [];
      const unreadable: StoredRow[] = [];
      let takenBytes = 0;
      for (const row of tiers.rows()) {
        const { id, bytes, jsonBytes } = row;
        if (taken.has(id) || !accepts(id)) continue;
        takenBytes += jsonBytes;
        if (entries.length === limit || (entries.length > 0 && takenBytes > maxTakenBytes)) break;
        const stored = tiers.read(id);
        // The disk does not give it now: it may later.
        if (stored === undefined) continue;
        const decoded = decodeRecord(stored.content);
        if ("record" in decoded) {
          entries.push({ id, record: decoded.record });
          taken.set(id, bytes);
        } else {
          unreadable.push(row);
          options.onUnreadable?.({ what: "record", ...decoded });
        }
      }
      if (unreadable.length > 0) {
        tiers.settle(unreadable);
        onTrouble("outbox_record_unreadable", { records: unreadable.length });
      }
      return entries;
    },
    done(ids) {
      begin();
      tiers.settle(ids.flatMap((id) => (taken.has(id) ? [{ id, bytes: taken.get(id) ?? 0 }] : [])));
      for (const id of ids) taken.delete(id);
    },
    putBack(ids) {
      for (const id of ids) taken.delete(id);
    },
    get size() {
      return tiers.size;
    },
    get atRisk() {
      return tiers.atRisk;
    },
    get oldestMs() {
      for (const { addedMs } of tiers.rows()) return addedMs;
      return undefined;
    },
    close() {
      if (closed) return;
      tiers.retryDisk(now(), true);
      const { records, bytes } = tiers.atRisk;
      if (records > 0) onTrouble("outbox_dropped", { records, bytes, reason: "not_on_disk" });
      closed = true;
      tiers.close();
    },
  };
}

function parseState(json: string, onProblem: (problem: string) => void): unknown {
  try {
    return JSON.parse(json);
  } catch {
    onProblem("is not JSON");
    return undefined;
  }
}

/** CLOCK_MONOTONIC. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
