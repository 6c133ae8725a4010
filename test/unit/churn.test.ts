/** What lives as long as the agent: nothing of it grows with all that has ever come and gone. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { ChurnResult } from "../churn/child.ts";
import type { Collection } from "../churn/heap.ts";

const CHILD = fileURLToPath(new URL("../churn/child.ts", import.meta.url));
/** Four cgroups each, and a kill. */
const PODS = 50_000;
/**
 * Room for some hundred entries: what Node itself loads late. The tables of a WeakMap keep their room when the garbage
 * collector empties them.
 */
const SLACK_BYTES = 16 * 1024;
const WEAK_SLACK_BYTES = 64 * 1024;
/** Objects, strings and closures: one for every 25th pod would be as many. */
const SLACK_VALUES = 2000;

function slackOf({ name }: Collection): number {
  return name.endsWith("WeakMap") ? WEAK_SLACK_BYTES : SLACK_BYTES;
}

test(`${4 * PODS} cgroups, ${PODS} pods and as many kills come and go: every collection is as it was`, {
  timeout: 600_000,
}, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [CHILD, String(PODS)], {
    maxBuffer: 64 * 1024 * 1024,
  });
  const { before, after, kills } = JSON.parse(stdout) as ChurnResult;
  expect(kills).toBeGreaterThan(PODS);
  // Those of one name together: a name may be several variables'.
  const was = sumByName(before.collections);
  const grown = [...sumByName(after.collections)].filter(
    ([name, bytes]) => bytes > (was.get(name) ?? 0) + slackOf({ name, bytes }),
  );
  expect(Object.fromEntries(grown)).toEqual({});
  expect(after.values).toBeLessThan(before.values + SLACK_VALUES);
});

function sumByName(collections: readonly Collection[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { name, bytes } of collections) sums.set(name, (sums.get(name) ?? 0) + bytes);
  return sums;
}
