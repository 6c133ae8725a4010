/** The alert rules and the dashboard: they ask for metrics that there are, say what to do, and do what their own tests say. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";

const FOLDER = fileURLToPath(new URL("../../../daemonset/alerts/", import.meta.url));
const METRICS = readFileSync(new URL("../../../docs/metrics.md", import.meta.url), "utf8");

const PROMTOOL = process.env["OOMSCRIBE_PROMTOOL"] ?? "promtool";
const NO_PROMTOOL = "promtool is missing: apt-get install prometheus";

interface Rule {
  alert?: string;
  record?: string;
  expr: string;
  labels?: { severity: string };
  annotations?: { summary: string; description: string };
}

const rules = (
  parse(readFileSync(`${FOLDER}oomscribe.rules.yaml`, "utf8")) as { groups: { rules: Rule[] }[] }
).groups.flatMap((group) => group.rules);

test.each(rules.map((rule): [string, Rule] => [rule.alert ?? rule.record ?? "", rule]))(
  "%s asks for metrics of Oomscribe's that there are",
  (_, { expr }) => {
    const ours = expr.match(/\boomscribe_\w+/g) ?? [];
    for (const metric of ours) expect(METRICS).toContain(`| \`${metric}\` `);
  },
);

test.each(rules.filter(({ alert }) => alert !== undefined).map((rule): [string, Rule] => [rule.alert ?? "", rule]))(
  "%s says how bad it is, what it is, and what to do",
  (_, { labels, annotations }) => {
    expect(["warning", "critical"]).toContain(labels?.severity);
    expect(annotations).toEqual({ summary: expect.any(String), description: expect.any(String) });
  },
);

interface Panel {
  title: string;
  targets: { expr: string }[];
}
const { panels } = JSON.parse(
  readFileSync(new URL("../../../daemonset/dashboards/oomscribe.json", import.meta.url), "utf8"),
) as { panels: Panel[] };

test.each(panels)("the dashboard's $title asks for metrics of Oomscribe's that there are", ({ targets }) => {
  expect(targets).not.toEqual([]);
  for (const { expr } of targets) {
    for (const metric of expr.match(/\boomscribe_\w+/g) ?? []) expect(METRICS).toContain(`| \`${metric}\` `);
  }
});

/** Grafana puts a duration in its place. */
const GRAFANA = /\$__(?:range|rate_interval)/g;

test("the dashboard's queries are PromQL", ({ skip }) => {
  skip(spawnSync(PROMTOOL, ["--version"]).status !== 0, NO_PROMTOOL);
  const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr.replace(GRAFANA, "5m")));
  const folder = mkdtempSync(join(tmpdir(), "oomscribe-dashboard-"));
  const groups = queries.map((expr, at) => ({ name: `g${at}`, rules: [{ record: `query${at}`, expr }] }));
  writeFileSync(join(folder, "rules.yaml"), JSON.stringify({ groups }));
  const checked = spawnSync(PROMTOOL, ["check", "rules", join(folder, "rules.yaml")], { encoding: "utf8" });
  rmSync(folder, { recursive: true });
  expect(checked.stderr).toBe("");
  expect(checked.status).toBe(0);
});

test("promtool finds no mistake in them, and their tests hold", ({ skip }) => {
  skip(spawnSync(PROMTOOL, ["--version"]).status !== 0, NO_PROMTOOL);
  expect(execFileSync(PROMTOOL, ["check", "rules", "oomscribe.rules.yaml"], { cwd: FOLDER }).toString()).toContain(
    "SUCCESS",
  );
  const tested = spawnSync(PROMTOOL, ["test", "rules", "oomscribe.rules.test.yaml"], { cwd: FOLDER, encoding: "utf8" });
  expect(`${tested.stdout}${tested.stderr}`).toContain("SUCCESS");
});
