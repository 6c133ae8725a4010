/** One process killed for memory: what the kernel said, what it rests on, and how sure its container is. */
import { type CgroupIdentity, parseCgroupPath } from "../../parsers/cgroup/path.ts";
import type { KernelRecord } from "../../parsers/kernel-record.ts";
import type { OomReport, Victim } from "../../parsers/oom/report.ts";

/** Where the knowledge of a kill comes from. */
export type Evidence = "report" | "kill_line" | "counter" | "tracepoint" | "proc";

/**
 * How the victim's cgroup is known: from its own line (exact), by a written rule (inferred), or not at all. Unverified:
 * the log has the kill and no count of the kernel does, so that nobody may have been killed.
 */
export type Attribution = "exact" | "inferred" | "unknown" | "unverified";

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
  /** whether the victim was PID 1 of its pid namespace: the container's own process */
  pid1?: boolean;
  /** cgroups that the kernel's counters leave to choose from, where the attribution is unknown */
  candidates?: readonly string[];
  /** a counter told this kill before its line came: the record takes that one's name */
  toldBefore?: UnloggedKill;
}

/** What the tracepoint said of a victim whose kill line is lost; sizes in kB. */
export type MarkedVictim = Pick<Victim, "pid"> & Partial<Omit<Victim, "pid" | "record" | "groupKill" | "truncated">>;

/** A kill that the kernel counted and its log, as far as it could be read, does not hold. */
export interface UnloggedKill {
  /** what counted it: a cgroup's path, or `node` for the node's own count where no cgroup's tells */
  counter: string;
  /** the counter's value with this kill */
  value: number;
  /** CLOCK_MONOTONIC in milliseconds: it happened after the one and not after the other */
  afterMs: number;
  untilMs: number;
  evidence: Evidence[];
  attribution: Attribution;
  /** known where the tracepoint told */
  victim?: MarkedVictim;
  candidates?: readonly string[];
  victimCgroup?: string;
  identity?: CgroupIdentity;
  pid1?: boolean;
  /** whose memory ran out, where the counters tell (cgroup v2); absent: they do not */
  scope?: Scope;
  /** the limit that was hit, where it is known whose */
  limitCgroup?: string;
  /** some cgroup's limit was hit, or none was; absent: not known */
  isLimit?: boolean;
}

export function addEvidence(kill: Kill, evidence: Evidence): void {
  if (!kill.evidence.includes(evidence)) kill.evidence.push(evidence);
}

export function placeIn(kill: Kill | UnloggedKill, cgroup: string, attribution: Attribution): void {
  kill.victimCgroup = cgroup;
  kill.identity = parseCgroupPath(cgroup);
  kill.attribution = attribution;
}
