/** The kernel's own lines, as they stand in the log; what cannot be seen in them is shown by its number. */
import type { Attributes } from "../../../ship/log-record.ts";
import { escapeByNumber } from "../../../ship/readable.ts";
import { copyButton } from "./copy.ts";
import { h } from "./dom.ts";

/** What cannot be seen, or turns the direction of a text; tabs are as they are. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

export function visible(text: string): string {
  return text.replace(UNSEEN, (character) => (character === "\t" ? character : escapeByNumber(character)));
}

/** The same for JSON on one line, which stays JSON: such characters are within its strings alone. */
export function visibleJson(json: string): string {
  return json.replace(UNSEEN, (character) =>
    Array.from({ length: character.length }, (_, index) => escapeUnit(character.charCodeAt(index))).join(""),
  );
}

function escapeUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}

export function linesOf(attributes: Attributes): HTMLElement | undefined {
  const original = attributes["log.record.original"];
  if (typeof original !== "string" || original === "") return undefined;
  const lines = original.split("\n").map((line) => {
    const isTelling = /Killed? process |oom-kill:|invoked oom-killer/.test(line);
    return h(isTelling ? "span.line.telling" : "span.line", {}, `${visible(line)}\n`);
  });
  return h(
    "section.lines",
    {},
    h("h3", {}, "The kernel's lines"),
    // What is copied may end in a terminal.
    copyButton("Copy lines", () => original.split("\n").map(visible).join("\n")),
    h("pre", { tabindex: "0" }, ...lines),
  );
}
