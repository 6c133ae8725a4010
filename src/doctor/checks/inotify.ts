/** inotify and open files: whether there are enough of them to follow every cgroup. */
import { CgroupOpenError, findMemoryHierarchy } from "../../sources/cgroup-mounts.ts";
import { openCgroupTree } from "../../sources/cgroup-tree.ts";
import { readText } from "../../sources/host-files.ts";
import type { CheckContext, Finding } from "../check.ts";

/** As in memory-counters.ts. */
const MAX_CGROUPS = 10_000;
const MAX_IN_SUBTREE = 1000;
/** Of a limit: what is above is near. Watches are counted for all of a user's processes together. */
const NEAR = 0.5;
const FILES_PER_CGROUP = 2;

export function checkInotify({ hostRoot }: Pick<CheckContext, "hostRoot">): Finding {
  const watched = watchAll(hostRoot);
  if (watched === undefined) return { status: "skipped", says: "there are no cgroups to watch" };
  return judgeInotify({
    ...watched,
    maxWatches: readNumber("/proc/sys/fs/inotify/max_user_watches"),
    maxInstances: readNumber("/proc/sys/fs/inotify/max_user_instances"),
    maxQueued: readNumber("/proc/sys/fs/inotify/max_queued_events"),
    maxFiles: readMaxFiles(readText("/proc/self/limits") ?? ""),
  });
}

export interface InotifyFacts {
  cgroups: number;
  /** why not all could be watched */
  refused: string | undefined;
  maxWatches: number | undefined;
  maxInstances: number | undefined;
  maxQueued: number | undefined;
  /** open files of this process, at most */
  maxFiles: number | undefined;
}

export function judgeInotify(facts: InotifyFacts): Finding {
  const { cgroups, refused, maxWatches, maxFiles } = facts;
  const detail = { ...facts };
  if (refused !== undefined) {
    return {
      status: "warning",
      says: `not all of ${cgroups} cgroups can be watched (${refused}): they are looked at every two seconds instead`,
      advice:
        refused === "EMFILE"
          ? "raise fs.inotify.max_user_instances (sysctl), or the limit of open files"
          : `raise fs.inotify.max_user_watches above ${Math.ceil(cgroups / NEAR)} (sysctl)`,
      detail,
    };
  }
  if (maxWatches !== undefined && cgroups > maxWatches * NEAR) {
    return {
      status: "warning",
      says: `${cgroups} cgroups are watched, of ${maxWatches} watches that a user may have`,
      advice: `raise fs.inotify.max_user_watches above ${Math.ceil(cgroups / NEAR)} (sysctl)`,
      detail,
    };
  }
  if (maxFiles !== undefined && cgroups * FILES_PER_CGROUP > maxFiles * NEAR) {
    return {
      status: "warning",
      says: `${cgroups} cgroups take up to ${cgroups * FILES_PER_CGROUP} open files, of ${maxFiles}`,
      advice: "raise the limit of open files (ulimit -n, LimitNOFILE= of a systemd unit)",
      detail,
    };
  }
  const limit = maxWatches === undefined ? "" : ` (a user may have ${maxWatches} watches)`;
  return { status: "ok", says: `all of ${cgroups} cgroups can be watched${limit}`, detail };
}

/** @returns undefined where there is no memory hierarchy */
function watchAll(hostRoot: string): Pick<InotifyFacts, "cgroups" | "refused"> | undefined {
  let cgroups = 0;
  let refused: string | undefined;
  try {
    const { directory, path } = findMemoryHierarchy(hostRoot);
    openCgroupTree({
      directory,
      path,
      maxCgroups: MAX_CGROUPS,
      maxInSubtree: MAX_IN_SUBTREE,
      onFound() {
        cgroups++;
      },
      onGone() {},
      onChanged() {},
      onTrouble(name, { code }) {
        if (name === "cgroup_watch_failed") refused = String(code);
      },
    }).close();
  } catch (error) {
    if (!(error instanceof CgroupOpenError)) throw error;
    return undefined;
  }
  return { cgroups, refused };
}

function readNumber(path: string): number | undefined {
  const text = readText(path)?.trim();
  return text === undefined || text === "" ? undefined : Number(text);
}

/** proc_pid_limits(5): `Max open files            1024                 524288               files`, the soft one first. */
function readMaxFiles(limits: string): number | undefined {
  const soft = /^Max open files +(\d+) /m.exec(limits)?.[1];
  return soft === undefined ? undefined : Number(soft);
}
