/**
 * The outbox's tables in one SQLite database, on disk or in memory: records in the order they came, the UIDs of those
 * that are settled, and the agent's state. Every method may throw what SQLite throws; see outbox-file.ts.
 */
import type { DatabaseSync } from "node:sqlite";
import type { AgeClockState } from "./age-clock.ts";

export interface StoredRecord {
  /** places it: each record's is above those of all before it */
  id: number;
  /** `log.record.uid`; null: none, such a record is never known */
  uid: string | null;
  /** when it was added, milliseconds since the Unix epoch: for people */
  addedMs: number;
  /** the same by the outbox's own clock (age-clock.ts) */
  addedAgeMs: number;
  /** length of `content` */
  bytes: number;
  /** length of the record's JSON as UTF-8 */
  jsonBytes: number;
  /** see stored-record.ts */
  content: string | Uint8Array;
}

/** A record without its content. */
export type StoredRow = Omit<StoredRecord, "uid" | "content">;

export interface Size {
  records: number;
  bytes: number;
}

export interface OutboxStore {
  /** Of what is committed. */
  readonly size: Readonly<Size>;
  /** the highest ID that was ever added; 0: none */
  readonly lastId: number;
  /** JSON; undefined: none was saved */
  readState(): string | undefined;
  /** undefined: none was saved */
  readClock(): AgeClockState | undefined;
  /** In order, those of higher IDs only. Nothing may be written while it is read from. */
  rows(afterId?: number): Iterable<StoredRow>;
  read(id: number): StoredRecord | undefined;
  /** UIDs of records that are settled, as many as are remembered. */
  settledUids(): string[];
  /** Whether a record of that UID is here, or was settled not too long ago. */
  knows(uid: string): boolean;
  /**
   * All or nothing.
   * @param durable true: the disk has it when this returns; false: it may be lost with the power, not with the process
   */
  write(durable: boolean, work: (writer: StoreWriter) => void): void;
  /** Gives rows lower IDs where needed, in the same order: each will be below `id`. */
  shiftBelow(id: number): void;
  /** Lets the next transaction use the log's file from its beginning: on a full disk there may be room nowhere else. */
  checkpoint(): void;
  close(): void;
}

/** What a transaction can do. */
export interface StoreWriter {
  /** Not where the record is known. */
  add(record: StoredRecord): void;
  /** Puts another form of the same content into the place of a record's. */
  deflate(id: number, deflated: Uint8Array): void;
  /** Removes rows and remembers their UIDs, so that the records are not added again. */
  settle(ids: Iterable<number>): void;
  /** Remembers the UIDs of records that are settled elsewhere. */
  remember(uids: Iterable<string>): void;
  /** Forgets that records of these UIDs were settled: they may be added again. */
  forgetSettled(uids: Iterable<string>): void;
  saveState(json: string): void;
  saveClock(clock: AgeClockState): void;
}

/** Raised with every change of the tables: a file of an older version is migrated, one of a newer is not read. */
export const SCHEMA_VERSION = 2;

/**
 * How many settled records are remembered. One is read again after a crash only if its lines come after the position
 * that was saved with a later one: that is a few records, a storm of kills at most.
 */
const MAX_SETTLED = 10_000;

/** `json` is empty where `deflated` holds it; `bytes` is the length of the JSON in either case. */
const SCHEMA_1 = `
  CREATE TABLE record (
    id INTEGER PRIMARY KEY, uid TEXT UNIQUE, added_ms INTEGER NOT NULL, bytes INTEGER NOT NULL,
    json TEXT NOT NULL
  ) STRICT;
  CREATE TABLE settled (id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL) STRICT;
`;
/** Records of version 1 count as added when their file was migrated: their wall clock may have been any. */
const FROM_1_TO_2 = `
  ALTER TABLE record ADD COLUMN deflated BLOB;
  ALTER TABLE record ADD COLUMN added_age_ms INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE clock (
    id INTEGER PRIMARY KEY CHECK (id = 1), boot_id TEXT NOT NULL, up_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL
  ) STRICT;
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** Makes the tables in an empty database. */
export function createTables(database: DatabaseSync): void {
  database.exec(`BEGIN IMMEDIATE; ${SCHEMA_1} ${FROM_1_TO_2} COMMIT`);
}

/** Brings the tables of an older version up to this one, all or nothing. */
export function migrateTables(database: DatabaseSync): void {
  try {
    database.exec(`BEGIN IMMEDIATE; ${FROM_1_TO_2} COMMIT`);
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

interface ContentRow {
  json: string;
  deflated: Uint8Array | null;
}

interface Total extends Size {
  lastId: number;
}

/** @param database with its tables; closed by `close()` */
export function openStore(database: DatabaseSync): OutboxStore {
  const sql = prepareStatements(database);
  let total = sql.total.get() as unknown as Total;

  const knows = (uid: string): boolean => sql.knows.get(uid, uid) !== undefined;

  function createWriter(next: Total): StoreWriter {
    return {
      add({ id, uid, addedMs, addedAgeMs, bytes, jsonBytes, content }) {
        if (uid !== null && knows(uid)) return;
        const isText = typeof content === "string";
        sql.add.run(id, uid, addedMs, addedAgeMs, jsonBytes, isText ? content : "", isText ? null : content);
        next.lastId = Math.max(next.lastId, id);
        next.records++;
        next.bytes += bytes;
      },
      deflate(id, deflated) {
        const changed = sql.deflate.get(deflated, id) as { jsonBytes: number } | undefined;
        if (changed !== undefined) next.bytes += deflated.length - changed.jsonBytes;
      },
      settle(ids) {
        for (const id of ids) {
          const removed = sql.remove.get(id) as { uid: string | null; bytes: number } | undefined;
          if (removed === undefined) continue;
          next.records--;
          next.bytes -= removed.bytes;
          if (removed.uid !== null) remember(removed.uid);
        }
      },
      remember(uids) {
        for (const uid of uids) remember(uid);
      },
      forgetSettled(uids) {
        for (const uid of uids) sql.forgetSettled.run(uid);
      },
      saveState: (json) => void sql.saveState.run(json),
      saveClock: ({ bootId, upMs, atMs }) => void sql.saveClock.run(bootId, upMs, atMs),
    };
  }

  function remember(uid: string): void {
    const { changes, lastInsertRowid } = sql.remember.run(uid);
    if (changes > 0) sql.forget.run(Number(lastInsertRowid) - MAX_SETTLED);
  }

  return {
    get size() {
      return { records: total.records, bytes: total.bytes };
    },
    get lastId() {
      return total.lastId;
    },
    readState: () => (sql.readState.get() as { json: string } | undefined)?.json,
    readClock: () => sql.readClock.get() as AgeClockState | undefined,
    rows: (afterId = FIRST) => sql.rows.iterate(afterId) as Iterable<unknown> as Iterable<StoredRow>,
    read(id) {
      const row = sql.read.get(id) as (StoredRow & ContentRow & Pick<StoredRecord, "uid">) | undefined;
      if (row === undefined) return undefined;
      const { json, deflated, ...rest } = row;
      return { ...rest, content: deflated ?? json };
    },
    settledUids: () => sql.settledUids.all().map(({ uid }) => uid as string),
    knows,
    write(durable, work) {
      // Not possible inside a transaction; on a database in memory it has no meaning and does no harm.
      (durable ? sql.syncFull : sql.syncNormal).run();
      sql.begin.run();
      try {
        const next = { ...total };
        work(createWriter(next));
        sql.commit.run();
        total = next;
      } catch (error) {
        // Of a full disk SQLite rolls back by itself.
        if (database.isTransaction) sql.rollback.run();
        throw error;
      }
    },
    shiftBelow(id) {
      // By more than the span of the IDs: none then meets another on its way.
      if (total.lastId >= id) sql.shift.run(id);
      total = sql.total.get() as unknown as Total;
    },
    checkpoint() {
      try {
        sql.checkpoint.get();
      } catch {
        // No room for that either: the write that follows tells.
      }
    },
    close: () => database.close(),
  };
}

/** Below every ID, also those that were shifted. */
const FIRST = Number.MIN_SAFE_INTEGER;
/** What a record takes; of a blob SQLite knows the length without reading it. */
const STORED = "coalesce(length(deflated), bytes)";
const ROW = `id, added_ms AS addedMs, added_age_ms AS addedAgeMs, ${STORED} AS bytes, bytes AS jsonBytes`;

function prepareStatements(database: DatabaseSync) {
  return {
    total: database.prepare(
      `SELECT count(*) AS records, coalesce(sum(${STORED}), 0) AS bytes, coalesce(max(id), 0) AS lastId FROM record`,
    ),
    readState: database.prepare("SELECT json FROM state"),
    saveState: database.prepare("INSERT INTO state VALUES (1, ?) ON CONFLICT DO UPDATE SET json = excluded.json"),
    readClock: database.prepare("SELECT boot_id AS bootId, up_ms AS upMs, at_ms AS atMs FROM clock"),
    saveClock: database.prepare(
      `INSERT INTO clock VALUES (1, ?, ?, ?)
       ON CONFLICT DO UPDATE SET boot_id = excluded.boot_id, up_ms = excluded.up_ms, at_ms = excluded.at_ms`,
    ),
    rows: database.prepare(`SELECT ${ROW} FROM record WHERE id > ? ORDER BY id`),
    read: database.prepare(`SELECT ${ROW}, uid, json, deflated FROM record WHERE id = ?`),
    shift: database.prepare("UPDATE record SET id = id + ? - 1 - (SELECT 2 * max(id) - min(id) + 1 FROM record)"),
    knows: database.prepare("SELECT 1 FROM record WHERE uid = ? UNION ALL SELECT 1 FROM settled WHERE uid = ?"),
    add: database.prepare(
      "INSERT INTO record (id, uid, added_ms, added_age_ms, bytes, json, deflated) VALUES (?, ?, ?, ?, ?, ?, ?)",
    ),
    remove: database.prepare(`DELETE FROM record WHERE id = ? RETURNING uid, ${STORED} AS bytes`),
    deflate: database.prepare(
      "UPDATE record SET json = '', deflated = ? WHERE id = ? AND deflated IS NULL RETURNING bytes AS jsonBytes",
    ),
    forgetSettled: database.prepare("DELETE FROM settled WHERE uid = ?"),
    remember: database.prepare("INSERT INTO settled (uid) VALUES (?) ON CONFLICT DO NOTHING"),
    forget: database.prepare("DELETE FROM settled WHERE id <= ?"),
    settledUids: database.prepare("SELECT uid FROM settled ORDER BY id"),
    checkpoint: database.prepare("PRAGMA wal_checkpoint(PASSIVE)"),
    syncFull: database.prepare("PRAGMA synchronous = FULL"),
    syncNormal: database.prepare("PRAGMA synchronous = NORMAL"),
    begin: database.prepare("BEGIN IMMEDIATE"),
    commit: database.prepare("COMMIT"),
    rollback: database.prepare("ROLLBACK"),
  };
}
