/** Writes docs/record.md from the catalogue of record keys: `npm run docs`. */
import { writeFileSync } from "node:fs";
import { ATTRIBUTE_GROUPS, type AttributeEntry, type AttributeGroup } from "../src/record/schema.ts";
import { type GeneratedPart, pageOf, renderPart } from "./generated-part.ts";

const PART: GeneratedPart = {
  path: "docs/record.md",
  begin: "<!-- keys: generated from src/record/schema.ts by `npm run docs` -->",
  end: "<!-- end of keys -->",
};

if (import.meta.main) writeFileSync(pageOf(PART), renderRecordPage());

/** The page as it should be: its prose as it stands, the tables of keys made anew. */
export function renderRecordPage(): string {
  const groups: readonly AttributeGroup[] = ATTRIBUTE_GROUPS;
  return renderPart(PART, groups.map(renderGroup).join("\n"));
}

function renderGroup(group: AttributeGroup): string {
  const place = group.on === "resource" ? "Resource attributes" : "Attributes of the record";
  const events = group.events.map((event) => `\`${event}\``).join(", ");
  const rows = Object.entries(group.keys).map(([key, entry]) => toCells(key, entry));
  return [
    `### ${group.title}`,
    "",
    `${place}; in ${events}; from ${group.from}.`,
    "",
    ...renderTable([["key", "type", "unit", "there when", "meaning"], ...rows]),
    "",
  ].join("\n");
}

function toCells(key: string, entry: AttributeEntry): string[] {
  const meaning = entry.from === undefined ? entry.meaning : `${entry.meaning}; from ${entry.from}`;
  const cells = [`\`${key}\``, entry.type, entry.unit ?? "", entry.when ?? "known", meaning];
  // A bar ends a cell, inside code too.
  return cells.map((cell) => cell.replaceAll("|", "\\|"));
}

function renderTable(rows: readonly string[][]): string[] {
  return rows.map(renderRow).toSpliced(1, 0, renderRow(rows[0]?.map(() => "---") ?? []));
}

function renderRow(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
