/** The state directory: writable, on a file system that suits it, with room for the outbox, which can be opened. */
import { existsSync, mkdtempSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { inspectFileStore, type OutboxCondition } from "../../outbox/sqlite-file.ts";
import { readableSize } from "../../record/format.ts";
import { countOf } from "../../replay/input/captures.ts";
import type { CheckContext, Finding } from "../check.ts";

export function checkStateDirectory({ config }: Pick<CheckContext, "config">): Finding {
  if (config === undefined) return { status: "skipped", says: "the configuration cannot be read" };
  const { "state-dir": directory, "outbox-max-bytes": maxBytes, otlp, backend } = config.settings;
  if (directory === undefined) {
    return {
      status: "warning",
      says: "no state directory is set: what is undelivered at a restart is lost",
      advice: "set --state-dir to a directory of the node (hostPath), such as /var/lib/oomscribe",
    };
  }
  const endpoints = backend === "stdout" ? 1 : (otlp?.length ?? 1);
  return judgeDirectory(directory, (maxBytes ?? DEFAULT_MAX_BYTES) * endpoints);
}

/** As in outbox.ts. */
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
/** outbox.ts: the file is up to a half larger than what it holds, and its log is beside it. */
const FILE_RATIO = 1.5;

/** statfs(2), f_type: where SQLite's locks or its log do not work, or nothing stays. */
const UNFIT: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS, where SQLite's write-ahead log is not safe"],
  [0xff534d42, "CIFS, where SQLite's write-ahead log is not safe"],
  [0xfe534d42, "SMB, where SQLite's write-ahead log is not safe"],
  [0x00c36400, "CephFS, where SQLite's write-ahead log is not safe"],
  [0x01021994, "tmpfs, which is empty after a boot and counts as memory"],
  [0x794c7630, "overlay, a container's own layer, which goes with the container"],
]);

/** @param wanted bytes of records that the outboxes may hold */
function judgeDirectory(directory: string, wanted: number): Finding {
  const existing = nearestExisting(directory);
  const isThere = existing === directory;
  if (isThere && !statSync(directory).isDirectory()) {
    return { status: "failed", says: `${directory} is no directory`, advice: "name another with --state-dir" };
  }
  const writeError = tryToWrite(existing);
  if (writeError !== undefined) {
    return {
      status: "failed",
      says: `${existing} cannot be written to (${writeError})${isThere ? "" : `, so ${directory} cannot be made`}`,
      advice:
        "let the agent's user write there; in a container mount the directory (hostPath, DirectoryOrCreate) and not read-only",
      detail: { directory, code: writeError },
    };
  }
  const { type, bavail, bsize } = statfsSync(existing);
  const free = bavail * bsize;
  const needed = Math.ceil(wanted * FILE_RATIO);
  const outbox = inspect(directory);
  const detail = { directory, exists: isThere, free, needed, outbox };
  if (outbox.kind === "failed" || outbox.kind === "unusable") {
    return {
      status: outbox.kind === "failed" ? "failed" : "warning",
      says: `the outbox in ${directory} cannot be used: ${outbox.error}`,
      advice:
        outbox.kind === "failed"
          ? "look after the disk (dmesg, df, mount options)"
          : "nothing needs to be done: the agent sets it aside at its start and begins a new one; what it held is in outbox.sqlite.set-aside",
      detail,
    };
  }
  const unfit = UNFIT.get(type);
  if (unfit !== undefined) {
    return {
      status: "warning",
      says: `${directory} is on ${unfit}`,
      advice: "use a local disk of the node (hostPath)",
      detail,
    };
  }
  if (free < needed) {
    return {
      status: "warning",
      says: `${directory} has ${readableSize(free)} free, and the outbox may take ${readableSize(needed)}`,
      advice: "make room, or lower outbox-max-bytes; the agent goes on in memory where the disk is full",
      detail,
    };
  }
  return { status: "ok", says: `${directory}: ${readableSize(free)} free, ${toWords(outbox, isThere)}`, detail };
}

type Inspected = OutboxCondition | { kind: "failed"; error: string };

function inspect(directory: string): Inspected {
  try {
    return inspectFileStore(directory);
  } catch (error) {
    return { kind: "failed", error: error instanceof Error ? error.message : String(error) };
  }
}

function toWords(outbox: Inspected, isThere: boolean): string {
  switch (outbox.kind) {
    case "in_use":
      return "its outbox is in use by a running agent";
    case "usable":
      return `${countOf(outbox.records, "record")} ${outbox.records === 1 ? "waits" : "wait"} in its outbox`;
    default:
      return isThere ? "no outbox in it yet" : "it is made when the agent starts";
  }
}

function nearestExisting(path: string): string {
  return existsSync(path) || path === dirname(path) ? path : nearestExisting(dirname(path));
}

/** @returns why not. Nothing is left behind. */
function tryToWrite(directory: string): string | undefined {
  let probe: string | undefined;
  try {
    probe = mkdtempSync(join(directory, ".oomscribe-doctor-"));
    writeFileSync(join(probe, "probe"), "probe");
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  } finally {
    if (probe !== undefined) rmSync(probe, { recursive: true, force: true });
  }
}
