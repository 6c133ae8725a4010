/** Runs the image as Kubernetes does with readOnlyRootFilesystem: its own command and variables, and nothing else. */
import { join } from "node:path";
import { type BuiltImage, EMULATOR } from "./image.ts";

/**
 * The image's root bound to itself for reading only, with this machine's /dev, /proc and /sys in it, all of it in a mount
 * namespace of its own. $0: the root; the rest: what is run.
 */
const PREPARE = `set -e
mount --bind "$0" "$0"
mount -o remount,bind,ro "$0"
for folder in dev proc sys; do mount --rbind "/$folder" "$0/$folder"; done
exec "$@"`;

/**
 * A command for a process that becomes the image's.
 * @param args in place of the image's own (CMD)
 */
export function commandOf({ root, config }: BuiltImage, args: readonly string[] = config.Cmd): [string, ...string[]] {
  return runIn(root, config.Env, [...config.Entrypoint, ...args]);
}

/** @param env each `NAME=value` */
export function runIn(root: string, env: readonly string[], command: readonly string[]): [string, ...string[]] {
  // As a path: `env` looks for it with the image's PATH.
  const inside = ["env", "-i", ...env, "/usr/sbin/chroot", root, ...command];
  return ["unshare", "--mount", "sh", "-c", PREPARE, root, ...inside];
}

/**
 * The same for the other architecture. It runs beside this machine's files and not among its own alone: the emulator would
 * have to be one of them.
 */
export function emulatedCommandOf({ root, config }: BuiltImage, args: readonly string[]): [string, ...string[]] {
  const [, ...rest] = config.Entrypoint;
  const inRoot = rest.map((word) => (word.startsWith("/") ? join(root, word) : word));
  return [EMULATOR, "-L", root, join(root, "nodejs/bin/node"), ...inRoot, ...args];
}
