/** What holds for any kernel log: nothing throws, nothing is invented, and no kill has another's figures. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseKmsgRecord } from "../../../../parsers/kmsg.ts";
import type { OomReport } from "../../../../parsers/oom/report.ts";
import { makeRecord } from "../../../kills.ts";
import {
  assemble,
  type PrintedLine,
  printReport,
  type ReportFigures,
  reportOf,
  toRecords,
  withoutRecords,
} from "../../../report-lines.ts";

const style = fc.constantFrom("v2" as const, "v1" as const, "global" as const, "4.14" as const);
/** COMM: up to 15 bytes, any but NUL. */
const name = fc.oneof(
  fc.array(fc.integer({ min: 1, max: 255 }), { maxLength: 15 }).map((bytes) => String.fromCharCode(...bytes)),
  fc
    .array(fc.constantFrom("a", ")", "(", ",", " ", "\n", "[", "=", ":", "1", "kB", "pid=", "task=", "\\x0a", "\xff"), {
      maxLength: 8,
    })
    .map((parts) => parts.join("").slice(0, 15)),
);
const plainName = fc.constantFrom("java", "node", "worker (child)", "x,pid=1,uid=0", "");

/** Two reports whose figures have no number in common. */
const twoReports = fc
  .record({ styles: fc.tuple(style, style), names: fc.tuple(plainName, plainName, plainName, plainName) })
  .map(({ styles, names }): [ReportFigures, ReportFigures] => [
    { style: styles[0], base: 1_000, victimName: names[0], triggerName: names[1] },
    { style: styles[1], base: 5_000, victimName: names[2], triggerName: names[3] },
  ]);

describe("anything as a record's text", () => {
  const fragment = fc.constantFrom(
    "Killed process ",
    "Memory cgroup out of memory: ",
    "Out of memory: ",
    "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/",
    ",task_memcg=/,task=",
    ",pid=12,uid=0",
    "12 (",
    ") total-vm:1kB, anon-rss:2kB, file-rss:3kB",
    " invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
    "Tasks in / are going to be killed due to memory.oom.group set",
    "memory: usage 1kB, limit 2kB, failcnt 3",
    "Memory cgroup stats for /:",
    "[  pid  ]   uid  tgid name",
    "[   12]     0 12 a",
    "Mem-Info:",
    "oom_reaper: reaped process 12 (a), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
    "Memory cgroup out of memory: OOM victim 12 (a) is already exiting. Skip killing the task",
    "CPU: 1 PID: 12 Comm: ",
    "Task in / killed as a result of limit of /",
    "\n",
    "a",
  );
  const bytes = fc.array(fc.integer({ min: 0, max: 255 })).map((codes) => String.fromCharCode(...codes));
  const text = fc.array(fc.oneof(fragment, bytes), { maxLength: 6 }).map((parts) => parts.join(""));
  const record = fc.record({
    text,
    origin: fc.constantFrom("kernel" as const, "unknown" as const, "user" as const),
    seq: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }),
    caller: fc.option(fc.constantFrom("T1", "C0"), { nil: undefined }),
    flag: fc.constantFrom("-", "c", "+", undefined),
    level: fc.constantFrom(3, 6, undefined),
  });

  test("never throws, and no kill without a kernel's line that names its pid", () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 30 }), (records) => {
        const made = records.map((one) => makeRecord(one.text, one));
        const named = made.filter(({ origin }) => origin !== "user").map((one) => one.text);
        for (const { victims } of assemble(made)) {
          for (const { pid } of victims)
            expect(named.some((line) => line.includes(`Killed process ${pid}`))).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("parseKmsgRecord never throws, and only facility 0 is the kernel's", () => {
    fc.assert(
      fc.property(fc.nat(300), bytes, (priority, rest) => {
        const read = parseKmsgRecord(`${priority},1,2,-;${rest}`);
        expect(read?.origin).toBe(priority < 8 ? "kernel" : "user");
        expect(() => parseKmsgRecord(rest)).not.toThrow();
      }),
    );
  });
});

test("any name comes back as it was and moves no field", () => {
  fc.assert(
    fc.property(style, name, name, (kind, victimName, triggerName) => {
      const figures: ReportFigures = { style: kind, base: 7_000, victimName, triggerName };
      expect(assemble(toRecords(printReport(figures))).map(withoutRecords)).toEqual([reportOf(figures)]);
    }),
    { numRuns: 400 },
  );
});

describe("other lines between those of a report", () => {
  const NOISE: readonly PrintedLine[] = [
    "usb 1-1: new high-speed USB device number 7 using xhci_hcd",
    'audit: type=1400 audit(1.2:3): apparmor="DENIED" pid=7 comm="Killed process"',
    "eth0: renamed from veth1a2b",
    "e1000e 0000:00:19.0 eth0: NIC Link is Up 1000 Mbps",
    "page_pool_release_retry() stalled pool shutdown: id 12, 1 inflight 60 sec",
    "java: page allocation failure: order:4, mode:0xc0(GFP_KERNEL)",
    "[drm] Initialized i915",
    "TCP: request_sock_TCP: Possible SYN flooding on port 80. Sending cookies.",
    "rcu: INFO: rcu_sched self-detected stall on CPU",
    "cgroup: fork rejected by pids controller in /kubepods/pod1",
    "systemd[1]: Started x.service - total-vm:7kB",
    "traps: java[7] general protection fault ip:7f sp:7f error:0 in libc.so[7f+1]",
  ].map((text) => ({ level: 6, text }));
  /** A program can write what it likes, but never as the kernel. */
  const SPOOFS: readonly PrintedLine[] = [
    "Out of memory: Killed process 1 (init) total-vm:1kB, anon-rss:1kB, file-rss:1kB, shmem-rss:1kB, UID:0 pgtables:4kB oom_score_adj:0",
    "sh invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
    "memory: usage 1kB, limit 1kB, failcnt 1",
    "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/s,task_memcg=/s,task=s,pid=1,uid=0",
  ].map((text) => ({ level: 8 | 4, text }));

  test("change nothing", () => {
    const insertion = fc.tuple(fc.nat(30), fc.constantFrom(...NOISE, ...SPOOFS));
    fc.assert(
      fc.property(twoReports, fc.array(insertion, { maxLength: 12 }), ([a, b], insertions) => {
        const lines = [...printReport(a), ...printReport(b)];
        for (const [at, line] of insertions) lines.splice(at, 0, line);
        expect(assemble(toRecords(lines)).map(withoutRecords)).toEqual([reportOf(a), reportOf(b)]);
      }),
      { numRuns: 300 },
    );
  });
});

describe("a kill's fields are its own or absent", () => {
  const keep = fc.array(fc.boolean(), { minLength: 60, maxLength: 60 });

  test("where any lines of two reports were lost", () => {
    fc.assert(
      fc.property(twoReports, keep, (figures, kept) => {
        const records = toRecords(figures.flatMap(printReport)).filter((_, index) => kept[index]);
        expectOwnFields(
          assemble(records),
          figures,
          records.map(({ text }) => text),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  test("where a stretch of two reports was lost", () => {
    fc.assert(
      fc.property(twoReports, fc.nat(40), fc.nat(40), (figures, from, length) => {
        const records = toRecords(figures.flatMap(printReport)).filter((_, at) => at < from || at >= from + length);
        expectOwnFields(
          assemble(records),
          figures,
          records.map(({ text }) => text),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  test("where two reports interleave and the kernel prints the caller, whatever was lost", () => {
    fc.assert(
      fc.property(twoReports, keep, keep, (figures, order, kept) => {
        const records = toRecords(interleave(figures, order, ["T1", "T2"])).filter((_, index) => kept[index]);
        expectOwnFields(
          assemble(records),
          figures,
          records.map(({ text }) => text),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  test("where two reports interleave and nothing tells their lines apart", () => {
    fc.assert(
      fc.property(twoReports, keep, (figures, order) => {
        const records = toRecords(interleave(figures, order));
        expectOwnFields(
          assemble(records),
          figures,
          records.map(({ text }) => text),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  test("where two reports interleave and the kernel prints the caller, nothing is absent", () => {
    fc.assert(
      fc.property(twoReports, keep, (figures, order) => {
        const reports = assemble(toRecords(interleave(figures, order, ["T1", "T2"]))).map(withoutRecords);
        const sorted = reports.toSorted((one, other) => (one.victims[0]?.pid ?? 0) - (other.victims[0]?.pid ?? 0));
        expect(sorted.map(withoutReaper)).toEqual(figures.map(reportOf).map(withoutReaper));
      }),
      { numRuns: 500 },
    );
  });
});

/** The reaper is a thread of its own, with a caller of its own; these tests do not time it. */
function withoutReaper(report: Omit<OomReport, "records">): unknown {
  return { ...report, victims: report.victims.map(({ reaper: _, ...victim }) => victim) };
}

function interleave(
  figures: readonly ReportFigures[],
  order: readonly boolean[],
  callers: string[] = [],
): PrintedLine[] {
  const queues = figures.map((one, index) => {
    const caller = callers[index];
    return printReport(one).map((line) => (caller === undefined ? line : { ...line, caller }));
  });
  const [first = [], second = []] = queues;
  const lines: PrintedLine[] = [];
  for (let at = 0; first.length > 0 || second.length > 0; at++) {
    const queue = second.length === 0 || (first.length > 0 && order[at % order.length]) ? first : second;
    lines.push(...queue.splice(0, 1));
  }
  return lines;
}

/** Each kill line that was kept is one kill, and all that its report says is what its own whole report would say. */
function expectOwnFields(reports: OomReport[], figures: readonly ReportFigures[], texts: readonly string[]): void {
  const pids = texts.flatMap((text) => /^(?:.*: )?Killed process (\d+) /.exec(text)?.[1] ?? []).map(Number);
  expect(reports.flatMap(({ victims }) => victims.map(({ pid }) => pid)).toSorted()).toEqual(pids.toSorted());
  for (const report of reports) {
    for (const victim of report.victims) {
      const own = figures.find(({ base }) => base + 1 === victim.pid);
      if (own === undefined) throw new Error(`no such victim: ${victim.pid}`);
      expectPart({ ...withoutRecords(report), missing: [] }, reportOf(own), []);
    }
  }
}

/** Whether every value that is there is the one of the whole; rows and statistics may be fewer. */
function expectPart(part: unknown, whole: unknown, path: string[]): void {
  if (Array.isArray(part)) {
    for (const item of part)
      expect(whole, path.join(".")).toContainEqual(path.at(-1) === "victims" ? expect.anything() : item);
    if (path.at(-1) === "victims") expectPart(part[0], (whole as unknown[])[0], [...path, "0"]);
  } else if (typeof part === "object" && part !== null) {
    for (const [key, value] of Object.entries(part)) {
      if (key === "constraint" && value === "unknown") continue;
      expectPart(value, (whole as Record<string, unknown> | undefined)?.[key], [...path, key]);
    }
  } else {
    expect(part, path.join(".")).toEqual(whole);
  }
}
