/** Writes what README.md quotes of the program, as the program prints it now: `npm run docs`. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../", import.meta.url);
const PAGE = new URL("README.md", ROOT);

/** `<!-- printed by: oomscribe … -->` before a block of text; `npm run demo` stands for what that script runs. */
const QUOTE = /(<!-- printed by: (.+) -->\n```text\n)([^]*?)(```\n)/g;

if (import.meta.main) writeFileSync(PAGE, renderReadme());

/** The page as it should be: its prose as it stands, the quoted output made anew. */
export function renderReadme(): string {
  return readFileSync(PAGE, "utf8").replace(
    QUOTE,
    (_, begin: string, command: string, _old: string, end: string) => `${begin}${run(command)}${end}`,
  );
}

/** The commands that the page quotes. */
export function quotedCommands(): string[] {
  return Array.from(readFileSync(PAGE, "utf8").matchAll(QUOTE), ([, , command = ""]) => command);
}

function run(command: string): string {
  const [program, ...args] = command.split(" ");
  const line = program === "oomscribe" ? ["src/cli.ts", ...args] : readScript(command);
  const output = execFileSync(process.execPath, line, { cwd: fileURLToPath(ROOT), encoding: "utf8" });
  if (output === "") throw new Error(`README.md: "${command}" prints nothing`);
  return output;
}

/** What `npm run NAME` gives to node. */
function readScript(command: string): string[] {
  const name = /^npm run (\S+)$/.exec(command)?.[1] ?? "";
  const { scripts } = JSON.parse(readFileSync(new URL("package.json", ROOT), "utf8")) as {
    scripts: Record<string, string>;
  };
  const args = /\bnode (src\/.+)$/.exec(scripts[name] ?? "")?.[1];
  if (args === undefined) throw new Error(`README.md: "${command}" is neither oomscribe nor a script that runs node`);
  return args.split(" ");
}
