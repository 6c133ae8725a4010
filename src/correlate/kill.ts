/** One process killed for memory: what the kernel said, what it rests on, and how sure its container is. */
import type { CgroupIdentity } from "../../parsers/cgroup/path.ts";
import type { KernelRecord } from "../../parsers/kernel-record.ts";
import type { OomReport, Victim } from "../../parsers/oom/report.ts";

/** Where the knowledge of a kill comes from. */
export type Evidence = "report" | "kill_line" | "counter" | "tracepoint" | "proc";

/** How the victim's cgroup is known: from its own line (exact), by a written rule (inferred), or not at all. */
export type Attribution = "exact" | "inferred" | "unknown";

/** Whose memory ran out. */
export type Scope = "container" | "pod" | "kubepods" | "cgroup" | "node" | "unknown";

export interface Kill {
  victim: Victim;
  /** the report that names it; a bare kill line has one with everything else missing */
  report: OomReport;
  /** the kill line's record: time, position in the kernel's log, origin */
  record: KernelRecord;
  scope: Scope;
  evidence: Evidence[];
  attribution: Attribution;
  victimCgroup?: string;
  limitCgroup?: string;
  /** victimCgroup read as a path of Kubernetes, a container runtime or systemd */
  identity?: CgroupIdentity;
}
