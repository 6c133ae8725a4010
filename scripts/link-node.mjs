/**
 * Makes `node` in npm scripts the pinned Node: links node_modules/.bin/node to the Node package of this machine.
 *
 * npm up to 11.6 makes that link while it installs and removes it again when it drops the package of the other
 * architecture, whose program has the same name. This runs on whatever Node the user has, so it is plain JavaScript
 * that old ones can read.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readlinkSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const packageName = `node-${process.platform}-${process.arch}`;
const pinned = join(root, "node_modules", packageName, "bin", "node");
const link = join(root, "node_modules", ".bin", "node");
/** relative, so that the folder can be moved */
const target = join("..", packageName, "bin", "node");

const problem = existsSync(pinned) ? linkPinned() : `npm has not installed ${packageName}`;
if (problem !== undefined && !isNewEnough(process.versions.node)) {
  const advice = "install a newer Node, or run npm ci on Linux (x86-64 or arm64, glibc)";
  say(`this Node is ${process.versions.node}, Oomscribe needs ${minimum()} or newer, and ${problem}; ${advice}`);
  process.exitCode = 1;
} else if (problem !== undefined && process.platform === "linux") {
  say(`running on this machine's Node ${process.versions.node} instead of the pinned one: ${problem}`);
}

/** @returns why the pinned Node cannot be used */
function linkPinned() {
  if (readLink() === target) return undefined;
  const { status, error } = spawnSync(pinned, ["--version"]);
  if (status !== 0) return `${pinned} does not run here (${error ? error.message : `exit status ${status}`})`;
  mkdirSync(join(root, "node_modules", ".bin"), { recursive: true });
  // Renamed into place: two scripts may do this at once.
  const temporary = `${link}.${process.pid}`;
  symlinkSync(target, temporary);
  renameSync(temporary, link);
  return undefined;
}

function readLink() {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}

function isNewEnough(version) {
  const [major, minor] = version.split(".").map(Number);
  const [minMajor, minMinor] = minimum().split(".").map(Number);
  return major > minMajor || (major === minMajor && minor >= minMinor);
}

/** The lowest Node that package.json allows, such as 22.19. */
function minimum() {
  const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return engines.node.replace(/^>=/, "");
}

function say(sentence) {
  process.stderr.write(`oomscribe: ${sentence}\n`);
}
