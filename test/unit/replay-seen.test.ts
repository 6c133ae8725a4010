/** What is remembered of records, and that it is bounded. */
import { expect, test } from "vitest";
import { createSeen } from "../../src/replay/seen.ts";

test("a UID is new once, and again when it has been forgotten", () => {
  const seen = createSeen(2);
  expect(["a", "a", "b", "a", "c", "b", "a"].map((uid) => seen.add(uid))).toEqual([
    true,
    false,
    true,
    false,
    true,
    false,
    true,
  ]);
});
