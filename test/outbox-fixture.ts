/** An outbox in a directory of its own, what it said, and numbered records to put into it. */

import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogRecord } from "../src/ship/log-record.ts";
import { type Outbox, type OutboxDetail, type OutboxOptions, openOutbox } from "../src/ship/outbox.ts";

export interface TestState {
  position: number;
}

export interface TestOutbox extends Outbox<TestState> {
  troubles: [name: string, detail: OutboxDetail][];
}

const cleanups: (() => void)[] = [];

/** For afterEach. */
export function cleanUp(): void {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
}

export function onCleanUp(cleanup: () => void): void {
  cleanups.push(cleanup);
}

export function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "oomscribe-outbox-"));
  onCleanUp(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export function openTestOutbox(
  directory: string | undefined,
  options: Partial<OutboxOptions<TestState>> = {},
): TestOutbox {
  const troubles: TestOutbox["troubles"] = [];
  const outbox = openOutbox<TestState>({
    directory,
    onTrouble: (name, detail) => troubles.push([name, detail]),
    ...options,
  });
  onCleanUp(() => outbox.close());
  return Object.assign(outbox, { troubles });
}

/**
 * @param length of the body: a record is about 200 bytes of JSON more. The outbox deflates it to three quarters at most,
 * so that what is made of it fills a disk.
 */
export function numbered(number: number, length = 0): LogRecord {
  return {
    severityText: "ERROR",
    severityNumber: 17,
    eventName: "oom.kill",
    body: `${number} ${noise(number, length)}`.slice(0, Math.max(length, `${number} `.length)),
    // One for all: within a request, OTLP puts the records of each resource together.
    resource: { "container.id": "c" },
    attributes: { "log.record.uid": uidOf(number) },
  };
}

/** The same text for the same number, which deflates badly. */
function noise(number: number, length: number): string {
  let text = "";
  for (let part = 0; text.length < length; part++) {
    text += createHash("sha512").update(`${number}/${part}`).digest("base64");
  }
  return text;
}

export function uidOf(number: number): string {
  return number.toString(16).padStart(32, "0");
}

export function numbersOf(records: readonly { body?: unknown; record?: LogRecord }[]): number[] {
  return records.map((one) => Number.parseInt(String(one.record?.body ?? one.body), 10));
}

/** `from` up to but not `to`. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

/** Everything that waits, by its number; it is put back. */
export function waiting(outbox: Outbox<unknown>): number[] {
  const entries = outbox.take(Number.POSITIVE_INFINITY);
  outbox.putBack(entries.map(({ id }) => id));
  return numbersOf(entries);
}
