/** Docker's own files of a container: they stay until it is removed. */
import type { ContainerNames } from "../../../parsers/runtimes/container-names.ts";
import { parseDockerConfig, parseDockerDataRoot } from "../../../parsers/runtimes/docker-config.ts";
import type { RuntimeTree } from "./runtime-tree.ts";

/** Docker's own data-root, and that of its snap. With userns-remap it is a directory further down, which is not read. */
const DATA_ROOTS = ["/var/lib/docker", "/var/snap/docker/common/var-lib-docker"];
const DAEMON = "/etc/docker/daemon.json";

export function readDocker(tree: RuntimeTree, containerId: string): ContainerNames | undefined {
  for (const dataRoot of DATA_ROOTS) {
    const names = readContainer(tree, dataRoot, containerId);
    if (names !== undefined) return names;
  }
  const daemon = tree.readText(DAEMON);
  const moved = daemon === undefined ? undefined : parseDockerDataRoot(daemon);
  return moved === undefined ? undefined : readContainer(tree, moved, containerId);
}

function readContainer(tree: RuntimeTree, dataRoot: string, containerId: string): ContainerNames | undefined {
  const directory = `${dataRoot}/containers/${containerId}`;
  const config = tree.readText(`${directory}/config.v2.json`);
  if (config === undefined) return undefined;
  const names = parseDockerConfig(config, tree.readText(`${directory}/hostconfig.json`));
  if (names === undefined) tree.onBroken(directory);
  return names;
}
