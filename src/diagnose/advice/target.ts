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

/**
 * Kubernetes' rule for the names of these objects (RFC 1123). A name that breaks it can be none of them, and one that
 * begins with `-` would be an option of kubectl.
 */
const OBJECT_NAME = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

export function isObjectName(name: string | undefined): name is string {
  return name !== undefined && OBJECT_NAME.test(name);
}

/** @returns undefined where it was no pod that has a name */
export function workloadOf(who: Who | undefined): Workload | undefined {
  if (!isObjectName(who?.pod) || !isObjectName(who.namespace)) return undefined;
  if (who.container !== undefined && !isObjectName(who.container)) return undefined;
  // What only looks like a CronJob's by its name may be another's.
  const owners = who.owners.filter(
    ({ kind, name, evidence }) => CHANGEABLE.includes(kind) && evidence !== "job_name" && isObjectName(name),
  );
  const owner = owners.at(-1);
  // A ReplicaSet of nobody's would take the change and leave its pods as they are.
  return {
    template: owner === undefined ? undefined : `${owner.kind.toLowerCase()}/${owner.name}`,
    pod: who.pod,
    namespace: who.namespace,
    container: who.container,
  };
}

/** The node's name where kubectl can be given it. */
export function nodeOf(who: Who | undefined): string | undefined {
  return isObjectName(who?.node) ? who.node : undefined;
}

/** A systemd service or slice that the victim was in, of no container. */
export function unitOf({ identity }: CaseKill): string | undefined {
  return identity?.kind === "unit" && identity.containerId === undefined ? identity.unit : undefined;
}
