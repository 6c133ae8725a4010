/** The list of kills: a table that sorts by its heads, a page at a time, so that ten thousand kills stay quick. */
import { readableSize } from "../../../ship/readable.ts";
import { button, find, h, markSorted } from "./dom.ts";
import type { Kill } from "./kills.ts";
import { memoryBar } from "./memory-bar.ts";
import { scopeTag } from "./scope-tag.ts";
import type { SortKey, View } from "./view.ts";

export const PAGE_SIZE = 50;

const HEADS: readonly [key: SortKey, title: string][] = [
  ["time", "Time"],
  ["comm", "Killed"],
  ["scope", "Limit of"],
  ["used", "Used/limit"],
  ["held", "Held"],
];

export function showList(view: View, selected: () => string | undefined): void {
  const heads = HEADS.map(([key, title]) => {
    const sort = button(title, () => {
      const { choice } = view;
      view.choose({
        sort: key,
        isDescending: choice.sort === key ? !choice.isDescending : key === "held" || key === "used",
      });
    });
    return h(`th.c-${key}` as "th", { scope: "col", "data-key": key }, sort);
  });
  const body = h("tbody");
  const count = h("p.count", { role: "status" });
  const pages = h("nav.pages", { "aria-label": "Pages of the list" });
  find("list").append(count, h("table.kills", {}, h("thead", {}, h("tr", {}, ...heads)), body), pages);
  view.onChange(show);
  show();

  function show(): void {
    const { shown, choice } = view;
    for (const head of heads) markSorted(head, head.dataset["key"] === choice.sort, choice.isDescending);
    const from = choice.page * PAGE_SIZE;
    const onPage = shown.slice(from, from + PAGE_SIZE);
    body.replaceChildren(...onPage.map((kill) => toRow(kill, kill.uid === selected())));
    count.textContent =
      shown.length === 0
        ? "No kill is like that."
        : `${(from + 1).toLocaleString("en-US")}–${(from + onPage.length).toLocaleString("en-US")} of ${shown.length.toLocaleString("en-US")}`;
    const last = Math.max(Math.ceil(shown.length / PAGE_SIZE) - 1, 0);
    pages.hidden = last === 0;
    pages.replaceChildren(
      turn("First", 0, choice.page === 0),
      turn("Back", choice.page - 1, choice.page === 0),
      h("span", {}, `Page ${choice.page + 1} of ${last + 1}`),
      turn("Next", choice.page + 1, choice.page === last),
      turn("Last", last, choice.page === last),
    );
  }

  function turn(label: string, page: number, isOff: boolean): HTMLElement {
    return button(label, () => view.choose({ page }), isOff ? { disabled: "" } : {});
  }
}

function toRow(kill: Kill, isSelected: boolean): HTMLElement {
  const { place } = kill;
  const known = place === undefined ? "where is not known" : `${kill.isInferred ? "probably " : ""}${shorten(place)}`;
  const where = kill.isUnverified ? `unverified, ${known}` : known;
  const row = h(
    "tr",
    { "data-uid": kill.uid },
    h("td.c-time", {}, kill.time),
    h(
      "th.c-comm",
      { scope: "row" },
      h("a", { href: `#${kill.uid}`, ...(isSelected ? { "aria-current": "true" } : {}) }, kill.comm),
      h("span.pid", {}, ` ${kill.pid}`),
      h("span.where", { title: place }, where),
    ),
    h("td.c-scope", {}, scopeTag(kill.scope)),
    h("td.c-used", {}, kill.used ?? "–", memoryBar(kill.record.attributes)),
    h("td.c-held.number", {}, kill.heldBytes > 0 ? readableSize(kill.heldBytes) : "–"),
  );
  row.addEventListener("click", () => {
    // A click that marks text is none on the row.
    if (getSelection()?.isCollapsed !== false) location.hash = kill.uid;
  });
  return row;
}

/** A pod's UID as its first eight digits: the rest is in the detail. */
function shorten(place: string): string {
  return place.replace(/\b([0-9a-f]{8})-?[0-9a-f]{4}-?[0-9a-f-]{20,}/, "$1…");
}
