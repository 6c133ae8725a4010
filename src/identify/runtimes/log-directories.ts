/** The kubelet's log directories, whose names say who a container or a pod is, and was after it is gone. */
import type { ContainerNames } from "../../../parsers/runtimes/container-names.ts";
import {
  parseContainerLogName,
  parseContainerLogPath,
  parsePodLogDirectory,
} from "../../../parsers/runtimes/log-names.ts";
import type { HostTree } from "./host-tree.ts";

export interface LogDirectories {
  ofContainer(containerId: string): ContainerNames | undefined;
  /** @param podUid as in the cgroup path */
  ofPod(podUid: string): ContainerNames | undefined;
}

const PODS = "/var/log/pods";
const CONTAINERS = "/var/log/containers";

export function openLogDirectories(tree: HostTree): LogDirectories {
  const containers = followNames(tree, CONTAINERS, (name) => parseContainerLogName(name)?.containerId);
  const pods = followNames(tree, PODS, (name) => parsePodLogDirectory(name)?.podUid.toLowerCase());

  return {
    ofContainer(containerId) {
      const name = containers(containerId);
      const names = name === undefined ? undefined : parseContainerLogName(name);
      if (name === undefined || names === undefined) return undefined;
      const { namespace, pod, container } = names;
      // Where the log itself is says more; it need not be there any more.
      const log = parseContainerLogPath(tree.readLink(CONTAINERS, name) ?? "");
      const isSame = log?.namespace === namespace && log.pod === pod && log.container === container;
      return {
        source: "log_directory",
        namespace,
        pod,
        container,
        ...(isSame ? { podUid: log.podUid, restarts: log.restarts } : {}),
      };
    },
    ofPod(podUid) {
      const name = pods(podUid.toLowerCase());
      const names = name === undefined ? undefined : parsePodLogDirectory(name);
      return names === undefined ? undefined : { source: "log_directory", ...names };
    },
  };
}

/** A node has a few hundred; the kubelet removes what is older than its pods. */
const MAX_NAMES = 20_000;
/** A change within so long of the listing may have come after it and have left the same time: clocks of file systems
 * move with the timer, every 1 to 10 ms. */
const SETTLED_MS = 100;

/** Finds a directory's names by what they hold; it is listed again only when it has changed. */
function followNames(
  tree: HostTree,
  directory: string,
  keyOf: (name: string) => string | undefined,
): (key: string) => string | undefined {
  let names = new Map<string, string>();
  let listed = { changedMs: Number.NaN, isSettled: false };
  return (key) => {
    const changedMs = tree.changedMs(directory);
    if (changedMs === undefined) return undefined;
    if (changedMs !== listed.changedMs || !listed.isSettled) {
      listed = { changedMs, isSettled: Date.now() - changedMs > SETTLED_MS };
      names = new Map();
      for (const name of tree.list(directory, MAX_NAMES)) {
        const found = keyOf(name);
        if (found !== undefined) names.set(found, name);
      }
    }
    return names.get(key);
  };
}
