/** How much memory the node had: the Mem-Info lines of a global report. Source: lib/show_mem.c __show_mem. */
import type { NodeMemory } from "./report.ts";

/** Nothing but pairs: another line between those of the block may hold `name:1` somewhere, too. */
const PAGES_LINE = /^(?:\s*[a-z_]+:\d+(?!\S))+\s*$/;
const PAGES_PAIR = /([a-z_]+):(\d+)/g;
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
  if (first === 32 || (first >= 97 && first <= 122)) {
    if (!PAGES_LINE.test(text)) return false;
    for (const [, key = "", pages] of text.matchAll(PAGES_PAIR)) memory.pages[key] = Number(pages);
    return true;
  }
  const ram = PAGES_RAM.exec(text);
  if (ram !== null) {
    memory.totalPages = Number(ram[1]);
    return true;
  }
  const reserved = PAGES_RESERVED.exec(text);
  if (reserved !== null) {
    memory.reservedPages = Number(reserved[1]);
    return true;
  }
  const swap = SWAP.exec(text);
  if (swap === null) return false;
  if (swap[1] === "Free") memory.swapFreeKb = Number(swap[2]);
  else memory.swapTotalKb = Number(swap[2]);
  return true;
}
