/**
 * A fresh Debian 12 with a Node and an npm of one's choice, in a folder: commands run in it as they would on a machine
 * that has nothing else, as a user without rights.
 */
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findProgram, readMirror } from "../image/image.ts";

export interface Toolchain {
  /** version of Node's package, or Debian's own */
  node: string | "debian";
  npm: string;
}

export interface CommandResult {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  uid?: number;
}

export interface BareMachine {
  /** where files of the user go, as a path out here */
  readonly home: string;
  /** Runs a shell command in a folder below the user's home: as the user, unless told otherwise. */
  run(toolchain: Toolchain, folder: string, command: string, options?: RunOptions): Promise<CommandResult>;
  /** Copies the project's files, as a clone would have them. */
  copyProject(folder: string, owner?: number): void;
  remove(): void;
}

const run = promisify(execFile);
const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
const USER = 1000;
const HOME = "home/user";
const AUTHORITIES = process.env["NODE_EXTRA_CA_CERTS"];

/** Binds what a system has in /dev and /proc, in a mount namespace of its own. $0: the root; the rest: what is run. */
const ENTER = `set -e
mount --rbind /dev "$0/dev"
mount -t proc proc "$0/proc"
exec "$@"`;

/** undefined: it can be made */
export function whyNoBareMachine(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "a bare root is made as root, on Linux";
  const missing = ["mmdebstrap", "unshare", "chroot", "npm", "git"].filter((one) => findProgram(one) === undefined);
  if (missing.length > 0) return `no ${missing.join(", ")}: apt-get install mmdebstrap util-linux git`;
  try {
    execFileSync("unshare", ["--mount", "--pid", "--fork", "true"], { stdio: "pipe" });
  } catch (error) {
    return `no mount namespace can be made: ${(error as Error).message.trim()}`;
  }
  return undefined;
}

/** @param toolchains those that will be asked for */
export async function makeBareMachine(toolchains: readonly Toolchain[]): Promise<BareMachine> {
  const folder = mkdtempSync(join(tmpdir(), "oomscribe-install-"));
  const root = join(folder, "root");
  try {
    const packages = "--include=nodejs,ca-certificates";
    await run("mmdebstrap", ["--variant=minbase", "--mode=root", packages, "bookworm", root, ...(await readMirror())], {
      maxBuffer: 1 << 26,
    });
    chmodSync(folder, 0o755);
    for (const file of ["etc/resolv.conf", "etc/hosts"]) {
      if (existsSync(`/${file}`)) cpSync(`/${file}`, join(root, file), { dereference: true });
    }
    if (AUTHORITIES !== undefined) cpSync(AUTHORITIES, join(root, "authorities.pem"), { dereference: true });
    writeFileSync(join(root, "etc/passwd"), `root:x:0:0::/root:/bin/sh\nuser:x:${USER}:${USER}::/${HOME}:/bin/sh\n`);
    mkdirSync(join(root, HOME), { recursive: true });
    chownSync(join(root, HOME), USER, USER);
    for (const toolchain of toolchains) await installToolchain(root, folder, toolchain);
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
  return {
    home: join(root, HOME),
    async run(toolchain, directory, command, { env = {}, uid = USER } = {}) {
      const variables = {
        PATH: `${toolchainPath(toolchain)}:/usr/bin:/bin`,
        HOME: `/${HOME}`,
        ...(AUTHORITIES === undefined ? {} : { NODE_EXTRA_CA_CERTS: "/authorities.pem" }),
        ...env,
      };
      const words = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
      const inside = ["sh", "-c", `cd "$0" && ${command}`, join("/", HOME, directory)];
      const enter = ["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, root];
      const user = ["/usr/sbin/chroot", `--userspec=${uid}:${uid}`, root];
      const child = spawn("unshare", [...enter, "env", "-i", ...words, ...user, ...inside], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      const [stdout, stderr, [status]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, "close"),
      ]);
      return { status, stdout, stderr };
    },
    copyProject(directory, owner = USER) {
      const listed = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
      const files = execFileSync("git", listed, { cwd: PROJECT, encoding: "utf8", maxBuffer: 1 << 26 });
      for (const file of files.split("\0").filter((one) => one !== "" && existsSync(join(PROJECT, one)))) {
        const copy = join(root, HOME, directory, file);
        mkdirSync(dirname(copy), { recursive: true });
        cpSync(join(PROJECT, file), copy);
      }
      execFileSync("chown", ["-R", `${owner}:${owner}`, join(root, HOME, directory)]);
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

function toolchainPath({ node, npm }: Toolchain): string {
  return `/opt/node-${node}-npm-${npm}/bin`;
}

async function installToolchain(root: string, folder: string, toolchain: Toolchain): Promise<void> {
  const [bin, lib] = [join(root, toolchainPath(toolchain)), join(root, toolchainPath(toolchain), "../lib/npm")];
  mkdirSync(bin, { recursive: true });
  mkdirSync(lib, { recursive: true });
  await unpack(folder, `npm@${toolchain.npm}`, lib);
  writeFileSync(
    join(bin, "npm"),
    `#!/bin/sh\nexec node "${toolchainPath(toolchain)}/../lib/npm/bin/npm-cli.js" "$@"\n`,
    {
      mode: 0o755,
    },
  );
  if (toolchain.node === "debian") return;
  const node = join(folder, `node-${toolchain.node}`);
  if (!existsSync(node)) {
    mkdirSync(node);
    await unpack(folder, `node-linux-${process.arch}@${toolchain.node}`, node);
  }
  cpSync(join(node, "bin/node"), join(bin, "node"));
}

async function unpack(folder: string, spec: string, target: string): Promise<void> {
  const packed = await run("npm", ["pack", "--json", spec, "--pack-destination", folder], { maxBuffer: 1 << 26 });
  const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }];
  await run("tar", ["-xzf", join(folder, filename), "-C", target, "--strip-components=1"]);
}
