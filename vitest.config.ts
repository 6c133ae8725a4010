import { defineConfig } from "vitest/config";

/** Where .ci/run wants the results as JSON; people read the default reporter's. */
const resultsFile = process.env["OOMSCRIBE_TEST_RESULTS"];

/** What a test waits for comes late on a loaded machine: only what never comes fails. */
const expect = { poll: { timeout: 20_000 } };

export default defineConfig({
  test: {
    reporters: resultsFile === undefined ? ["default"] : ["default", ["json", { outputFile: resultsFile }]],
    projects: [
      {
        // Many start the program several times, which takes seconds each where other work goes on beside it.
        test: { name: "unit", expect, include: ["test/unit/**/*.test.ts"], testTimeout: 30_000 },
      },
      {
        // Real kills on this machine's kernel: one file at a time, and only where that is possible (see test/kernel).
        test: {
          name: "kernel",
          expect,
          include: ["test/kernel/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 120_000,
        },
      },
      {
        // Real kills on Debian's kernels in VMs, one VM at a time, where test/vm/prepare has been run.
        test: { name: "vm", expect, include: ["test/vm/**/*.test.ts"], fileParallelism: false, testTimeout: 30_000 },
      },
      {
        // The manifests and the chart, where test/deploy/prepare has been run.
        test: { name: "deploy", expect, include: ["test/deploy/**/*.test.ts"], testTimeout: 60_000 },
      },
      {
        // The page of --html in Debian's Chromium, where it is there.
        test: { name: "e2e", expect, include: ["test/e2e/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000 },
      },
      {
        // The container image, built and run without a daemon, where buildah and mmdebstrap are there.
        test: {
          name: "image",
          expect,
          include: ["test/image/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 60_000,
        },
      },
      {
        // README's commands on a fresh Debian 12, the whole of the unit tests among them: with nothing beside them.
        test: { name: "install", expect, include: ["test/install/**/*.test.ts"], fileParallelism: false },
      },
    ],
  },
});
