/**
 * Which kills have been handed on already, so that a kill that stands in two captures, or twice in one, is one record.
 *
 * The same line read again has the same log.record.uid. The same kill in another format does not, since formats keep
 * different things of it: it is told by its process and figures, at a time that does not speak against it.
 */
import { hash } from "node:crypto";
import type { Attributes, AttributeValue, LogRecord } from "../record/log-record.ts";
import { createRecentRows } from "./recent-rows.ts";

export interface Seen {
  /** @returns false where the record's kill has been added before, as far as is remembered */
  add(record: LogRecord): boolean;
}

/** 8 MB. A kill that comes again after so many others is taken for another one. */
const MAX_KEPT = 65_536;

/** Remembers the last records; the oldest are forgotten first, so memory is bounded whatever the input. */
export function createSeen(maxKept = MAX_KEPT): Seen {
  const uids = createRecentRows(maxKept, UID_WIDTH);
  const kills = createRecentRows(maxKept, ROW_WIDTH);
  const bootNumber = createNumbering();
  const hostNumber = createNumbering();

  function isKnownUid(uid: string): boolean {
    const numbers = uidNumbers(uid);
    const hashed = hashOf(numbers);
    if (uids.some(hashed, (rows, at) => numbers.every((number, column) => rows[at + column] === number))) return true;
    uids.add(hashed, numbers);
    return false;
  }

  return {
    add({ attributes, resource, timestampUs }) {
      if (isKnownUid(String(attributes["log.record.uid"]))) return false;
      const figures = figuresOf(attributes);
      if (figures === undefined) return true;
      const row = [
        ...figures,
        bootNumber(attributes["oom.kernel.boot_id"]),
        hostNumber(resource["host.name"]),
        numberOr(attributes["oom.kernel.monotonic"]),
        numberOr(timestampUs),
      ];
      const hashed = hashOf(figures);
      if (kills.some(hashed, (rows, at) => mayBeOne(row, rows, at))) return false;
      kills.add(hashed, row);
      return true;
    },
  };
}

/** Hex digits that a double holds with room to spare; three such parts are a UID. */
const UID_PART = 11;
const UID_WIDTH = 3;

/** @param uid 32 hex digits */
function uidNumbers(uid: string): number[] {
  return Array.from({ length: UID_WIDTH }, (_, part) =>
    Number.parseInt(uid.slice(part * UID_PART, (part + 1) * UID_PART) || "0", 16),
  );
}

/** Two processes of one pid do not end with all of these figures the same. */
const FIGURES = ["process.pid", "oom.victim.total_vm", "oom.victim.anon_rss", "oom.victim.file_rss"] as const;

function figuresOf(attributes: Attributes): number[] | undefined {
  const values = FIGURES.map((key) => attributes[key]);
  return values.every((value) => typeof value === "number") ? values : undefined;
}

/** A row: the figures, then what a format may keep of where and when a kill was; NaN is what it has not kept. */
const BOOT = FIGURES.length;
const HOST = BOOT + 1;
const MONOTONIC = BOOT + 2;
const TIMESTAMP_US = BOOT + 3;
const ROW_WIDTH = BOOT + 4;

function numberOr(value: unknown): number {
  return typeof value === "number" ? value : Number.NaN;
}

/** A text as a number that no other text has, as far as 52 bits of SHA-256 go; NaN where there is none. */
function createNumbering(): (text: AttributeValue | undefined) => number {
  // Kills of one boot and one host come one after another.
  let last: AttributeValue | undefined;
  let number = Number.NaN;
  return (text) => {
    if (text === last) return number;
    last = text;
    number = text === undefined ? Number.NaN : Number.parseInt(hash("sha256", String(text), "hex").slice(0, 13), 16);
    return number;
  };
}

function hashOf(numbers: readonly number[]): number {
  let hashed = 0;
  for (const number of numbers) {
    hashed = Math.imul(hashed ^ (number % 2 ** 32), 0x9e3779b1);
    hashed = Math.imul(hashed ^ (hashed >>> 15) ^ (number / 2 ** 32), 0x85ebca6b);
  }
  return hashed ^ (hashed >>> 13);
}

/** `-T` of dmesg and some daemons keep whole seconds, and count them from a time of boot of their own. */
const SLACK_US = 3_000_000;

/** Whether nothing that both have speaks against their being one kill. */
function mayBeOne(one: readonly number[], rows: Float64Array, at: number): boolean {
  for (let column = 0; column < BOOT; column++) if (one[column] !== rows[at + column]) return false;
  // The distance from what is not known is NaN, which is never more than 0.
  const difference = (column: number): number => Math.abs((one[column] ?? 0) - (rows[at + column] ?? 0));
  if (difference(BOOT) > 0 || difference(HOST) > 0) return false;
  const apart = difference(MONOTONIC);
  // Every format that keeps the kernel's own time keeps its microseconds.
  if (!Number.isNaN(apart)) return apart === 0;
  return !(difference(TIMESTAMP_US) >= SLACK_US);
}
