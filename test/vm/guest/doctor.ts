/** The guest program of test/vm/doctor.test.ts: runs `doctor --test-kill` where the agent would run, and elsewhere. */
import { spawnSync } from "node:child_process";
import { globSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MOUNT, makePod } from "./cgroups.ts";
import { send } from "./send.ts";

/** What it says from within a cgroup. @param before what a shell does first, in a mount namespace of its own */
function examine(where: string, directory: string, before = "true"): void {
  const script = `echo 0 >"$0/cgroup.procs" && ${before} && exec "$@"`;
  const doctor = [process.execPath, "/agent.mjs", "doctor", "--stdout", "--output", "json", "--test-kill"];
  const { status, stdout, stderr } = spawnSync("unshare", ["--mount", "sh", "-c", script, directory, ...doctor], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"] },
  });
  const left = globSync(join(MOUNT, "**/oomscribe-doctor-*"));
  send({ where, status, stderr, report: stdout === "" ? undefined : JSON.parse(stdout), left });
}

const pod = makePod("systemd", "burstable");
examine("container", pod.container().directory);
const readOnly = `mount -o remount,bind,ro ${MOUNT}`;
examine("read-only", pod.container().directory, readOnly);
// As the image's container has them: the node's read-only, and once more its own.
const own = "/tmp/own-cgroups";
const twice = `mkdir ${own} && mount -o bind ${MOUNT} ${own} && ${readOnly}`;
examine("read-only and writable", pod.container().directory, twice);
examine("small container", pod.container({ memory: 48 * 1024 * 1024 }).directory);
writeFileSync(join(MOUNT, "cgroup.procs"), String(process.pid));
examine("root", MOUNT);
