/** Writes docs/record.md from the catalogue of record keys: `npm run docs`. */
import { readFileSync, writeFileSync } from "node:fs";
import { ATTRIBUTE_GROUPS, type AttributeEntry, type AttributeGroup } from "../src/ship/attributes.ts";

const PAGE = new URL("../docs/record.md", import.meta.url);
const BEGIN = "<!-- keys: generated from src/ship/attributes.ts by `npm run docs` -->";
const END = "<!-- end of keys -->";

if (import.meta.main) writeFileSync(PAGE, renderRecordPage());

/** The page as it should be: its prose as it stands, the tables of keys made anew. */
export function renderRecordPage(): string {
  const page = readFileSync(PAGE, "utf8");
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin === -1 || end < begin) throw new Error(`docs/record.md: put the lines "${BEGIN}" and "${END}" back`);
  const groups: readonly AttributeGroup[] = ATTRIBUTE_GROUPS;
  return `${page.slice(0, begin)}${BEGIN}\n\n${groups.map(renderGroup).join("\n")}\n${page.slice(end)}`;
}

function renderGroup(group: AttributeGroup): string {
  const place = group.on === "resource" ? "Resource attributes" : "Attributes of the record";
  const events = group.events.map((event) => `\`${event}\``).join(", ");
  return [
    `### ${group.title}`,
    "",
    `${place}; in ${events}; from ${group.from}.`,
    "",
    "| key | type | unit | there when | meaning |",
    "| --- | --- | --- | --- | --- |",
    ...Object.entries(group.keys).map(([key, entry]) => renderRow(key, entry)),
    "",
  ].join("\n");
}

function renderRow(key: string, entry: AttributeEntry): string {
  const meaning = entry.from === undefined ? entry.meaning : `${entry.meaning}; from ${entry.from}`;
  const cells = [`\`${key}\``, entry.type, entry.unit ?? "", entry.when ?? "known", meaning];
  // A bar ends a cell, inside code too.
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
