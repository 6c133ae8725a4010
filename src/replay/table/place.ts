/** Where a victim was and whose limit it was, as a cell holds them; used by the table and by the page of --html. */
import type { Attributes } from "../../record/log-record.ts";
import { plainCell } from "./text.ts";

/** The first twelve digits of a container's ID are what container tools show and take; a pod has its UID alone. */
export function placeOf(resource: Attributes, attributes: Attributes): { place: string | undefined; isPath: boolean } {
  const container = resource["container.id"];
  const pod = resource["k8s.pod.uid"];
  const podName = resource["k8s.pod.name"];
  if (podName !== undefined) {
    const path = [resource["k8s.namespace.name"], podName, resource["k8s.container.name"]].filter(
      (one) => one !== undefined,
    );
    return { place: path.map((one) => plainCell(String(one))).join("/"), isPath: true };
  }
  const parts: string[] = [];
  if (container !== undefined) parts.push(plainCell(String(container).slice(0, 12)));
  if (pod !== undefined) parts.push(`pod ${plainCell(String(pod))}`);
  if (parts.length > 0) return { place: parts.join(" "), isPath: false };
  const unit = attributes["oom.cgroup.unit"];
  if (attributes["oom.cgroup.kind"] === "unit" && unit !== undefined)
    return { place: plainCell(String(unit)), isPath: false };
  const path = attributes["oom.victim.cgroup"];
  return { place: path === undefined ? undefined : plainCell(String(path)), isPath: true };
}

/** Whose limit it was; of another cgroup than the victim's its name. */
export function scopeOf(attributes: Attributes): string {
  const scope = String(attributes["oom.scope"]);
  if (scope === "unknown") return "?";
  const limit = attributes["oom.limit.cgroup"];
  if (scope !== "cgroup" || limit === undefined || limit === attributes["oom.victim.cgroup"]) return scope;
  const name = String(limit).split("/").at(-1) ?? "";
  return name === "" ? scope : `${scope} ${plainCell(name)}`;
}
