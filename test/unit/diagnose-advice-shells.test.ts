/** Advice as it is pasted: every shell reads the same words, whatever a name holds, and nothing else happens. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { isPasteable, quoteWord, toCommand } from "../../src/diagnose/advice/shell.ts";
import { advise } from "../../src/diagnose/advice/table.ts";
import { toCase } from "../../src/diagnose/case.ts";
import type { Cause } from "../../src/diagnose/diagnosis.ts";
import type { Who } from "../../src/identify/who.ts";
import { type KillParts, makeKill } from "../kills.ts";
import { SHELLS } from "../shells.ts";

const FILE = "pwned";
const RUN = `touch ${FILE}`;

/** Names that can be pasted, each a trap for at least one shell. */
const PRINTABLE: readonly string[] = [
  "",
  "-n",
  "--help",
  "'",
  "''",
  "it's",
  `'; ${RUN}; '`,
  `'; ${RUN} #`,
  `\\'; ${RUN} #`,
  `\\\\'; ${RUN} #`,
  // fish takes both for escapes within single quotes.
  "a\\",
  "\\\\",
  "a\\'b\\\\c",
  "a\\x2db.service",
  "\\n\\t\\033[2J",
  `"; ${RUN}; "`,
  `$(${RUN})`,
  `\`${RUN}\``,
  `(${RUN})`,
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's
  "${IFS}$HOME$'x'",
  "!!",
  "!touch!x!",
  "a!b'!c",
  "~",
  "~root/x",
  "*",
  "?[a-z]*",
  "**/*(e:'touch pwned':)",
  "{a,b}",
  "{1..3}",
  "^a^b",
  "=ls",
  "%self",
  "%1",
  "a=b",
  "a&b|c;d<e>f",
  "#",
  "# a",
  " a  b ",
  "--limits=memory=~",
  "[[ -n",
  "@(a|b)",
  "größe 日本語 🙂",
  '{"spec":{"containers":[{"name":"it\'s"}]}}',
];

/** Names that cannot. */
const UNSAFE: readonly string[] = [
  `/a\tb'; ${RUN} #`,
  `a\n${RUN}\n`,
  `a\r${RUN}\r`,
  // The end of a bracketed paste, then a line of its own.
  `\u001b[201~\r${RUN}\r`,
  "\u001b[2J",
  "\u009b2J",
  "a\u007f",
  "\u0000",
  // Turned around, and without a width.
  "a\u202etxt.exe",
  "a\u200bb",
  "a\ufeffb",
  "a\u2028b",
  "\u3164",
  "a\u034fb",
  "a\u00a0b",
  // Bytes that were no UTF-8.
  "a\ufffdb",
  "\ud800",
  "\u{e0001}",
  "🏳️",
  "👋🏽",
];

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "oomscribe shells "));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test.each(PRINTABLE)("can be pasted: %j", (name) => {
  expect(isPasteable(name)).toBe(true);
  // Nothing outside of quotes means anything to any shell; no other way of quoting is used.
  const bare = quoteWord(name).replace(/\\['\\]|'[^'\\]*'/g, "");
  expect(bare).toMatch(/^[\w.:/@%+=,-]*$/);
});

test.each(UNSAFE)("cannot be pasted: %j", (name) => {
  expect(isPasteable(name)).toBe(false);
  expect(() => quoteWord(name)).toThrow(RangeError);
  expect(toCommand("cat", name)).toMatch(/^# [\w ,.:-]+$/);
});

test("nothing that is pasted holds what a terminal acts upon or cannot be seen", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 40 }), (name) => {
      expect(toCommand("cat", name)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufffd]/u);
    }),
  );
});

/** What is quoted, what ends a quotation, and what a shell would do outside of one. */
const hostileName = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "'",
        "\\",
        "\\'",
        '"',
        "$",
        "`",
        "!",
        "$(",
        ")",
        "{",
        "}",
        ";",
        "&",
        "|",
        "~",
        "*",
        "?",
        "[",
        "]",
      ),
      fc.constantFrom(" ", "#", "=", "%", "^", "<", ">", "-", "a", "n", "x41", "0", "é", "日", RUN),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(""));

describe.each(SHELLS)("$name", (shell) => {
  if (shell.missing !== undefined) {
    test.skip(`is not here: ${shell.missing}`, () => {});
    return;
  }

  const run = (script: string, cwd: string, programs?: string): string =>
    shell.run(script, { cwd, home: makeFolder(), ...(programs === undefined ? {} : { programs }) });

  /** The words that a program is given. */
  function readWords(names: readonly string[], cwd: string): string[] {
    const script = toCommand("env", "printf", "%s\\0", "BEGIN", ...names);
    return run(script, cwd).split("\0").slice(1, -1);
  }

  test("reads each name as one word, and does nothing", () => {
    const cwd = makeFolder();
    expect(readWords(PRINTABLE, cwd)).toEqual(PRINTABLE);
    expect(readdirSync(cwd)).toEqual([]);
  });

  test("… of names that are made of what shells act upon", () => {
    const cwd = makeFolder();
    fc.assert(
      fc.property(fc.array(hostileName, { minLength: 40, maxLength: 60 }), (names) => {
        expect(readWords(names, cwd)).toEqual(names);
      }),
      { numRuns: 10, endOnFailure: true },
    );
    expect(readdirSync(cwd)).toEqual([]);
  });

  test("a sentence in place of a command does nothing, though it is pasted", () => {
    const cwd = makeFolder();
    for (const name of UNSAFE) {
      for (const cause of ["limit_too_low", "page_cache"] as const) {
        const [advice = ""] = adviseCgroup(cause, `/jobs/${name}`);
        expect(advice).toMatch(/^# (?:Write \d+ to|Read) memory\.[a-z]+ of the cgroup by hand: /);
        expect(run(advice, cwd)).toBe("");
      }
    }
    expect(readdirSync(cwd)).toEqual([]);
  });

  test("writes the limit of a cgroup with a hostile name, and no other file", () => {
    const cwd = makeFolder();
    for (const [index, name] of PRINTABLE.entries()) {
      const [command = ""] = adviseCgroup("limit_too_low", `/${name}`);
      const root = join(cwd, String(index));
      mkdirSync(join(root, name), { recursive: true });
      // In a hierarchy of the test's own.
      run(command.replace("/sys/fs/cgroup", String(index)), cwd);
      expect(readFileSync(join(root, name, "memory.max"), "utf8"), command).toBe("805306368\n");
    }
    expect(readdirSync(cwd)).toHaveLength(PRINTABLE.length);
  });

  test("gives kubectl and systemctl the same words", () => {
    const cwd = makeFolder();
    const programs = makeFolder();
    for (const program of ["kubectl", "systemctl"]) {
      writeFileSync(join(programs, program), "#!/bin/sh\nprintf 'GIVEN'; printf '\\0%s' \"$@\"\n");
      chmodSync(join(programs, program), 0o755);
    }
    const given = (command: string | undefined): string[] =>
      run(command ?? "", cwd, programs)
        .split("\0")
        .slice(1);
    const unit = "a\\x2db@it's.service";
    const [set] = adviseCgroup("limit_too_low", `/system.slice/${unit}`, { identity: { kind: "unit", unit } });
    expect(given(set)).toEqual(["set-property", "--", unit, "MemoryMax=768M"]);
    const who: Who = {
      sources: ["kubernetes_api"],
      missing: [],
      namespace: "shop",
      pod: "web-0",
      container: "app",
      owners: [],
    };
    const [patch] = advise(toCase(killWith({}), { who }), "limit_too_low");
    expect(given(patch).slice(0, -1)).toEqual("patch pod web-0 -n shop --subresource resize -p".split(" "));
    expect(JSON.parse(given(patch).at(-1) ?? "")).toEqual({
      spec: { containers: [{ name: "app", resources: { limits: { memory: "768Mi" } } }] },
    });
    expect(readdirSync(cwd)).toEqual([]);
  });
});

function killWith(kill: KillParts["kill"]): ReturnType<typeof makeKill> {
  const memory = { usageKb: 524_288, limitKb: 524_288, failcnt: 1 };
  return makeKill({ kill: kill ?? {}, victim: { comm: "app" }, report: { memory, swap: memory } });
}

function adviseCgroup(cause: Cause, limitCgroup: string, kill: KillParts["kill"] = {}): string[] {
  return advise(toCase(killWith({ scope: "cgroup", limitCgroup, identity: { kind: "other" }, ...kill }), {}), cause);
}

describe("names that Kubernetes cannot have are not given to kubectl, where they could be options", () => {
  test.each([
    ["pod", "-o=yaml"],
    ["pod", ""],
    ["namespace", "--all"],
    ["container", "a b"],
    ["node", "--selector=x"],
  ])("%s %j", (field, name) => {
    const who: Who = {
      sources: ["kubernetes_api"],
      missing: [],
      namespace: "shop",
      pod: "web-0",
      container: "app",
      node: "node-7",
      owners: [{ kind: "Deployment", name: "web", evidence: "template_hash" }],
      [field]: name,
    } as Who;
    for (const cause of ["limit_too_low", "page_cache", "neighbour", "tmpfs", "node_pressure"] as const) {
      const advice = advise(toCase(killWith({}), { who }), cause);
      expect(advice.filter((one) => one.startsWith("kubectl") && name !== "" && one.includes(name))).toEqual([]);
      expect(advice.filter((one) => / '' /.test(one))).toEqual([]);
    }
  });
});
