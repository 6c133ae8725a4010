/** Whole OOM reports for tests, line by line as a kernel prints them, with figures that no other report shares. */
import { decodeBytes } from "../parsers/bytes.ts";
import type { KernelRecord } from "../parsers/kernel-record.ts";
import { parseKmsgRecord } from "../parsers/kmsg.ts";
import { createOomAssembler } from "../parsers/oom/assemble.ts";
import type { OomReport } from "../parsers/oom/report.ts";

/** `v2`: 6.x, cgroup v2; `v1`: 6.x, cgroup v1; `global`: the node; `4.14`: no summary. */
export type ReportStyle = "v2" | "v1" | "global" | "4.14";

export interface ReportFigures {
  style: ReportStyle;
  /** pid and sizes are made of it */
  base: number;
  /** byte strings, as the process set them */
  victimName: string;
  triggerName: string;
}

export interface PrintedLine {
  level: number;
  /** byte string, not escaped */
  text: string;
}

const KERN_ERR = 3;
const KERN_WARNING = 4;
const KERN_INFO = 6;

/** A figure of its own for each report, within ±1000 as every oom_score_adj is. */
function scoreAdj({ base }: ReportFigures, which: number): number {
  return base / 10 + which;
}

/** The level at which a line is printed; the stack and Mem-Info have the default one, a warning. */
function levelOf(text: string): number {
  if (/ invoked oom-killer: |^CPU: |^Call Trace| dump_stack|^Mem-Info|^active_anon| pages RAM/.test(text))
    return KERN_WARNING;
  return / sacrifice child$|Killed process /.test(text) && !text.startsWith("[") ? KERN_ERR : KERN_INFO;
}

/** The lines of a report, from its head to the reaper. */
export function printReport(figures: ReportFigures): PrintedLine[] {
  const { style, base, victimName, triggerName } = figures;
  const [pid, trigger] = [base + 1, base + 2];
  const cgroup = cgroupOf(figures);
  const sizes = `total-vm:${base + 10}kB, anon-rss:${base + 11}kB, file-rss:${base + 12}kB, shmem-rss:${base + 13}kB`;
  const prefix = style === "global" ? "Out of memory" : "Memory cgroup out of memory";
  const lines = [
    `${triggerName} invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=${scoreAdj(figures, 20)}`,
    `CPU: 1 PID: ${trigger} Comm: ${triggerName} Not tainted 6.1.${base} #1`,
    "Call Trace:",
    " dump_stack_lvl+0x44/0x5c",
  ];
  if (style === "4.14") lines.push(`Task in ${cgroup} killed as a result of limit of ${cgroup}`);
  if (style === "global") {
    lines.push("Mem-Info:", `active_anon:${base + 21} inactive_anon:${base + 22}\n free:${base + 23}`);
    lines.push(`${base + 24} pages RAM`);
  } else {
    lines.push(`memory: usage ${base + 30}kB, limit ${base + 31}kB, failcnt ${base + 32}`);
    if (style === "v2") lines.push(`swap: usage ${base + 33}kB, limit ${base + 34}kB, failcnt ${base + 35}`);
    else lines.push(`memory+swap: usage ${base + 33}kB, limit ${base + 34}kB, failcnt ${base + 35}`);
    if (style === "4.14") lines.push(`Memory cgroup stats for ${cgroup}: cache:${base + 36}KB rss:${base + 37}KB`);
    else lines.push(`Memory cgroup stats for ${cgroup}:`, `anon ${base + 36}`, `file ${base + 37}`);
  }
  if (style !== "4.14") lines.push("Tasks state (memory values in pages):");
  lines.push(
    "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
    `[${trigger}]     0 ${trigger}     ${base + 40}      ${base + 41}    ${base + 42}        0             0 ${triggerName}`,
    `[${pid}]     ${base + 46} ${pid}     ${base + 43}      ${base + 44}    ${base + 45}        0             ${scoreAdj(figures, 47)} ${victimName}`,
  );
  if (style === "4.14")
    lines.push(`${prefix}: Kill process ${pid} (${victimName}) score ${base + 50} or sacrifice child`);
  else {
    const [constraint, limit] = style === "global" ? ["NONE", "global_oom"] : ["MEMCG", `oom_memcg=${cgroup}`];
    lines.push(
      `oom-kill:constraint=CONSTRAINT_${constraint},nodemask=(null),cpuset=/${base},mems_allowed=0,${limit},task_memcg=${cgroup},task=${victimName},pid=${pid},uid=${base + 14}`,
    );
  }
  const kill =
    style === "4.14"
      ? `Killed process ${pid} (${victimName}) ${sizes}`
      : `${prefix}: Killed process ${pid} (${victimName}) ${sizes}, UID:${base + 14} pgtables:${base + 15}kB oom_score_adj:${scoreAdj(figures, 16)}`;
  lines.push(kill);
  lines.push(
    `oom_reaper: reaped process ${pid} (${victimName}), now anon-rss:${base + 17}kB, file-rss:${base + 18}kB, shmem-rss:${base + 19}kB`,
  );
  return lines.map((text) => ({ level: levelOf(text), text }));
}

export function cgroupOf({ base }: ReportFigures): string {
  return `/kubepods/burstable/pod${base}`;
}

/** What a reader must find in the whole report, its records apart. */
export function reportOf(figures: ReportFigures): Omit<OomReport, "records"> {
  const { style, base } = figures;
  const [victimName, triggerName] = [decodeBytes(figures.victimName), decodeBytes(figures.triggerName)];
  const [pid, trigger] = [base + 1, base + 2];
  const cgroup = cgroupOf(figures);
  const isGlobal = style === "global";
  const usage = { usageKb: base + 30, limitKb: base + 31, failcnt: base + 32 };
  const swap = { usageKb: base + 33, limitKb: base + 34, failcnt: base + 35 };
  const unit = style === "4.14" ? 1024 : 1;
  const constraint = isGlobal ? "none" : "memcg";
  return {
    victims: [
      {
        pid,
        comm: victimName,
        totalVmKb: base + 10,
        anonRssKb: base + 11,
        fileRssKb: base + 12,
        shmemRssKb: base + 13,
        // What the kill line does not hold its row in the table tells.
        ...(style === "4.14"
          ? { uid: base + 46, oomScoreAdj: scoreAdj(figures, 47) }
          : { uid: base + 14, pgtablesKb: base + 15, oomScoreAdj: scoreAdj(figures, 16) }),
        groupKill: false,
        truncated: false,
        reaper: { outcome: "reaped", anonRssKb: base + 17, fileRssKb: base + 18, shmemRssKb: base + 19 },
      } as OomReport["victims"][number],
    ],
    constraint,
    outcome: "killed",
    missing: [],
    trigger: {
      comm: triggerName,
      pid: trigger,
      gfpMask: "0xcc0",
      gfpFlags: "GFP_KERNEL",
      order: 0,
      oomScoreAdj: scoreAdj(figures, 20),
    },
    kernelRelease: `6.1.${base}`,
    victimCgroup: cgroup,
    tasks: [
      taskRow(trigger, base + 40, triggerName),
      { ...taskRow(pid, base + 43, victimName), uid: base + 46, oomScoreAdj: scoreAdj(figures, 47) },
    ],
    ...(isGlobal
      ? {
          nodeMemory: {
            pages: { active_anon: base + 21, inactive_anon: base + 22, free: base + 23 },
            totalPages: base + 24,
          },
        }
      : {
          limitCgroup: cgroup,
          memory: usage,
          ...(style === "v2" ? { swap } : { memsw: swap }),
          memcgStats: {
            path: cgroup,
            values: {
              [style === "4.14" ? "cache" : "anon"]: (base + 36) * unit,
              [style === "4.14" ? "rss" : "file"]: (base + 37) * unit,
            },
          },
        }),
    ...(style === "4.14"
      ? {}
      : {
          summary: {
            constraint,
            nodemask: "(null)",
            cpuset: `/${base}`,
            memsAllowed: "0",
            globalOom: isGlobal,
            ...(isGlobal ? {} : { oomMemcg: cgroup }),
            taskMemcg: cgroup,
            comm: victimName,
            pid,
            uid: base + 14,
          },
        }),
  };
}

function taskRow(pid: number, base: number, comm: string): NonNullable<OomReport["tasks"]>[number] {
  return {
    pid,
    comm,
    uid: 0,
    tgid: pid,
    totalVm: base,
    rss: base + 1,
    pgtablesBytes: base + 2,
    swapents: 0,
    oomScoreAdj: 0,
  };
}

/** The lines as /dev/kmsg gives them: escaped by the kernel's rule, numbered, a microsecond apart. */
export function toRecords(lines: readonly (PrintedLine & { caller?: string })[]): KernelRecord[] {
  return lines.map(({ level, text, caller }, seq) => {
    const prefix = `${level},${seq},${1_000_000 + seq},-${caller === undefined ? "" : `,caller=${caller}`}`;
    const record = parseKmsgRecord(`${prefix};${escapeText(text)}`);
    if (record === undefined) throw new Error(`no record: ${prefix};${text}`);
    return record;
  });
}

/** kernel/printk/printk.c append_char */
function escapeText(text: string): string {
  return text.replace(/[^ -[\]-~]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** All reports of the records, pushed as they come. */
export function assemble(records: readonly KernelRecord[]): OomReport[] {
  const assembler = createOomAssembler();
  const seen = records.flatMap((record) => assembler.push(record, (record.monotonicUs ?? 0) / 1000));
  return [...seen, ...assembler.flush()].flatMap((one) => (one.kind === "report" ? [one.report] : []));
}

/** A report without its records: what the tests compare. */
export function withoutRecords({ records: _, ...report }: OomReport): Omit<OomReport, "records"> {
  return {
    ...report,
    victims: report.victims.map(({ record: __, ...victim }) => victim as (typeof report.victims)[number]),
  };
}
