/**
 * The outbox's tables in one SQLite database, on disk or in memory: records in the order they came, the UIDs of those
 * that are settled, and the agent's state. Every method may throw what SQLite throws; see outbox-file.ts.
 */
import type { DatabaseSync } from "node:sqlite";

export interface StoredRecord {
  /** places it: each record's is above those of all before it */
  id: number;
  /** `log.record.uid`; null: none, such a record is never known */
  uid: string | null;
  /** when it was added, milliseconds since the Unix epoch */
  addedMs: number;
  /** length of `json` as UTF-8 */
  bytes: number;
  /** a LogRecord */
  json: string;
}

/** A record without its text. */
export type StoredRow = Pick<StoredRecord, "id" | "bytes" | "addedMs">;

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
  /** In order. Nothing may be written while it is read from. */
  rows(): Iterable<StoredRow>;
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
  /** Removes rows and remembers their UIDs, so that the records are not added again. */
  settle(ids: Iterable<number>): void;
  /** Remembers the UIDs of records that are settled elsewhere. */
  remember(uids: Iterable<string>): void;
  saveState(json: string): void;
}

/** Raised with every change of the tables: a file of another version is not read. */
export const SCHEMA_VERSION = 1;

/**
 * How many settled records are remembered. One is read again after a crash only if its lines come after the position
 * that was saved with a later one: that is a few records, a storm of kills at most.
 */
const MAX_SETTLED = 10_000;

const SCHEMA = `
  CREATE TABLE record (
    id INTEGER PRIMARY KEY, uid TEXT UNIQUE, added_ms INTEGER NOT NULL, bytes INTEGER NOT NULL,
    json TEXT NOT NULL
  ) STRICT;
  CREATE TABLE settled (id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL) STRICT;
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** Makes the tables in an empty database. */
export function createTables(database: DatabaseSync): void {
  database.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT`);
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
      add({ id, uid, addedMs, bytes, json }) {
        if (uid !== null && knows(uid)) return;
        sql.add.run(id, uid, addedMs, bytes, json);
        next.lastId = Math.max(next.lastId, id);
        next.records++;
        next.bytes += bytes;
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
      saveState: (json) => void sql.saveState.run(json),
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
    rows: () => sql.rows.iterate() as Iterable<unknown> as Iterable<StoredRow>,
    read: (id) => sql.read.get(id) as StoredRecord | undefined,
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

function prepareStatements(database: DatabaseSync) {
  return {
    total: database.prepare(
      "SELECT count(*) AS records, coalesce(sum(bytes), 0) AS bytes, coalesce(max(id), 0) AS lastId FROM record",
    ),
    readState: database.prepare("SELECT json FROM state"),
    saveState: database.prepare("INSERT INTO state VALUES (1, ?) ON CONFLICT DO UPDATE SET json = excluded.json"),
    rows: database.prepare("SELECT id, bytes, added_ms AS addedMs FROM record ORDER BY id"),
    read: database.prepare("SELECT id, uid, added_ms AS addedMs, bytes, json FROM record WHERE id = ?"),
    shift: database.prepare("UPDATE record SET id = id + ? - 1 - (SELECT 2 * max(id) - min(id) + 1 FROM record)"),
    knows: database.prepare("SELECT 1 FROM record WHERE uid = ? UNION ALL SELECT 1 FROM settled WHERE uid = ?"),
    add: database.prepare("INSERT INTO record (id, uid, added_ms, bytes, json) VALUES (?, ?, ?, ?, ?)"),
    remove: database.prepare("DELETE FROM record WHERE id = ? RETURNING uid, bytes"),
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
