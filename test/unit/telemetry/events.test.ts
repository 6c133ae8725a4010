/** The agent's own log: each event is counted, and logged as one line of JSON unless it comes too often. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createEvents, EVENTS, type Events } from "../../../src/telemetry/events.ts";
import { openLog } from "../../../src/telemetry/log.ts";

let directory: string;
let fd: number;
let nowMs: number;
let events: Events;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "oomscribe-log-"));
  fd = openSync(join(directory, "log"), "w");
  nowMs = 1000;
  events = createEvents(openLog(fd), () => nowMs);
});

afterEach(() => {
  closeSync(fd);
  rmSync(directory, { recursive: true });
});

function lines(): Record<string, unknown>[] {
  const text = readFileSync(join(directory, "log"), "utf8");
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("an event is a line with its name, level, message and detail, and nothing of the process", () => {
  events.report("kmsg_gap", { lost: 3 });
  expect(lines()).toEqual([
    {
      level: "warn",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      event: "kmsg_gap",
      lost: 3,
      message: EVENTS.kmsg_gap.message,
    },
  ]);
});

test("all are counted, those that have not happened are left out", () => {
  events.report("kmsg_gap");
  events.report("kmsg_gap");
  events.report("ship_blocked");
  expect(events.counts()).toEqual({ kmsg_gap: 2, ship_blocked: 1 });
});

test("one that comes again and again fills neither the log nor is it silent", () => {
  for (let index = 0; index < 1000; index++) {
    nowMs += 10;
    events.report("kmsg_record_unreadable", { index });
  }
  events.report("kmsg_opened");
  const unreadable = lines().filter(({ event }) => event === "kmsg_record_unreadable");
  expect(events.counts()).toMatchObject({ kmsg_record_unreadable: 1000 });
  expect(unreadable.length).toBeLessThan(60);
  expect(unreadable.slice(0, 6).map(({ index, unlogged }) => [index, unlogged])).toEqual([
    [0, undefined],
    [1, undefined],
    [2, undefined],
    [3, undefined],
    [4, undefined],
    [104, 99],
  ]);
  expect(lines().at(-1)).toMatchObject({ event: "kmsg_opened" });
});

describe("docs/troubleshooting.md", () => {
  const page = readFileSync(new URL("../../../docs/troubleshooting.md", import.meta.url), "utf8");
  const rows = new Map(
    Array.from(page.matchAll(/^\| `(\w+)` +\| (.+?) +\| (.+?) +\|$/gm), ([, name, message]) => [name, message]),
  );
  const troubles = Object.entries(EVENTS).filter(([, { level }]) => level !== "info");

  test.each(troubles)("%s has a row, with its message", (name, { message }) => {
    expect(rows.get(name)).toBe(message);
  });
  test("no row is of an event that there is not", () => {
    expect([...rows.keys()].filter((name) => !Object.hasOwn(EVENTS, String(name)))).toEqual([]);
  });
});
