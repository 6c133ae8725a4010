/** The containers, those with most kills first, each with what filled its memory at the last one. */
import type { OtherKills } from "./data.ts";
import { button, find, h } from "./dom.ts";
import type { Kill } from "./kills.ts";
import { memoryBar } from "./memory-bar.ts";
import type { View } from "./view.ts";

const FEW = 6;
/** More rows nobody reads; the filter finds the others. */
const MANY = 500;

interface Place {
  name: string;
  /** those that the page does not hold included */
  kills: number;
  /** undefined: the page holds none of them */
  last: Kill | undefined;
}

/** @param others kills that the page does not hold */
export function showPlaces(kills: readonly Kill[], others: OtherKills, view: View): void {
  const places = new Map<string, Place>();
  const count = (name: string, more: number, last: Kill | undefined): void => {
    const known = places.get(name);
    places.set(name, { name, kills: (known?.kills ?? 0) + more, last: last ?? known?.last });
  };
  for (const kill of kills) count(kill.place ?? "", 1, kill);
  for (const other of others.places) count(other.place, other.kills, undefined);
  const sorted = [...places.values()].sort((a, b) => b.kills - a.kills);
  const body = h("tbody");
  const section = find("places");
  section.append(
    h("h2", {}, "Where"),
    h(
      "table.places",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          ...["Container or unit", "Kills", "Memory at the last kill", "Used/limit"].map((title) =>
            h("th", { scope: "col" }, title),
          ),
        ),
      ),
      body,
    ),
  );
  const more = button(`Show all ${sorted.length}`, () => {
    more.remove();
    body.append(...sorted.slice(FEW, MANY).map(toRow));
  });
  body.append(...sorted.slice(0, FEW).map(toRow));
  if (sorted.length > FEW) section.append(more);
  view.onChange(mark);

  function toRow({ name: place, kills: here, last }: Place): HTMLElement {
    const choose = button(
      place === "" ? "not known" : place,
      () => view.choose({ place: view.choice.place === place ? undefined : place }),
      { class: "place", "data-place": place, "aria-pressed": "false" },
    );
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, choose),
      h("td.number", {}, here.toLocaleString("en-US")),
      h("td", {}, last === undefined ? "not in this page" : (memoryBar(last.record.attributes) ?? "not in the log")),
      h("td.number", {}, last?.used ?? "–"),
    );
  }

  function mark(): void {
    for (const choose of body.querySelectorAll("button")) {
      choose.setAttribute("aria-pressed", String(choose.dataset["place"] === view.choice.place));
    }
  }
}
