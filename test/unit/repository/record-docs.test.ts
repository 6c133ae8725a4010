/** docs/record.md is generated from the schema of records, and docs/diagnosis.md has every cause. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { renderRecordPage } from "../../../scripts/record-docs.ts";
import { CAUSES } from "../../../src/diagnose/causes/table.ts";
import { ATTRIBUTE_GROUPS } from "../../../src/record/schema.ts";

const page = readFileSync(new URL("../../../docs/record.md", import.meta.url), "utf8");

test("the page is the one that `npm run docs` writes", () => {
  expect(page).toBe(renderRecordPage());
});

test("the page has a row for every key", () => {
  const keys = ATTRIBUTE_GROUPS.flatMap((group) => Object.keys(group.keys));
  expect(keys.length).toBeGreaterThan(50);
  expect(keys.filter((key) => !page.includes(`\n| \`${key}\` `))).toEqual([]);
});

test("docs/diagnosis.md has a row for every cause", () => {
  const diagnosis = readFileSync(new URL("../../../docs/diagnosis.md", import.meta.url), "utf8");
  expect(Object.keys(CAUSES).filter((cause) => !new RegExp(`^\\| [^|]*\`${cause}\``, "m").test(diagnosis))).toEqual([]);
});
