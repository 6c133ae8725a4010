/**
 * Every directory of a cgroup hierarchy as it comes and goes, told by inotify and, since its queue may overflow
 * unnoticed (fs/notify/inotify, max_queued_events; Node does not tell), by a look at all of them from time to time.
 *
 * Measured on cgroup v1 and v2, Linux 6.18: a watch on a directory tells mkdir and rmdir of its children, and on v2
 * the change of its own memory.events; what the kernel makes by itself, such as the files of a controller that is
 * enabled later, it does not tell.
 */
import { type FSWatcher, watch } from "node:fs";
import { basename, dirname, join } from "node:path";
import { NO_CHILDREN, readDirectories, statDirectory } from "./cgroup-directories.ts";

export interface CgroupDirectory {
  /** as the kernel's log prints it */
  readonly path: string;
  readonly directory: string;
  /** it came while we looked, so that its counters started at 0 */
  readonly isNew: boolean;
}

export interface CgroupTreeOptions {
  /** the topmost directory, and its path */
  directory: string;
  path: string;
  maxCgroups: number;
  /** parents before children */
  onFound(cgroup: CgroupDirectory): void;
  /** children before parents */
  onGone(path: string): void;
  /** A file of it was written to, or changed by the kernel; may come late, or not at all. */
  onChanged(path: string, file: string): void;
  onTrouble(name: CgroupTreeTrouble, detail: Readonly<Record<string, string | number>>): void;
}

export type CgroupTreeTrouble =
  /** there are more cgroups than are followed; said once */
  | "cgroup_limit_reached"
  /** inotify cannot be had for some or all: looked at every two seconds; said once */
  | "cgroup_watch_failed";

export interface CgroupTree {
  /** Looks at everything again. */
  rescan(): void;
  /** Looks again whether a cgroup is still there. */
  check(path: string): void;
  /** whether all is told by inotify */
  readonly isWatched: boolean;
  close(): void;
}

interface Node extends CgroupDirectory {
  readonly inode: number;
  readonly children: Set<Node>;
  watcher?: FSWatcher;
}

/** Reads the tree, at once, and follows it. */
export function openCgroupTree(options: CgroupTreeOptions): CgroupTree {
  const { maxCgroups, onTrouble } = options;
  const nodes = new Map<string, Node>();
  let isStarted = false;
  let isClosed = false;
  let isWatched = true;
  let refused = 0;

  function enter(path: string, directory: string, parent: Node | undefined): void {
    const stats = statDirectory(directory);
    if (stats === undefined || isClosed) return;
    if (nodes.size >= maxCgroups) {
      if (refused++ === 0) onTrouble("cgroup_limit_reached", { limit: maxCgroups, path });
      return;
    }
    // Those that had to wait for room may have been there for long.
    const isNew = isStarted && refused === 0;
    const node: Node = { path, directory, isNew, inode: stats.ino, children: new Set() };
    nodes.set(path, node);
    parent?.children.add(node);
    startWatch(node);
    options.onFound(node);
    // After the watch: a child that is made from now on is told.
    enterChildren(node);
  }

  function enterChildren(node: Node): void {
    const stats = statDirectory(node.directory);
    if (stats === undefined || stats.nlink === NO_CHILDREN) return;
    for (const name of readDirectories(node.directory)) {
      if (!nodes.has(childPath(node, name))) enter(childPath(node, name), join(node.directory, name), node);
    }
  }

  function leave(node: Node, parent: Node | undefined): void {
    for (const child of [...node.children]) leave(child, node);
    node.watcher?.close();
    nodes.delete(node.path);
    parent?.children.delete(node);
    options.onGone(node.path);
  }

  /** A directory of that name came or went, or one in place of another. */
  function checkChild(parent: Node, name: string): void {
    const path = childPath(parent, name);
    const known = nodes.get(path);
    const directory = join(parent.directory, name);
    const stats = statDirectory(directory);
    if (known !== undefined && known.inode !== stats?.ino) leave(known, parent);
    if (stats !== undefined && !nodes.has(path) && nodes.get(parent.path) === parent) enter(path, directory, parent);
  }

  function startWatch(node: Node): void {
    try {
      node.watcher = watch(node.directory, (kind, name) => {
        if (isClosed || name === null || nodes.get(node.path) !== node) return;
        if (kind === "rename") checkChild(node, name);
        else options.onChanged(node.path, name);
      });
      node.watcher.on("error", (error) => onWatchFailed(node, error));
    } catch (error) {
      onWatchFailed(node, error);
    }
  }

  function onWatchFailed(node: Node, error: unknown): void {
    node.watcher?.close();
    delete node.watcher;
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    if (code === "ENOENT" || isClosed) return; // it is gone, and will be found to be
    if (isWatched) onTrouble("cgroup_watch_failed", { code, path: node.path, watched: nodes.size - 1, advice: ADVICE });
    isWatched = false;
  }

  function rescan(): void {
    refused = refused > 0 ? 1 : 0;
    for (const node of [...nodes.values()]) {
      if (nodes.get(node.path) !== node) continue;
      const stats = statDirectory(node.directory);
      if (stats?.ino !== node.inode) {
        check(node.path);
        continue;
      }
      if (node.watcher === undefined) startWatch(node);
      enterChildren(node);
    }
  }

  function check(path: string): void {
    const node = nodes.get(path);
    const parent = nodes.get(dirname(path));
    if (node === undefined) return;
    if (parent !== undefined && parent !== node) checkChild(parent, basename(path));
    else if (statDirectory(node.directory) === undefined) leave(node, undefined);
  }

  enter(options.path, options.directory, undefined);
  isStarted = true;

  return {
    rescan,
    check,
    get isWatched() {
      return isWatched;
    },
    close() {
      isClosed = true;
      for (const { watcher } of nodes.values()) watcher?.close();
      nodes.clear();
    },
  };
}

const ADVICE = "raise fs.inotify.max_user_watches, max_user_instances or the limit of open files";

function childPath({ path }: CgroupDirectory, name: string): string {
  return path === "/" ? `/${name}` : `${path}/${name}`;
}
