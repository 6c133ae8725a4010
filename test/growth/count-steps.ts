/**
 * Counts what reading costs, in units that are the same on every machine:
 *
 * - blocks: how often each block of our own code ran (V8's precise coverage);
 * - scanned: bytes that built-in functions were given to look through or to copy: patterns, searches, joins, JSON,
 *   buffers. A pattern's own steps are linear in them: test/unit/regexes.test.ts;
 * - allocated: bytes of the heap, by V8's sampler with its randomness off. This is where strings show that are put
 *   together anew at every line.
 */
import { Session } from "node:inspector";

export interface Steps {
  blocks: number;
  scanned: number;
  allocated: number;
}

const session = new Session();
session.connect();
session.post("Profiler.enable");
session.post("HeapProfiler.enable");
// Blocks are counted of code that is loaded from now on only.
session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });

/** @param folder whose code is counted; it is to be loaded after this module */
export function countSteps(run: () => void, folder: string): Steps {
  takeBlocks(folder);
  session.post("HeapProfiler.startSampling", {
    samplingInterval: 4096,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  const scanned = countScanned(run);
  let allocated = 0;
  session.post("HeapProfiler.stopSampling", (_, { profile }) => {
    allocated = sizeOf(profile.head);
  });
  return { blocks: takeBlocks(folder), scanned, allocated };
}

/** How often blocks ran since this was last called. */
function takeBlocks(folder: string): number {
  let blocks = 0;
  session.post("Profiler.takePreciseCoverage", (_, { result }) => {
    for (const { url, functions } of result) {
      if (!url.includes(folder)) continue;
      for (const { ranges } of functions) for (const { count } of ranges) blocks += count;
    }
  });
  return blocks;
}

interface HeapNode {
  selfSize: number;
  children: HeapNode[];
}

function sizeOf({ selfSize, children }: HeapNode): number {
  return children.reduce((sum, child) => sum + sizeOf(child), selfSize);
}

// biome-ignore lint/suspicious/noExplicitAny: built-in functions of many shapes
type AnyFunction = (...args: any[]) => any;

/** Runs with built-in functions that note how many bytes they look through. */
function countScanned(run: () => void): number {
  let scanned = 0;
  const undo: (() => void)[] = [];

  /** @param costOf bytes, of `this`, what was given and what came of it */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  function note(owner: any, name: string, costOf: (self: any, args: any[], result: any) => number): void {
    const original: AnyFunction = owner[name];
    owner[name] = function (this: unknown, ...args: unknown[]): unknown {
      const result = original.apply(this, args);
      scanned += costOf(this, args, result);
      return result;
    };
    undo.push(() => {
      owner[name] = original;
    });
  }

  type Search = [needle?: string | Buffer | number, from?: number];
  const lengthOf = (needle: Search[0]): number =>
    typeof needle === "object" || typeof needle === "string" ? needle.length : 1;
  const forward = (self: string | Buffer, [needle, from = 0]: Search, at: number): number =>
    (at === -1 ? self.length : at + lengthOf(needle)) - Math.min(from, self.length);
  const backward = (self: string | Buffer, [, from = self.length]: Search, at: number): number =>
    Math.min(from, self.length) - Math.max(at, 0);
  const all = (self: { length: number }): number => self.length;

  const { prototype } = RegExp;
  const exec = prototype.exec;
  // test, replace, match, search and split of a pattern all come here where it is not the built-in one.
  prototype.exec = function (text: string): RegExpExecArray | null {
    const from = this.global || this.sticky ? this.lastIndex : 0;
    const match = exec.call(this, text);
    const end = match === null ? (this.sticky ? from + 1 : text.length) : match.index + match[0].length;
    scanned += Math.max(1, end - from);
    return match;
  };
  undo.push(() => {
    prototype.exec = exec;
  });
  const { indexOf } = String.prototype;
  note(String.prototype, "indexOf", forward as AnyFunction);
  note(String.prototype, "lastIndexOf", backward as AnyFunction);
  note(String.prototype, "includes", (self, args) =>
    forward(self, args as Search, indexOf.apply(self, args as [string])),
  );
  note(String.prototype, "split", all);
  note(Array.prototype, "join", (_, __, joined) => joined.length);
  note(JSON, "parse", (_, [text]) => text.length);
  note(Buffer.prototype, "indexOf", forward as AnyFunction);
  note(Buffer.prototype, "lastIndexOf", backward as AnyFunction);
  note(Buffer.prototype, "toString", (_, __, text) => text.length);
  note(Buffer.prototype, "copy", (_, __, copied) => copied);
  note(Buffer.prototype, "copyWithin", (self, [, from = 0, to = self.length]) => to - from);
  note(Buffer, "concat", (_, __, joined) => joined.length);
  try {
    run();
  } finally {
    for (const one of undo) one();
  }
  return scanned;
}
