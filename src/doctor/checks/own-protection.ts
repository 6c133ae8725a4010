/** How well the agent itself is protected: its oom_score_adj, and how far it is from the memory limit of its cgroup. */

import { readableSize } from "../../record/format.ts";
import { CgroupOpenError, findMemoryHierarchy } from "../../sources/cgroup/mounts.ts";
import { readText } from "../../sources/host.ts";
import type { CheckContext, Finding } from "../check.ts";
import { findOwnCgroup, leftOf, type Room, readRoom } from "../own-cgroup.ts";

export interface ProtectionFacts {
  /** −1000 never to 1000 first; undefined: /proc does not tell */
  scoreAdj: number | undefined;
  /** none: no limit above it; unseen: its cgroup is not to be seen */
  room: Room | "none" | "unseen";
}

export function checkOwnProtection({ hostRoot }: Pick<CheckContext, "hostRoot">): Finding {
  const text = readText("/proc/self/oom_score_adj")?.trim();
  return judgeProtection({ scoreAdj: text === undefined ? undefined : Number(text), room: findRoom(hostRoot) });
}

/** For a storm: batches, reports, the outbox's pages. Prudence, not a measurement. */
const LEAST_LEFT = 32 * 1024 * 1024;

/** The pod's limit is nobody else's. */
const POD_LEVEL = 1;
const OWN_ADVICE =
  `raise resources.limits.memory of the agent: it should have ${readableSize(LEAST_LEFT)} to spare (this command, run ` +
  "beside it, takes some itself)";
const SHARED_ADVICE =
  "others share that limit and have nearly filled it: whoever the kernel chooses next may be the agent";
const LIMITS = { none: "no memory limit", unseen: "its memory limit is not to be seen" } as const;

export function judgeProtection({ scoreAdj, room }: ProtectionFacts): Finding {
  const detail = {
    oomScoreAdj: scoreAdj,
    ...(typeof room === "string" ? {} : { limit: room.limit, used: room.used, limitOf: room.directory }),
  };
  const score = `oom_score_adj ${scoreAdj ?? "unknown"}`;
  if (typeof room !== "string" && leftOf(room) < LEAST_LEFT) {
    return {
      status: "warning",
      says: `${score}; ${readableSize(leftOf(room))} left of the ${readableSize(room.limit)} of ${room.directory}`,
      advice: room.levelsUp > POD_LEVEL ? SHARED_ADVICE : OWN_ADVICE,
      detail,
    };
  }
  const memory =
    typeof room === "string" ? LIMITS[room] : `${readableSize(leftOf(room))} left of ${readableSize(room.limit)}`;
  if (scoreAdj === undefined || scoreAdj > 0) {
    return {
      status: "warning",
      says: `${score}, ${memory}: when the node runs out of memory the agent is among those that are killed`,
      advice:
        "in Kubernetes priorityClassName: system-node-critical (−997); elsewhere OOMScoreAdjust=-900 in the systemd unit",
      detail,
    };
  }
  return { status: "ok", says: `${score}, ${memory}`, detail };
}

function findRoom(hostRoot: string): ProtectionFacts["room"] {
  try {
    const hierarchy = findMemoryHierarchy(hostRoot);
    const own = findOwnCgroup(hierarchy);
    return own === undefined ? "unseen" : (readRoom(hierarchy, own) ?? "none");
  } catch (error) {
    if (!(error instanceof CgroupOpenError)) throw error;
    return "unseen";
  }
}
