/** What is worth knowing of a kill whatever its cause: what filled the memory, who asked, what went with it. */
import { type Case, shareOf } from "./case.ts";
import { isLimitHit } from "./causes/cause.ts";
import type { Fact } from "./diagnosis.ts";

export function describeCircumstances(one: Case): Fact[] {
  return [anonFact(one), groupFact(one), childFact(one)].filter((fact) => fact !== undefined);
}

function anonFact(one: Case): Fact | undefined {
  const { anon, whole } = one.use;
  const share = shareOf(one.use, anon);
  if (!isLimitHit(one) || anon === undefined || whole === undefined || share === undefined) return undefined;
  return {
    says: "private memory (heap, stacks) held {anon} ({percent}) of what was used; the limit is {limit}",
    figures: { anon: { bytes: anon }, percent: { percent: share * 100 }, limit: { bytes: whole } },
    source: "report",
  };
}

function groupFact({ kill: { victim, report } }: Case): Fact | undefined {
  if (!victim.groupKill) return undefined;
  return {
    says: "{count} of its cgroup were killed together, since memory.oom.group is set",
    figures: { count: { count: report.victims.length } },
    source: "report",
  };
}

/** Kubernetes tells of a container that ends, and of nothing else. */
function childFact({ kill, who }: Case): Fact | undefined {
  if (kill.pid1 !== false) return undefined;
  const says =
    who?.podFacts === undefined
      ? "it was a child process: the container's own process was not killed"
      : "it was a child process: the container's own process was not killed, so Kubernetes may say nothing of it";
  return { says, figures: {}, source: "report" };
}
