/** How much memory the node had: the Mem-Info lines of a global report. Source: lib/show_mem.c __show_mem. */
import { readCount } from "./figures.ts";
import type { NodeMemory } from "./report.ts";
import { LONGEST_LINE } from "./wording.ts";

const PAGES_PAIR = /^([a-z_]+):(\d+)$/;
const PAGES_RAM = /^(\d+) pages RAM$/;
const PAGES_RESERVED = /^(\d+) pages reserved$/;
const SWAP = /^(Free|Total) swap\s*=\s*(\d+)kB$/;

/**
 * Adds what a line says: the block of `active_anon:… free:…` in pages (one record of several lines, or a line each),
 * RAM, reserved, swap.
 * @returns whether it said anything
 */
export function addNodeMemoryLine(memory: NodeMemory, text: string): boolean {
  const first = text.charCodeAt(0);
  if (first === 32 || (first >= 97 && first <= 122)) return addPages(memory, text);
  const ram = PAGES_RAM.exec(text);
  if (ram !== null) return setCount(memory, "totalPages", ram[1]);
  const reserved = PAGES_RESERVED.exec(text);
  if (reserved !== null) return setCount(memory, "reservedPages", reserved[1]);
  const swap = SWAP.exec(text);
  if (swap === null) return false;
  return setCount(memory, swap[1] === "Free" ? "swapFreeKb" : "swapTotalKb", swap[2]);
}

/** Nothing but pairs: another line between those of the block may hold `name:1` somewhere, too. */
function addPages(memory: NodeMemory, text: string): boolean {
  if (text.length > LONGEST_LINE) return false;
  const pages: [name: string, pages: number | undefined][] = [];
  for (const word of text.split(/\s/)) {
    if (word === "") continue;
    const [, name, digits] = PAGES_PAIR.exec(word) ?? [];
    if (name === undefined) return false;
    pages.push([name, readCount(digits)]);
  }
  for (const [name, count] of pages) if (count !== undefined) memory.pages[name] = count;
  return pages.length > 0;
}

function setCount(memory: NodeMemory, key: Exclude<keyof NodeMemory, "pages">, digits: string | undefined): boolean {
  const value = readCount(digits);
  if (value !== undefined) memory[key] = value;
  return value !== undefined;
}
