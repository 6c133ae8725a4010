/** `oomscribe doctor` on this kernel: with all rights, with none, and a real test kill on its way to a real receiver. */
import { type ChildProcess, execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CheckResult } from "../../src/doctor/check.ts";
import { type CliOptions, runCli, runProgram } from "../cli-process.ts";
import { openOtlpReceiver } from "../otlp-receiver.ts";
import { startAgent } from "./agent-process.ts";
import { whyNoKills } from "./cgroup-v1.ts";
import { useCleanups } from "./cleanups.ts";

const reason = whyNoKills();
if (reason !== undefined) process.stderr.write(`test/kernel/doctor.test.ts is skipped: ${reason}\n`);

const CLI = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const cleanups = useCleanups();
let folder: string;

beforeEach(({ skip }) => {
  skip(reason !== undefined, reason);
  folder = mkdtempSync(join(tmpdir(), "oomscribe-doctor-"));
  // Nobody is to look into it as well.
  chmodSync(folder, 0o755);
});

afterEach(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

async function openReceiver(...args: Parameters<typeof openOtlpReceiver>) {
  const receiver = await openOtlpReceiver(...args);
  cleanups.push(() => receiver.close());
  return receiver;
}

interface Report {
  failed: number;
  checks: CheckResult[];
}

async function doctor(args: string[], options: CliOptions = {}) {
  const { stdout, stderr, status } = await runCli(["doctor", "--output", "json", ...args], options);
  expect(stderr).toBe("");
  const { failed, checks } = JSON.parse(stdout) as Report;
  return { status, failed, checks, of: (name: string) => checks.find((check) => check.name === name) };
}

/** Of the memory hierarchy, wherever it is. */
const testCgroups = (): string[] => globSync("/sys/fs/cgroup/memory/**/oomscribe-doctor-*");

/** Where devices can be denied, as container runtimes do it. @returns undefined where there is no such controller */
function makeDevicesCgroup(): string | undefined {
  const path = /^\d+:devices:(.+)$/m.exec(readFileSync("/proc/self/cgroup", "latin1"))?.[1];
  const directory = join("/sys/fs/cgroup/devices", path ?? "", `oomscribe-test-${process.pid}`);
  try {
    mkdirSync(directory);
  } catch {
    return undefined;
  }
  cleanups.push(() => rmdirSync(directory));
  return directory;
}

/** Of the whole node, since boot. */
function nodeKills(): number {
  return Number(/^oom_kill (\d+)$/m.exec(readFileSync("/proc/vmstat", "latin1"))?.[1]);
}

test("with all rights all is well, and nothing is sent but an empty request", async () => {
  const receiver = await openReceiver();
  const { status, failed, of } = await doctor(["--otlp", receiver.url, "--state-dir", join(folder, "state")]);
  expect({ status, failed }).toEqual({ status: 0, failed: 0 });
  for (const name of ["configuration", "kernel", "cgroups", "state directory", "endpoint", "clock"]) {
    expect(of(name)).toMatchObject({ name, status: "ok" });
  }
  // After a storm of another test it goes back less than five minutes, which is a warning.
  expect(of("kernel log")?.says).toMatch(/^\/dev\/kmsg holds [\d,]+ records?, \d+ of them kills/);
  expect(of("cgroups")?.detail).toMatchObject({ kind: expect.stringMatching(/^cgroup v1/), path: "/" });
  expect(receiver.requests()).toHaveLength(1);
  expect(receiver.records()).toEqual([]);
});

describe("--test-kill", () => {
  test("one kill, one record that says it is a test, and nothing left behind", async () => {
    const receiver = await openReceiver();
    const before = nodeKills();
    const { status, of } = await doctor(["--otlp", receiver.url, "--test-kill"]);
    for (const name of ["test kill", "its log line", "its counter", "its record", "its delivery"]) {
      expect(of(name)).toMatchObject({ name, status: "ok" });
    }
    expect(status).toBe(0);
    const [record, ...more] = receiver.records();
    expect(more).toEqual([]);
    const cgroup = String(of("test kill")?.detail?.["cgroup"]);
    expect(cgroup).toMatch(/\/oomscribe-doctor-[0-9a-f]{8}$/);
    expect(record).toMatchObject({
      eventName: "oom.kill",
      attributes: {
        "oom.test": true,
        "process.executable.name": "oomscribe-test",
        "oom.victim.cgroup": cgroup,
        "oom.limit.cgroup": cgroup,
        "oom.scope": "cgroup",
        "oom.attribution": "exact",
        "log.record.uid": of("its record")?.detail?.["uid"],
      },
    });
    expect(nodeKills() - before).toBe(1);
    expect(testCgroups()).toEqual([]);
  });

  test("the line of a test just before is not taken for this one's", async () => {
    for (const _ of [1, 2, 3]) {
      const { status, of } = await doctor(["--stdout", "--test-kill"]);
      expect(status).toBe(0);
      // None is read before the process was told to take memory.
      expect(Number(of("its log line")?.detail?.["ms"])).toBeGreaterThanOrEqual(0);
    }
  });

  test("an agent on the same node tells the same kill, as a test, under the same name", async () => {
    const [ofAgent, ofDoctor] = [await openReceiver(), await openReceiver()];
    const state = join(folder, "state");
    const agent = startAgent(["--otlp", ofAgent.url, "--since", "now", "--state-dir", state]);
    cleanups.push(() => void agent.child.kill("SIGKILL"));
    await agent.logged("agent_started");
    const { status, of } = await doctor(["--otlp", ofDoctor.url, "--state-dir", state, "--test-kill"]);
    expect(status).toBe(0);
    expect(of("state directory")?.says).toContain("in use by a running agent");
    const cgroup = of("test kill")?.detail?.["cgroup"];
    const told = () => ofAgent.records().filter(({ attributes }) => attributes["oom.victim.cgroup"] === cgroup);
    await expect.poll(told, { timeout: 20_000 }).toHaveLength(1);
    const uid = ofDoctor.records()[0]?.attributes["log.record.uid"];
    expect(uid).toMatch(/^[0-9a-f]{32}$/);
    expect(told()[0]?.attributes).toMatchObject({ "oom.test": true, "log.record.uid": uid });
    expect(await agent.stop()).toEqual({ status: 0, signal: null });
    expect(agent.log.filter(({ level }) => level === "error")).toEqual([]);
  });

  test("where records are printed it ends with the record", async () => {
    const { status, of } = await doctor(["--stdout", "--test-kill"]);
    expect(status).toBe(0);
    expect(of("its record")).toMatchObject({ status: "ok" });
    expect(of("its delivery")).toMatchObject({ status: "skipped" });
    expect(testCgroups()).toEqual([]);
  });

  test("an endpoint that takes empty requests and no records: which step failed is told, and the cgroup is gone", async () => {
    const receiver = await openReceiver({
      respond: ({ records }) => (records.length === 0 ? {} : { status: 403, body: "read only" }),
    });
    const { status, of } = await doctor(["--otlp", receiver.url, "--test-kill"]);
    expect(status).toBe(1);
    expect(of("endpoint")).toMatchObject({ status: "ok" });
    expect(of("its record")).toMatchObject({ status: "ok" });
    expect(of("its delivery")).toMatchObject({ status: "failed", says: expect.stringContaining("read only") });
    expect(testCgroups()).toEqual([]);
  });

  test("told to stop in the middle, it removes its cgroup", async () => {
    const receiver = await openReceiver({ respond: ({ records }) => (records.length === 0 ? {} : { hang: true }) });
    let child: ChildProcess | undefined;
    const running = doctor(["--otlp", receiver.url, "--test-kill"], {
      onStart(started) {
        child = started;
      },
    });
    await expect.poll(() => receiver.requests().length, { timeout: 60_000 }).toBe(2);
    expect(testCgroups()).toHaveLength(1);
    const path = testCgroups()[0] ?? "";
    child?.kill("SIGTERM");
    const { status, of } = await running;
    expect(status).toBe(1);
    expect(of("test kill")?.says).toMatch(/told to stop/);
    expect(testCgroups()).not.toContain(path);
  });
});

test("an endpoint that is down is a failure, and what to do is told", async () => {
  const receiver = await openOtlpReceiver();
  await receiver.close();
  const { status, of } = await doctor(["--otlp", receiver.url]);
  expect(status).toBe(1);
  expect(of("endpoint")).toMatchObject({
    status: "failed",
    says: expect.stringContaining("ECONNREFUSED"),
    advice: expect.stringContaining("nothing listens there"),
  });
});

test("a name server that does not answer holds nothing up", async () => {
  const silent = createSocket("udp4");
  cleanups.push(() => void silent.close());
  silent.bind(53, "127.0.0.99");
  await once(silent, "listening");
  // The resolver itself would wait for three seconds.
  const resolvConf = join(folder, "resolv.conf");
  writeFileSync(resolvConf, "nameserver 127.0.0.99\noptions timeout:3 attempts:1\n");
  const script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
  const args = ["doctor", "--output", "json", "--otlp", "http://collector.observability.svc.:4318"];
  const { stdout, status } = await runProgram(
    ["unshare", "--mount", "sh", "-c", script, resolvConf, process.execPath, CLI, ...args],
    { env: { OOMSCRIBE_OTLP_TIMEOUT: "1" } },
  );
  const { checks } = JSON.parse(stdout) as Report;
  expect(status).toBe(1);
  expect(checks.find(({ name }) => name === "endpoint")).toMatchObject({
    status: "failed",
    says: expect.stringMatching(/its name cannot be resolved \(ETIMEDOUT\)$/),
    advice: expect.stringMatching(/^no name server answers/),
  });
});

describe("a test kill where the node's cgroups are mounted read-only below the host root, as the DaemonSet has them", () => {
  const READ_ONLY = `mount --rbind /proc "$0/proc" && mount --rbind /sys "$0/sys" &&
    mount -o remount,bind,ro "$0/sys/fs/cgroup/memory"`;
  const OWN = "/sys/fs/cgroup/memory$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)";

  /** In a mount namespace of its own, which ends with it. @param mounts of the container itself */
  async function doctorBelow(mounts: string) {
    for (const directory of ["proc", "sys"]) mkdirSync(join(folder, directory));
    const script = `${READ_ONLY} && ${mounts} && exec "$@"`;
    const args = ["doctor", "--output", "json", "--stdout", "--host-root", folder, "--test-kill"];
    const { stdout, stderr, status } = await runProgram([
      "unshare",
      ...["--mount", "sh", "-c", script, folder, process.execPath, CLI, ...args],
    ]);
    expect(stderr).toBe("");
    const { checks } = JSON.parse(stdout) as Report;
    return { status, of: (name: string) => checks.find((check) => check.name === name) };
  }

  test.each([
    ["the container has the whole hierarchy", "true"],
    ["the container has its own cgroup alone, as on v1", `mount --bind "${OWN}" /sys/fs/cgroup/memory`],
  ])("%s: it is made there", async (_, mounts) => {
    const { status, of } = await doctorBelow(mounts);
    for (const name of ["test kill", "its log line", "its counter", "its record"]) {
      expect(of(name)).toMatchObject({ name, status: "ok" });
    }
    expect(status).toBe(0);
    expect(testCgroups()).toEqual([]);
  });

  test("the container may write to none of them: it is refused", async () => {
    const before = nodeKills();
    const { status, of } = await doctorBelow("mount -o remount,bind,ro /sys/fs/cgroup/memory");
    expect(status).toBe(1);
    expect(of("test kill")).toMatchObject({
      status: "failed",
      says: expect.stringMatching(/^no kill was made: no cgroup can be made in .* \(EROFS\)$/),
      advice: expect.stringContaining("privileged"),
    });
    expect(nodeKills()).toBe(before);
  });
});

describe("without rights", () => {
  const NOBODY = 65_534;

  test("a kernel log that may not be opened, and a test kill that may not be made", async () => {
    // A device of its own: who may open the node's is the node's affair.
    const device = join(folder, "kmsg");
    execFileSync("mknod", ["-m", "600", device, "c", "1", "11"]);
    const before = nodeKills();
    const { status, of } = await doctor(["--kmsg", device, "--test-kill"], { uid: NOBODY });
    expect(status).toBe(1);
    expect(of("kernel log")).toMatchObject({
      status: "failed",
      says: `${device} cannot be opened (EACCES)`,
      advice: expect.stringContaining("run as root"),
    });
    expect(of("test kill")).toMatchObject({
      status: "failed",
      says: expect.stringMatching(/^no kill was made: no cgroup can be made in .* \(EACCES\)$/),
      advice: expect.stringContaining("run it as root"),
    });
    expect(nodeKills()).toBe(before);
    expect(testCgroups()).toEqual([]);
  });

  test("a device that the container may not use, whatever its capabilities", async ({ skip }) => {
    const devices = makeDevicesCgroup();
    if (devices === undefined) return skip("no cgroup v1 with the devices controller here");
    writeFileSync(join(devices, "devices.deny"), "c 1:11 rwm");
    const { status, of } = await doctor([], {
      // Moved while Node still starts.
      onStart: ({ pid }) => writeFileSync(join(devices, "cgroup.procs"), String(pid)),
    });
    expect(status).toBe(1);
    expect(of("kernel log")).toMatchObject({
      status: "failed",
      says: "/dev/kmsg cannot be opened (EPERM)",
      advice: expect.stringMatching(/device cgroup.*privileged.*SYSLOG and a hostPath are not enough/),
    });
    expect(of("cgroups")).toMatchObject({ status: "ok" });
  });

  test("root without the capability that a restricted log takes", async ({ skip }) => {
    skip(readFileSync("/proc/sys/kernel/dmesg_restrict", "latin1").trim() === "0", "kernel.dmesg_restrict is 0 here");
    // Older kernels take SYS_ADMIN for it: kernel/printk/printk.c, check_syslog_permissions.
    const { stdout, status } = await runProgram([
      "setpriv",
      ...["--bounding-set", "-syslog,-sys_admin", process.execPath, CLI, "doctor", "--output", "json", "--stdout"],
    ]);
    const { checks } = JSON.parse(stdout) as Report;
    expect(status).toBe(1);
    expect(checks.find(({ name }) => name === "kernel log")).toMatchObject({
      status: "failed",
      says: "/dev/kmsg cannot be opened (EPERM)",
      advice: expect.stringMatching(/dmesg_restrict is 1.*SYSLOG/),
    });
  });

  test("a state directory that may not be written to", async () => {
    const { of } = await doctor(["--state-dir", join(folder, "state")], { uid: NOBODY });
    expect(of("state directory")).toMatchObject({ status: "failed", says: expect.stringContaining("(EACCES)") });
  });
});
