/** What was set aside, `oomscribe outbox`, and the way back: while an agent runs, and before it starts. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { openHousekeeping } from "../../src/deliveries/housekeeping.ts";
import { readOutboxes, retryAll, toJson, toLines } from "../../src/deliveries/outbox-report.ts";
import { readStatusFile, STATUS_FILE, writeStatusFile } from "../../src/deliveries/status-file.ts";
import type { SetAsideCause } from "../../src/ship/outbox-sender.ts";
import { countSetAside, openSetAsideFiles, readRetry, requestRetry } from "../../src/ship/set-aside-files.ts";
import { runCli } from "../cli-process.ts";
import {
  cleanUp,
  makeDirectory,
  numbered,
  numbersOf,
  openTestOutbox,
  range,
  type TestOutbox,
  waiting,
} from "../outbox-fixture.ts";

afterEach(cleanUp);

function setAside(directory: string, cause: SetAsideCause, numbers: readonly number[], maxBytes?: number): void {
  const files = openSetAsideFiles({
    directory,
    ...(maxBytes === undefined ? {} : { maxBytes }),
    now: () => Date.parse("2026-03-01T02:00:00Z"),
    onFailure: () => expect.unreachable(),
    onDropped: () => expect.unreachable(),
  });
  for (const number of numbers) files.keepRecords([numbered(number)], `HTTP 400: ${number}`, cause);
}

interface Kept {
  outbox: TestOutbox;
  events: [string, unknown][];
  badLines: string[];
  /** Ten seconds later. */
  tick(): void;
  close(): void;
}

function keepHouse(directory: string, outbox = openTestOutbox(directory)): Kept {
  const events: [string, unknown][] = [];
  const badLines: string[] = [];
  let nowMs = 0;
  const housekeeping = openHousekeeping({
    directory,
    target: () => "http://collector:4318/v1/logs",
    outbox,
    sender: { lastError: { atMs: Date.parse("2026-03-01T02:10:00Z"), reason: "HTTP 503\u001b[31m" }, wake: () => {} },
    onTrouble: (name, detail) => events.push([name, detail]),
    onBadLine: (line) => badLines.push(line),
  });
  const tick = (): void => {
    nowMs += 10_000;
    housekeeping.tick(nowMs);
  };
  return { outbox, events, badLines, tick, close: housekeeping.close };
}

describe("records that were set aside", () => {
  test("are sent again while an agent runs: it takes them, and what it sets aside meanwhile is apart", () => {
    const directory = makeDirectory();
    const { outbox, events, tick } = keepHouse(directory);
    // As long as they are not asked for they stay; known to the outbox as settled.
    outbox.commit(
      range(0, 3).map((number) => numbered(number)),
      { position: 3 },
    );
    outbox.done(outbox.take(3).map(({ id }) => id));
    setAside(directory, "rejected", [0, 1]);
    setAside(directory, "failed", [2]);
    tick();
    expect(waiting(outbox)).toEqual([]);
    expect(retryAll(directory)).toBe(3);
    setAside(directory, "rejected", [7]);
    expect(countSetAside(directory)).toMatchObject({ rejected: 1, failed: 0, requested: 3 });
    tick();
    expect(waiting(outbox).toSorted()).toEqual([0, 1, 2]);
    expect(events).toHaveLength(2);
    expect(events).toContainEqual(["set_aside_retried", { records: 2 }]);
    expect(countSetAside(directory)).toMatchObject({ rejected: 1, failed: 0, requested: 0 });
    tick();
    expect(outbox.size.records).toBe(3);
  });

  test("at a start: those that the backend failed at by themselves, those that it refused when they are asked for", () => {
    const directory = makeDirectory();
    setAside(directory, "rejected", [0]);
    setAside(directory, "failed", [1]);
    const first = keepHouse(directory);
    first.tick();
    expect(waiting(first.outbox)).toEqual([1]);
    first.outbox.close();
    retryAll(directory);
    const second = keepHouse(directory);
    second.tick();
    expect(waiting(second.outbox)).toEqual([1, 0]);
  });

  test("with the file before, and asked for twice before an agent comes", () => {
    const directory = makeDirectory();
    setAside(directory, "rejected", range(0, 10), 2000);
    expect(readdirSync(directory)).toContain("rejected.jsonl.last");
    const first = requestRetry(directory);
    setAside(directory, "rejected", [10]);
    expect([first, requestRetry(directory), requestRetry(directory)]).toEqual([10, 1, 0]);
    const { outbox, tick } = keepHouse(directory);
    tick();
    expect(waiting(outbox).toSorted((a, b) => a - b)).toEqual(range(0, 11));
  });

  test("wait for room: they push nothing out", () => {
    const directory = makeDirectory();
    const { outbox, tick } = keepHouse(directory, openTestOutbox(directory, { maxBytes: 900 }));
    outbox.commit([numbered(0, 400)], { position: 1 });
    setAside(directory, "rejected", range(1, 4));
    retryAll(directory);
    tick();
    expect(waiting(outbox)).toEqual([0]);
    expect(countSetAside(directory).requested).toBe(3);
    outbox.done(outbox.take(1).map(({ id }) => id));
    tick();
    expect(waiting(outbox)).toEqual([1, 2, 3]);
  });

  test("a file of them may hold anything: the records of it are sent, the rest is kept and reported", () => {
    const directory = makeDirectory();
    setAside(directory, "rejected", [1]);
    const path = join(directory, "rejected.jsonl");
    const bad = ["{", "null", "5", "[]", '{"record":null}', '{"rejected":1,"record":{"body":1}}', "\u0000"];
    writeFileSync(path, `${bad.join("\n")}\n\n${readFileSync(path, "utf8")}{"cut`);
    expect(() => countSetAside(directory)).not.toThrow();
    retryAll(directory);
    const { outbox, events, badLines, tick } = keepHouse(directory);
    tick();
    expect(waiting(outbox)).toEqual([1]);
    expect(badLines).toEqual([...bad, '{"cut']);
    expect(events).toContainEqual(["set_aside_unreadable", { lines: 8 }]);
  });

  test("a directory in place of a file of them is reported once, and does no harm", () => {
    const directory = makeDirectory();
    mkdirSync(join(directory, "retry-1.jsonl"));
    const { outbox, events, tick } = keepHouse(directory);
    tick();
    tick();
    outbox.commit([numbered(1)], { position: 1 });
    expect(events).toEqual([
      ["outbox_files_failed", expect.objectContaining({ error: expect.stringMatching(/EISDIR/) })],
    ]);
    expect(numbersOf(readRetry(join(directory, "none")).records)).toEqual([]);
  });
});

describe("oomscribe outbox", () => {
  const nowMs = Date.parse("2026-03-01T02:15:00Z");

  test("of an agent that runs, what it wrote last; of one that does not, what its outbox holds", () => {
    const directory = makeDirectory();
    const outbox = openTestOutbox(directory, { now: () => Date.parse("2026-02-28T23:00:00Z") });
    const { tick } = keepHouse(directory, outbox);
    outbox.commit([numbered(0), numbered(1)], { position: 1 });
    tick();
    setAside(directory, "rejected", [5]);
    const running = toLines(readOutboxes(directory), undefined, nowMs);
    expect(running).toMatch(/^http:\/\/collector:4318\/v1\/logs\n/);
    expect(running).toContain(`  directory   ${directory}\n  agent       running (as of `);
    expect(running).toContain("  waiting     2 records (0.3 KiB), oldest 2026-02-28T23:00:00.000Z (3 h ago)\n");
    expect(running).toContain("  set aside   1 rejected by the backend; to send them again: oomscribe outbox retry\n");
    expect(running).toContain("  because     HTTP 400: 5\n");
    // Nothing in it can move the cursor.
    expect(running).toContain("  last error  2026-03-01T02:10:00.000Z (5 min ago): HTTP 503\\x1b[31m\n");
    outbox.close();
    const stopped = toLines(readOutboxes(directory), 0, nowMs);
    expect(stopped).toMatch(/^nothing is set aside: there is nothing to send again\n/);
    expect(stopped).toContain("  agent       not running\n  waiting     2 records (0.3 KiB), oldest 2026-02-28T23");
    expect(JSON.parse(toJson(readOutboxes(directory), 3))).toMatchObject({
      requested: 3,
      endpoints: [{ directory, state: { kind: "stopped", waiting: { records: 2 } }, setAside: { rejected: 1 } }],
    });
  });

  test("every endpoint's folder; an outbox that cannot be used", () => {
    const directory = makeDirectory();
    openTestOutbox(directory).close();
    mkdirSync(join(directory, "endpoint-0123456789ab"));
    writeFileSync(join(directory, "endpoint-0123456789ab", "outbox.sqlite"), "no database ".repeat(1000));
    mkdirSync(join(directory, "other"));
    expect(readOutboxes(directory).map(({ state }) => state.kind)).toEqual(["stopped", "unusable"]);
  });

  test.each(["", "{", "null", "5", '{"atMs":1e300,"target":"x","waiting":{}}', '{"atMs":"x"}'])(
    "a status %j is none",
    (text) => {
      const directory = makeDirectory();
      writeFileSync(join(directory, STATUS_FILE), text);
      expect(readStatusFile(directory)).toBeUndefined();
    },
  );

  test("a status comes back as it was written", () => {
    const directory = makeDirectory();
    const status = {
      atMs: 1,
      target: "x",
      waiting: { records: 1, bytes: 2 },
      oldestMs: 3,
      lastError: { atMs: 4, reason: "r" },
    };
    writeStatusFile(join(directory, "new"), status);
    expect(readStatusFile(join(directory, "new"))).toEqual(status);
  });

  test("as a command", async () => {
    const directory = makeDirectory();
    const none = await runCli(["outbox"]);
    expect([none.status, none.stderr]).toEqual([
      2,
      expect.stringMatching(/^oomscribe outbox: no state directory is set/),
    ]);
    const empty = await runCli(["outbox", "--state-dir", join(directory, "none")]);
    expect([empty.status, empty.stderr]).toEqual([
      2,
      `oomscribe outbox: there is no outbox in ${join(directory, "none")}\n`,
    ]);
    const word = await runCli(["outbox", "retyr", "--state-dir", directory]);
    expect([word.status, word.stderr]).toEqual([
      2,
      expect.stringMatching(/unknown word retyr: .*oomscribe outbox retry/),
    ]);
    const outbox = openTestOutbox(directory);
    setAside(directory, "failed", [1, 2]);
    const retry = await runCli(["outbox", "retry", "--state-dir", directory]);
    expect([retry.status, retry.stderr]).toEqual([0, ""]);
    expect(retry.stdout).toMatch(/^2 records will be sent again; an agent that runs takes them within 20 seconds\n/);
    const { tick } = keepHouse(directory, outbox);
    tick();
    expect(waiting(outbox)).toEqual([1, 2]);
  });
});
