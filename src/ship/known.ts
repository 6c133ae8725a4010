/** What is known of a kill beside what the kernel said. */
import type { Diagnosis } from "../diagnose/diagnosis.ts";
import type { NodeFacts } from "../identify/node.ts";
import type { Repeats } from "../identify/repeats.ts";
import type { Who } from "../identify/who.ts";

/** Whatever is not known is absent. */
export interface Known {
  /** whose container it was, where that has a name */
  who?: Who | undefined;
  /** how often its workload was killed here */
  repeats?: Repeats | undefined;
  /** the node as the API has it */
  node?: NodeFacts | undefined;
  /** why */
  diagnosis?: Diagnosis | undefined;
}
