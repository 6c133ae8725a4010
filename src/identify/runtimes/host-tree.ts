/** Small files, lists and links of the node, below the place where its file system is mounted; nothing above it. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from "node:fs";
import { join } from "node:path";

export type HostTreeTrouble =
  /** it is there and cannot be read, or not all of it: `code` says why */
  "container_file_unreadable";

export interface HostTree {
  /** @returns undefined where it is not there, or cannot be read, which is told */
  readText(path: string): string | undefined;
  /** Names in a directory, in no order, no more than `max`; empty where it is not there. */
  list(path: string, max: number): readonly string[];
  /** When the directory was last changed; undefined where it is not there. */
  changedMs(path: string): number | undefined;
  /** What a symbolic link in a directory says, which is not followed; undefined where it is none. */
  readLink(directory: string, name: string): string | undefined;
}

export interface HostTreeOptions {
  /** where the node's own file system is mounted: `/host` */
  hostRoot: string;
  onTrouble(name: HostTreeTrouble, detail: Readonly<Record<string, string | number>>): void;
}

/** A container's config.json takes some 20 kB, a list of 1,700 of Podman's a whole megabyte. */
const MAX_BYTES = 1024 * 1024;
/** As in the kernel (MAXSYMLINKS, include/linux/namei.h). */
const MAX_LINKS = 40;
/** A FIFO must not make us wait, nor a link in the last place lead out of the tree. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW | constants.O_NOCTTY;
const ABSENT = new Set(["ENOENT", "ENOTDIR"]);

export function openHostTree({ hostRoot, onTrouble }: HostTreeOptions): HostTree {
  const buffer = Buffer.allocUnsafe(MAX_BYTES + 1);

  /** What `read` gives of the path; undefined where it is not there, and where it fails, which is told. */
  function attempt<T>(path: string, read: (resolved: string) => T): T | undefined {
    try {
      return read(resolveBelow(hostRoot, path));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      if (!ABSENT.has(code)) onTrouble("container_file_unreadable", { path, code });
      return undefined;
    }
  }

  return {
    readText(path) {
      const text = attempt(path, (resolved) => readRegularFile(resolved, buffer));
      if (typeof text === "string" || text === undefined) return text;
      onTrouble("container_file_unreadable", { path, code: text.code });
      return undefined;
    },
    list(path, max) {
      const names = attempt(path, (resolved) => readdirSync(resolved)) ?? [];
      if (names.length <= max) return names;
      onTrouble("container_file_unreadable", { path, code: `more than ${max} names` });
      return names.slice(0, max);
    },
    changedMs: (path) => attempt(path, (resolved) => lstatSync(resolved).mtimeMs),
    readLink(directory, name) {
      return attempt(directory, (resolved) => {
        const path = join(resolved, name);
        return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
      });
    },
  };
}

function readRegularFile(path: string, buffer: Buffer): string | { code: string } {
  const fd = openSync(path, FLAGS);
  try {
    if (!fstatSync(fd).isFile()) return { code: "no regular file" };
    let length = 0;
    while (length < buffer.length) {
      const read = readSync(fd, buffer, length, buffer.length - length, null);
      if (read === 0) return buffer.toString("utf8", 0, length);
      length += read;
    }
    return { code: `larger than ${MAX_BYTES} bytes` };
  } finally {
    closeSync(fd);
  }
}

/**
 * Follows symbolic links as the node itself would, with its root at `root`: /var/lib/docker is often a link to
 * /mnt/…, which must not lead to a place of our own. Who could change a link between this and the open owns the node.
 * @param path absolute
 * @throws as lstat does
 */
function resolveBelow(root: string, path: string): string {
  const rest = path.split("/").reverse();
  const done: string[] = [];
  let links = 0;
  while (rest.length > 0) {
    const part = rest.pop();
    if (part === undefined || part === "" || part === ".") continue;
    if (part === "..") {
      done.pop();
      continue;
    }
    done.push(part);
    const here = join(root, ...done);
    if (!lstatSync(here).isSymbolicLink()) continue;
    if (++links > MAX_LINKS) throw Object.assign(new Error(`too many links: ${path}`), { code: "ELOOP" });
    const target = readlinkSync(here);
    if (target.startsWith("/")) done.length = 0;
    else done.pop();
    rest.push(...target.split("/").reverse());
  }
  return join(root, ...done);
}
