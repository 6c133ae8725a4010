/**
 * Opens the outbox's database: a file with one owner, or memory. A file that cannot be used as it is gets another name
 * and makes place for a new one.
 */
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createTables, type OutboxStore, openStore, SCHEMA_VERSION } from "./outbox-store.ts";

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

/** Of 4 KiB; the default is 1000. What is in the log needs room a second time before it is in the database. */
const LOG_PAGES = 256;
/** https://www.sqlite.org/rescode.html; the primary code is in the low byte. */
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
export function openFileStore({ directory, waitMs, onSetAside }: FileStoreOptions): OutboxStore {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, OUTBOX_FILE);
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
  | { kind: "usable"; records: number; bytes: number }
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
    const store = openFile(path, 0);
    const { size } = store;
    store.close();
    return { kind: "usable", ...size };
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

/** Whether the file holds nothing that could be read: no later attempt will do better. */
export function isUnusable(error: unknown): boolean {
  const code = primaryCode(error);
  return error instanceof ContentError || code === SQLITE_CORRUPT || code === SQLITE_NOTADB;
}

class ContentError extends Error {}

function openFile(path: string, waitMs: number): OutboxStore {
  const database = new DatabaseSync(path, { timeout: waitMs });
  try {
    // One owner for as long as it runs: the kernel lets go of its locks when it dies, however it dies. Then the index of
    // the WAL is not in a shared mapping either, where a full disk would not be an error but SIGBUS.
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    database.exec("PRAGMA journal_mode = WAL");
    database.exec(`PRAGMA wal_autocheckpoint = ${LOG_PAGES}`);
    // Takes the lock, even where nothing is to be written.
    database.exec("BEGIN IMMEDIATE; COMMIT");
    checkContent(database);
    return openStore(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

function checkContent(database: DatabaseSync): void {
  const { user_version: version } = database.prepare("PRAGMA user_version").get() as { user_version: number };
  const { tables } = database.prepare("SELECT count(*) AS tables FROM sqlite_schema").get() as { tables: number };
  if (version === 0 && tables === 0) {
    createTables(database);
    return;
  }
  if (version !== SCHEMA_VERSION) throw new ContentError(`made by another version of Oomscribe (${version})`);
  const { quick_check: verdict } = database.prepare("PRAGMA quick_check(1)").get() as { quick_check: string };
  if (verdict !== "ok") throw new ContentError(`damaged: ${verdict}`);
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
