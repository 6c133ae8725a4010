/** Podman's bundle of a container, which says that it is Podman's, and the storage's list, which has its name. */
import type { ContainerNames } from "../../../parsers/runtimes/container-names.ts";
import { readStorageBundle, readStorageList } from "./containers-storage.ts";
import type { RuntimeTree } from "./runtime-tree.ts";

export function readPodman(tree: RuntimeTree, containerId: string): ContainerNames | undefined {
  const bundle = readStorageBundle(tree, containerId);
  return bundle?.source === "podman" ? { ...bundle, ...readStorageList(tree, containerId) } : undefined;
}
