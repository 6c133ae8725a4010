/** The files of container runtimes and the kubelet: whether they name the containers that run here. */
import { parseCgroupPath } from "../../../parsers/cgroup/path.ts";
import { isNamed } from "../../../parsers/runtimes/container-names.ts";
import { openDiskNames } from "../../identify/runtimes/disk-names.ts";
import { countOf } from "../../replay/input/captures.ts";
import { openMemoryCounters } from "../../sources/cgroup/counter-source.ts";
import { CgroupOpenError } from "../../sources/cgroup/mounts.ts";
import type { CheckContext, Finding } from "../check.ts";

/** Each takes 0.2 ms; what goes for so many goes for all. */
const MAX_CONTAINERS = 500;

export function checkContainerNames({ hostRoot }: Pick<CheckContext, "hostRoot">): Finding {
  const containers = findContainers(hostRoot);
  if (containers.size === 0) return { status: "skipped", says: "no container runs here, or none can be seen" };
  return judgeNames(hostRoot, containers);
}

/** @param containers pod UIDs by container ID */
export function judgeNames(hostRoot: string, containers: ReadonlyMap<string, string | undefined>): Finding {
  const troubles = new Map<string, string>();
  const sources = new Map<string, number>();
  const names = openDiskNames({
    hostRoot,
    onTrouble: (name, { path, code }) => troubles.set(String(path ?? name), String(code ?? name)),
  });
  const asked = [...containers].slice(0, MAX_CONTAINERS);
  let named = 0;
  for (const [containerId, podUid] of asked) {
    const found = names.of(containerId, podUid);
    if (found === undefined || !isNamed(found)) continue;
    named++;
    sources.set(found.source, (sources.get(found.source) ?? 0) + 1);
  }
  names.close();
  const detail = {
    containers: asked.length,
    named,
    sources: Object.fromEntries(sources),
    troubles: Object.fromEntries(troubles),
  };
  const by = sources.size === 0 ? "" : ` (${[...sources.keys()].join(", ")})`;
  const says = `files of the node name ${named} of ${countOf(asked.length, "container")}${by}`;
  if (named === asked.length) return { status: "ok", says, detail };
  const [unreadable] = troubles;
  return {
    status: "warning",
    says: unreadable === undefined ? says : `${says}; ${unreadable[0]}: ${unreadable[1]}`,
    advice: `mount /run/containerd (k3s: /run/k3s/containerd), /run/containers, /var/lib/containers or /var/lib/docker, and /var/log/pods and /var/log/containers, read-only below ${hostRoot}; not needed where the Kubernetes API names them`,
    detail,
  };
}

function findContainers(hostRoot: string): Map<string, string | undefined> {
  const containers = new Map<string, string | undefined>();
  try {
    const source = openMemoryCounters({ hostRoot, onReading() {}, onTrouble() {} });
    for (const path of source.known.keys()) {
      const { kind, containerId, podUid } = parseCgroupPath(path);
      if (kind === "container" && containerId !== undefined) containers.set(containerId, podUid);
    }
    source.close();
  } catch (error) {
    if (!(error instanceof CgroupOpenError)) throw error;
  }
  return containers;
}
