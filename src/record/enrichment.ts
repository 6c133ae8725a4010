/** What is known of a kill beside what the kernel said. */
import type { Diagnosis } from "../diagnose/diagnosis.ts";
import type { Who } from "../identify/container-metadata.ts";
import type { Surroundings } from "../identify/context/kill-context.ts";

/** Whatever is not known is absent. */
export interface Known extends Partial<Surroundings> {
  /** whose container it was, where that has a name */
  who?: Who | undefined;
  /** why */
  diagnosis?: Diagnosis | undefined;
}
