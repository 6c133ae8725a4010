/** Whose limit it was, as a coloured word. */
import { h } from "./dom.ts";
import { scopeWord } from "./kills.ts";

export function scopeTag(scope: string): HTMLElement {
  const word = scopeWord(scope);
  return h(`span.scope.scope-${word.split(" ")[0]}` as "span", {}, word);
}
