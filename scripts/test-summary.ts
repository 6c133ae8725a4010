/** Says how a test run went, in one last line, from vitest's JSON: `node scripts/test-summary.ts RESULTS STATUS`. */
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

/** What is read of vitest's JSON report (its JsonReporter). */
export interface Results {
  testResults: readonly {
    /** path of the file */
    name: string;
    status: string;
    /** why the file failed apart from its tests */
    message?: string;
    assertionResults: readonly { fullName: string; status: string }[];
  }[];
}

export interface Summary {
  passed: number;
  failed: number;
  skipped: number;
  /** what has failed, a sentence each */
  problems: string[];
}

/** Where a skipped test is a failure, and a run without any test as well. */
const MUST_RUN = ["test/kernel/", "test/vm/", "test/deploy/", "test/image/", "test/e2e/", "test/install/"];
/** More are counted only. */
const MAX_PROBLEMS = 50;

if (import.meta.main) {
  const [file = "", status = "1"] = process.argv.slice(2);
  const { passed, failed, skipped, problems } = summarize(readResults(file), Number(status));
  for (const problem of problems.slice(0, MAX_PROBLEMS)) process.stdout.write(`${problem}\n`);
  if (problems.length > MAX_PROBLEMS) process.stdout.write(`… and ${problems.length - MAX_PROBLEMS} more\n`);
  if (skipped > 0) process.stdout.write(`${skipped} skipped\n`);
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed > 0 ? 1 : 0;
}

/**
 * @param results undefined: there are none, as the run ended before
 * @param status of the command that ran the checks and the tests
 * @param root of the repository, which names of files begin with
 */
export function summarize(
  results: Results | undefined,
  status: number,
  root = fileURLToPath(new URL("../", import.meta.url)),
): Summary {
  const summary: Summary = { passed: 0, failed: 0, skipped: 0, problems: [] };
  const ran = new Set<string>();
  for (const { name, status: fileStatus, message, assertionResults } of results?.testResults ?? []) {
    const file = relative(root, name);
    const place = MUST_RUN.find((folder) => file.startsWith(folder));
    const failedBefore = summary.failed;
    for (const test of assertionResults) {
      const isSkipped = test.status === "skipped" || test.status === "todo";
      if (!isSkipped && place !== undefined) ran.add(place);
      if (test.status === "passed") summary.passed++;
      else if (!isSkipped) fail(summary, `failed: ${file}: ${test.fullName}`);
      else if (place === undefined) summary.skipped++;
      else fail(summary, `skipped, which must not be in CI: ${file}: ${test.fullName}`);
    }
    // A file that cannot be loaded has no tests, or a hook after them has failed.
    if (fileStatus === "failed" && summary.failed === failedBefore) fail(summary, `failed: ${file}: ${message ?? ""}`);
  }
  if (summary.passed + summary.failed === 0) fail(summary, "no test has run");
  else for (const folder of MUST_RUN) if (!ran.has(folder)) fail(summary, `no test of ${folder} has run`);
  // An error outside of every test, or of the checks before them.
  if (status !== 0 && summary.failed === 0) fail(summary, `every test passed, but the status is ${status}: see above`);
  return summary;
}

function fail(summary: Summary, problem: string): void {
  summary.failed++;
  summary.problems.push(problem);
}

function readResults(file: string): Results | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Results;
  } catch {
    // The checks have failed, or vitest was killed.
    return undefined;
  }
}
