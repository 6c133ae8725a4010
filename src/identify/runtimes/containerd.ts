/** containerd's bundle of a running container: it goes some 70 to 200 ms after its last process was killed. */

import type { ContainerNames } from "../../../parsers/runtimes/container-names.ts";
import { parseContainerdBundle } from "../../../parsers/runtimes/containerd-bundle.ts";
import type { RuntimeTree } from "./runtime-tree.ts";

/**
 * Where the task plugin keeps its state, each with a directory for every namespace: `k8s.io`, `default`, `moby`.
 * containerd core/runtime/v2/task_manager.go, below `state` of the configuration: containerd's own default, that of
 * k3s and RKE2, of k0s, of MicroK8s.
 */
const TASKS = ["/run", "/run/k3s", "/run/k0s", "/var/snap/microk8s/common/run"].map(
  (state) => `${state}/containerd/io.containerd.runtime.v2.task`,
);
/** Namespaces are few: Kubernetes has one. */
const MAX_NAMESPACES = 64;

export function readContainerd(tree: RuntimeTree, containerId: string): ContainerNames | undefined {
  for (const tasks of TASKS) {
    for (const namespace of tree.list(tasks, MAX_NAMESPACES)) {
      const path = `${tasks}/${namespace}/${containerId}/config.json`;
      const json = tree.readText(path);
      if (json === undefined) continue;
      const names = parseContainerdBundle(json);
      if (names === undefined) tree.onBroken(path);
      return names;
    }
  }
  return undefined;
}
