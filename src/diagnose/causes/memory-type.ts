/** What filled the memory at the kill, where that was not the processes' own: page cache, tmpfs, the kernel. */

import type { Fact } from "../diagnosis.ts";
import { type Case, shareOf } from "../input.ts";
import { type Finding, isLimitHit, toScore } from "./cause.ts";

/** More than half of what was used: without it the limit would not have been reached. */
const MOST = 0.5;
/** What more than that adds: at nine tenths there is nothing else to be found. */
const NEARLY_ALL = 0.9;

/** tmpfs cannot be reclaimed without swap, and the kill of who wrote it frees nothing of it. */
export function weighTmpfs(one: Case): Finding | undefined {
  const share = filledShare(one, "shmem");
  if (share === undefined) return undefined;
  const volumes = one.who?.podFacts?.memoryVolumes ?? [];
  const own = volumes.filter(
    ({ containers }) => one.who?.container === undefined || containers.includes(one.who.container),
  );
  const facts = [filledFact(one, "shmem", "tmpfs and shared memory hold {bytes} ({percent}) of what was used")];
  for (const { name, sizeLimit } of own.slice(0, MAX_VOLUMES)) {
    facts.push({
      says:
        sizeLimit === undefined
          ? "its volume {volume} is an emptyDir in memory, without a size of its own"
          : "its volume {volume} is an emptyDir in memory of {size} at most",
      figures: { volume: { name }, ...(sizeLimit === undefined ? {} : { size: { bytes: sizeLimit } }) },
      source: "kubernetes",
    });
  }
  return { score: toScore(0.7 + more(share) + (own.length > 0 ? 0.15 : 0)), facts };
}

const MAX_VOLUMES = 4;

/** Clean page cache is given back before anybody is killed: it must have been dirty, or in use all the time. */
export function weighPageCache(one: Case): Finding | undefined {
  const share = filledShare(one, "file");
  if (share === undefined) return undefined;
  const { file = 0, dirty } = one.use;
  const facts = [filledFact(one, "file", "page cache holds {bytes} ({percent}) of what was used")];
  const isDirty = dirty !== undefined && dirty >= MOST * file;
  if (isDirty) {
    facts.push({
      says: "{bytes} of it had not been written to disk yet, so that it could not be dropped",
      figures: { bytes: { bytes: dirty } },
      source: "report",
    });
  }
  return { score: toScore(0.55 + more(share) + (isDirty ? 0.2 : 0)), facts };
}

export function weighKernelMemory(one: Case): Finding | undefined {
  const { kmem } = one.kill.report;
  const isKmemLimit = kmem?.limitKb !== undefined && kmem.usageKb >= NEARLY_ALL * kmem.limitKb;
  if (isKmemLimit && isLimitHit(one)) {
    return {
      score: 0.9,
      facts: [
        {
          says: "the limit of kernel memory alone was reached: {used} of {limit}",
          figures: { used: { bytes: kmem.usageKb * 1024 }, limit: { bytes: (kmem.limitKb ?? 0) * 1024 } },
          source: "report",
        },
      ],
    };
  }
  const share = filledShare(one, "kernel");
  if (share === undefined) return undefined;
  const says = "the kernel's own memory (slab, page tables, stacks) holds {bytes} ({percent}) of what was used";
  return { score: toScore(0.75 + more(share)), facts: [filledFact(one, "kernel", says)] };
}

type Kind = "file" | "shmem" | "kernel";

/** @returns undefined where it was not most of it */
function filledShare(one: Case, kind: Kind): number | undefined {
  const share = isLimitHit(one) ? shareOf(one.use, one.use[kind]) : undefined;
  return share !== undefined && share >= MOST ? share : undefined;
}

function more(share: number): number {
  return share >= NEARLY_ALL ? 0.1 : 0;
}

function filledFact({ use, unreported }: Case, kind: Kind, says: string): Fact {
  const percent = (shareOf(use, use[kind]) ?? 0) * 100;
  const source = unreported === undefined ? "report" : "history";
  return { says, figures: { bytes: { bytes: use[kind] ?? 0 }, percent: { percent } }, source };
}
