/**
 * `COMM invoked oom-killer: …`, the first line of a report: the task that asked for memory, often not the victim;
 * and the line that dump_stack prints after it, with that task's pid and the kernel's release.
 * Source: mm/oom_kill.c dump_header, lib/dump_stack.c dump_stack_print_info.
 */
import { decodeBytes } from "../bytes.ts";
import type { Trigger } from "./report.ts";
import { known, optionalNumber, readWording, type Wording } from "./wording.ts";

export const INVOKED_MARKER = " invoked oom-killer: ";

export const INVOKED_WORDINGS: readonly Wording<Trigger>[] = [
  {
    name: "invoked/score-adj",
    since: "2.6.36 (flag names and nodemask= since 4.6, nodemask gone in 4.19)",
    source: "mm/oom_kill.c dump_header",
    example: "java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
    pattern:
      /^([^]*) invoked oom-killer: gfp_mask=(0x[0-9a-f]+)(?:\(([^)]*)\))?,(?: nodemask=[^ ]*,)? +order=(-?\d+),(?: oom_adj=-?\d+,)? oom_score_adj=(-?\d+)$/,
    read: (m) =>
      known<Trigger>({
        comm: decodeBytes(m[1] ?? ""),
        gfpMask: m[2],
        gfpFlags: m[3],
        order: Number(m[4]),
        oomScoreAdj: Number(m[5]),
      }),
  },
  {
    name: "invoked/oom-adj",
    since: "2.6.11 (oomkilladj=, later oom_adj=)",
    source: "mm/oom_kill.c dump_header",
    example: "httpd invoked oom-killer: gfp_mask=0x201da, order=0, oom_adj=0",
    pattern: /^([^]*) invoked oom-killer: gfp_mask=(0x[0-9a-f]+), order=(-?\d+),/,
    read: (m) => ({ comm: decodeBytes(m[1] ?? ""), gfpMask: m[2] ?? "", order: Number(m[3]) }),
  },
  {
    name: "invoked/cut",
    since: "any, where the line was cut",
    source: "mm/oom_kill.c dump_header",
    example: "java invoked oom-killer: gfp_ma",
    pattern: /^([^]*) invoked oom-killer: /,
    read: (m) => ({ comm: decodeBytes(m[1] ?? "") }),
  },
];

/** Reads a report's head. */
export function parseInvoked(text: string): Trigger | undefined {
  return text.includes(INVOKED_MARKER) ? readWording(INVOKED_WORDINGS, text) : undefined;
}

/** What the dump_stack line says of the trigger. */
export interface TriggerTask {
  pid: number;
  uid?: number;
  comm: string;
  kernelRelease?: string;
}

const TAINT = "(?:Not tainted|Tainted: [A-Z() -]*?[A-Z]) +";

export const TRIGGER_TASK_WORDINGS: readonly Wording<TriggerTask>[] = [
  {
    name: "trigger-task/cpu-pid-comm",
    since: "3.10 (UID since 6.12)",
    source: "lib/dump_stack.c dump_stack_print_info",
    example: "CPU: 1 UID: 0 PID: 13233 Comm: java Not tainted 6.18.44 #1 PREEMPT(none)",
    pattern: new RegExp(
      `^CPU: \\d+ (?:UID: (\\d+) )?PID: (\\d+) Comm: ([^]*?) (?:Kdump: \\S+ )?${TAINT}(\\d+\\.\\S+) `,
    ),
    read: (m) => readTriggerTask(m[2], m[1], m[3], m[4]),
  },
  {
    name: "trigger-task/pid-comm",
    since: "2.6.24",
    source: "arch/x86/kernel/dumpstack.c dump_stack",
    example: "Pid: 4321, comm: httpd Not tainted 2.6.32-754.el6.x86_64 #1",
    pattern: new RegExp(`^Pid: (\\d+), comm: ([^]*?) ${TAINT}(\\d+\\.\\S+) `),
    read: (m) => readTriggerTask(m[1], undefined, m[2], m[3]),
  },
  {
    name: "trigger-task/cut",
    since: "3.10, where a line break in COMM splits the line",
    source: "lib/dump_stack.c dump_stack_print_info",
    example: "CPU: 1 UID: 1001 PID: 24653 Comm: bad",
    pattern: /^CPU: \d+ (?:UID: (\d+) )?PID: (\d+) Comm: ([^]*)$/,
    read: (m) => readTriggerTask(m[2], m[1], m[3], undefined),
  },
];

/** Reads the dump_stack line of the trigger. */
export function parseTriggerTask(text: string): TriggerTask | undefined {
  return readWording(TRIGGER_TASK_WORDINGS, text);
}

function readTriggerTask(pid = "", uid: string | undefined, comm = "", release: string | undefined): TriggerTask {
  return known<TriggerTask>({
    pid: Number(pid),
    uid: optionalNumber(uid),
    comm: decodeBytes(comm),
    kernelRelease: release,
  });
}
