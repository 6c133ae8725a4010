/** The guest program of test/vm/doctor.test.ts: runs `doctor --test-kill` where the agent would run, and elsewhere. */
import { spawnSync } from "node:child_process";
import { globSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MOUNT, makePod } from "./cgroups.ts";
import { send } from "./send.ts";

/** What it says from within a cgroup. */
function examine(where: string, directory: string): void {
  const script = 'echo 0 >"$0/cgroup.procs" && exec "$@"';
  const doctor = [process.execPath, "/agent.mjs", "doctor", "--stdout", "--output", "json", "--test-kill"];
  const { status, stdout, stderr } = spawnSync("sh", ["-c", script, directory, ...doctor], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"] },
  });
  const left = globSync(join(MOUNT, "**/oomscribe-doctor-*"));
  send({ where, status, stderr, report: stdout === "" ? undefined : JSON.parse(stdout), left });
}

const pod = makePod("systemd", "burstable");
examine("container", pod.container().directory);
examine("small container", pod.container({ memory: 48 * 1024 * 1024 }).directory);
writeFileSync(join(MOUNT, "cgroup.procs"), String(process.pid));
examine("root", MOUNT);
