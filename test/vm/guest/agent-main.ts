/** The agent's command line, as far as the VM needs it, for as long as the project has no build of its own. */
import { parseArgs } from "node:util";
import { runAgent } from "../../../src/agent.ts";

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    since: { type: "string", default: "now" },
    stdout: { type: "boolean", default: false },
    kmsg: { type: "string" },
  },
});
process.exitCode = await runAgent({
  since: values.since === "boot" ? "boot" : "now",
  stdout: values.stdout,
  kmsgPath: values.kmsg,
  env: process.env,
  version: "0.0.0-vm",
});
