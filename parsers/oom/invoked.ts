/**
 * `COMM invoked oom-killer: …`, the first line of a report: the task that asked for memory, often not the victim;
 * and the line that dump_stack prints after it, with that task's pid and the kernel's release.
 * Source: mm/oom_kill.c dump_header, lib/dump_stack.c dump_stack_print_info.
 */
import { decodeBytes } from "../bytes.ts";
import type { KernelRecord } from "../kernel-record.ts";
import { isComm } from "./comm.ts";
import { readCount, readPid, readScoreAdj, readUid } from "./figures.ts";
import type { Trigger } from "./report.ts";
import { known, LEVEL, LONGEST_LINE, readWording, type Wording } from "./wording.ts";

export const INVOKED_MARKER = " invoked oom-killer: ";

/** Orders of pages that can be asked for: −1 is SysRq-f, MAX_PAGE_ORDER is below 64. */
const MAX_ORDER = 64;

export const INVOKED_WORDINGS: readonly Wording<Trigger>[] = [
  {
    name: "invoked/score-adj",
    since: "2.6.36 (flag names and nodemask= since 4.6, nodemask gone in 4.19)",
    source: "mm/oom_kill.c dump_header",
    level: LEVEL.warning,
    example: "java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
    pattern:
      /^([^]*) invoked oom-killer: gfp_mask=(0x[0-9a-f]+)(?:\(([^()]*)\))?,(?: nodemask=[^ ]*,)? {1,2}order=(-?\d+),(?: oom_adj=-?\d+,)? oom_score_adj=(-?\d+)$/,
    read: ([, comm, gfpMask, gfpFlags, order, oomScoreAdj]) =>
      toTrigger(comm, { gfpMask, gfpFlags, order: readOrder(order), oomScoreAdj: readScoreAdj(oomScoreAdj) }),
  },
  {
    name: "invoked/oom-adj",
    since: "2.6.11 (oomkilladj=, later oom_adj=)",
    source: "mm/oom_kill.c dump_header",
    level: LEVEL.warning,
    example: "httpd invoked oom-killer: gfp_mask=0x201da, order=0, oom_adj=0",
    pattern: /^([^]*) invoked oom-killer: gfp_mask=(0x[0-9a-f]+), order=(-?\d+), (?:oomkilladj|oom_adj)=-?\d+$/,
    read: ([, comm, gfpMask, order]) => toTrigger(comm, { gfpMask, order: readOrder(order) }),
  },
  {
    name: "invoked/cut",
    since: "any, where the line was cut",
    source: "mm/oom_kill.c dump_header",
    level: LEVEL.warning,
    example: "java invoked oom-killer: gfp_ma",
    // Nothing but what the whole line can hold: it may be cut, it does not go on in another way.
    pattern:
      /^([^]*) invoked oom-killer: (?:g(?:f(?:p(?:_(?:m(?:a(?:s(?:k)?)?)?)?)?)?)?)?(?:=[0-9a-fx]*(?:\([A-Za-z0-9_|]*\)?)?(?:,[ a-z0-9_=(),-]*)?)?$/,
    read: ([, comm]) => toTrigger(comm, {}),
  },
];

/** A wrong figure is left out; a name that no process can have makes it no head. */
function toTrigger(
  comm = "",
  values: { [K in Exclude<keyof Trigger, "comm">]?: Trigger[K] | undefined },
): Trigger | undefined {
  return isComm(comm) ? known<Trigger>({ comm: decodeBytes(comm), ...values } as Trigger) : undefined;
}

function readOrder(digits: string | undefined): number | undefined {
  const order = digits === "-1" ? -1 : readCount(digits);
  return order !== undefined && order < MAX_ORDER ? order : undefined;
}

/**
 * The head of a report that a record is. Where the record's beginning is known, the line begins with the name; in text
 * of unknown beginning anything may stand before it.
 */
export function readInvoked({ text, level, textStart }: KernelRecord): Trigger | undefined {
  return parseInvoked(text, level) ?? (textStart === "unknown" ? parseEmbeddedInvoked(text, level) : undefined);
}

/** Reads a text that is a report's head. @param level the record's, where it is known */
export function parseInvoked(text: string, level?: number): Trigger | undefined {
  return text.includes(INVOKED_MARKER) ? readWording(INVOKED_WORDINGS, text, level) : undefined;
}

/** What a prefix that no format knows ends with. */
const SEPARATORS = [": ", "] ", "> ", "| ", " "];

/** Reads a text that ends in a head: the name is what stands behind the last separator that leaves a legal one. */
function parseEmbeddedInvoked(text: string, level: number | undefined): Trigger | undefined {
  if (text.length > LONGEST_LINE) return undefined;
  const before = text.slice(0, text.lastIndexOf(INVOKED_MARKER));
  for (const separator of SEPARATORS) {
    const at = before.lastIndexOf(separator);
    const trigger = at === -1 ? undefined : parseInvoked(text.slice(at + separator.length), level);
    if (trigger !== undefined) return trigger;
  }
  return undefined;
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
    read: ([, uid, pid, comm, release]) => readTriggerTask(pid, uid, comm, release),
  },
  {
    name: "trigger-task/pid-comm",
    since: "2.6.24",
    source: "arch/x86/kernel/dumpstack.c dump_stack",
    example: "Pid: 4321, comm: httpd Not tainted 2.6.32-754.el6.x86_64 #1",
    pattern: new RegExp(`^Pid: (\\d+), comm: ([^]*?) ${TAINT}(\\d+\\.\\S+) `),
    read: ([, pid, comm, release]) => readTriggerTask(pid, undefined, comm, release),
  },
  {
    name: "trigger-task/cut",
    since: "3.10, where a line break in COMM splits the line",
    source: "lib/dump_stack.c dump_stack_print_info",
    example: "CPU: 1 UID: 1001 PID: 24653 Comm: bad",
    pattern: /^CPU: \d+ (?:UID: (\d+) )?PID: (\d+) Comm: ([^]*)$/,
    read: ([, uid, pid, comm]) => readTriggerTask(pid, uid, comm, undefined),
  },
];

/** Reads the dump_stack line of the trigger. */
export function parseTriggerTask(text: string): TriggerTask | undefined {
  return readWording(TRIGGER_TASK_WORDINGS, text);
}

function readTriggerTask(
  pidDigits: string | undefined,
  uid: string | undefined,
  comm = "",
  kernelRelease: string | undefined,
): TriggerTask | undefined {
  const pid = readPid(pidDigits, 0);
  if (pid === undefined || !isComm(comm)) return undefined;
  return known<TriggerTask>({ pid, uid: readUid(uid), comm: decodeBytes(comm), kernelRelease });
}
