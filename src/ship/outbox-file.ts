/**
 * Opens the outbox's database: a file with one owner, or memory. A file that cannot be used as it is gets another name
 * and makes place for a new one.
 */
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createTables, migrateTables, type OutboxStore, openStore, SCHEMA_VERSION } from "./outbox-store.ts";

/** Another process has the outbox open. */
export class OutboxInUseError extends Error {
  constructor(path: string, cause: unknown) {
    super(
      `the outbox ${path} is in use by another process, and two would send every record twice: stop the other agent, ` +
        "or give this one a directory of its own",
      { cause },
    );
    this.name = "OutboxInUseError";
  }
}

export const OUTBOX_FILE = "outbox.sqlite";
/** One is kept, the last: what is set aside must not fill the disk. */
export const SET_ASIDE_SUFFIX = ".set-aside";
/** A copy that is to take the place of a file that was removed. */
const NEW_SUFFIX = ".new";

/** Of 4 KiB; the default is 1000. What is in the log needs room a second time before it is in the database. */
const LOG_PAGES = 256;
/** https://www.sqlite.org/rescode.html; the primary code is in the low byte. */
const SQLITE_ERROR = 1;
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

export interface FileStoreOptions {
  /** made where it is not there */
  directory: string;
  /** milliseconds that another owner is waited for, with the whole process */
  waitMs: number;
  /** told why the file was set aside, and where to */
  onSetAside(detail: { path: string; error: string }): void;
}

/**
 * @throws OutboxInUseError
 * @throws Error of the file system or of SQLite where the disk does not take or give it
 */
export function openFileStore({ directory, waitMs, onSetAside }: FileStoreOptions): FileStore {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, OUTBOX_FILE);
  // The process ended between the two steps of replaceFileStore.
  if (!existsSync(path) && existsSync(path + NEW_SUFFIX)) renameSync(path + NEW_SUFFIX, path);
  try {
    return openFile(path, waitMs);
  } catch (error) {
    if (primaryCode(error) === SQLITE_BUSY) throw new OutboxInUseError(path, error);
    if (!isUnusable(error)) throw error;
    setAside(path);
    onSetAside({ path: path + SET_ASIDE_SUFFIX, error: (error as Error).message });
    return openFile(path, waitMs);
  }
}

/** What a directory's outbox is like. */
export type OutboxCondition =
  | { kind: "absent" }
  /** another process has it open */
  | { kind: "in_use" }
  | { kind: "usable"; records: number; bytes: number; oldestMs?: number }
  /** it would be set aside, and a new one begun */
  | { kind: "unusable"; error: string };

/**
 * Looks at it as an agent that starts would, without waiting, and makes and moves nothing. One that starts at the same
 * moment waits much longer than this takes.
 * @throws Error of the file system or of SQLite where the disk does not take or give it
 */
export function inspectFileStore(directory: string): OutboxCondition {
  const path = join(directory, OUTBOX_FILE);
  if (!existsSync(path)) return { kind: "absent" };
  try {
    return withDatabase(path, 0, (database) => {
      checkContent(database, false);
      // As in every version of the tables.
      const sql = "SELECT count(*) AS records, coalesce(sum(bytes), 0) AS bytes, min(added_ms) AS oldestMs FROM record";
      const isEmpty = versionOf(database) === 0;
      const row = isEmpty
        ? { records: 0, bytes: 0, oldestMs: null }
        : (database.prepare(sql).get() as unknown as Total);
      database.close();
      const { records, bytes, oldestMs } = row;
      return { kind: "usable", records, bytes, ...(oldestMs === null ? {} : { oldestMs }) };
    });
  } catch (error) {
    if (primaryCode(error) === SQLITE_BUSY) return { kind: "in_use" };
    if (isUnusable(error)) return { kind: "unusable", error: (error as Error).message };
    throw error;
  }
}

export function openMemoryStore(): OutboxStore {
  const database = new DatabaseSync(":memory:");
  createTables(database);
  return openStore(database);
}

/** A store in a file, and whether the file is still where it was. */
export interface FileStore extends OutboxStore {
  /** Whether the path leads to another file now, or to none: what is written would be gone with the process. */
  isRemoved(): boolean;
}

/**
 * For a store whose file was removed: puts all that it holds into a new file, together with what a file that has taken
 * its place holds (a mount that came back), and closes it.
 *
 * By way of a second name: to close the old store removes `outbox.sqlite-wal` by its name, whosever it is by then.
 * @throws OutboxInUseError, or Error of the file system or of SQLite: the old store is as it was
 */
export function replaceFileStore(old: OutboxStore, { directory, onSetAside }: Omit<FileStoreOptions, "waitMs">): void {
  const path = join(directory, OUTBOX_FILE);
  const copy = path + NEW_SUFFIX;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // Before anything is copied: another process may have it.
  const found = existsSync(path) ? openFound(path, onSetAside) : undefined;
  try {
    for (const part of ["", "-wal"]) rmSync(copy + part, { force: true });
    const store = openFile(copy, 0);
    try {
      copyStore(old, store);
      if (found !== undefined) addRecords(found, store, old.lastId);
    } finally {
      store.close();
    }
  } finally {
    found?.close();
  }
  renameSync(copy, path);
  try {
    old.close();
  } catch {
    // All that it held is in the copy.
  }
}

/** In one transaction: records under their IDs, what was settled, state and clock. */
function copyStore(from: OutboxStore, to: OutboxStore): void {
  to.write(true, (writer) => {
    writer.remember(from.settledUids());
    for (const { id } of from.rows()) {
      const record = from.read(id);
      if (record !== undefined) writer.add(record);
    }
    const [state, clock] = [from.readState(), from.readClock()];
    if (state !== undefined) writer.saveState(state);
    if (clock !== undefined) writer.saveClock(clock);
  });
}

/** @returns undefined where it cannot be used, and is set aside */
function openFound(path: string, onSetAside: FileStoreOptions["onSetAside"]): OutboxStore | undefined {
  try {
    return openFile(path, 0);
  } catch (error) {
    if (primaryCode(error) === SQLITE_BUSY) throw new OutboxInUseError(path, error);
    if (!isUnusable(error)) throw error;
    setAside(path);
    onSetAside({ path: path + SET_ASIDE_SUFFIX, error: (error as Error).message });
    return undefined;
  }
}

/** In front of what is there. @param lastId of what is in the store already, and of what is still to come */
function addRecords(from: OutboxStore, to: OutboxStore, lastId: number): void {
  const [first] = to.rows();
  from.shiftBelow(first?.id ?? lastId + 1);
  to.write(true, (writer) => {
    for (const { id } of from.rows()) {
      const record = from.read(id);
      if (record !== undefined) writer.add(record);
    }
  });
}

/** Whether the file holds nothing that could be read: no later attempt will do better. */
export function isUnusable(error: unknown): boolean {
  const code = primaryCode(error);
  // A number that Node cannot read: none of ours.
  const isOutOfRange = (error as { code?: unknown }).code === "ERR_OUT_OF_RANGE";
  return error instanceof ContentError || isOutOfRange || code === SQLITE_CORRUPT || code === SQLITE_NOTADB;
}

class ContentError extends Error {}

interface Total {
  records: number;
  bytes: number;
  oldestMs: number | null;
}

function openFile(path: string, waitMs: number): FileStore {
  return withDatabase(path, waitMs, (database) => {
    checkContent(database, true);
    const store = prepareStore(database);
    const { ino, dev } = statSync(path);
    const isRemoved = (): boolean => {
      const found = statSync(path, { throwIfNoEntry: false });
      return found === undefined || found.ino !== ino || found.dev !== dev;
    };
    // Not a copy of the object: it has getters.
    return Object.assign(store, { isRemoved });
  });
}

/** @throws ContentError where the tables are not what their version says */
function prepareStore(database: DatabaseSync): OutboxStore {
  try {
    if (versionOf(database) < SCHEMA_VERSION) migrateTables(database);
    return openStore(database);
  } catch (error) {
    if (primaryCode(error) === SQLITE_ERROR) throw new ContentError((error as Error).message, { cause: error });
    throw error;
  }
}

/** Takes the file for this process; on an error it lets go of it. */
function withDatabase<T>(path: string, waitMs: number, work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(path, { timeout: waitMs });
  try {
    // One owner for as long as it runs: the kernel lets go of its locks when it dies, however it dies. Then the index of
    // the WAL is not in a shared mapping either, where a full disk would not be an error but SIGBUS.
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    database.exec("PRAGMA journal_mode = WAL");
    database.exec(`PRAGMA wal_autocheckpoint = ${LOG_PAGES}`);
    // Takes the lock, even where nothing is to be written.
    database.exec("BEGIN IMMEDIATE; COMMIT");
    return work(database);
  } catch (error) {
    if (database.isOpen) database.close();
    throw error;
  }
}

/** @param mayCreate whether tables are made where there are none */
function checkContent(database: DatabaseSync, mayCreate: boolean): void {
  const version = versionOf(database);
  const { tables } = database.prepare("SELECT count(*) AS tables FROM sqlite_schema").get() as { tables: number };
  if (version === 0 && tables === 0) {
    if (mayCreate) createTables(database);
    return;
  }
  if (version < 1 || version > SCHEMA_VERSION) {
    throw new ContentError(`made by another version of Oomscribe (${version})`);
  }
  const { quick_check: verdict } = database.prepare("PRAGMA quick_check(1)").get() as { quick_check: string };
  if (verdict !== "ok") throw new ContentError(`damaged: ${verdict}`);
}

function versionOf(database: DatabaseSync): number {
  return (database.prepare("PRAGMA user_version").get() as { user_version: number }).user_version;
}

function setAside(path: string): void {
  for (const part of ["", "-wal"]) {
    try {
      renameSync(path + part, `${path}${SET_ASIDE_SUFFIX}${part}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}

function primaryCode(error: unknown): number | undefined {
  const { errcode } = error as { errcode?: unknown };
  return typeof errcode === "number" ? errcode & 0xff : undefined;
}
