/** The kills over time as columns, each a button that chooses its time; arrow keys go from one to the next. */
import type { OtherKills } from "./data.ts";
import { button, find, h } from "./dom.ts";
import { type Kill, timeText } from "./kills.ts";
import type { View } from "./view.ts";

const COLUMNS = 72;
/** Round lengths of time that a column can stand for, seconds. */
const STEPS = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200,
  10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_592_000,
];

/**
 * @param others kills that the page does not hold
 * @param captures how many were read: times since boot of several may be of several boots
 */
export function showTimeline(kills: readonly Kill[], others: OtherKills, captures: number, view: View): void {
  // Times of the day and times since boot cannot stand on one axis: those that are more do.
  const isWall = kills.filter((kill) => kill.isWall).length * 2 >= kills.length;
  const timed = [
    ...kills
      .filter((kill) => kill.isWall === isWall && kill.seconds !== undefined)
      .map(({ seconds, scope }) => ({ seconds: seconds ?? 0, kills: 1, node: scope === "node" ? 1 : 0 })),
    ...others.times.filter((time) => time.isWall === isWall),
  ];
  const place = find("timeline");
  const first = timed.reduce((least, { seconds }) => Math.min(least, seconds), Number.POSITIVE_INFINITY);
  const last = timed.reduce((most, { seconds }) => Math.max(most, seconds), Number.NEGATIVE_INFINITY);
  if (timed.length < 2 || first === last) {
    place.hidden = true;
    return;
  }
  const step = STEPS.find((one) => (last - first) / one < COLUMNS) ?? (last - first) / COLUMNS;
  const start = Math.floor(first / step) * step;
  const counts = Array.from({ length: Math.floor((last - start) / step) + 1 }, () => ({ all: 0, node: 0 }));
  for (const time of timed) {
    const count = counts[Math.floor((time.seconds - start) / step)];
    if (count === undefined) continue;
    count.all += time.kills;
    count.node += time.node;
  }
  const most = Math.max(...counts.map(({ all }) => all));
  const columns = counts.map(({ all, node }, index) => {
    const range = { from: start + index * step, to: start + (index + 1) * step, isWall };
    if (all === 0) return h("span.column");
    const label = `${timeText(range.from, isWall).trim()}: ${all} ${all === 1 ? "kill" : "kills"}${node > 0 ? `, ${node} as the node ran out` : ""}`;
    const column = button("", () => view.choose({ range: isChosen(range.from) ? undefined : range }), {
      class: "column",
      "aria-label": label,
      title: label,
      tabindex: "-1",
    });
    column.append(...[all - node, node].map((count, kind) => height(kind === 0 ? "limit" : "node", count / most)));
    column.dataset["from"] = String(range.from);
    return column;
  });
  const isChosen = (from: number): boolean => view.choice.range?.from === from;
  const chart = h("div.columns", { role: "group", "aria-label": "Kills over time" }, ...columns);
  moveByArrows(chart);
  place.append(
    h("h2", {}, "Timeline"),
    h(
      "p.hint",
      {},
      `Each column ${duration(step)}; the highest ${most} ${most === 1 ? "kill" : "kills"}. Choose one to see its kills.${counts.some(({ node }) => node > 0) ? " Striped: the node itself ran out." : ""}`,
    ),
    chart,
    h(
      "div.axis",
      {},
      h("span", {}, timeText(first, isWall)),
      h("span", {}, `${timeText(last, isWall)}${isWall ? " UTC" : " since boot"}`),
    ),
  );
  if (!isWall && captures > 1) {
    place.append(h("p.hint", {}, "Times are since boot: kills of several boots stand on one axis."));
  }
  const untimed = kills.length + others.count - timed.reduce((sum, time) => sum + time.kills, 0);
  if (untimed > 0) place.append(h("p.hint", {}, `${untimed} more without a time that could be compared.`));
  view.onChange(() => {
    for (const column of chart.querySelectorAll("button")) {
      column.setAttribute("aria-pressed", String(isChosen(Number(column.dataset["from"]))));
    }
  });
}

function height(kind: string, part: number): HTMLElement {
  const element = h(`span.${kind}` as "span");
  element.style.height = part === 0 ? "0" : `max(3px, ${part * 100}%)`;
  return element;
}

/** One stop for the tab key, not as many as there are columns. */
function moveByArrows(chart: HTMLElement): void {
  const all = [...chart.querySelectorAll("button")];
  all[0]?.setAttribute("tabindex", "0");
  chart.addEventListener("keydown", (press) => {
    const by = press.key === "ArrowRight" ? 1 : press.key === "ArrowLeft" ? -1 : 0;
    const next = all[all.indexOf(document.activeElement as HTMLButtonElement) + by];
    if (by === 0 || next === undefined) return;
    for (const one of all) one.setAttribute("tabindex", one === next ? "0" : "-1");
    next.focus();
    press.preventDefault();
  });
}

function duration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}
