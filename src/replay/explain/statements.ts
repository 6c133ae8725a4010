/** One kill as plain statements, each with the kernel's lines that it rests on. */
import type { LogRecord } from "../../ship/log-record.ts";
import { readableName, readablePath, readableSize } from "../../ship/readable.ts";
import { countOf } from "../captures.ts";
import { readFilling, readTopTasks } from "../table/memory.ts";

export interface Statement {
  says: string;
  /** of log.record.original, as they stand there */
  lines: string[];
}

const INVOKED = / invoked oom-killer/;
const COUNTERS = /(?:memory|memory\+swap|swap|kmem): usage /;
const STATS = /Memory cgroup stats for |(?:^|[;\]:] ?)(?:anon|cache|file|kernel|shmem|rss) [1-9]\d*/;
const NODE = /active_anon:|pages RAM/;
const TASKS = /oom_score_adj name|\[\s*\d+\]\s+\d+\s+\d+\s+\d+ /;
const CHOICE = /oom-kill:constraint=| killed as a result | are going to be killed/;
const REAPER = /oom_reaper: /;
/** More of one kind than that say no more. */
const MAX_LINES = 6;

/** In the order of what happened; what the log does not hold is said to be missing. */
export function toStatements(record: LogRecord): Statement[] {
  const { attributes } = record;
  const lines = String(attributes["log.record.original"] ?? "").split("\n");
  const quote = (pattern: RegExp): string[] => lines.filter((line) => pattern.test(line)).slice(0, MAX_LINES);
  const kill = new RegExp(`Kill(?:ed)? process ${attributes["process.pid"]}\\b`);
  const statements: (Statement | undefined)[] = [
    about(asked(attributes), quote(INVOKED)),
    about(ranOut(attributes), quote(COUNTERS)),
    about(filledBy(attributes), quote(attributes["oom.scope"] === "node" ? NODE : STATS)),
    about(heldBy(attributes), quote(TASKS)),
    about(chosen(attributes), quote(CHOICE)),
    about(killed(attributes), quote(kill)),
    about(reaped(attributes), quote(REAPER)),
    about(howSure(attributes), []),
  ];
  return statements.filter((one) => one !== undefined);
}

type Attributes = LogRecord["attributes"];

function about(says: string | undefined, lines: string[]): Statement | undefined {
  return says === undefined ? undefined : { says, lines };
}

function asked(attributes: Attributes): string | undefined {
  const comm = attributes["oom.trigger.comm"];
  if (comm === undefined) return "Who asked for the memory is not in the log.";
  const order = attributes["oom.trigger.order"];
  if (order === -1) return "A person or a program asked for the kill by SysRq-f.";
  const pid = attributes["oom.trigger.pid"];
  const isVictim = pid === attributes["process.pid"];
  const pages = typeof order === "number" && order > 0 ? `${2 ** order} pages in a row` : "a page of memory";
  const who = `${readableName(String(comm))}${pid === undefined ? "" : ` (pid ${pid})`}`;
  return `${who} asked for ${pages}, and there was none left to give${isVictim ? "" : ". It is not the one that was killed"}.`;
}

function ranOut(attributes: Attributes): string {
  const scope = attributes["oom.scope"];
  if (scope === "node") return nodeRanOut(attributes);
  const limit = sizeOf(attributes["oom.memory.limit"]);
  const used = sizeOf(attributes["oom.memory.usage"]);
  const path = attributes["oom.limit.cgroup"];
  const whose: Record<string, string> = {
    container: "the container",
    pod: "the pod, all its containers together",
    kubepods: "the node's pods together",
    cgroup: "a cgroup",
  };
  const owner = whose[String(scope)];
  if (owner === undefined) return "Whose memory ran out is not in the log.";
  const failcnt = attributes["oom.memory.failcnt"];
  const often =
    typeof failcnt === "number" ? `; its limit has been run into ${failcnt.toLocaleString("en-US")} times` : "";
  const figures = limit === undefined ? "" : `: ${used ?? "?"} of ${limit} used${often}`;
  return `The limit was that of ${owner}${figures}.${path === undefined ? "" : ` Its cgroup: ${readablePath(String(path))}.`}`;
}

function nodeRanOut(attributes: Attributes): string {
  const free = sizeOf(attributes["oom.node.free"]);
  const total = sizeOf(attributes["oom.node.total"]);
  const figures = free === undefined || total === undefined ? "" : `: ${free} of ${total} was free`;
  return `The node itself ran out of memory${figures}. No limit of a container was hit.`;
}

function filledBy(attributes: Attributes): string | undefined {
  const filling = readFilling(attributes);
  if (filling === undefined || filling.parts.length === 0) return undefined;
  const named = filling.parts
    .filter(({ bytes }) => bytes > 0)
    .map(({ name, bytes }) => `${WORDS[name] ?? name} ${readableSize(bytes)}`);
  return `What filled it: ${named.join(", ")}.`;
}

const WORDS: Readonly<Record<string, string>> = {
  anon: "private memory (heap, stacks)",
  file: "page cache",
  shmem: "shared memory and tmpfs",
  kernel: "kernel memory",
  sock: "network buffers",
};

function heldBy(attributes: Attributes): string | undefined {
  const top = readTopTasks(attributes);
  if (top.length === 0) return undefined;
  const named = top.slice(0, 3).map(({ name, pid, rss }) => `${readableName(name)} (pid ${pid}) ${readableSize(rss)}`);
  const count = Number(attributes["oom.tasks.count"]);
  return count === 1
    ? `The only task in it: ${named[0]}.`
    : `Of ${countOf(count, "task")} these held most: ${named.join(", ")}.`;
}

function chosen(attributes: Attributes): string | undefined {
  const cgroup = attributes["oom.victim.cgroup"];
  const group = attributes["oom.group_kill"] === true ? " Its whole cgroup goes with it (memory.oom.group)." : "";
  if (cgroup === undefined) return group === "" ? undefined : group.trim();
  return `The kernel chose a process in ${readablePath(String(cgroup))}.${group}`;
}

function killed(attributes: Attributes): string {
  const name = readableName(String(attributes["process.executable.name"] ?? ""));
  const held = (["anon", "file", "shmem"] as const)
    .map((kind) => [kind, attributes[`oom.victim.${kind}_rss`]] as const)
    .filter(([, bytes]) => typeof bytes === "number" && bytes > 0)
    .map(([kind, bytes]) => `${readableSize(Number(bytes))} ${kind}`);
  const adj = attributes["oom.victim.score_adj"];
  const score = typeof adj === "number" ? ` Its oom_score_adj was ${adj}.` : "";
  return `It killed ${name} (pid ${attributes["process.pid"]})${held.length > 0 ? `, which held ${held.join(", ")}` : ""}.${score}`;
}

function reaped(attributes: Attributes): string | undefined {
  const outcome = attributes["oom.reaper.outcome"];
  if (outcome === undefined) return undefined;
  return outcome === "reaped" ? "Its memory was taken back at once." : "Its memory could not be taken back at once.";
}

function howSure(attributes: Attributes): string {
  const attribution = attributes["oom.attribution"];
  const sure: Record<string, string> = {
    exact: "The container is certain: the kernel's own line names it for this process.",
    inferred: "The container is inferred: the only report that can be this kill's names it.",
    unverified: "No counter of the kernel confirms this kill: the line may be forged.",
  };
  const missing = attributes["oom.report.missing"];
  const lost = Array.isArray(missing) ? ` Lines that a whole report has are missing: ${missing.join(", ")}.` : "";
  const origin =
    attributes["oom.origin"] === "unknown" ? " The log has lost who wrote its lines: a program could have." : "";
  const quoted =
    attributes["oom.kernel.line_start"] === undefined
      ? ""
      : " Where the kernel's message begins in its line is not sure: another message may quote it.";
  return `${sure[String(attribution)] ?? "Which container it was in is not known."}${lost}${origin}${quoted}`;
}

function sizeOf(value: unknown): string | undefined {
  return typeof value === "number" ? readableSize(value) : undefined;
}
