/** What filled a memory, as a bar against its limit: each part has a colour, a pattern and its figures as text. */

import { readableSize } from "../../../record/format.ts";
import type { Attributes } from "../../../record/log-record.ts";
import { readFilling } from "../../table/memory.ts";
import { h, withWidth } from "./dom.ts";

export const PART_WORDS: Readonly<Record<string, string>> = {
  anon: "anon (heap, stacks)",
  file: "file (page cache)",
  shmem: "shmem (tmpfs, shared)",
  kernel: "kernel",
  slab: "slab (kernel)",
  sock: "network buffers",
  unevictable: "unevictable",
  other: "other",
};

export interface Part {
  name: string;
  bytes: number;
}

/** Parts that are there, in a fixed order, so that bars can be compared; what no statistic names comes last. */
export function partsOf(attributes: Attributes): { parts: Part[]; whole: number; used: number } | undefined {
  const filling = readFilling(attributes);
  if (filling === undefined) return undefined;
  const order = Object.keys(PART_WORDS);
  const parts = filling.parts
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  const named = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  if (filling.used > named) parts.push({ name: "other", bytes: filling.used - named });
  // The kernel's statistics may run ahead of its counter.
  return { parts, used: filling.used, whole: Math.max(filling.whole, named) };
}

/** undefined: the log does not tell. */
export function memoryBar(attributes: Attributes): HTMLElement | undefined {
  const filling = partsOf(attributes);
  if (filling === undefined) return undefined;
  const { parts, whole } = filling;
  const label = parts.map(({ name, bytes }) => `${name} ${readableSize(bytes)}`).join(", ");
  return h(
    "div.bar",
    { role: "img", "aria-label": `${label}, of ${readableSize(whole)}`, title: label },
    ...parts.map(({ name, bytes }) => withWidth(h(`span.part.part-${name}` as "span"), bytes / whole)),
  );
}

/** The figures of the bar. */
export function memoryLegend(attributes: Attributes): HTMLElement | undefined {
  const filling = partsOf(attributes);
  if (filling === undefined) return undefined;
  const { parts, whole, used } = filling;
  const free = Math.max(whole - used, 0);
  const rows = free > 0 ? [...parts, { name: "free", bytes: free }] : parts;
  return h(
    "ul.legend",
    {},
    ...rows.map(({ name, bytes }) =>
      h(
        "li",
        {},
        h(`span.key.part-${name}` as "span", { "aria-hidden": "true" }),
        `${PART_WORDS[name] ?? name} `,
        h("b", {}, readableSize(bytes)),
        ` ${Math.round((bytes / whole) * 100)} %`,
      ),
    ),
  );
}
