/** The command `oomscribe agent`: reads its configuration and hands it on to the agent, or prints it. */
import { SETTING_NAMES, settingOf } from "../config/settings.ts";
import { UsageError } from "./arguments.ts";
import { type Command, HELP_OPTION, type OptionEntry, type ParsedArguments } from "./command.ts";

export const agentCommand: Command = {
  name: "agent",
  summary: "Reads the kernel's log as it grows and sends a log record of every OOM kill by OTLP.",
  synopsis: "agent [OPTIONS]",
  options: [
    ...settingOptions(),
    { name: "stdout", help: "print the records, one line of JSON each, and send none: --backend stdout" },
    { name: "config", value: "FILE", help: "YAML file with settings by their names; default: OOMSCRIBE_CONFIG" },
    { name: "print-config", help: "print what all of this comes to, without secrets, and end" },
    HELP_OPTION,
  ],
  notes: `There are more settings than options: docs/configuration.md. Each is a key of
the file and a variable too (--state-dir: state-dir, OOMSCRIBE_STATE_DIR);
options win over variables, variables over the file. OTEL_EXPORTER_OTLP_*
variables set OTLP's endpoint, headers, protocol, timeout, compression and
certificates. K8S_NODE_NAME, K8S_CLUSTER_NAME and OTEL_RESOURCE_ATTRIBUTES name
the node.`,

  async run(parsed) {
    const [first] = parsed.positionals;
    if (first !== undefined) throw new UsageError(`it takes no file (${first}); to read a file: oomscribe replay`);
    const flags = toFlags(parsed);
    const [{ readConfig }, { ConfigError }] = await Promise.all([
      import("../config/read.ts"),
      import("../config/config-error.ts"),
    ]);
    const read = () => readConfig({ flags, env: process.env });
    try {
      const config = read();
      if (parsed.flags.has("print-config")) {
        const { printConfig } = await import("../config/print.ts");
        process.stdout.write(printConfig(config));
        return 0;
      }
      const [{ runAgent }, { VERSION }] = await Promise.all([
        import("../agent/agent.ts"),
        import("../shared/version.ts"),
      ]);
      return await runAgent({ config, readConfig: read, version: VERSION });
    } catch (error) {
      if (error instanceof ConfigError) throw new UsageError(error.message, { cause: error });
      throw error;
    }
  },
};

function settingOptions(): OptionEntry[] {
  return SETTING_NAMES.flatMap((name) => {
    const { option, value, choices, help } = settingOf(name);
    return option ? [{ name, value, help, ...(choices === undefined ? {} : { choices }) }] : [];
  });
}

/** What the options say of the configuration, `--stdout` for what it stands for. @throws UsageError */
export function toFlags({ flags, values, all }: ParsedArguments): ReadonlyMap<string, readonly string[]> {
  if (!flags.has("stdout")) return all;
  const other = ["otlp", "backend"].find((name) => values.has(name));
  if (other !== undefined) {
    throw new UsageError(`--stdout prints the records instead of sending them: leave out --stdout or --${other}`);
  }
  return new Map([...all, ["backend", ["stdout"]]]);
}
