/** Completion scripts and the manual page, tried in the shells and with the man that are there. */
import { execFileSync, spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { runCli } from "../../cli-process.ts";

const has = (program: string) => spawnSync(program, ["--version"]).error === undefined;

async function scriptFor(shell: string): Promise<string> {
  const { stdout, stderr, status } = await runCli(["completion", shell]);
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  return stdout;
}

/** What bash offers where the last of the words is being typed. */
async function offers(...words: string[]): Promise<string[]> {
  const script = `${await scriptFor("bash")}
COMP_WORDS=(oomscribe "$@"); COMP_CWORD=$#; _oomscribe; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = execFileSync("bash", ["--norc", "-c", script, "bash", ...words], { encoding: "utf8" });
  return output.split("\n").filter((word) => word !== "");
}

describe("bash", () => {
  test.each<[words: string[], offered: string[]]>([
    [["re"], ["replay"]],
    [["replay", "--gr"], ["--group-by"]],
    [
      ["replay", "--group-by", ""],
      ["container", "pod", "scope", "victim", "node", "hour", "day"],
    ],
    [["replay", "--output", "nd"], ["ndjson"]],
    [["replay", "/etc/host"], expect.arrayContaining(["/etc/hosts"])],
    [["diff", "--k8s", "/etc/hos"], expect.arrayContaining(["/etc/hosts"])],
    [["completion", "f"], ["fish"]],
    [
      ["agent", "--since", ""],
      ["boot", "now"],
    ],
  ])("%j", async (words, offered) => {
    expect(await offers(...words)).toEqual(offered);
  });
});

test.skipIf(!has("zsh"))("zsh takes the script", async () => {
  execFileSync("zsh", ["-n"], { input: await scriptFor("zsh") });
  const run = `autoload -Uz compinit; compinit -u -D; ${await scriptFor("zsh")}; print $_comps[oomscribe]`;
  expect(execFileSync("zsh", ["-fc", run], { encoding: "utf8" })).toBe("_oomscribe\n");
});

test.skipIf(!has("fish"))("fish takes the script and offers what there is", async () => {
  const run = `${await scriptFor("fish")}\ncomplete -C 'oomscribe replay --output nd'`;
  expect(execFileSync("fish", ["--no-config", "-c", run], { encoding: "utf8" })).toContain("ndjson");
});

test("every option of every command is in each script and on the manual page", { timeout: 30_000 }, async () => {
  const [bash, zsh, fish, man] = await Promise.all([
    ...["bash", "zsh", "fish"].map((shell) => scriptFor(shell)),
    runCli(["man"]).then(({ stdout }) => stdout.replaceAll("\\-", "-")),
  ]);
  for (const command of ["replay", "diff", "agent"]) {
    const { stdout } = await runCli([command, "--help"]);
    const names = Array.from(stdout.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm), ([, name = ""]) => name);
    expect(names.length).toBeGreaterThan(5);
    for (const name of names) {
      for (const text of [bash, zsh, man]) expect(text).toContain(`--${name}`);
      expect(fish).toContain(`-l ${name}`);
    }
  }
});

test.skipIf(!has("groff"))("groff has nothing to say against the manual page", async () => {
  const { stdout } = await runCli(["man"]);
  const { stdout: page, stderr } = spawnSync("groff", ["-man", "-ww", "-Tascii"], { input: stdout, encoding: "utf8" });
  expect(stderr).toBe("");
  expect(page).toContain("--group-by");
});
