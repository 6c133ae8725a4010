/** A cgroup path of the kernel's log → who it belongs to: runtime, driver, QoS class, pod UID, container ID. */
import type { CgroupIdentity } from "./identity.ts";
import { KUBERNETES_LAYOUTS } from "./kubernetes.ts";
import { type Finding, findLayout, type Layout } from "./layout.ts";
import { RUNTIME_LAYOUTS } from "./runtimes.ts";
import { readUnitName, splitSliceRequest, USER_LAYOUTS } from "./systemd.ts";

/** The first row that reads a segment decides what it is. */
export const LAYOUTS: readonly Layout[] = [...KUBERNETES_LAYOUTS, ...RUNTIME_LAYOUTS, ...USER_LAYOUTS];

/** /proc/<pid>/cgroup says so of a cgroup that is gone, cgroup v2; the kernel's log does not. */
const DELETED = / \(deleted\)$/;

/** The path that was read last, and its identity: a report's limit and victim mostly have the same one. */
let lastPath: string | undefined;
let lastIdentity: Readonly<CgroupIdentity> = { kind: "root" };

/**
 * Reads any path, from the root down, one segment at a time: what is known of a place is what its last segment says
 * of it, within what was known of the place above. The path has its /dev/kmsg escapes undone and may be absolute (the
 * kernel's log) or relative to a cgroup namespace (/proc/<pid>/cgroup in a container).
 */
export function parseCgroupPath(path: string): Readonly<CgroupIdentity> {
  if (path !== lastPath) {
    // Whoever asks for the same path gets the same object.
    lastIdentity = Object.freeze(readPath(path));
    lastPath = path;
  }
  return lastIdentity;
}

function readPath(path: string): CgroupIdentity {
  let place: CgroupIdentity = { kind: "root" };
  let parent = "";
  for (const segment of path.replace(DELETED, "").split("/")) {
    if (segment === "" || segment === ".") continue;
    place = goDown(place, segment, parent);
    parent = segment;
  }
  // Guaranteed pods stand directly below kubepods: there is no level of that name.
  return place.podUid !== undefined && place.qos === undefined ? { ...place, qos: "Guaranteed" } : place;
}

/** One cgroup further down. */
function goDown(place: CgroupIdentity, segment: string, parent: string): CgroupIdentity {
  const request = splitSliceRequest(segment);
  if (request !== undefined) {
    const asked = request.reduce((above, part) => step(above, part, ""), place);
    return asked.nested === undefined ? { ...asked, driver: "mixed" } : stay(place, segment);
  }
  const below = step(place, segment, parent);
  const unit = readUnitName(segment);
  return unit === undefined ? below : { ...below, unit };
}

function step(place: CgroupIdentity, segment: string, parent: string): CgroupIdentity {
  const found = findLayout(LAYOUTS, segment, parent, place)?.found;
  if (found === undefined || (place.kind === "container" && !leadsOn(found))) return stay(place, segment);
  return enter(place, found);
}

/**
 * What a container makes below its own cgroup is its own affair, whatever it is called, except where it runs
 * containers itself: the innermost ID wins.
 */
function leadsOn(found: Finding): boolean {
  return found.containerId !== undefined || isKubernetesLevel(found);
}

function isKubernetesLevel({ kind }: Finding): boolean {
  return kind === "kubepods" || kind === "qos" || kind === "pod";
}

/** The place that a known segment leads to. A level of Kubernetes starts anew, all others stay in their pod. */
function enter(place: CgroupIdentity, found: Finding): CgroupIdentity {
  const next: CgroupIdentity = { ...found };
  if (place.unit !== undefined) next.unit = place.unit;
  const outer = [...(place.outerContainerIds ?? []), ...(place.containerId === undefined ? [] : [place.containerId])];
  if (outer.length > 0) next.outerContainerIds = outer;
  const isInPod = !isKubernetesLevel(found);
  if (place.qos !== undefined && (isInPod || (found.kind === "pod" && place.kind === "qos"))) next.qos ??= place.qos;
  if (place.podUid !== undefined && isInPod) next.podUid = place.podUid;
  if (place.staticPod !== undefined && isInPod) next.staticPod = place.staticPod;
  return next;
}

/** The place below where no layout knows the segment: the container's own cgroup, a unit, or nothing known. */
function stay(place: CgroupIdentity, segment: string): CgroupIdentity {
  if (place.kind === "container") return { ...place, nested: `${place.nested ?? ""}/${segment}` };
  if (place.kind === "monitor" || place.kind === "user") return place;
  if (readUnitName(segment) !== undefined) return { ...place, kind: "unit", driver: "systemd" };
  return place.kind === "unit" ? place : { ...place, kind: "other" };
}
