/** Elements from names, attributes and texts. Text is only ever text: nothing here reads markup. */

export type Child = Node | string | undefined;

/** `h("td.number", { scope: "row" }, "12")`; an attribute that is undefined is left out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  name: K | `${K}.${string}`,
  attributes: Readonly<Record<string, string | undefined>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const [tag = "", ...classes] = name.split(".");
  const element = document.createElement(tag as K);
  if (classes.length > 0) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

export function button(label: string, onClick: () => void, attributes: Record<string, string | undefined> = {}) {
  const element = h("button", { type: "button", ...attributes }, label);
  element.addEventListener("click", onClick);
  return element;
}

/** An element of the page's own markup. */
export function find(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}

/** Tells by which head of a table its rows are sorted. */
export function markSorted(head: HTMLElement, isSorted: boolean, isDescending: boolean): void {
  if (isSorted) head.setAttribute("aria-sort", isDescending ? "descending" : "ascending");
  else head.removeAttribute("aria-sort");
}

/** Widths are set by script: the page's policy forbids them in markup. @param part 0 to 1 */
export function withWidth<E extends HTMLElement>(element: E, part: number): E {
  element.style.width = `${Math.min(Math.max(part, 0), 1) * 100}%`;
  return element;
}
