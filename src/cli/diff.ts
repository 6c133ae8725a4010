/** The command `oomscribe diff`: its options, checked, handed on to the comparison. */
import { GROUP_KEYS, type GroupKey } from "../replay/table/group-keys.ts";
import { UsageError } from "./arguments.ts";
import { type Command, HELP_OPTION } from "./command.ts";
import { readTimezone, readYear } from "./times.ts";

export const diffCommand: Command = {
  name: "diff",
  summary: "Says how the OOM kills of two captures differ: before and after a change, one node and another.",
  synopsis: "diff [OPTIONS] A B",
  options: [
    {
      name: "group-by",
      value: "WHAT",
      choices: GROUP_KEYS,
      help: "what is compared; default: the workload where --k8s names it, else the name of the victim",
    },
    { name: "output", value: "FORMAT", choices: ["table", "json"], help: "a table (the default), or a JSON object" },
    { name: "k8s", value: "FILE", help: "names of pods and containers, from kubectl get pods -A -o json" },
    { name: "year", value: "N", help: "year of times that are written without one" },
    { name: "timezone", value: "ZONE", help: "of times that are written without one; default: UTC" },
    HELP_OPTION,
  ],
  notes: `A kill that is in both is counted in both, and how many there are is said.
The exit status is 0 whether they differ or not, 2 where one cannot be read.

  oomscribe diff monday.log tuesday.log
  oomscribe diff --output json node-1.kmsg node-2.kmsg`,

  async run(parsed) {
    const { values, positionals } = parsed;
    const [a, b, more] = positionals;
    if (a === undefined || b === undefined || more !== undefined) {
      throw new UsageError(`it compares two captures, not ${positionals.length}: oomscribe diff before.log after.log`);
    }
    const options = {
      a,
      b,
      groupBy: values.get("group-by") as GroupKey | undefined,
      output: (values.get("output") ?? "table") as "table" | "json",
      k8s: values.get("k8s"),
      year: readYear(parsed),
      timezone: readTimezone(parsed),
    };
    const { runDiff } = await import("../replay/diff/diff.ts");
    return runDiff(options);
  },
};
