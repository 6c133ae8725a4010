/**
 * The outbox's records on disk while the disk works and in memory while it does not: what comes meanwhile, and what is
 * settled meanwhile, reaches the disk in one transaction when it works again.
 */
import type { AgeClockState } from "./age-clock.ts";
import {
  type FileStore,
  isUnusable,
  OutboxInUseError,
  openFileStore,
  openMemoryStore,
  replaceFileStore,
} from "./outbox-file.ts";
import type { OutboxStore, Size, StoredRecord, StoredRow } from "./outbox-store.ts";
import { deflateJson } from "./stored-record.ts";

export type DiskTrouble = "outbox_disk_failed" | "outbox_disk_back" | "outbox_file_set_aside" | "outbox_file_removed";

export interface TiersOptions {
  /** absent: memory only */
  directory: string | undefined;
  onTrouble(name: DiskTrouble, detail: Readonly<Record<string, string | number>>): void;
}

export interface OutboxTiers {
  /** JSON, as the file had it at the start */
  readonly restored: string | undefined;
  readonly restoredClock: AgeClockState | undefined;
  readonly size: Size;
  /** Of what is in memory; undefined: all is on disk. */
  readonly inMemory: Readonly<Size> | undefined;
  /** Of what is in memory, or in a file that was removed: it goes with the process. */
  readonly atRisk: Size;
  readonly lastId: number;
  knows(uid: string): boolean;
  /** Those that are not settled, in order; with `onlyMemory`, those that the disk does not have. */
  rows(onlyMemory?: boolean): Iterable<StoredRow>;
  read(id: number): StoredRecord | undefined;
  /**
   * Records and the state that covers them, all or nothing. Never throws for the disk.
   * @param dropped records of which only the UIDs are remembered
   */
  commit(
    records: readonly StoredRecord[],
    state: string,
    clock: AgeClockState,
    dropped?: readonly StoredRecord[],
  ): void;
  /**
   * Adds records that were settled before. Never throws for the disk.
   * @returns false: not now, since the disk fails
   */
  addAgain(records: readonly StoredRecord[]): boolean;
  /**
   * Deflates records that are not deflated yet, the oldest first, until so many bytes are free or there are none left;
   * each is looked at once. Never throws for the disk.
   * @param accepts which may be
   * @param onlyMemory those that the disk does not have
   * @returns how many bytes are free
   */
  deflateOldest(bytes: number, accepts: (id: number) => boolean, onlyMemory: boolean): number;
  /** Removes rows and remembers their UIDs. Never throws for the disk. */
  settle(rows: readonly Pick<StoredRow, "id" | "bytes">[]): void;
  /**
   * Where the disk has failed: tries it again, not more often than every RETRY_MS unless it must be `now`. Where the
   * file was removed: makes it anew.
   */
  retryDisk(nowMs: number, now?: boolean): void;
  close(): void;
}

/** At a rollout, the agent before this one may need a moment to go. */
const WAIT_MS = 2000;
export const RETRY_MS = 10_000;

/** @throws OutboxInUseError */
export function openTiers({ directory, onTrouble }: TiersOptions): OutboxTiers {
  let file: FileStore | undefined;
  let memory: OutboxStore | undefined;
  /** rows before it are the file's */
  let firstInMemory = 1;
  /** rows of the file that are settled, while it cannot be written: ID → bytes */
  const unsettled = new Map<number, number>();
  let unsettledBytes = 0;
  /** what the next attempt is to save */
  let state: string | undefined;
  let clock: AgeClockState | undefined;
  let restoredClock: AgeClockState | undefined;
  /** up to which ID records have been looked at for being deflated, in the store of now */
  let deflatedId = Number.MIN_SAFE_INTEGER;
  let lastTryMs = Number.NEGATIVE_INFINITY;
  let lastError = "";
  /** the file was removed and could not be made anew: what it holds goes with the process */
  let isRemoved = false;

  try {
    if (directory === undefined) memory = openMemoryStore();
    else file = openFile(directory, WAIT_MS);
    state = file?.readState();
    restoredClock = file?.readClock();
  } catch (error) {
    if (error instanceof OutboxInUseError) throw error;
    onDiskError(error);
  }

  function openFile(path: string, waitMs: number): FileStore {
    return openFileStore({ directory: path, waitMs, onSetAside });
  }

  function onSetAside(detail: { path: string; error: string }): void {
    onTrouble("outbox_file_set_aside", detail);
  }

  /** The state directory was removed, or mounted over: what is written would go into a file that nobody finds again. */
  function replaceRemoved(path: string): void {
    if (file === undefined || !file.isRemoved()) return;
    const { records } = file.size;
    try {
      replaceFileStore(file, { directory: path, onSetAside });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (!isRemoved || message !== lastError) {
        onTrouble("outbox_disk_failed", { error: `the file was removed, and: ${message}`, path, unreadable: 0 });
      }
      isRemoved = true;
      lastError = message;
      return;
    }
    isRemoved = false;
    lastError = "";
    file = undefined;
    onTrouble("outbox_file_removed", { path, records });
    try {
      file = openFile(path, 0);
    } catch (error) {
      onDiskError(error);
    }
  }

  /** From now on in memory. What the file holds stays there to be read, unless it makes no sense any more. */
  function onDiskError(error: unknown): OutboxStore {
    let unreadable = 0;
    if (file !== undefined && isUnusable(error)) {
      unreadable = file.size.records - unsettled.size;
      firstInMemory = Math.max(firstInMemory, file.lastId + 1);
      closeQuietly(file);
      file = undefined;
      forgetUnsettled();
    }
    if (memory === undefined) {
      memory = openMemoryStore();
      deflatedId = Number.MIN_SAFE_INTEGER;
      firstInMemory = Math.max(firstInMemory, (file?.lastId ?? 0) + 1);
    }
    const message = error instanceof Error ? error.message : String(error);
    if (message !== lastError || unreadable > 0) {
      onTrouble("outbox_disk_failed", { error: message, path: String(directory), unreadable });
    }
    lastError = message;
    return memory;
  }

  function deflateIn(store: OutboxStore, bytes: number, accepts: (id: number) => boolean): number {
    const found: { id: number; deflated: Uint8Array }[] = [];
    let freed = 0;
    for (const row of store.rows(deflatedId)) {
      if (freed >= bytes) break;
      deflatedId = row.id;
      if (row.bytes < row.jsonBytes || !accepts(row.id)) continue;
      const content = store.read(row.id)?.content;
      const deflated = typeof content === "string" ? deflateJson(content) : undefined;
      if (deflated === undefined) continue;
      found.push({ id: row.id, deflated });
      freed += row.bytes - deflated.length;
    }
    // The power may take it back: what was there before is as good.
    if (found.length > 0) {
      store.write(false, (writer) => {
        for (const { id, deflated } of found) writer.deflate(id, deflated);
      });
    }
    return freed;
  }

  function markSettled({ id, bytes }: Pick<StoredRow, "id" | "bytes">): void {
    if (unsettled.has(id)) return;
    unsettled.set(id, bytes);
    unsettledBytes += bytes;
  }

  function forgetUnsettled(): void {
    unsettled.clear();
    unsettledBytes = 0;
  }

  /** What the disk should give; `fallback` where it does not. */
  function tryFile<T>(ask: (store: OutboxStore) => T, fallback: T): T {
    if (file === undefined) return fallback;
    try {
      return ask(file);
    } catch (error) {
      onDiskError(error);
      return fallback;
    }
  }

  function moveToFile(from: OutboxStore, to: OutboxStore): void {
    // First, and apart: what it frees may be the only room that there is.
    if (unsettled.size > 0) {
      to.checkpoint();
      to.write(false, (writer) => writer.settle(unsettled.keys()));
      forgetUnsettled();
    }
    to.write(true, (writer) => {
      writer.remember(from.settledUids());
      for (const { id } of from.rows()) {
        const record = from.read(id);
        if (record !== undefined) writer.add(record);
      }
      if (state !== undefined) writer.saveState(state);
      if (clock !== undefined) writer.saveClock(clock);
    });
  }

  return {
    restored: state,
    restoredClock,
    get size() {
      const [onDisk, here] = [file?.size, memory?.size];
      return {
        records: (onDisk?.records ?? 0) - unsettled.size + (here?.records ?? 0),
        bytes: (onDisk?.bytes ?? 0) - unsettledBytes + (here?.bytes ?? 0),
      };
    },
    get inMemory() {
      return memory?.size;
    },
    get atRisk() {
      const [here, removed] = [memory?.size, isRemoved ? file?.size : undefined];
      return {
        records: (here?.records ?? 0) + (removed?.records ?? 0),
        bytes: (here?.bytes ?? 0) + (removed?.bytes ?? 0),
      };
    },
    get lastId() {
      return Math.max(firstInMemory - 1, file?.lastId ?? 0, memory?.lastId ?? 0);
    },
    knows: (uid) => tryFile((store) => store.knows(uid), false) || memory?.knows(uid) === true,
    *rows(onlyMemory = false) {
      if (file !== undefined && !onlyMemory) {
        try {
          for (const row of file.rows()) if (!unsettled.has(row.id)) yield row;
        } catch (error) {
          onDiskError(error);
        }
      }
      if (memory !== undefined) yield* memory.rows();
    },
    read: (id) => memory?.read(id) ?? tryFile((store) => store.read(id), undefined),
    commit(records, json, newClock, dropped = []) {
      // Nothing to write, and nothing to wake a disk for.
      if (records.length + dropped.length === 0 && json === state) return;
      state = json;
      clock = newClock;
      // Before they are written; where that has failed, it is tried again at a tick.
      if (records.length > 0 && memory === undefined && directory !== undefined && !isRemoved) {
        replaceRemoved(directory);
      }
      const write = (store: OutboxStore): void =>
        // A state alone may be lost with the power: it would only make the agent read again what it has read.
        store.write(records.length > 0, (writer) => {
          for (const record of records) writer.add(record);
          writer.remember(dropped.flatMap(({ uid }) => uid ?? []));
          writer.saveState(json);
          writer.saveClock(newClock);
        });
      try {
        write(memory ?? (file as OutboxStore));
      } catch (error) {
        if (memory !== undefined) throw error;
        write(onDiskError(error));
      }
    },
    deflateOldest(bytes, accepts, onlyMemory) {
      if (memory !== undefined) return onlyMemory || file === undefined ? deflateIn(memory, bytes, accepts) : 0;
      return tryFile((store) => deflateIn(store, bytes, accepts), 0);
    },
    addAgain(records) {
      if (memory !== undefined || file === undefined) return false;
      try {
        file.write(true, (writer) => {
          writer.forgetSettled(records.flatMap(({ uid }) => uid ?? []));
          for (const record of records) writer.add(record);
        });
        return true;
      } catch (error) {
        onDiskError(error);
        return false;
      }
    },
    settle(rows) {
      const settleIn = (store: OutboxStore, some: readonly { id: number }[]): void =>
        store.write(false, (writer) => writer.settle(some.map(({ id }) => id)));
      const ofMemory = memory === undefined ? [] : rows.filter(({ id }) => id >= firstInMemory);
      if (memory !== undefined && ofMemory.length > 0) settleIn(memory, ofMemory);
      const ofFile = memory === undefined ? rows : rows.filter(({ id }) => id < firstInMemory);
      if (ofFile.length === 0) return;
      if (memory === undefined) tryFile((store) => settleIn(store, ofFile), undefined);
      // Where the file itself is gone, so are they.
      if (memory === undefined || file === undefined) return;
      for (const row of ofFile) markSettled(row);
    },
    retryDisk(nowMs, now = false) {
      if (directory === undefined) return;
      // A clock that was set back must not put it off.
      if (!now && nowMs >= lastTryMs && nowMs - lastTryMs < RETRY_MS) return;
      lastTryMs = nowMs;
      replaceRemoved(directory);
      if (memory === undefined || isRemoved) return;
      try {
        file ??= openFile(directory, 0);
        file.shiftBelow(firstInMemory);
        moveToFile(memory, file);
      } catch (error) {
        onDiskError(error);
        return;
      }
      memory.close();
      memory = undefined;
      deflatedId = Number.MIN_SAFE_INTEGER;
      lastError = "";
      onTrouble("outbox_disk_back", { ...file.size });
    },
    close() {
      if (file !== undefined) closeQuietly(file);
      memory?.close();
    },
  };
}

/** Of a file that fails there is nothing more to be had; a failure to close it changes nothing. */
function closeQuietly(store: OutboxStore): void {
  try {
    store.close();
  } catch {
    // See above.
  }
}
