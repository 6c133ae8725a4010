/** What was seen of the test kill → a result for each step of its way, with its time from the moment it was asked for. */
import type { CheckResult } from "../check.ts";
import type { Follower } from "./follow.ts";
import type { TestCgroup } from "./test-cgroup.ts";

export interface TestKillFacts {
  cgroup: Pick<TestCgroup, "path" | "limit">;
  /** in this process's pid namespace */
  pid: number;
  /** CLOCK_MONOTONIC in milliseconds: it was told to take memory, and it was seen to be dead */
  startMs: number;
  killedMs: number;
  follower: Pick<Follower, "seen" | "targets" | "reads" | "troubles">;
}

export function tellSteps(facts: TestKillFacts): CheckResult[] {
  return [tellKill(facts), tellLine(facts), tellCounter(facts), tellRecord(facts), ...tellDeliveries(facts)];
}

function after({ startMs }: TestKillFacts, atMs: number): number {
  return Math.round(atMs - startMs);
}

function tellKill(facts: TestKillFacts): CheckResult {
  const { cgroup, pid, killedMs, follower } = facts;
  const ms = after(facts, killedMs);
  return {
    name: "test kill",
    status: "ok",
    says: `a process (pid ${pid}) was OOM-killed in ${cgroup.path} after ${ms} ms`,
    detail: { cgroup: cgroup.path, limit: cgroup.limit, pid, ms, troubles: [...follower.troubles] },
  };
}

function tellLine(facts: TestKillFacts): CheckResult {
  const name = "its log line";
  const { seen, reads } = facts.follower;
  if (!reads.log) return { name, status: "skipped", says: "the kernel's log is not read" };
  if (seen.lineMs === undefined) {
    return {
      name,
      status: "failed",
      says: "the kernel's log was read, and its line did not come",
      advice:
        "look for `Killed process` in dmesg: where it is there, --kmsg is not the log of this kernel, or it overflows",
    };
  }
  const ms = after(facts, seen.lineMs);
  return { name, status: "ok", says: `was read from the kernel's log after ${ms} ms`, detail: { ms } };
}

function tellCounter(facts: TestKillFacts): CheckResult {
  const name = "its counter";
  const { seen, reads } = facts.follower;
  if (!reads.counters) return { name, status: "skipped", says: "the cgroups' counters are not read" };
  if (seen.counterMs === undefined) {
    return {
      name,
      status: "failed",
      says: "the cgroup's counter of kills was read, and did not move",
      advice: "the kernel may not count kills (before Linux 4.13); the log alone tells of them then",
    };
  }
  const ms = after(facts, seen.counterMs);
  return { name, status: "ok", says: `the cgroup's count of kills was seen to move after ${ms} ms`, detail: { ms } };
}

function tellRecord(facts: TestKillFacts): CheckResult {
  const name = "its record";
  const { record, recordMs } = facts.follower.seen;
  if (record === undefined || recordMs === undefined) {
    return { name, status: "failed", says: "no record was made of it", advice: "report it, with this output as JSON" };
  }
  const { attributes } = record;
  const ms = after(facts, recordMs);
  const evidence = String(attributes["oom.evidence"]);
  const detail = { ms, uid: attributes["log.record.uid"], evidence: attributes["oom.evidence"], body: record.body };
  const says = `was made after ${ms} ms, of ${evidence.replaceAll(",", ", ")}`;
  if (attributes["oom.test"] !== true) {
    return {
      name,
      status: "warning",
      says: `${says}; its cgroup is ${attributes["oom.attribution"]}, so that it is not marked as a test`,
      advice: "the kernel's rate limit dropped its report and no counter told: try again when the node is quiet",
      detail,
    };
  }
  return { name, status: "ok", says, detail };
}

function tellDeliveries(facts: TestKillFacts): CheckResult[] {
  const name = "its delivery";
  const { seen, targets } = facts.follower;
  if (seen.record === undefined) return [{ name, status: "skipped", says: "there was nothing to deliver" }];
  if (targets.length === 0) return [{ name, status: "skipped", says: "records are printed, and sent nowhere" }];
  return targets.map((target) => {
    const answer = seen.deliveries.get(target);
    if (answer === undefined) {
      return { name, status: "failed", says: `${target} has not answered`, advice: "see endpoint above" };
    }
    const ms = after(facts, answer.atMs);
    const { outcome } = answer;
    if (outcome.kind === "delivered") {
      return { name, status: "ok", says: `${target} has taken it after ${ms} ms`, detail: { target, ms } };
    }
    const why = outcome.kind === "partial" ? outcome.message : outcome.reason;
    return {
      name,
      status: "failed",
      says: `${target}: ${why}`,
      advice: "see endpoint above",
      detail: { target, ms, outcome },
    };
  });
}
