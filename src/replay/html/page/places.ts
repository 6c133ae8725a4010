/** The containers, those with most kills first, each with what filled its memory at the last one. */
import { button, find, h } from "./dom.ts";
import type { Kill } from "./kills.ts";
import { memoryBar } from "./memory-bar.ts";
import type { View } from "./view.ts";

const FEW = 6;
/** More rows nobody reads; the filter finds the others. */
const MANY = 500;

export function showPlaces(kills: readonly Kill[], view: View): void {
  const places = new Map<string, Kill[]>();
  for (const kill of kills) {
    const known = places.get(kill.place ?? "");
    if (known === undefined) places.set(kill.place ?? "", [kill]);
    else known.push(kill);
  }
  const sorted = [...places].sort(([, a], [, b]) => b.length - a.length);
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

  function toRow([place, here]: [string, Kill[]]): HTMLElement {
    const last = here.at(-1) as Kill;
    const choose = button(
      place === "" ? "not known" : place,
      () => view.choose({ place: view.choice.place === place ? undefined : place }),
      { class: "place", "data-place": place, "aria-pressed": "false" },
    );
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, choose),
      h("td.number", {}, here.length.toLocaleString("en-US")),
      h("td", {}, memoryBar(last.record.attributes) ?? "not in the log"),
      h("td.number", {}, last.used ?? "–"),
    );
  }

  function mark(): void {
    for (const choose of body.querySelectorAll("button")) {
      choose.setAttribute("aria-pressed", String(choose.dataset["place"] === view.choice.place));
    }
  }
}
