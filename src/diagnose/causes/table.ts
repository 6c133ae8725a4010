/** Every cause and who weighs it, in the order in which they win where two weigh the same. */
import type { Cause } from "../diagnosis.ts";
import type { WeighCause } from "./cause.ts";
import { weighLeak } from "./leak.ts";
import { weighLimitTooLow } from "./limit-too-low.ts";
import { weighKernelMemory, weighPageCache, weighTmpfs } from "./memory-type.ts";
import { weighNeighbour } from "./neighbour.ts";
import { weighCpuset, weighMemoryPolicy, weighNodePressure, weighSysrq } from "./node.ts";
import { weighSpike } from "./spike.ts";

export const CAUSES: Readonly<Record<Exclude<Cause, "unknown">, WeighCause>> = {
  sysrq: weighSysrq,
  cpuset: weighCpuset,
  memory_policy: weighMemoryPolicy,
  node_pressure: weighNodePressure,
  kernel_memory: weighKernelMemory,
  tmpfs: weighTmpfs,
  neighbour: weighNeighbour,
  leak: weighLeak,
  spike: weighSpike,
  limit_too_low: weighLimitTooLow,
  page_cache: weighPageCache,
};
