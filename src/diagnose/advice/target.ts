/** What a command can change: the owner of a pod, a pod, a container, a unit, or a bare cgroup. */
import type { Who } from "../../identify/who.ts";
import type { CaseKill } from "../case.ts";

/** Words of kubectl that say where. */
export interface Workload {
  /** `deployment/web`; undefined: the pod has no owner that kubectl could change */
  template: string | undefined;
  pod: string;
  namespace: string;
  container: string | undefined;
}

/** Kinds whose pod template may be changed; that of a Job may not, its CronJob's may. */
const CHANGEABLE: readonly string[] = ["Deployment", "StatefulSet", "DaemonSet", "CronJob"];

/** @returns undefined where it was no pod that has a name */
export function workloadOf(who: Who | undefined): Workload | undefined {
  if (who?.pod === undefined || who.namespace === undefined) return undefined;
  // What only looks like a CronJob's by its name may be another's.
  const owners = who.owners.filter(({ kind, evidence }) => CHANGEABLE.includes(kind) && evidence !== "job_name");
  const owner = owners.at(-1);
  // A ReplicaSet of nobody's would take the change and leave its pods as they are.
  return {
    template: owner === undefined ? undefined : `${owner.kind.toLowerCase()}/${owner.name}`,
    pod: who.pod,
    namespace: who.namespace,
    container: who.container,
  };
}

/** A systemd service or slice that the victim was in, of no container. */
export function unitOf({ identity }: CaseKill): string | undefined {
  return identity?.kind === "unit" && identity.containerId === undefined ? identity.unit : undefined;
}
