/** Docker's own files of a container: they stay until it is removed. */
import type { ContainerNames } from "../../../parsers/runtimes/container-names.ts";
import { parseDockerConfig } from "../../../parsers/runtimes/docker-config.ts";
import type { RuntimeTree } from "./runtime-files.ts";

/** `containers` of the default data-root, and of the snap's. A data-root that was moved is found by a link only. */
const CONTAINERS = ["/var/lib/docker/containers", "/var/snap/docker/common/var-lib-docker/containers"];

export function readDocker(tree: RuntimeTree, containerId: string): ContainerNames | undefined {
  for (const containers of CONTAINERS) {
    const path = `${containers}/${containerId}/config.v2.json`;
    const config = tree.readText(path);
    if (config === undefined) continue;
    const names = parseDockerConfig(config, tree.readText(`${containers}/${containerId}/hostconfig.json`));
    if (names === undefined) tree.onBroken(path);
    return names;
  }
  return undefined;
}
