/** The last line of CI: what counts as passed, failed and skipped. */
import { describe, expect, test } from "vitest";
import { type Results, summarize } from "../../scripts/test-summary.ts";

const ROOT = "/repository/";

type Statuses = readonly string[];

/** Files with the statuses of their tests. */
function results(files: Readonly<Record<string, Statuses>>, fileStatus = "passed"): Results {
  return {
    testResults: Object.entries(files).map(([file, statuses]) => ({
      name: `${ROOT}${file}`,
      status: statuses.includes("failed") ? "failed" : fileStatus,
      assertionResults: statuses.map((status, index) => ({ fullName: `test ${index}`, status })),
    })),
  };
}

const KERNELS = {
  "test/kernel/a.test.ts": ["passed"],
  "test/vm/a.test.ts": ["passed"],
  "test/deploy/a.test.ts": ["passed"],
  "test/image/a.test.ts": ["passed"],
  "test/e2e/a.test.ts": ["passed"],
  "test/install/a.test.ts": ["passed"],
};

test("all passed, some skipped where that may be", () => {
  const { problems, ...counts } = summarize(
    results({ ...KERNELS, "test/unit/a.test.ts": ["passed", "skipped", "todo"] }),
    0,
    ROOT,
  );
  expect(counts).toEqual({ passed: 7, failed: 0, skipped: 2 });
  expect(problems).toEqual([]);
});

describe("a failure is", () => {
  test.each<[string, Results | undefined, number, string]>([
    ["no result at all", undefined, 1, "no test has run"],
    ["no result, whatever the status", undefined, 0, "no test has run"],
    ["no test", results({}), 0, "no test has run"],
    [
      "a test that failed",
      results({ ...KERNELS, "test/unit/a.test.ts": ["failed"] }),
      1,
      "test/unit/a.test.ts: test 0",
    ],
    ["a test that has not ended", results({ ...KERNELS, "test/unit/a.test.ts": ["pending"] }), 1, "a.test.ts: test 0"],
    [
      "a skipped VM",
      results({ ...KERNELS, "test/vm/a.test.ts": ["passed", "skipped"] }),
      0,
      "test/vm/a.test.ts: test 1",
    ],
    [
      "a skipped kill",
      results({ ...KERNELS, "test/kernel/b.test.ts": ["skipped"] }),
      0,
      "test/kernel/b.test.ts: test 0",
    ],
    [
      "a skipped deployment",
      results({ ...KERNELS, "test/deploy/b.test.ts": ["skipped"] }),
      0,
      "test/deploy/b.test.ts: test 0",
    ],
    [
      "a skipped image",
      results({ ...KERNELS, "test/image/b.test.ts": ["skipped"] }),
      0,
      "test/image/b.test.ts: test 0",
    ],
    ["a skipped browser", results({ ...KERNELS, "test/e2e/b.test.ts": ["skipped"] }), 0, "test/e2e/b.test.ts: test 0"],
    ["no test in a VM", results({ ...KERNELS, "test/vm/a.test.ts": [] }), 0, "no test of test/vm/ has run"],
    ["a status that no test explains", results(KERNELS), 1, "the status is 1"],
  ])("%s", (_, given, status, sentence) => {
    const { failed, problems } = summarize(given, status, ROOT);
    expect(failed).toBe(1);
    expect(problems).toEqual([expect.stringContaining(sentence)]);
  });

  test("a file that cannot be loaded", () => {
    const { failed, problems } = summarize(
      {
        testResults: [...results(KERNELS).testResults, ...results({ "test/unit/a.test.ts": [] }, "failed").testResults],
      },
      1,
      ROOT,
    );
    expect({ failed, problems }).toEqual({ failed: 1, problems: ["failed: test/unit/a.test.ts: "] });
  });

  test("every VM test skipped: each, and that none has run", () => {
    const { failed } = summarize(results({ ...KERNELS, "test/vm/a.test.ts": ["skipped", "skipped"] }), 0, ROOT);
    expect(failed).toBe(3);
  });
});
