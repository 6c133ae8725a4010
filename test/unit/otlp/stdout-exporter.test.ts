/** `--stdout` of the agent: each record a line, and what becomes of a reader that goes away. */
import { PassThrough, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { openStdoutExport } from "../../../src/otlp/stdout-exporter.ts";
import { toUnloggedRecord } from "../../../src/record/events/counter-only-kill.ts";
import { toJson } from "../../../src/record/json.ts";
import { makeUnloggedKill } from "../../kills.ts";

const record = toUnloggedRecord(makeUnloggedKill(), { resource: {} }, (ms) => ms * 1000);

test("a line of JSON each", async () => {
  const stream = new PassThrough();
  const { target, export: print } = openStdoutExport(stream);
  expect(target).toBe("stdout");
  expect(await print([record, record])).toEqual({ kind: "delivered" });
  stream.end();
  expect(await text(stream)).toBe(`${toJson(record)}\n${toJson(record)}\n`);
});

test("nobody reads any more: what was not printed is kept", async () => {
  const stream = new Writable({ write: (_chunk, _encoding, done) => done(new Error("EPIPE")) });
  stream.on("error", () => {});
  expect(await openStdoutExport(stream).export([record])).toEqual({
    kind: "blocked",
    reason: "standard output: EPIPE",
  });
});
