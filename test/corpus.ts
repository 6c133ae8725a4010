/** The corpus of captures: each file beside the truth about it, and what is read from it. See test/captures/README.md. */

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { constants, gunzipSync, zstdDecompressSync } from "node:zlib";
import type { CaptureContext } from "../parsers/captures/format.ts";
import { createCaptureReader } from "../parsers/captures/reader.ts";
import { createOomAssembler, type OomObservation } from "../parsers/oom/assemble.ts";
import type { OomReport, Victim } from "../parsers/oom/report.ts";

const CAPTURES = fileURLToPath(new URL("captures/", import.meta.url));

/** A kill as the truth has it; see test/captures/README.md for the fields. */
export type TrueKill = { pid: number; comm: string; from_table?: string[] } & Record<string, unknown>;

export interface Capture {
  /** below test/captures */
  name: string;
  path: string;
  kills: TrueKill[];
  /** `wall-us`, `wall-s`, `monotonic`, `delta`, `none` …; undefined: not said */
  time?: string;
  also?: string;
  tz?: string;
  lost: {
    origin?: boolean;
    kills?: number[];
    comm?: Record<string, string[]>;
    fields?: Record<string, string[]>;
    head?: boolean;
    truncated?: boolean;
  };
  anyOrder: boolean;
  orNothing: Record<string, Record<string, unknown>>;
  spoofPids: number[];
  /** the text cannot tell whether the kernel said it */
  ambiguousPids: number[];
  /** the true kills' latest wall time, microseconds */
  referenceUs?: number;
}

/** Every capture whose truth is written down. */
export function readCorpus(): Capture[] {
  return [...readFormats(), ...readComposed(), ...readGenerated()];
}

function readFormats(): Capture[] {
  return readdirSync(join(CAPTURES, "formats")).flatMap((folder) =>
    readCase(join(CAPTURES, "formats", folder), "expected.json"),
  );
}

function readComposed(): Capture[] {
  const folder = join(CAPTURES, "composed");
  const truths = readdirSync(folder).filter((name) => name.endsWith(".expected.json"));
  return truths.flatMap((truth) => readCase(folder, truth));
}

// biome-ignore lint/suspicious/noExplicitAny: the truth is hand-written JSON of many shapes
type Truth = any;

function readCase(folder: string, truthName: string): Capture[] {
  const truth: Truth = JSON.parse(readFileSync(join(folder, truthName), "utf8"));
  return Object.entries<Truth>(truth.files).map(([file, said]) => {
    const kills: TrueKill[] = truth.kills.filter((kill: TrueKill) => said.pids?.includes(kill.pid) ?? true);
    const times = truth.kills.map((kill: Truth) => kill.wall_us).filter((us: unknown) => us !== undefined);
    return {
      name: `${basename(folder)}/${file}`,
      path: join(folder, file),
      kills,
      time: said.time,
      also: said.also,
      tz: said.tz,
      lost: { ...said.lost, ...(said.only === undefined ? {} : { head: true }) },
      anyOrder: truth.any_order === true || said.order !== undefined,
      orNothing: truth.or_nothing ?? {},
      spoofPids: [...(truth.spoof_pids ?? []), ...(truth.spoofs ?? []).map((spoof: Truth) => spoof.pid)],
      ambiguousPids: said.lost?.origin === true ? (truth.spoofs ?? []).map((spoof: Truth) => spoof.pid) : [],
      ...(times.length === 0 ? {} : { referenceUs: Math.max(...times) + 3_600_000_000 }),
    };
  });
}

function readGenerated(): Capture[] {
  const folder = join(CAPTURES, "generated");
  const truths = readdirSync(folder).filter((name) => name.endsWith(".expected.json"));
  return truths.map((name) => {
    const truth: Truth = JSON.parse(readFileSync(join(folder, name), "utf8"));
    const comm = Object.entries<string[]>(truth.acceptable_comm ?? {}).map(([pid, names]) => {
      const own = truth.kills.find((kill: TrueKill) => kill.pid === Number(pid));
      return [pid, [...names, own?.comm ?? ""]];
    });
    return {
      name: `generated/${truth.file}`,
      path: join(folder, truth.file),
      kills: truth.kills,
      lost: { comm: Object.fromEntries(comm) },
      anyOrder: false,
      orNothing: {},
      spoofPids: truth.spoof_pids ?? [],
      ambiguousPids: truth.ambiguous_spoof_pids ?? [],
    };
  });
}

export interface ReadKill {
  victim: Victim;
  report: OomReport;
}

export interface ReadOptions {
  skim?: boolean;
  /** bytes a chunk; default: all at once */
  chunk?: number;
  context?: Partial<CaptureContext>;
}

/** Everything that a capture's bytes give. */
export function readCapture(
  bytes: Buffer,
  options: ReadOptions = {},
): {
  kills: ReadKill[];
  suppressed: number[];
  formats: ReadonlyMap<string, number>;
  skippedBytes: number;
} {
  const assembler = createOomAssembler();
  const kills: ReadKill[] = [];
  const suppressed: number[] = [];

  function take(observations: readonly OomObservation[]): void {
    for (const seen of observations) {
      if (seen.kind === "suppressed") suppressed.push(seen.suppressed.count);
      else for (const victim of seen.report.victims) kills.push({ victim, report: seen.report });
    }
  }

  const reader = createCaptureReader({
    context: { year: undefined, timezone: undefined, referenceUs: undefined, ...options.context },
    onRecord: (record, atMs) => take(assembler.push(record, atMs)),
    isIdle: () => assembler.idle,
    skim: options.skim ?? true,
  });
  const chunk = options.chunk ?? Math.max(1, bytes.length);
  for (let at = 0; at < bytes.length; at += chunk) reader.push(bytes.subarray(at, at + chunk));
  reader.end();
  take(assembler.flush());
  return { kills, suppressed, formats: reader.formats, skippedBytes: reader.skippedBytes };
}

/** The bytes of a capture, decompressed; of a broken archive what can be read. */
export function readBytes(path: string): Buffer {
  const bytes = readFileSync(path);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
  if (!bytes.subarray(0, 4).equals(ZSTD)) return bytes;
  // One call reads one frame: cut before the next one's magic number.
  const next = bytes.indexOf(ZSTD, 4);
  if (next === -1) return zstdDecompressSync(bytes);
  return Buffer.concat([zstdDecompressSync(bytes.subarray(0, next)), zstdDecompressSync(bytes.subarray(next))]);
}

const ZSTD = Buffer.of(0x28, 0xb5, 0x2f, 0xfd);

/** A kill in the truth's own words: what the report and the victim's row in its table say; absent where nothing does. */
export function describeKill({ victim, report }: ReadKill): Record<string, unknown> {
  const named = report.summary === undefined ? report.victims[0] === victim : report.summary.pid === victim.pid;
  const member = victim.groupKill && !named;
  return {
    pid: victim.pid,
    comm: victim.comm,
    uid: victim.uid,
    total_vm_kb: victim.totalVmKb,
    anon_rss_kb: victim.anonRssKb,
    file_rss_kb: victim.fileRssKb,
    shmem_rss_kb: victim.shmemRssKb,
    pgtables_kb: victim.pgtablesKb,
    oom_score_adj: victim.oomScoreAdj,
    constraint: report.constraint,
    group_kill: victim.groupKill || undefined,
    task_memcg: member ? report.groupKillCgroup : report.victimCgroup,
    oom_memcg: report.limitCgroup,
    trigger_pid: report.trigger?.pid,
    trigger_comm: report.trigger?.comm,
    usage_kb: report.memory?.usageKb,
    limit_kb: report.memory?.limitKb,
    failcnt: report.memory?.failcnt,
    tasks_listed: report.tasks?.length,
  };
}
