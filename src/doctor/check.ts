/** What a check of `oomscribe doctor` is given, and what it says. */
import type { Config } from "../config/read.ts";

/** skipped: there was nothing to look at, or what would be looked at is not used. */
export type CheckStatus = "ok" | "warning" | "failed" | "skipped";

/** What one look has found. */
export interface Finding {
  status: CheckStatus;
  /** what is so, for people, in one sentence without its full stop */
  says: string;
  /** what to do about it */
  advice?: string;
  /** figures and facts for programs */
  detail?: Readonly<Record<string, unknown>>;
}

export interface CheckResult extends Finding {
  /** of the check; of several endpoints each has a result of the same name */
  name: string;
}

export interface CheckContext {
  /** as the agent would have it; undefined: the agent would not start with it */
  config: Config | undefined;
  /** why there is none */
  configError: string | undefined;
  /** where the node's own file system is mounted */
  hostRoot: string;
  /** the kernel's log */
  kmsgPath: string;
  /** Oomscribe's own */
  version: string;
}

export interface Check {
  readonly name: string;
  /** @param before results of the checks that stand before it */
  run(
    context: CheckContext,
    before: readonly CheckResult[],
  ): Finding | readonly Finding[] | Promise<Finding | readonly Finding[]>;
}
