/** The filter above the list: words, whose limit it was, and a way back to all. */
import { button, find, h } from "./dom.ts";
import { type Kill, scopeWord } from "./kills.ts";
import { NO_CHOICE, type View } from "./view.ts";

const TYPING_MS = 120;

export function showFilters(kills: readonly Kill[], view: View): void {
  const search = h("input", {
    type: "search",
    id: "search",
    placeholder: "name, PID, container, pod…",
    autocomplete: "off",
  });
  const scopes = [...new Set(kills.map(({ scope }) => scope.split(" ")[0] ?? ""))].sort();
  const select = h(
    "select",
    { id: "scope" },
    h("option", { value: "" }, "any"),
    ...scopes.map((scope) => h("option", { value: scope }, scopeWord(scope))),
  );
  const reset = button("Show all", () => view.choose(NO_CHOICE), { id: "reset" });
  find("filters").append(
    h("label", { for: "search" }, "Filter"),
    search,
    h("label", { for: "scope" }, "Limit of"),
    select,
    reset,
  );

  let soon: number | undefined;
  search.addEventListener("input", () => {
    clearTimeout(soon);
    soon = setTimeout(() => view.choose({ query: search.value }), TYPING_MS);
  });
  select.addEventListener("change", () => view.choose({ scope: select.value }));
  const show = (): void => {
    const { query, scope, place, range } = view.choice;
    if (document.activeElement !== search) search.value = query;
    select.value = scope;
    reset.hidden = query === "" && scope === "" && place === undefined && range === undefined;
  };
  view.onChange(show);
  show();
}
