/** One kill: what happened in plain words, what filled the memory, who held it, and the kernel's own lines. */
import type { Attributes, LogRecord } from "../../../ship/log-record.ts";
import { toJson } from "../../../ship/to-json.ts";
import { adviceOf, causeInWords, factsOf, instructionIn } from "../../explain/reasons.ts";
import { toStatements } from "../../explain/statements.ts";
import { copyButton } from "./copy.ts";
import { type Child, find, h } from "./dom.ts";
import { figuresTable } from "./figures.ts";
import type { Kill } from "./kills.ts";
import { linesOf, visible, visibleJson } from "./lines.ts";
import { memoryBar, memoryLegend } from "./memory-bar.ts";
import { scopeTag } from "./scope-tag.ts";
import { tasksTable } from "./tasks.ts";

export function showDetail(kill: Kill | undefined): void {
  find("detail").replaceChildren(
    ...(kill === undefined ? [h("p.hint", {}, "Choose a kill.")] : parts(kill)).filter((part) => part !== undefined),
  );
}

function parts({ record, uid, time, scope }: Kill): Child[] {
  const { attributes, body } = record;
  return [
    h("a.back", { href: "#list" }, "Back to the list"),
    h("p.when", {}, time, " ", scopeTag(scope)),
    h("h2", { id: "detail-title" }, visible(body)),
    h(
      "div.actions",
      {},
      copyButton("Copy link", () => `${location.href.split("#")[0]}#${uid}`),
      copyButton("Copy sentence", () => visible(body)),
      copyButton("Copy JSON", () => visibleJson(toJson(record))),
    ),
    diagnosis(attributes),
    memory(attributes),
    h(
      "section",
      {},
      h("h3", {}, "What happened"),
      h("ol.story", {}, ...toStatements(record).map(({ says, lines }) => h("li", {}, visible(says), evidence(lines)))),
    ),
    tasksTable(attributes),
    figuresTable(attributes, "Statistics of the cgroup", "oom.memcg.stats.", "oom.memory.usage"),
    figuresTable(attributes, "Memory of the node", "oom.node.", "oom.node.total"),
    linesOf(attributes),
    everything(record),
  ];
}

/** Only where the record has one: nothing is concluded here. */
function diagnosis(attributes: Attributes): HTMLElement | undefined {
  if (attributes["oom.cause"] === undefined) return undefined;
  const facts = factsOf(attributes);
  return h(
    "section.diagnosis",
    {},
    h("h3", {}, "Diagnosis"),
    h("p", {}, `The cause: ${visible(causeInWords(attributes))}.`),
    facts.length === 0 ? undefined : h("ul", {}, ...facts.map((fact) => h("li", {}, visible(fact)))),
    ...adviceOf(attributes).map(command),
  );
}

function command(one: string): HTMLElement {
  const instruction = instructionIn(one);
  if (instruction !== undefined) return h("p.advice", {}, `${visible(instruction)}.`);
  return h(
    "p.advice",
    {},
    h("code", {}, visible(one)),
    copyButton("Copy", () => visible(one)),
  );
}

function memory(attributes: Attributes): HTMLElement | undefined {
  const bar = memoryBar(attributes);
  if (bar === undefined) return undefined;
  bar.classList.add("large");
  const title =
    attributes["oom.scope"] === "node" ? "The node's memory at the kill" : "Memory against the limit at the kill";
  return h("section", {}, h("h3", {}, title), bar, memoryLegend(attributes));
}

function evidence(lines: readonly string[]): HTMLElement | undefined {
  if (lines.length === 0) return undefined;
  return h(
    "details.evidence",
    {},
    h("summary", {}, lines.length === 1 ? "the kernel's line" : `the kernel's ${lines.length} lines`),
    h("pre", { tabindex: "0" }, lines.map(visible).join("\n")),
  );
}

function everything({ resource, attributes }: LogRecord): HTMLElement {
  const rows = [...Object.entries(resource), ...Object.entries(attributes)].filter(
    ([key]) => key !== "log.record.original",
  );
  const shown = (value: Attributes[string]): string => visible(Array.isArray(value) ? value.join(", ") : String(value));
  return h(
    "details.figures",
    {},
    h("summary", {}, h("h3", {}, "Every attribute of the record")),
    h(
      "table.attributes",
      {},
      h(
        "tbody",
        {},
        ...rows.map(([key, value]) => h("tr", {}, h("th", { scope: "row" }, key), h("td", {}, shown(value)))),
      ),
    ),
  );
}
