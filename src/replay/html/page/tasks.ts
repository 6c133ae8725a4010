/** Who held the memory: the largest tasks of the kernel's table, sortable, each with a bar. */

import { readableSize } from "../../../record/format.ts";
import type { Attributes } from "../../../record/log-record.ts";
import { readTopTasks, type TopTask } from "../../table/memory.ts";
import { plainCell } from "../../table/text.ts";
import { button, h, markSorted, withWidth } from "./dom.ts";

type TaskKey = keyof TopTask;

const HEADS: readonly [key: TaskKey, title: string][] = [
  ["name", "Task"],
  ["pid", "PID"],
  ["rss", "Resident"],
];

/** undefined: the log has no table. */
export function tasksTable(attributes: Attributes): HTMLElement | undefined {
  const tasks = readTopTasks(attributes).map((task) => ({ ...task, name: plainCell(task.name) }));
  if (tasks.length === 0) return undefined;
  const most = Math.max(...tasks.map(({ rss }) => rss));
  const victim = attributes["process.pid"];
  const body = h("tbody");
  let sorted: TaskKey = "rss";
  let isDescending = true;
  const heads = HEADS.map(([key, title]) =>
    h(
      "th",
      { scope: "col" },
      button(title, () => sortBy(key)),
    ),
  );
  const show = (): void => {
    const sign = isDescending ? -1 : 1;
    const rows = tasks.toSorted(
      (a, b) => sign * (sorted === "name" ? a.name.localeCompare(b.name) : a[sorted] - b[sorted]),
    );
    for (const [index, head] of heads.entries()) markSorted(head, HEADS[index]?.[0] === sorted, isDescending);
    body.replaceChildren(...rows.map((task) => toRow(task, most, task.pid === victim)));
  };
  const sortBy = (key: TaskKey): void => {
    isDescending = sorted === key ? !isDescending : key === "rss";
    sorted = key;
    show();
  };
  show();
  const count = Number(attributes["oom.tasks.count"]);
  const all = count > tasks.length ? `The largest ${tasks.length} of ${count.toLocaleString("en-US")} tasks.` : "";
  return h(
    "section.tasks",
    {},
    h("h3", {}, "Who held the memory"),
    h("table", {}, h("thead", {}, h("tr", {}, ...heads, h("th", { scope: "col" }, "Share"))), body),
    all === "" ? undefined : h("p.hint", {}, all),
  );
}

function toRow({ name, pid, rss }: TopTask, most: number, isVictim: boolean): HTMLElement {
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, name, isVictim ? h("span.victim", {}, "killed") : undefined),
    h("td.number", {}, String(pid)),
    h("td.number", {}, readableSize(rss)),
    h(
      "td",
      {},
      h("div.bar", { "aria-hidden": "true" }, withWidth(h("span.part.part-anon"), most === 0 ? 0 : rss / most)),
    ),
  );
}
