/** CRI-O's bundle of a container, in its storage. */
import type { ContainerNames } from "../../../parsers/runtimes/container-names.ts";
import { readStorageBundle } from "./containers-storage.ts";
import type { RuntimeTree } from "./runtime-tree.ts";

export function readCrio(tree: RuntimeTree, containerId: string): ContainerNames | undefined {
  const names = readStorageBundle(tree, containerId);
  return names?.source === "cri-o" ? names : undefined;
}
