/** The guest program: plays the scenarios that VM_ARGS names, all if it names none, with an agent that watches. */
import { spawn } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { MOUNT } from "./cgroups.ts";
import { SCENARIOS } from "./scenarios.ts";
import { send } from "./send.ts";
import { openStage } from "./stage.ts";
import { openTail } from "./tail.ts";

send({ kind: "boot", kernel: release(), upSeconds: Number(readFileSync("/proc/uptime", "latin1").split(" ")[0]) });

const WITNESS = "/tmp/witness";
const witness = spawn("/witness", [MOUNT], { stdio: ["ignore", openSync(WITNESS, "a"), "inherit"] });
const wanted = (process.env["VM_ARGS"] ?? "").split(",").filter((name) => name !== "");
const stage = await openStage(openTail(WITNESS));
for (const scenario of SCENARIOS) {
  if (wanted.length === 0 || wanted.includes(scenario.name)) await stage.play(scenario);
}
await stage.close();
witness.kill();
