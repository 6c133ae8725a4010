import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"] } },
      {
        // Real kills on this machine's kernel: one file at a time, and only where that is possible (see test/kernel).
        test: { name: "kernel", include: ["test/kernel/**/*.test.ts"], fileParallelism: false, testTimeout: 120_000 },
      },
      {
        // Real kills on Debian's kernels in VMs, one VM at a time, where test/vm/prepare has been run.
        test: { name: "vm", include: ["test/vm/**/*.test.ts"], fileParallelism: false, testTimeout: 30_000 },
      },
    ],
  },
});
