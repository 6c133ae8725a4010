/** Files of containers/storage, which CRI-O and Podman share. */
import type { ContainerNames } from "../../../parsers/runtimes/container-names.ts";
import { parseStorageBundle, parseStorageList } from "../../../parsers/runtimes/storage-bundle.ts";
import type { RuntimeTree } from "./runtime-tree.ts";

/** `runroot` and `graphroot` of containers-storage.conf(5), as they are for root unless set otherwise. */
const ROOTS = ["/run/containers/storage", "/var/lib/containers/storage"];
/** Drivers of containers-storage.conf(5); nearly all nodes have the first. */
const DRIVERS = ["overlay", "vfs", "btrfs", "zfs"];
/** containers/storage containers.go, containerLocationFromIndex: the second is for those that go when they end. */
const LISTS = ["containers.json", "volatile-containers.json"];

export function readStorageBundle(tree: RuntimeTree, containerId: string): ContainerNames | undefined {
  for (const directory of directories()) {
    const path = `${directory}/${containerId}/userdata/config.json`;
    const json = tree.readText(path);
    if (json === undefined) continue;
    const names = parseStorageBundle(json);
    if (names !== undefined) return names;
    tree.onBroken(path);
  }
  return undefined;
}

/** Rootless containers of users are in lists of their own, which are not read: a user could name them as he likes. */
export function readStorageList(tree: RuntimeTree, containerId: string): ReturnType<typeof parseStorageList> {
  for (const directory of directories()) {
    for (const list of LISTS) {
      const path = `${directory}/${list}`;
      const json = tree.readText(path);
      if (json === undefined) continue;
      const names = parseStorageList(json, containerId);
      if (names === undefined) tree.onBroken(path);
      else if (names.name !== undefined) return names;
    }
  }
  return undefined;
}

function directories(): string[] {
  return DRIVERS.flatMap((driver) => ROOTS.map((root) => `${root}/${driver}-containers`));
}
