/** `oomscribe doctor --test-kill` on cgroup v2, in a VM: in a container's cgroup, and where it cannot make a kill. */
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { whyNoVm } from "./kernels.ts";
import { runVm } from "./vm.ts";

const reason = whyNoVm();
const SCRIPT = fileURLToPath(new URL("guest/doctor.ts", import.meta.url));

interface Examined {
  where: string;
  status: number;
  stderr: string;
  report: {
    checks: { name: string; status: string; says: string; advice?: string; detail?: Record<string, unknown> }[];
  };
  /** cgroups of tests that are still there */
  left: string[];
}

describe.skipIf(reason !== undefined)("kernel 6.12", () => {
  let all: Examined[];

  beforeAll(async () => {
    const { lines } = await runVm({ kernel: "6.12", script: SCRIPT, timeoutMs: 180_000 });
    all = lines as Examined[];
  }, 400_000);

  const examined = (where: string): Examined => all.find((one) => one.where === where) as Examined;
  const check = (where: string, name: string) => examined(where).report.checks.find((one) => one.name === name);

  test.each([
    ["in a container's cgroup", "container"],
    ["where the node's cgroups are read-only, and mounted once more", "read-only and writable"],
  ])("%s: one kill, followed to its record", (_, where) => {
    expect(examined(where)).toMatchObject({ status: 0, stderr: "", left: [] });
    for (const name of ["test kill", "its log line", "its counter", "its record"]) {
      expect(check(where, name)).toMatchObject({ name, status: "ok" });
    }
    expect(check(where, "cgroups")?.says).toMatch(/^cgroup v2/);
  });

  test("where all of them are read-only none is made", () => {
    expect(examined("read-only")).toMatchObject({ status: 1, left: [] });
    expect(check("read-only", "test kill")).toMatchObject({
      status: "failed",
      says: expect.stringContaining("EROFS"),
    });
  });

  test("where too little memory is left none is made, and nothing is left behind", () => {
    expect(examined("small container")).toMatchObject({ status: 1, left: [] });
    expect(check("small container", "test kill")).toMatchObject({
      status: "failed",
      says: expect.stringContaining("MiB"),
    });
  });

  test("at the root of the hierarchy, as a service without a cgroup of its own", () => {
    expect(examined("root")).toMatchObject({ status: 0, left: [] });
    expect(check("root", "its counter")).toMatchObject({ status: "ok" });
  });
});
