/** What is worth knowing of a kill whatever its cause: what filled the memory, who asked, what went with it. */
import { type Case, DEFAULT_PAGE_SIZE, shareOf, timeOf } from "./case.ts";
import { isLimitHit } from "./causes/cause.ts";
import type { Fact } from "./diagnosis.ts";

/** @param isKnown whether a cause was found */
export function describeCircumstances(one: Case, isKnown: boolean): Fact[] {
  return [
    unreportedFact(one),
    limitFact(one),
    lastLookFact(one),
    anonFact(one),
    firstFillFact(one),
    highFact(one),
    groupFact(one),
    childFact(one),
    repeatFact(one),
    rolloutFact(one),
    autoscalerFact(one),
    autoscalerMemoryFact(one),
    isKnown ? undefined : untoldFact(one),
  ].filter((fact) => fact !== undefined);
}

/** What is missing is the first thing to know of the rest. */
function unreportedFact({ kill, unreported }: Case): Fact | undefined {
  if (unreported === undefined) return undefined;
  if (!kill.evidence.includes("kill_line")) {
    const says = "the kernel's log has no line of it: it is known by the count of kills alone";
    return { says, figures: {}, source: "counter" };
  }
  const says = "the kernel's log has the line of its kill and no report: what filled the memory then it does not tell";
  return { says, figures: {}, source: "kernel log" };
}

function limitFact({ kill, unreported }: Case): Fact | undefined {
  if (unreported !== "told" || kill.limitCgroup === undefined) return undefined;
  return {
    says: "the limit of {cgroup} was hit: its own count of that rose with the kill",
    figures: { cgroup: { name: kill.limitCgroup } },
    source: "counter",
  };
}

const WHETHER_HIT: Readonly<Record<NonNullable<Case["unreported"]>, string>> = {
  told: "",
  likely: ": that its limit was hit is likely, and not told",
  unknown: ": whether its limit was hit is not known",
};

function lastLookFact({ kill, lastLook, unreported }: Case): Fact | undefined {
  if (lastLook === undefined || unreported === undefined) return undefined;
  const isNodes = kill.scope === "node";
  return {
    says: `{seconds} before it held {held} of its limit of {limit}${isNodes ? "" : WHETHER_HIT[unreported]}`,
    figures: {
      seconds: { seconds: lastLook.seconds },
      held: { bytes: lastLook.held },
      limit: { bytes: lastLook.limit },
    },
    source: "history",
  };
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

/** A page faults once when it is first touched: so many more, and some had been given back and taken anew. */
const FIRST_TOUCH = 1.25;

function firstFillFact(one: Case): Fact | undefined {
  const { anon } = one.use;
  const values = one.kill.report.memcgStats?.values;
  const faults = values?.["total_pgfault"] ?? values?.["pgfault"];
  if (!isLimitHit(one) || anon === undefined || faults === undefined) return undefined;
  const pages = Math.round(anon / (one.pageSize ?? DEFAULT_PAGE_SIZE));
  // With huge pages there are fewer faults than pages, which says nothing.
  if (faults < pages || faults > FIRST_TOUCH * pages) return undefined;
  return {
    says: "it has hardly given back a page since its start: {faults} page faults for the {pages} pages that it held",
    figures: { faults: { number: faults }, pages: { number: pages } },
    source: "report",
  };
}

/** cgroup v2 slows down what is above memory.high, and reclaims from it. */
function highFact({ history }: Case): Fact | undefined {
  const { high, samples } = history?.own ?? {};
  const usage = samples?.at(-1)?.usage;
  if (high === undefined || usage === undefined || usage < high) return undefined;
  return {
    says: "it used {usage}, more than its memory.high of {high}: it was slowed down before it was killed",
    figures: { usage: { bytes: usage }, high: { bytes: high } },
    source: "history",
  };
}

function groupFact({ kill: { victim, report } }: Case): Fact | undefined {
  if (!victim.groupKill) return undefined;
  const { victims, victimsBefore = 0, isContinued } = report;
  const number = victimsBefore + (victims?.length ?? 1);
  return {
    says: `${isContinued ? "more than " : ""}{count} processes of its cgroup were killed together, since memory.oom.group is set`,
    figures: { count: { number } },
    source: "report",
  };
}

/** Kubernetes tells of a container that ends, and of nothing else. */
function childFact({ kill, who }: Case): Fact | undefined {
  // Of a group all are killed, and whether it was one only a line tells.
  if (kill.pid1 !== false || kill.victim.groupKill || !kill.evidence.includes("kill_line")) return undefined;
  const says =
    who?.podFacts === undefined
      ? "it was a child process: the container's own process was not killed"
      : "it was a child process: the container's own process was not killed, so Kubernetes may say nothing of it";
  return { says, figures: {}, source: "report" };
}

function repeatFact({ repeats }: Case): Fact | undefined {
  if (repeats === undefined || repeats.recent < 2) return undefined;
  const says = "the same container of its workload was killed {times} on this node within ten minutes";
  return { says, figures: { times: { count: repeats.recent } }, source: "history" };
}

/** Seconds: what was rolled out before is hardly a change any more. */
const RECENT_ROLLOUT = 3600;

/** A rollout back to what was before takes its ReplicaSet again: that is as old as it was. */
function rolloutFact(one: Case): Fact | undefined {
  const createdMs = one.who?.owners.find(({ kind }) => kind === "ReplicaSet")?.createdMs;
  const atMs = timeOf(one);
  if (createdMs === undefined || atMs === undefined) return undefined;
  const age = Math.max(0, atMs - createdMs) / 1000;
  if (age > RECENT_ROLLOUT) return undefined;
  const first = one.isFirstOfRollout ? ", and this is the first kill of it on this node" : "";
  const says = `what it runs was rolled out {age} before: its ReplicaSet was made then${first}`;
  return { says, figures: { age: { seconds: age } }, source: "kubernetes" };
}

function autoscalerFact({ autoscaler }: Case): Fact | undefined {
  if (autoscaler?.isAtMaximum !== true) return undefined;
  const more = autoscaler.wantsMore ? ", and its metrics ask for more" : "";
  return {
    says: `its HorizontalPodAutoscaler {name} is at its maximum of {max} replicas${more}`,
    figures: { name: { name: autoscaler.name }, max: { number: autoscaler.max } },
    source: "kubernetes",
  };
}

/** A container without a request gets its limit for one, so that a higher limit is a lower utilization. */
function autoscalerMemoryFact(one: Case): Fact | undefined {
  const percent = one.autoscaler?.memoryPercent;
  const memory = one.who?.containerFacts?.memory;
  if (percent === undefined || memory?.limit === undefined || !isLimitHit(one)) return undefined;
  if (memory.request !== undefined && memory.request !== memory.limit) return undefined;
  return {
    says: "its HorizontalPodAutoscaler scales at {percent} of the requested memory, and the request is the limit: with a higher one it scales later",
    figures: { percent: { percent } },
    source: "kubernetes",
  };
}

/** Of the commonest kill, private memory at the limit, a log holds the end alone. */
function untoldFact(one: Case): Fact | undefined {
  if (!isLimitHit(one) || one.history?.own !== undefined || !one.kill.evidence.includes("kill_line")) return undefined;
  const says = "whether it grew for long, rose at once or never fit, the kernel's log alone does not tell";
  return { says, figures: {}, source: "report" };
}
