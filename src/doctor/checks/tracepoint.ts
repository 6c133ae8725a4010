/** The tracepoint oom:mark_victim: whether a trace of it can be made; it is taken away again at once. */

import { openTracefsInstance } from "../../sources/tracepoint/instance.ts";
import { TracefsUnavailable } from "../../sources/tracepoint/tracefs.ts";
import type { CheckContext, Finding } from "../check.ts";

export function checkTracepoint({ hostRoot }: Pick<CheckContext, "hostRoot">): Finding {
  try {
    const instance = openTracefsInstance(hostRoot, "oom/mark_victim");
    instance.close();
    return {
      status: "ok",
      says: "the tracepoint oom:mark_victim can be read",
      detail: { directory: instance.directory },
    };
  } catch (error) {
    if (!(error instanceof TracefsUnavailable)) throw error;
    // A plain fact, as most nodes are: the agent needs it for nothing that the counters do not tell.
    return { status: "skipped", says: `oom:mark_victim is not read: ${error.message}` };
  }
}
