/** What is worth knowing of a kill whatever its cause: what filled the memory, who asked, what went with it. */
import { type Case, DEFAULT_PAGE_SIZE, shareOf } from "./case.ts";
import { isLimitHit } from "./causes/cause.ts";
import type { Fact } from "./diagnosis.ts";

/** @param isKnown whether a cause was found */
export function describeCircumstances(one: Case, isKnown: boolean): Fact[] {
  return [
    anonFact(one),
    firstFillFact(one),
    highFact(one),
    groupFact(one),
    childFact(one),
    isKnown ? undefined : untoldFact(one),
  ].filter((fact) => fact !== undefined);
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
  return {
    says: "{count} processes of its cgroup were killed together, since memory.oom.group is set",
    figures: { count: { number: report.victims.length } },
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

/** Of the commonest kill, private memory at the limit, a log holds the end alone. */
function untoldFact(one: Case): Fact | undefined {
  if (!isLimitHit(one) || one.history?.own !== undefined) return undefined;
  const says = "whether it grew for long, rose at once or never fit, the kernel's log alone does not tell";
  return { says, figures: {}, source: "report" };
}
