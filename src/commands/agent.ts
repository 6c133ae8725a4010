/** The command `oomscribe agent`: its options, handed on to the agent. */
import { UsageError } from "./arguments.ts";
import { type Command, HELP_OPTION } from "./command.ts";

export const agentCommand: Command = {
  name: "agent",
  summary: "Reads the kernel's log as it grows and sends a log record of every OOM kill by OTLP.",
  synopsis: "agent [OPTIONS]",
  options: [
    {
      name: "since",
      value: "WHEN",
      choices: ["boot", "now"],
      help: "report the kills that the kernel's log still holds as well (the default), or only those to come",
    },
    { name: "stdout", help: "print the records, one line of JSON each, and send none" },
    {
      name: "otlp",
      value: "URL",
      help: "OTLP endpoint; default: OTEL_EXPORTER_OTLP_ENDPOINT, then http://localhost:4318",
    },
    {
      name: "state-dir",
      value: "DIR",
      help: "keep unsent records and the read position here, over restarts; default: OOMSCRIBE_STATE_DIR, else nowhere",
    },
    { name: "host-root", value: "DIR", help: "where the node's file system is mounted; default: /" },
    { name: "kmsg", value: "PATH", help: "the kernel's log; default: /dev/kmsg" },
    HELP_OPTION,
  ],
  notes: `OTEL_EXPORTER_OTLP_* variables set OTLP's headers, protocol, timeout,
compression and certificates. K8S_NODE_NAME, K8S_CLUSTER_NAME and
OTEL_RESOURCE_ATTRIBUTES name the node.`,

  async run({ flags, values, positionals }) {
    const [first] = positionals;
    if (first !== undefined) throw new UsageError(`it takes no file (${first}); to read a file: oomscribe replay`);
    if (flags.has("stdout") && values.has("otlp")) {
      throw new UsageError("--stdout prints the records instead of sending them: leave out --stdout or --otlp");
    }
    const [{ runAgent }, { VERSION }] = await Promise.all([import("../agent.ts"), import("../version.ts")]);
    return runAgent({
      since: values.get("since") === "now" ? "now" : "boot",
      stdout: flags.has("stdout"),
      otlp: values.get("otlp"),
      stateDir: values.get("state-dir") ?? (process.env["OOMSCRIBE_STATE_DIR"] || undefined),
      hostRoot: values.get("host-root"),
      kmsgPath: values.get("kmsg"),
      env: process.env,
      version: VERSION,
    });
  },
};
