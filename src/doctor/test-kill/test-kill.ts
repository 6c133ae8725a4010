/** `--test-kill`: one real OOM kill in a cgroup of its own, and what became of it on its way to the endpoint. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../../config/read.ts";
import { toCommand } from "../../diagnose/advice/shell.ts";
import { monotonicMs } from "../../sources/clock.ts";
import type { CheckContext, CheckResult } from "../check.ts";
import { type Follower, openFollower } from "./follow.ts";
import { type Hog, startHog } from "./hog.ts";
import { tellSteps } from "./steps.ts";
import { makeTestCgroup, type TestCgroup, TestKillRefused } from "./test-cgroup.ts";

export const TEST_KILL = "test kill";

/** @returns a result for the kill and each step of its way; one that says why there was none */
export async function runTestKill(context: CheckContext): Promise<CheckResult[]> {
  const { config } = context;
  if (config === undefined) return [refused("the configuration cannot be read", "mend it first")];
  let cgroup: TestCgroup;
  try {
    cgroup = makeTestCgroup(context.hostRoot);
  } catch (error) {
    if (!(error instanceof TestKillRefused)) throw error;
    return [refused(error.message, error.advice)];
  }
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  const results: CheckResult[] = [];
  try {
    results.push(...(await killAndFollow({ ...context, config }, cgroup, stop.signal)));
  } catch (error) {
    const why = stop.signal.aborted ? "it was told to stop" : error instanceof Error ? error.message : String(error);
    results.push(refused(why, "try again; what the kernel says of it is in dmesg"));
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    const remains = await cgroup.remove();
    if (remains !== undefined) results.push(notRemoved(cgroup, remains));
  }
  return results;
}

function refused(why: string, advice: string): CheckResult {
  return { name: TEST_KILL, status: "failed", says: `no kill was made: ${why}`, advice };
}

function notRemoved({ directory }: TestCgroup, code: string): CheckResult {
  const says = `${directory} could not be removed (${code})`;
  return { name: TEST_KILL, status: "failed", says, advice: toCommand("rmdir", directory) };
}

/** Reading the log to its end; a start takes less as a rule. */
const READY_MS = 10_000;
const KILL_MS = 20_000;
/** From the kill to its record: a line that is lost is waited for by the correlator. */
const RECORD_MS = 10_000;
/** Above what the configuration gives a batch: the endpoint's own answer is worth more than ours. */
const DELIVERY_GRACE_MS = 2000;
const DEFAULT_TIMEOUT_SECONDS = 10;
const LOOK_MS = 5;

async function killAndFollow(
  context: CheckContext & { config: Config },
  cgroup: TestCgroup,
  signal: AbortSignal,
): Promise<CheckResult[]> {
  const follower = openFollower(context, cgroup.path);
  if (follower === undefined)
    return [refused("neither log nor counters can be read", "see kernel log and cgroups above")];
  let hog: Hog | undefined;
  try {
    hog = await startHog(cgroup);
    await until(() => follower.isReady, READY_MS, signal);
    follower.begin();
    const startMs = monotonicMs();
    const how = await hog.kill(KILL_MS);
    const killedMs = monotonicMs();
    if (how?.signal !== "SIGKILL") {
      const ended = how === undefined ? "still runs" : `ended with ${how.signal ?? how.status}`;
      return [
        refused(`the process was to be killed and ${ended}`, "look whether memory limits work here, and at dmesg"),
      ];
    }
    await until(() => isRecorded(follower), RECORD_MS, signal);
    const timeout = context.config.settings["otlp-timeout"] ?? DEFAULT_TIMEOUT_SECONDS;
    if (follower.seen.record !== undefined) {
      await until(() => isAnswered(follower), timeout * 1000 + DELIVERY_GRACE_MS, signal);
    }
    return tellSteps({ cgroup, pid: hog.pid, startMs, killedMs, follower });
  } finally {
    hog?.close();
    await follower.close();
  }
}

/** Each source has told what it can. */
function isRecorded({ seen, reads }: Follower): boolean {
  const hasLine = !reads.log || seen.lineMs !== undefined;
  const hasCount = !reads.counters || seen.counterMs !== undefined;
  return seen.record !== undefined && hasLine && hasCount;
}

function isAnswered({ seen, targets }: Follower): boolean {
  return targets.every((target) => seen.deliveries.has(target));
}

/** Returns when it is so, or when the time is over. @throws Error when told to stop */
async function until(isSo: () => boolean, timeoutMs: number, signal: AbortSignal): Promise<void> {
  const endMs = monotonicMs() + timeoutMs;
  while (!isSo() && monotonicMs() < endMs) await sleep(LOOK_MS, undefined, { signal });
}
