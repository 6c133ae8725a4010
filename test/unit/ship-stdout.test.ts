/** --stdout: each record one line, and what a reader who goes away or stands still costs. */
import { Writable } from "node:stream";
import { expect, test } from "vitest";
import type { LogRecord } from "../../src/ship/log-record.ts";
import { openStdoutShipper } from "../../src/ship/stdout.ts";
import { toJson } from "../../src/ship/to-json.ts";

function record(body: string): LogRecord {
  return { severityText: "ERROR", severityNumber: 17, eventName: "oom.kill", body, resource: {}, attributes: {} };
}

test("prints records in order, a line each", async () => {
  let printed = "";
  const shipper = openStdoutShipper(
    new Writable({
      write(chunk, _encoding, done) {
        printed += chunk;
        done();
      },
    }),
  );
  for (const body of ["a", "b\nc"]) await shipper.ship(record(body));
  expect(await shipper.flush()).toEqual({ exported: 2, failed: 0 });
  expect(printed).toBe(`${toJson(record("a"))}\n${toJson(record("b\nc"))}\n`);
  expect(await shipper.close()).toEqual({ exported: 2, failed: 0 });
});

test("makes the caller wait for a slow reader", async () => {
  const release: (() => void)[] = [];
  const shipper = openStdoutShipper(
    new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => void release.push(done) }),
  );
  let isReady = false;
  const room = Promise.resolve(shipper.ship(record("a"))).then(() => {
    isReady = true;
  });
  await new Promise(setImmediate);
  expect(isReady).toBe(false);
  release[0]?.();
  await room;
  expect(await shipper.flush()).toEqual({ exported: 1, failed: 0 });
});

test("counts what a reader who has gone away did not get", async () => {
  const shipper = openStdoutShipper(
    new Writable({ write: (_chunk, _encoding, done) => done(new Error("write EPIPE")) }),
  );
  for (const body of ["a", "b", "c"]) {
    await shipper.ship(record(body));
    await new Promise(setImmediate);
  }
  expect(await shipper.close()).toEqual({ exported: 0, failed: 3, lastError: "write EPIPE" });
});

test("close does not wait longer than it may for a reader who stands still", async () => {
  const shipper = openStdoutShipper(new Writable({ write: () => {} }));
  shipper.ship(record("a"));
  shipper.ship(record("b"));
  expect(await shipper.close({ timeoutMs: 10 })).toEqual({
    exported: 0,
    failed: 2,
    lastError: "nobody read standard output within 10 ms",
  });
});
