/** One runtime's files on the node: a row of a table. A new runtime is a new file and a new row of it. */

import type { ContainerNames } from "../../../parsers/runtimes/container-names.ts";
import { readContainerd } from "./containerd.ts";
import { readCrio } from "./cri-o.ts";
import { readDocker } from "./docker.ts";
import { readPodman } from "./podman.ts";
import type { RuntimeTree } from "./runtime-tree.ts";

/** @returns undefined where the runtime has no such container */
export type ReadRuntimeFiles = (tree: RuntimeTree, containerId: string) => ContainerNames | undefined;

/** Docker's containers are containerd's too, without a name: its own file says more, so it is asked first. */
export const RUNTIME_FILES: readonly ReadRuntimeFiles[] = [readDocker, readContainerd, readCrio, readPodman];
