/** A record's diagnosis in words: the cause, what speaks for it, what to do. */
import type { Cause } from "../../diagnose/diagnosis.ts";
import type { Attributes } from "../../record/log-record.ts";

/** `tmpfs (85 % sure)` */
export function causeInWords(attributes: Attributes): string {
  const cause = String(attributes["oom.cause"]);
  const confidence = attributes["oom.cause.confidence"];
  const sure = typeof confidence === "number" ? ` (${Math.round(confidence * 100)} % sure)` : "";
  return `${CAUSES[cause as Cause] ?? cause}${sure}`;
}

export function factsOf({ "oom.cause.facts": facts }: Attributes): readonly string[] {
  return Array.isArray(facts) ? facts : [];
}

/** Commands for a shell, and sentences in place of those that cannot be pasted. */
export function adviceOf({ "oom.advice": advice }: Attributes): readonly string[] {
  return Array.isArray(advice) ? advice : [];
}

/** Of a sentence of the advice, its words; undefined: it is a command. */
export function instructionIn(advice: string): string | undefined {
  return advice.startsWith("# ") ? advice.slice(2) : undefined;
}

const CAUSES: Readonly<Record<Cause, string>> = {
  limit_too_low: "the limit is too low for what it steadily holds",
  leak: "a leak",
  spike: "a sudden rise",
  page_cache: "page cache that could not be given back",
  tmpfs: "files in memory (tmpfs)",
  kernel_memory: "the kernel's own memory",
  node_pressure: "the node as a whole was short of memory",
  neighbour: "another one used up what they share",
  cpuset: "the memory nodes of its cpuset were used up",
  memory_policy: "the memory nodes of its memory policy were used up",
  sysrq: "SysRq-f asked for it",
  unknown: "not known",
};
