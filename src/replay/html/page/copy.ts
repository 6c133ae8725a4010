/** A button that copies a text, and says that it has. */
import { button } from "./dom.ts";

const SAID_MS = 1500;

export function copyButton(label: string, text: () => string): HTMLButtonElement {
  const element = button(label, async () => {
    element.textContent = (await copy(text())) ? "Copied" : "Not allowed: mark it and copy";
    setTimeout(() => {
      element.textContent = label;
    }, SAID_MS);
  });
  element.classList.add("copy");
  return element;
}

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // A page that was opened from a disk or over plain HTTP has no clipboard of that kind.
    return copyMarked(text);
  }
}

function copyMarked(text: string): boolean {
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  return isCopied;
}
