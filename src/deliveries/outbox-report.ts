/** What `oomscribe outbox` prints: of each endpoint what waits, what was set aside, and the last error. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { inspectFileStore } from "../ship/outbox-file.ts";
import type { LastError } from "../ship/outbox-sender.ts";
import { escapeByNumber, readableSize } from "../ship/readable.ts";
import { countSetAside, requestRetry, type SetAsideCounts } from "../ship/set-aside-files.ts";
import { ENDPOINT_PREFIX } from "./deliveries.ts";
import { readStatusFile } from "./status-file.ts";

export interface OutboxReport {
  directory: string;
  /** without credentials; undefined: no agent of this version has run with it */
  target?: string;
  state: OutboxState;
  setAside: SetAsideCounts;
  lastError?: LastError;
}

export type OutboxState =
  /** An agent has it open, and has written this at that time; undefined: nothing yet. */
  | { kind: "running"; waiting?: Waiting; atMs?: number }
  | { kind: "stopped"; waiting: Waiting }
  | { kind: "unusable"; error: string };

export interface Waiting {
  records: number;
  bytes: number;
  /** milliseconds since the Unix epoch */
  oldestMs?: number;
}

/** @throws Error of the file system. @returns one for each endpoint; none where there is no outbox */
export function readOutboxes(stateDirectory: string): OutboxReport[] {
  return directoriesOf(stateDirectory).flatMap((directory) => {
    const condition = inspectFileStore(directory);
    const status = readStatusFile(directory);
    const setAside = countSetAside(directory);
    const state = toState();
    if (state === undefined) return [];
    const target = status === undefined ? {} : { target: status.target };
    const lastError = status?.lastError === undefined ? {} : { lastError: status.lastError };
    return [{ directory, ...target, state, setAside, ...lastError }];

    function toState(): OutboxState | undefined {
      switch (condition.kind) {
        case "in_use": {
          if (status === undefined) return { kind: "running" };
          const { waiting, oldestMs, atMs } = status;
          return { kind: "running", waiting: { ...waiting, ...(oldestMs === undefined ? {} : { oldestMs }) }, atMs };
        }
        case "usable": {
          const { kind: _, ...waiting } = condition;
          return { kind: "stopped", waiting };
        }
        case "unusable":
          return condition;
        case "absent":
          return Object.values(setAside).some((count) => Number(count) > 0)
            ? { kind: "stopped", waiting: { records: 0, bytes: 0 } }
            : undefined;
      }
    }
  });
}

/** @throws Error of the file system. @returns how many records are to be sent again */
export function retryAll(stateDirectory: string): number {
  return directoriesOf(stateDirectory).reduce((sum, directory) => sum + requestRetry(directory), 0);
}

/** The first endpoint has the state directory itself, each other a folder in it. */
function directoriesOf(stateDirectory: string): string[] {
  if (!existsSync(stateDirectory)) return [];
  const folders = readdirSync(stateDirectory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name.startsWith(ENDPOINT_PREFIX))
    .map(({ name }) => join(stateDirectory, name));
  return [stateDirectory, ...folders.sort()];
}

export function toJson(endpoints: readonly OutboxReport[], requested: number | undefined): string {
  return `${JSON.stringify({ ...(requested === undefined ? {} : { requested }), endpoints }, null, 2)}\n`;
}

export function toLines(endpoints: readonly OutboxReport[], requested: number | undefined, nowMs: number): string {
  const blocks = endpoints.map((endpoint) => `${toBlock(endpoint, nowMs)}\n`);
  if (requested === undefined) return blocks.join("\n");
  const said =
    requested === 0
      ? "nothing is set aside: there is nothing to send again"
      : `${countOf(requested)} will be sent again; an agent that runs takes them within 20 seconds`;
  return `${said}\n\n${blocks.join("\n")}`;
}

function toBlock({ directory, target, state, setAside, lastError }: OutboxReport, nowMs: number): string {
  const rows: [string, string][] = [
    ["directory", directory],
    ["agent", agentOf(state)],
    ["waiting", state.kind === "unusable" ? "unknown" : waitingOf(state.waiting, nowMs)],
    ["set aside", setAsideOf(setAside)],
    ["last error", lastError === undefined ? "none" : `${ago(lastError.atMs, nowMs)}: ${lastError.reason}`],
  ];
  if (setAside.lastReason !== undefined) rows.splice(4, 0, ["because", setAside.lastReason]);
  const lines = rows.map(([name, value]) => `  ${name.padEnd(12)}${oneLine(value)}`);
  return [oneLine(target ?? "endpoint unknown: no agent of this version has run here"), ...lines].join("\n");
}

function agentOf(state: OutboxState): string {
  if (state.kind === "unusable") return `not running; the next one sets the outbox aside: ${state.error}`;
  if (state.kind === "stopped") return "not running";
  return state.atMs === undefined ? "running" : `running (as of ${new Date(state.atMs).toISOString()})`;
}

function waitingOf(waiting: Waiting | undefined, nowMs: number): string {
  if (waiting === undefined) return "unknown: the agent has not written it yet";
  const { records, bytes, oldestMs } = waiting;
  if (records === 0) return "nothing";
  return `${countOf(records)} (${readableSize(bytes)})${oldestMs === undefined ? "" : `, oldest ${ago(oldestMs, nowMs)}`}`;
}

function setAsideOf({ rejected, failed, unreadable, requested }: SetAsideCounts): string {
  const parts = [
    ...(rejected > 0 ? [`${rejected} rejected by the backend`] : []),
    ...(failed > 0 ? [`${failed} that the backend fails at`] : []),
    ...(unreadable > 0 ? [`${unreadable} unreadable (unreadable.jsonl)`] : []),
    ...(requested > 0 ? [`${requested} to be sent again`] : []),
  ];
  if (parts.length === 0) return "nothing";
  return `${parts.join(", ")}${rejected + failed > 0 ? "; to send them again: oomscribe outbox retry" : ""}`;
}

function countOf(records: number): string {
  return `${records} ${records === 1 ? "record" : "records"}`;
}

const AGES: readonly [string, number][] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1000],
];

/** `2026-03-01T02:11:04.000Z (3 h ago)`; a clock that was set back makes no age. */
function ago(atMs: number, nowMs: number): string {
  const time = new Date(atMs).toISOString();
  const [unit, length] = AGES.find(([, one]) => nowMs - atMs >= one) ?? ["", 0];
  return length === 0 ? time : `${time} (${Math.floor((nowMs - atMs) / length)} ${unit} ago)`;
}

/** Control and format characters could change what a terminal shows. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, escapeByNumber);
}
