/** All figures below one prefix (memory.stat, the node's memory) as a table with bars, largest first. */

import { readableSize } from "../../../record/format.ts";
import type { Attributes } from "../../../record/log-record.ts";
import { h, withWidth } from "./dom.ts";

/** @param whole key of what bars are measured against; the largest where it is not known. undefined: there are none */
export function figuresTable(
  attributes: Attributes,
  title: string,
  prefix: string,
  whole: string,
): HTMLElement | undefined {
  const figures = Object.entries(attributes)
    .flatMap(([key, value]) =>
      key.startsWith(prefix) && typeof value === "number" ? [{ name: key.slice(prefix.length), bytes: value }] : [],
    )
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => b.bytes - a.bytes);
  if (figures.length === 0) return undefined;
  const all = attributes[whole];
  const most = typeof all === "number" && all > 0 ? all : (figures[0]?.bytes ?? 1);
  return h(
    "details.figures",
    {},
    h("summary", {}, h("h3", {}, title)),
    h(
      "table",
      {},
      h(
        "tbody",
        {},
        ...figures.map(({ name, bytes }) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, name),
            h("td.number", {}, readableSize(bytes)),
            h("td", {}, h("div.bar", { "aria-hidden": "true" }, withWidth(h("span.part.part-other"), bytes / most))),
          ),
        ),
      ),
    ),
  );
}
