/** A node's file system in a temporary directory, made of what real nodes were seen to have. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface HostRoot {
  readonly path: string;
  write(path: string, content: string | Uint8Array): void;
  link(path: string, target: string): void;
  remove(path: string): void;
  /** Copies a tree of this repository to the root. */
  copy(tree: string): void;
  /** Makes what a listing of `ls -lR` or `ls -l` shows: directories, empty files, links. */
  makeListed(listing: string, directory: string): void;
  delete(): void;
}

export function makeHostRoot(): HostRoot {
  const root = mkdtempSync(join(tmpdir(), "oomscribe-host-"));

  function make(path: string): string {
    const whole = join(root, path);
    mkdirSync(dirname(whole), { recursive: true });
    return whole;
  }

  function makeEntry(directory: string, line: string): void {
    const [, kind, name, target] = /^([dl-])(?:\S+ +){5}(?:\S+ +){3}(\S+)(?: -> (\S+))?$/.exec(line) ?? [];
    if (name === undefined) return;
    const path = make(join(directory, name));
    if (kind === "d") mkdirSync(path, { recursive: true });
    else if (kind === "l") symlinkSync(target as string, path);
    else writeFileSync(path, "");
  }

  return {
    path: root,
    write: (path, content) => writeFileSync(make(path), content),
    link: (path, target) => symlinkSync(target, make(path)),
    remove: (path) => rmSync(join(root, path), { recursive: true, force: true }),
    copy: (tree) => cpSync(tree, root, { recursive: true, verbatimSymlinks: true }),
    makeListed(listing, directory) {
      let current = directory;
      for (const line of listing.split("\n")) {
        if (line.startsWith("/") && line.endsWith(":")) current = line.slice(0, -1);
        else makeEntry(current, line);
      }
    },
    delete: () => rmSync(root, { recursive: true }),
  };
}
