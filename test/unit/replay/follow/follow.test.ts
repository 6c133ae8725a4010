/** `--follow` on a log that is written to, rotated and truncated while it is read: every kill once, and soon. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createLineCutter } from "../../../../src/replay/follow/line-cutter.ts";
import { capture, runCli } from "../../../cli-process.ts";

const CLI = fileURLToPath(new URL("../../../../src/cli/main.ts", import.meta.url));
const REPORT = readFileSync(capture("v1-6.18/01-container-limit.kmsg"), "latin1");

/** A real report with a PID, sequence numbers and a second of its own. */
function report(pid: number): string {
  return REPORT.replaceAll("13233", String(pid)).replace(
    /^(\d),(\d+),(\d+),/gm,
    (_, level, seq, us) => `${level},${Number(seq) + pid * 100},${Number(us) + pid * 1e6},`,
  );
}

let folder: string;
let log: string;
let child: ChildProcess | undefined;
let printed: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "oomscribe-follow-"));
  log = join(folder, "kern.log");
  printed = "";
});
afterEach(() => {
  child?.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

function follow(...args: string[]): void {
  child = spawn(process.execPath, [CLI, "replay", "--follow", log, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
}

const pids = () => Array.from(printed.matchAll(/java \(pid (\d+)\) in container/g), ([, pid]) => Number(pid));
const seePids = (expected: number[]) =>
  vi.waitFor(() => expect(pids()).toEqual(expected), { timeout: 25_000, interval: 50 });

describe("a log that grows", () => {
  test("what is there, then what comes, with nothing after it", { timeout: 60_000 }, async () => {
    writeFileSync(log, report(1));
    follow();
    await seePids([1]);
    const [head, tail] = [report(2).slice(0, 3000), report(2).slice(3000)];
    appendFileSync(log, head);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(pids()).toEqual([1]);
    appendFileSync(log, tail);
    await seePids([1, 2]);
    child?.kill("SIGINT");
    expect(await once(child as ChildProcess, "exit")).toEqual([0, null]);
  });

  test("rotated: the old file is read to its end, the new one from its beginning", { timeout: 60_000 }, async () => {
    writeFileSync(log, report(1));
    follow();
    await seePids([1]);
    appendFileSync(log, report(2));
    renameSync(log, `${log}.1`);
    appendFileSync(`${log}.1`, report(3));
    writeFileSync(log, "");
    // Until it is told, whoever writes goes on with the old file.
    appendFileSync(`${log}.1`, report(4));
    await seePids([1, 2, 3, 4]);
    appendFileSync(log, report(5));
    await seePids([1, 2, 3, 4, 5]);
  });

  test("truncated, as logrotate's copytruncate does", { timeout: 60_000 }, async () => {
    writeFileSync(log, report(1) + report(2));
    follow();
    await seePids([1, 2]);
    truncateSync(log);
    appendFileSync(log, report(3));
    await seePids([1, 2, 3]);
  });

  test("a hundred kills over ten rotations, none lost, none twice", { timeout: 180_000 }, async () => {
    writeFileSync(log, "");
    follow("--output", "ndjson");
    const expected: number[] = [];
    for (let round = 0; round < 10; round++) {
      for (let index = 0; index < 10; index++) {
        expected.push(1000 + round * 10 + index);
        appendFileSync(log, report(expected.at(-1) as number));
      }
      // No file comes and goes between two looks; of this one most is still to be read when it is moved.
      const first = `"process.pid":${1000 + round * 10},`;
      await vi.waitFor(() => expect(printed).toContain(first), { timeout: 20_000, interval: 20 });
      renameSync(log, `${log}.${round}`);
      writeFileSync(log, "");
    }
    await vi.waitFor(() => {
      const kills = printed.split("\n").filter((line) => line.includes('"eventName":"oom.kill"'));
      expect(kills.map((line) => JSON.parse(line).attributes["process.pid"])).toEqual(expected);
    }, 30_000);
  });
});

test.each([
  [["--follow", "/nonexistent/kern.log"], /there is no such file; --follow wants a log that is there/],
  [["--follow", "/dev/null"], /is no file that grows: .*oomscribe agent --stdout/],
  [["--follow", "-"], /--follow is of one file/],
  [["--follow", "--top", "3", "x"], /--top needs the end of a log/],
  [["--follow", "--output", "json", "x"], /--output json needs the end of a log: --follow has ndjson/],
])("%j: a sentence, status 2", async (args, sentence) => {
  const { stderr, status } = await runCli(["replay", ...args]);
  expect(stderr).toMatch(sentence);
  expect(status).toBe(2);
});

test("lines, however they are cut", () => {
  const lines: string[] = [];
  const cutter = createLineCutter((line) => lines.push(line));
  for (const piece of ["a", "b\r\nc", "\n", "\nlast"]) cutter.push(Buffer.from(piece));
  expect(lines).toEqual(["ab", "c", ""]);
  cutter.end();
  expect(lines.at(-1)).toBe("last");
  cutter.push(Buffer.alloc(300 * 1024, "x"));
  expect(lines.at(-1)).toHaveLength(300 * 1024);
});
