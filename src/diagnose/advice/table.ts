/** What is advised for each cause, the command to begin with first. */

import type { Cause } from "../diagnosis.ts";
import type { Case } from "../input.ts";
import { raiseLimit } from "./limit.ts";
import {
  lookIntoAutoscaler,
  lookIntoCgroup,
  lookIntoMemoryNodes,
  lookIntoPod,
  lookIntoSlab,
  lookIntoTmpfs,
  relieveNode,
} from "./look.ts";
import { adviseRuntime } from "./runtime.ts";

type Advise = (one: Case, cause: Cause) => string[];

const ADVICE: Readonly<Record<Cause, readonly Advise[]>> = {
  limit_too_low: [raiseLimit, adviseRuntime, lookIntoAutoscaler],
  // A larger limit is reached a little later.
  leak: [adviseRuntime, lookIntoCgroup, raiseLimit, lookIntoAutoscaler],
  spike: [raiseLimit, adviseRuntime, lookIntoAutoscaler],
  page_cache: [lookIntoCgroup, raiseLimit],
  tmpfs: [lookIntoTmpfs, raiseLimit],
  kernel_memory: [lookIntoSlab, raiseLimit],
  node_pressure: [relieveNode],
  neighbour: [lookIntoPod, raiseLimit],
  cpuset: [lookIntoMemoryNodes],
  memory_policy: [lookIntoMemoryNodes],
  sysrq: [],
  unknown: [raiseLimit, adviseRuntime],
};

export function advise(one: Case, cause: Cause): string[] {
  return ADVICE[cause].flatMap((of) => of(one, cause));
}
