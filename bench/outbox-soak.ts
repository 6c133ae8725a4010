/**
 * 100,000 records through outbox and sender to a backend that fails a third of the time: does memory stay flat?
 * `npm run bench:outbox -- [RECORDS]`, which limits V8's young generation: without the limit V8 takes its time to give
 * back what it has collected. Prints a line for each tenth, and the last tenth against the second.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { openOtlpExport } from "../src/otlp/exporter.ts";
import { openOutbox } from "../src/outbox/outbox.ts";
import { openSender } from "../src/outbox/sender.ts";
import type { LogRecord } from "../src/record/log-record.ts";

const RECORDS = Number(process.argv[2] ?? 100_000);
/** What a kill's record comes to, quoted lines included. */
const BODY_BYTES = 4000;

/** In a process of its own, so that what is measured is the sender's. */
const BACKEND = `
  let requests = 0;
  const server = require("node:http").createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(++requests % 3 === 0 ? 503 : 200).end());
  });
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));`;

const backend = spawn(process.execPath, ["-e", BACKEND], { stdio: ["ignore", "pipe", "inherit"] });
const [port] = await once(backend.stdout, "data");
const directory = mkdtempSync(join(tmpdir(), "oomscribe-soak-"));
const troubles = new Map<string, number>();
const onTrouble = (name: string): void => void troubles.set(name, (troubles.get(name) ?? 0) + 1);
const outbox = openOutbox<number>({ directory, onTrouble });
// So short a timeout that the SDK leaves trying again to the sender.
const env = { OTEL_EXPORTER_OTLP_TIMEOUT: "500" };
const otlp = openOtlpExport({ endpoint: `http://127.0.0.1:${String(port).trim()}`, env, version: "0" });
const sender = openSender({ outbox, export: otlp.export, onTrouble, backoff: { firstMs: 10, maxMs: 50 } });

const started = performance.now();
const memory: number[] = [];
for (let number = 0; number < RECORDS; number += 50) {
  outbox.commit(
    Array.from({ length: 50 }, (_, index) => makeRecord(number + index)),
    number,
  );
  sender.wake();
  // As long as the backend takes, so that nothing is dropped.
  while (outbox.size.records > 5000) await setTimeout(5);
  if (number % (RECORDS / 10) === 0) measure(number);
}
while (outbox.size.records > 0) await setTimeout(5);
measure(RECORDS);
const seconds = (performance.now() - started) / 1000;
const { delivered, retries } = await sender.close({ timeoutMs: 1000 });
print(`${delivered} of ${RECORDS} delivered, ${retries} retries, ${(RECORDS / seconds).toFixed(0)} records/s`);
print(
  `resident: last / second = ${((memory.at(-1) ?? 0) / (memory[1] ?? 1)).toFixed(2)}; ${JSON.stringify([...troubles])}`,
);
otlp.close();
outbox.close();
backend.kill();
rmSync(directory, { recursive: true });

function makeRecord(number: number): LogRecord {
  return {
    severityText: "ERROR",
    severityNumber: 17,
    eventName: "oom.kill",
    body: `${number} `.padEnd(BODY_BYTES, "x"),
    resource: { "container.id": `c${number % 100}` },
    attributes: { "log.record.uid": number.toString(16).padStart(32, "0") },
  };
}

function measure(number: number): void {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  memory.push(rss);
  const [resident, heap] = [rss, heapUsed].map((bytes) => (bytes / 1e6).toFixed(1));
  print(`${number}: ${resident} MB resident, ${heap} MB heap, ${outbox.size.records} waiting`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
