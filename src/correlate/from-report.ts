/** An OOM report → the kills that it names, each with the cgroup that the report's own text gives it. */
import { type CgroupIdentity, parseCgroupPath } from "../../parsers/cgroup/path.ts";
import { findTask } from "../../parsers/oom/find-task.ts";
import type { OomReport, Victim } from "../../parsers/oom/report.ts";
import type { Attribution, Evidence, Kill, Scope } from "./kill.ts";

/** One kill a victim, in the report's order; none where the kernel killed nobody. */
export function toKills(report: OomReport): Kill[] {
  const limit = report.limitCgroup === undefined ? undefined : parseCgroupPath(report.limitCgroup);
  const scope = readScope(report, limit);
  return report.victims.map((victim) => {
    const { cgroup, attribution } = attribute(report, victim);
    const kill: Kill = {
      victim,
      report,
      record: victim.record,
      scope,
      evidence: readEvidence(report),
      attribution,
    };
    if (cgroup !== undefined) {
      kill.victimCgroup = cgroup;
      kill.identity = parseCgroupPath(cgroup);
    }
    if (report.limitCgroup !== undefined) kill.limitCgroup = report.limitCgroup;
    return kill;
  });
}

/** Whose memory ran out, by the cgroup whose limit was hit. */
function readScope({ constraint }: OomReport, limit: CgroupIdentity | undefined): Scope {
  // CONSTRAINT_CPUSET and CONSTRAINT_MEMORY_POLICY are global reports as well (mm/oom_kill.c constrained_alloc).
  if (constraint === "none" || constraint === "cpuset" || constraint === "memory_policy") return "node";
  return limit === undefined ? "unknown" : scopeOf(limit);
}

/** Whose a limit is. */
export function scopeOf(limit: CgroupIdentity): Scope {
  switch (limit.kind) {
    case "container":
      // A limit that the container set below its own cgroup is not the container's.
      return limit.nested === undefined ? "container" : "cgroup";
    case "pod":
      return "pod";
    case "qos":
    case "kubepods":
      return "kubepods";
    default:
      return "cgroup";
  }
}

/**
 * The victim's cgroup and how sure it is: exact where the text ties the path to this pid; inferred where the kill line
 * merely follows the only report under way; unknown where the report's path is another process's.
 */
function attribute(report: OomReport, victim: Victim): { cgroup: string | undefined; attribution: Attribution } {
  const { summary, victimCgroup, groupKillCgroup, victimsBefore } = report;
  const isFirst = victimsBefore === undefined && report.victims[0] === victim;
  const isNamed = summary === undefined ? isFirst : summary.pid === victim.pid;
  if (isNamed && victimCgroup !== undefined) {
    const isExact = summary !== undefined || lists(report, victim);
    return { cgroup: victimCgroup, attribution: isExact ? "exact" : "inferred" };
  }
  if (victim.groupKill && groupKillCgroup !== undefined) {
    // A member may be in a cgroup below: of a container's that is still the container, of a pod's it is not known
    // which. And only where the table is the group's own does it tell a member from the next kill of another cgroup,
    // whose head the kernel has dropped.
    const isContainer = parseCgroupPath(groupKillCgroup).kind === "container";
    const isListed = report.limitCgroup === groupKillCgroup && lists(report, victim);
    return { cgroup: groupKillCgroup, attribution: isContainer && isListed ? "exact" : "inferred" };
  }
  return { cgroup: undefined, attribution: "unknown" };
}

function lists({ tasks }: OomReport, { pid }: Victim): boolean {
  return findTask(tasks, pid) !== undefined;
}

function readEvidence(report: OomReport): Evidence[] {
  const hasReport =
    report.trigger !== undefined ||
    report.summary !== undefined ||
    report.limitCgroup !== undefined ||
    report.memory !== undefined ||
    report.tasks !== undefined ||
    report.groupKillCgroup !== undefined;
  return hasReport ? ["report", "kill_line"] : ["kill_line"];
}
