/** The table and --explain on a real terminal (a pty of util-linux's script) of 80 and of 160 columns. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { widthOf } from "../../../../src/replay/table/text.ts";
import { capture } from "../../../cli-process.ts";

const CLI = fileURLToPath(new URL("../../../../src/cli/main.ts", import.meta.url));
const FILES = ["v2-6.1/08-node-out-of-memory.kmsg", "generated/107-gen-comm-cjk-emoji.kmsg"].map(capture);

function onTerminal(columns: number, args: string, env: Record<string, string> = {}): string {
  const command = `stty cols ${columns} && exec '${process.execPath}' '${CLI}' replay ${args} '${FILES.join("' '")}'`;
  const text = execFileSync("script", ["-qec", command, "/dev/null"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], TERM: "xterm", ...env },
  });
  return text.replaceAll("\r", "");
}

describe.each([80, 160])("%i columns", (columns) => {
  test.each([
    ["", true],
    ["--group-by container", true],
    ["--explain 503", false],
  ])("replay %s", (args, isTable) => {
    const lines = onTerminal(columns, args, { NO_COLOR: "1" }).split("\n");
    expect(lines.length).toBeGreaterThan(5);
    // Sentences below the table are wrapped by the terminal.
    const end = isTable ? lines.indexOf("") : lines.length;
    for (const line of lines.slice(0, end)) expect(widthOf(line), line).toBeLessThanOrEqual(columns);
  });
});

test("what filled the memory is drawn where there is room, with what the characters mean", () => {
  const wide = onTerminal(160, "", { NO_COLOR: "1" });
  expect(wide).toMatch(/^\S.*FILLED BY/m);
  // 457695232 + 2940928 bytes of 536326144 are anonymous: nine tenths; the rest of what is not free is the kernel's.
  expect(wide).toMatch(/node-eater .* 507\.3\/511\.5 MiB {2}█████████░ /);
  expect(wide).toContain("█ private");
  expect(onTerminal(80, "", { NO_COLOR: "1" })).not.toContain("FILLED BY");
});

test("colour on a terminal, none with NO_COLOR", () => {
  expect(onTerminal(100, "")).toContain("\u001b[1m");
  expect(onTerminal(100, "", { NO_COLOR: "1" })).not.toContain("\u001b");
});
