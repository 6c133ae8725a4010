/** The command `oomscribe doctor`: its options, which are the agent's, handed on to the checks. */
import { agentCommand, toFlags } from "./agent.ts";
import { UsageError } from "./arguments.ts";
import { type Command, HELP_OPTION } from "./command.ts";

/** Of the agent's options those that say how it runs, not what is to be found out. */
const AGENT_ONLY = new Set(["print-config", "help"]);

export const doctorCommand: Command = {
  name: "doctor",
  summary: "Says what of the agent works on this node, and what to do about what does not.",
  synopsis: "doctor [OPTIONS]",
  options: [
    {
      name: "test-kill",
      help: "make one real, small OOM kill in a cgroup of its own, and follow it to the endpoint; its record has oom.test",
    },
    { name: "output", value: "FORMAT", choices: ["table", "json"], help: "lines for people (the default), or JSON" },
    ...agentCommand.options.filter(({ name }) => !AGENT_ONLY.has(name)),
    HELP_OPTION,
  ],
  notes: `Run it as the agent runs: with its options, its variables and its file, as its
user, in its container. It changes nothing but for a moment. Nothing of a
kill is sent without --test-kill; each endpoint gets an empty request.
docs/doctor.md says what each check looks at. The exit status is 0 where all
is well (with warnings or without), 1 where something has failed.

  oomscribe doctor --otlp http://collector:4318
  kubectl exec -n oomscribe POD -- oomscribe doctor --test-kill`,

  async run(parsed) {
    const [first] = parsed.positionals;
    if (first !== undefined) throw new UsageError(`it takes no file (${first})`);
    const flags = toFlags(parsed);
    const [{ runDoctor }, { VERSION }] = await Promise.all([
      import("../doctor/doctor.ts"),
      import("../shared/version.ts"),
    ]);
    return await runDoctor({
      flags,
      env: process.env,
      output: (parsed.values.get("output") ?? "table") as "table" | "json",
      testKill: parsed.flags.has("test-kill"),
      version: VERSION,
    });
  },
};
