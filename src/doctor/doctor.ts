/** `oomscribe doctor`: runs the checks, prints what they say, and sums it up in its exit status. */
import { ConfigError } from "../config/config-error.ts";
import { type Config, type ConfigSources, readConfig } from "../config/read.ts";
import { CHECKS } from "./all-checks.ts";
import type { Check, CheckContext, CheckResult, Finding } from "./check.ts";
import { printReport } from "./report.ts";
import { runTestKill } from "./test-kill/test-kill.ts";

export interface DoctorOptions extends ConfigSources {
  output: "table" | "json";
  testKill: boolean;
  /** Oomscribe's own */
  version: string;
}

/** @returns the process's exit status: 1 where something has failed */
export async function runDoctor(options: DoctorOptions): Promise<0 | 1> {
  const context = toContext(options);
  const results: CheckResult[] = [];
  for (const check of CHECKS) results.push(...(await runCheck(check, context, results)));
  if (options.testKill) results.push(...(await runTestKill(context)));
  printReport(results, options.output, process.stdout);
  return results.some(({ status }) => status === "failed") ? 1 : 0;
}

/** A check that breaks is a result as well: the others are still worth to be known. */
async function runCheck(
  { name, run }: Check,
  context: CheckContext,
  before: readonly CheckResult[],
): Promise<CheckResult[]> {
  try {
    const found = await run(context, before);
    const findings: readonly Finding[] = Array.isArray(found) ? found : [found as Finding];
    return findings.map((finding) => ({ name, ...finding }));
  } catch (error) {
    const says = `the check itself has failed: ${error instanceof Error ? error.message : String(error)}`;
    return [
      { name, status: "failed", says, advice: "this is a fault of Oomscribe's, or of this node's files: report it" },
    ];
  }
}

/** What says where the node is; what else is wrong must not hide it. */
const OF_THE_NODE = ["host-root", "kmsg"] as const;

function toContext({ flags, env, version }: DoctorOptions): CheckContext {
  const read = (sources: ConfigSources): Config | string => {
    try {
      return readConfig(sources);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return error.message;
    }
  };
  const config = read({ flags, env });
  const ofNode = OF_THE_NODE.flatMap((name) => {
    const given = flags.get(name);
    return given === undefined ? [] : [[name, given] as const];
  });
  const usable = typeof config === "string" ? read({ flags: new Map(ofNode), env: {} }) : config;
  const settings = typeof usable === "string" ? undefined : usable.settings;
  return {
    config: typeof config === "string" ? undefined : config,
    configError: typeof config === "string" ? config : undefined,
    hostRoot: settings?.["host-root"] ?? "/",
    kmsgPath: settings?.kmsg ?? "/dev/kmsg",
    version,
  };
}
