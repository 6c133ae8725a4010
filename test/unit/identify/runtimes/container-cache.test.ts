/** What is kept of those that live and of those that are gone. */
import { expect, test } from "vitest";
import { createKept, type Kept } from "../../../../src/identify/runtimes/container-cache.ts";

function keep(keys: string): Kept<string> {
  const kept = createKept<string>({ max: 4, keptMs: 1000 });
  for (const key of keys) kept.set(key, `of ${key}`);
  return kept;
}

function known(kept: Kept<string>): string {
  return [..."abcdef"].filter((key) => kept.get(key) === `of ${key}`).join("");
}

test.each<[what: string, kept: Kept<string>, does: (kept: Kept<string>) => void, expected: string]>([
  ["those that live are known", keep("abc"), () => {}, "abc"],
  ["one that is gone is known for a while", keep("abc"), (kept) => kept.leave("a", 0), "abc"],
  ["and not for ever", keep("abc"), (kept) => ["a", "b", "x"].map((key, n) => kept.leave(key, n * 600)), "bc"],
  ["the oldest of those that live goes first", keep("abcdef"), () => {}, "cdef"],
  ["but one that is gone goes before it", keep("abcd"), (kept) => [kept.leave("c", 0), kept.set("e", "of e")], "abde"],
  [
    "one that comes back lives",
    keep("abcd"),
    (kept) => [kept.leave("a", 0), kept.set("a", "of a"), kept.leave("x", 5000)],
    "abcd",
  ],
  ["one that is gone twice is gone once", keep("ab"), (kept) => [0, 900, 1001].map((ms) => kept.leave("a", ms)), "b"],
])("%s", (_, kept, does, expected) => {
  does(kept);
  expect(known(kept)).toBe(expected);
});
