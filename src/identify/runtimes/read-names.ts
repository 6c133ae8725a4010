/** Asks the files of one runtime after the other, and the log directories, who a container or a pod is. */
import { type ContainerNames, checkNames, isInPod, isNamed } from "../../../parsers/runtimes/container-names.ts";
import { type HostTreeTrouble, openHostTree } from "./host-tree.ts";
import { openLogDirectories } from "./log-directories.ts";
import { RUNTIME_FILES } from "./runtime-files.ts";

export type NamesTrouble =
  | HostTreeTrouble
  /** a runtime's file is not in its format: it may be cut */
  | "container_file_broken"
  /** `fields` of what `source` says can be no such name, or are another pod's than the cgroup's: they are left out */
  | "container_names_refused";

export interface NamesReader {
  /**
   * With nothing but a limit or an image in it where a runtime has the container and nobody names it.
   * @param containerId 64 hex digits
   * @param podUid of its cgroup path: names of another pod's are refused
   */
  container(containerId: string, podUid: string | undefined): ContainerNames | undefined;
  /** Adds what the kubelet's log directories say beside it: they come later than the container. */
  complete(names: ContainerNames, containerId: string): ContainerNames;
  /** @param podUid a UUID or a config hash */
  pod(podUid: string): ContainerNames | undefined;
}

export interface NamesReaderOptions {
  hostRoot: string;
  onTrouble(name: NamesTrouble, detail: Readonly<Record<string, string | number>>): void;
}

export function openNamesReader({ hostRoot, onTrouble }: NamesReaderOptions): NamesReader {
  const tree = openHostTree({ hostRoot, onTrouble });
  const logs = openLogDirectories(tree);
  const runtimeTree = { ...tree, onBroken: (path: string) => onTrouble("container_file_broken", { path }) };

  function check(said: ContainerNames | undefined, podUid: string | undefined): ContainerNames | undefined {
    if (said === undefined) return undefined;
    const { names, refused } = checkNames(said);
    const isOthers = !isInPod(names, podUid);
    const fields = isOthers ? [...refused, "podUid"] : refused;
    if (fields.length > 0) onTrouble("container_names_refused", { source: said.source, fields: fields.join(",") });
    return isOthers ? undefined : names;
  }

  function fromRuntimes(containerId: string, podUid: string | undefined): ContainerNames | undefined {
    let unnamed: ContainerNames | undefined;
    for (const read of RUNTIME_FILES) {
      const names = check(read(runtimeTree, containerId), podUid);
      if (names !== undefined && isNamed(names)) return names;
      unnamed ??= names;
    }
    return unnamed === undefined ? undefined : withoutNames(unnamed);
  }

  function fromLogs(containerId: string, podUid: string | undefined): ContainerNames | undefined {
    const names = check(logs.ofContainer(containerId), podUid);
    return names !== undefined && isNamed(names) ? names : undefined;
  }

  return {
    container(containerId, podUid) {
      const names = fromRuntimes(containerId, podUid);
      if (names !== undefined && isNamed(names)) return names;
      const logged = fromLogs(containerId, podUid);
      return logged === undefined ? names : { ...names, ...logged };
    },
    complete(names, containerId) {
      if (names.restarts !== undefined || names.container === undefined) return names;
      const { namespace, pod, container, restarts } = fromLogs(containerId, names.podUid) ?? {};
      const isSame = namespace === names.namespace && pod === names.pod && container === names.container;
      return isSame && restarts !== undefined ? { ...names, restarts } : names;
    },
    pod(podUid) {
      const names = check(logs.ofPod(podUid), podUid);
      return names !== undefined && isNamed(names) ? names : undefined;
    },
  };
}

/** Of a container that nobody names, or not as one that can be: what it is made of. */
function withoutNames({ source, runtime, image, imageId, memoryLimit }: ContainerNames): ContainerNames {
  return {
    source,
    ...(runtime === undefined ? {} : { runtime }),
    ...(image === undefined ? {} : { image }),
    ...(imageId === undefined ? {} : { imageId }),
    ...(memoryLimit === undefined ? {} : { memoryLimit }),
  };
}
