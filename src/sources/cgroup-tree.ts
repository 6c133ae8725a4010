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
import { type CgroupBound, type CgroupPlace, createCgroupBudget, placeBelow, placeOf } from "./cgroup-budget.ts";
import { NO_CHILDREN, readDirectories, statDirectory } from "./cgroup-directories.ts";

export interface CgroupDirectory {
  /** as the kernel's log prints it */
  readonly path: string;
  readonly directory: string;
  /** it came while we looked, so that its counters started at 0 */
  readonly isNew: boolean;
  /** it may have been there for long, without room to be watched: what it has counted, those above it have counted too */
  readonly isLate?: boolean;
  /** of one that whoever runs in a container or unit may have made: the path of that container's or unit's cgroup */
  readonly delegatedTo?: string | undefined;
}

export interface CgroupTreeOptions {
  /** the topmost directory, and its path */
  directory: string;
  path: string;
  maxCgroups: number;
  /** of them, below the containers of one pod, or below one unit; default: as many */
  maxInSubtree?: number;
  /** parents before children */
  onFound(cgroup: CgroupDirectory): void;
  /** children before parents */
  onGone(path: string): void;
  /** A file of it was written to, or changed by the kernel; may come late, or not at all. */
  onChanged(path: string, file: string): void;
  /** The keys of `unwatched` are others now. */
  onUnwatched?(owners: readonly string[]): void;
  onTrouble(name: CgroupTreeTrouble, detail: Readonly<Record<string, string | number>>): void;
}

export type CgroupTreeTrouble =
  /** there are more cgroups than are followed; said once, until there is room for all */
  | "cgroup_limit_reached"
  /** there are more below one pod's containers, or below one unit, than are followed there; said once of each */
  | "cgroup_subtree_limit_reached"
  /** inotify cannot be had for some or all: looked at every two seconds; said once */
  | "cgroup_watch_failed";

export interface CgroupTree {
  /** Looks at everything again. */
  rescan(): void;
  /** Looks again whether a cgroup is still there. */
  check(path: string): void;
  /** whether all is told by inotify */
  readonly isWatched: boolean;
  /**
   * How many were found and are not watched, for want of room, with all that is below them: by the container or unit
   * that they are in; `/` stands for what is in none.
   */
  readonly unwatched: ReadonlyMap<string, number>;
  close(): void;
}

interface Node extends CgroupDirectory {
  readonly inode: number;
  readonly place: CgroupPlace;
  readonly children: Set<Node>;
  /** directories in it that are not watched */
  unwatched: number;
  watcher?: FSWatcher;
}

/** An owner below which not all cgroups are watched. */
interface Overflow {
  unwatched: number;
  /** a cgroup was refused since the last rescan began */
  isRefused: boolean;
  isReported: boolean;
}

/** Reads the tree, at once, and follows it. */
export function openCgroupTree(options: CgroupTreeOptions): CgroupTree {
  const { maxCgroups, maxInSubtree = maxCgroups, onTrouble } = options;
  const budget = createCgroupBudget({ maxCgroups, maxInSubtree });
  const nodes = new Map<string, Node>();
  /** by the path of the owner */
  const overflows = new Map<string, Overflow>();
  let isStarted = false;
  let isClosed = false;
  let isWatched = true;

  /**
   * @param isAfterLate it is below one that came late, and was found with it
   * @returns whether it is watched now, or is no cgroup
   */
  function enter(path: string, directory: string, parent: Node | undefined, isAfterLate = false): boolean {
    const stats = statDirectory(directory);
    if (stats === undefined || isClosed) return true;
    const place = placeOf(path, parent?.place);
    const bound = budget.boundFor(place);
    if (bound !== undefined) {
      refuse(parent?.place ?? place, bound, path);
      return false;
    }
    // Those that had to wait for room may have been there for long.
    const isLate = isStarted && (isAfterLate || (parent !== undefined && overflows.has(parent.place.owner)));
    const isNew = isStarted && !isLate;
    const delegatedTo = place.level === "delegated" ? place.owner : undefined;
    const node: Node = {
      ...{ path, directory, isNew, isLate, delegatedTo, inode: stats.ino, place },
      children: new Set(),
      unwatched: 0,
    };
    nodes.set(path, node);
    budget.add(place);
    parent?.children.add(node);
    startWatch(node);
    options.onFound(node);
    // After the watch: a child that is made from now on is told.
    enterChildren(node, isLate);
    return true;
  }

  function enterChildren(node: Node, isAfterLate = false): void {
    const stats = statDirectory(node.directory);
    if (stats === undefined) return;
    const below = placeBelow(node.place);
    const bound = below === undefined ? undefined : budget.boundFor(below);
    if (stats.nlink === NO_CHILDREN) setUnwatched(node, 0);
    else if (bound === undefined) enterEach(node, isAfterLate);
    else {
      // There is room for none of them, so the link count is enough. It may be off by cgroups that are being removed:
      // the owner counts as full in any case, and is reported once some are left out.
      const unwatched = Math.max(0, stats.nlink - NO_CHILDREN - node.children.size);
      refuse(node.place, bound, node.path, unwatched);
      setUnwatched(node, unwatched);
    }
  }

  function enterEach(node: Node, isAfterLate: boolean): void {
    let unwatched = 0;
    for (const name of readDirectories(node.directory)) {
      const path = childPath(node, name);
      if (nodes.has(path)) continue;
      if (!enter(path, join(node.directory, name), node, isAfterLate)) unwatched++;
    }
    setUnwatched(node, unwatched);
  }

  /** @param place of the cgroup in which there is one too many */
  function refuse({ owner, subtree }: CgroupPlace, bound: CgroupBound, path: string, unwatched = 1): void {
    const known = overflows.get(owner);
    const overflow = known ?? { unwatched: 0, isRefused: true, isReported: false };
    overflow.isRefused = true;
    if (known === undefined) {
      overflows.set(owner, overflow);
      options.onUnwatched?.([...overflows.keys()]);
    }
    if (unwatched === 0 || overflow.isReported) return;
    overflow.isReported = true;
    if (bound === "node") onTrouble("cgroup_limit_reached", { limit: maxCgroups, path, unwatched });
    else onTrouble("cgroup_subtree_limit_reached", { limit: maxInSubtree, subtree, path, unwatched });
  }

  function setUnwatched(node: Node, unwatched: number): void {
    const overflow = overflows.get(node.place.owner);
    if (overflow !== undefined) overflow.unwatched = Math.max(0, overflow.unwatched + unwatched - node.unwatched);
    node.unwatched = unwatched;
  }

  function leave(node: Node, parent: Node | undefined): void {
    for (const child of [...node.children]) leave(child, node);
    node.watcher?.close();
    setUnwatched(node, 0);
    nodes.delete(node.path);
    budget.remove(node.place);
    parent?.children.delete(node);
    if (node.place.owner === node.path && overflows.delete(node.path)) options.onUnwatched?.([...overflows.keys()]);
    options.onGone(node.path);
  }

  /** A directory of that name came or went, or one in place of another. */
  function checkChild(parent: Node, name: string): void {
    const path = childPath(parent, name);
    const known = nodes.get(path);
    const directory = join(parent.directory, name);
    const stats = statDirectory(directory);
    if (known !== undefined && known.inode !== stats?.ino) leave(known, parent);
    if (nodes.has(path) || nodes.get(parent.path) !== parent) return;
    if (stats === undefined) {
      // One that was not watched, or never seen; the next look at everything counts them.
      if (known === undefined && parent.unwatched > 0) setUnwatched(parent, parent.unwatched - 1);
    } else if (!enter(path, directory, parent)) setUnwatched(parent, parent.unwatched + 1);
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
    for (const overflow of overflows.values()) overflow.isRefused = false;
    for (const node of [...nodes.values()]) {
      if (nodes.get(node.path) !== node) continue;
      const stats = statDirectory(node.directory);
      if (stats?.ino !== node.inode) check(node.path);
      else if (node.watcher === undefined) startWatch(node);
    }
    // After those that are gone have made room.
    for (const node of [...nodes.values()]) if (nodes.get(node.path) === node) enterChildren(node);
    pruneOverflows();
  }

  /** All of an owner's cgroups are watched again only once a rescan has refused none of them. */
  function pruneOverflows(): void {
    const before = overflows.size;
    for (const [owner, { isRefused }] of overflows) if (!isRefused) overflows.delete(owner);
    if (overflows.size < before) options.onUnwatched?.([...overflows.keys()]);
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
    get unwatched() {
      return new Map([...overflows].flatMap(([owner, { unwatched }]) => (unwatched === 0 ? [] : [[owner, unwatched]])));
    },
    close() {
      isClosed = true;
      for (const { watcher } of nodes.values()) watcher?.close();
      nodes.clear();
      overflows.clear();
    },
  };
}

const ADVICE = "raise fs.inotify.max_user_watches, max_user_instances or the limit of open files";

function childPath({ path }: CgroupDirectory, name: string): string {
  return path === "/" ? `/${name}` : `${path}/${name}`;
}
