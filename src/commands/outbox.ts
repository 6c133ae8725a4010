/** The command `oomscribe outbox`: what waits on this node and what was set aside, and how to send that again. */
import { UsageError } from "./arguments.ts";
import { type Command, HELP_OPTION } from "./command.ts";

export const outboxCommand: Command = {
  name: "outbox",
  summary: "Lists the records that wait to be delivered, and sends again those that were set aside.",
  synopsis: "outbox [OPTIONS] [retry]",
  options: [
    { name: "state-dir", value: "DIR", help: "the agent's state directory; default: that of its configuration" },
    { name: "config", value: "FILE", help: "the agent's configuration file; default: OOMSCRIBE_CONFIG" },
    { name: "output", value: "FORMAT", choices: ["table", "json"], help: "lines for people (the default), or JSON" },
    HELP_OPTION,
  ],
  notes: `Run it where the agent runs: it reads the state directory of the agent's own
configuration. Without a word it changes nothing.

"retry" sends again what was set aside: records that the backend refused
(rejected.jsonl) or failed at (failed.jsonl). An agent that runs takes them
within twenty seconds, another at its start.

  oomscribe outbox
  oomscribe outbox retry
  kubectl exec -n oomscribe POD -- oomscribe outbox`,

  async run({ positionals, values, all }) {
    const [word, more] = positionals;
    if ((word !== undefined && word !== "retry") || more !== undefined) {
      throw new UsageError(`unknown word ${more ?? word}: there is oomscribe outbox, and oomscribe outbox retry`);
    }
    const [{ readConfig }, { ConfigError }, report] = await Promise.all([
      import("../config/read.ts"),
      import("../config/config-error.ts"),
      import("../deliveries/outbox-report.ts"),
    ]);
    const directory = readStateDirectory();
    const asJson = values.get("output") === "json";
    try {
      const requested = word === "retry" ? report.retryAll(directory) : undefined;
      const endpoints = report.readOutboxes(directory);
      if (endpoints.length === 0) throw new Error(`there is no outbox in ${directory}`);
      process.stdout.write(
        asJson ? report.toJson(endpoints, requested) : report.toLines(endpoints, requested, Date.now()),
      );
      return endpoints.some(({ state }) => state.kind === "unusable") ? 1 : 0;
    } catch (error) {
      process.stderr.write(`oomscribe outbox: ${error instanceof Error ? error.message : String(error)}\n`);
      return 2;
    }

    function readStateDirectory(): string {
      try {
        const { "state-dir": found } = readConfig({ flags: all, env: process.env }).settings;
        if (found === undefined) throw new UsageError("no state directory is set; name the agent's with --state-dir");
        return found;
      } catch (error) {
        if (error instanceof ConfigError) throw new UsageError(error.message, { cause: error });
        throw error;
      }
    }
  },
};
