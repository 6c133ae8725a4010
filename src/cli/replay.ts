/** The command `oomscribe replay`: its options, checked, handed on to the replay. */
import type { OutputFormat } from "../replay/options.ts";
import { GROUP_KEYS, type GroupKey } from "../replay/table/group-keys.ts";
import { UsageError } from "./arguments.ts";
import { type Command, HELP_OPTION, type ParsedArguments } from "./command.ts";
import { readFilter, readMoment, readTop } from "./selection.ts";
import { readTimezone, readYear } from "./times.ts";

export const replayCommand: Command = {
  name: "replay",
  summary: "Finds the OOM kills in captured kernel logs: dmesg, journalctl, syslog, /dev/kmsg.",
  synopsis: "replay [OPTIONS] FILE…    (- is standard input)",
  options: [
    {
      name: "output",
      value: "FORMAT",
      choices: ["table", "json", "ndjson"],
      help: "a table for people (the default), a JSON array, or one JSON object a line",
    },
    {
      name: "group-by",
      value: "WHAT",
      choices: GROUP_KEYS,
      help: "a row for each of them instead of each kill",
    },
    { name: "since", value: "TIME", help: "only from then on: 2026-03-01T12:00, 2h (ago), 3753.8 (s since boot)" },
    { name: "until", value: "TIME", help: "only before then" },
    {
      name: "filter",
      value: "WORDS",
      help: "only kills with all of these: a part of a name, or scope=node, comm!=java, cgroup~kubepods, any key of a record",
    },
    { name: "top", value: "N", help: "the N groups with most kills; without --group-by the N victims that held most" },
    {
      name: "explain",
      value: "KILL",
      help: "one kill in plain words beside the kernel's lines: its PID, or the beginning of its log.record.uid",
    },
    { name: "follow", help: "go on as the file grows, over rotation and truncation, until Ctrl-C: a line a kill" },
    { name: "k8s", value: "FILE", help: "names of pods and containers, from kubectl get pods -A -o json" },
    { name: "html", value: "FILE", help: "write a page to look at, one file; prints a table too only with --output" },
    { name: "otlp", value: "URL", help: "send the records there by OTLP; prints them too only with --output" },
    {
      name: "protocol",
      value: "NAME",
      choices: ["http/protobuf", "http/json"],
      help: "how OTLP is sent; default: OTEL_EXPORTER_OTLP_PROTOCOL",
    },
    { name: "dry-run", help: "with --otlp: say what would be sent, where and how, and send nothing" },
    { name: "year", value: "N", help: "year of times that are written without one; default: by the file's own time" },
    {
      name: "timezone",
      value: "ZONE",
      help: "of times that are written without one, such as Europe/Berlin or +02:00; default: UTC",
    },
    { name: "page-size", value: "N", help: "bytes in a page on the machine of the log; default: 4096" },
    { name: "node", value: "NAME", help: "the node that the log is of, for k8s.node.name and host.name" },
    HELP_OPTION,
  ],
  notes: `Files may be compressed with gzip or zstd. Each is a capture of its own; a kill
that is in several is shown once. The exit status is 0 whether there are kills
or none, 1 where records were not delivered, 2 where input cannot be read.
OTEL_EXPORTER_OTLP_* variables set OTLP's headers, timeout and certificates.

  sudo dmesg | oomscribe replay -
  journalctl -k -o json | oomscribe replay --output ndjson -
  oomscribe replay --otlp http://localhost:4318 /var/log/kern.log*`,

  async run(parsed) {
    const { values, positionals } = parsed;
    if (positionals.length === 0)
      throw new UsageError("which file? - reads standard input: dmesg | oomscribe replay -");
    if (values.has("protocol") && !values.has("otlp")) throw new UsageError("--protocol is of --otlp URL: add that");
    if (parsed.flags.has("dry-run") && !values.has("otlp"))
      throw new UsageError("--dry-run is of --otlp URL: add that");
    const isForPeople = ["group-by", "top", "explain"].find((name) => values.has(name));
    if (isForPeople !== undefined && values.has("output") && values.get("output") !== "table")
      throw new UsageError(`--${isForPeople} is of the table: leave out --output ${values.get("output")}`);
    if (values.has("explain") && (values.has("group-by") || values.has("top")))
      throw new UsageError("--explain is of one kill: leave out --group-by and --top");
    const isElsewhere = (values.has("otlp") || values.has("html")) && isForPeople === undefined;
    const follow = parsed.flags.has("follow");
    if (follow) checkFollow(parsed);
    const output = values.get("output") ?? (isElsewhere ? undefined : follow ? "lines" : "table");
    const timezone = readTimezone(parsed);
    const nowMs = Date.now();
    const options = {
      files: positionals,
      output: output as OutputFormat | undefined,
      follow,
      k8s: values.get("k8s"),
      html: values.get("html"),
      otlp: values.get("otlp"),
      dryRun: parsed.flags.has("dry-run"),
      protocol: values.get("protocol") as "http/protobuf" | "http/json" | undefined,
      year: readYear(parsed),
      timezone,
      pageSize: readPageSize(parsed),
      node: values.get("node"),
      selection: {
        since: readMoment("since", values.get("since"), timezone, nowMs),
        until: readMoment("until", values.get("until"), timezone, nowMs),
        filter: readFilter(values.get("filter")),
      },
      table: {
        groupBy: values.get("group-by") as GroupKey | undefined,
        top: readTop(values.get("top")),
        explain: values.get("explain"),
      },
      env: process.env,
    };
    const { runReplay } = await import("../replay/replay.ts");
    return runReplay(options);
  },
};

/** What is printed at the end has no end to be printed at. */
function checkFollow({ values, positionals }: ParsedArguments): void {
  const [file, another] = positionals;
  if (another !== undefined || file === "-")
    throw new UsageError("--follow is of one file: --follow /var/log/kern.log");
  const ends = ["html", "group-by", "top", "explain"].find((name) => values.has(name));
  if (ends !== undefined) throw new UsageError(`--${ends} needs the end of a log, which --follow does not have`);
  const output = values.get("output") ?? "ndjson";
  if (output !== "ndjson") throw new UsageError(`--output ${output} needs the end of a log: --follow has ndjson`);
}

function readPageSize({ values }: ParsedArguments): number | undefined {
  const given = values.get("page-size");
  if (given === undefined) return undefined;
  const bytes = /^\d{4,7}$/.test(given) ? Number(given) : 0;
  // Every architecture's is a power of two between these.
  if (bytes < 4096 || bytes > 1_048_576 || !Number.isInteger(Math.log2(bytes))) {
    throw new UsageError(`--page-size ${given}: write bytes, 4096, 16384 or 65536 (getconf PAGESIZE on that machine)`);
  }
  return bytes;
}
