/**
 * Names that the kubelet gives to the logs of a pod: they say who a container was, even when it is gone.
 * Source: kubernetes pkg/kubelet/kuberuntime/helpers.go, BuildPodLogsDirectory and BuildContainerLogsDirectory;
 * legacy.go, logSymlink. No part but the last one's ID can hold an underscore.
 */

export interface PodLogNames {
  namespace: string;
  pod: string;
  /** of a static pod its config hash */
  podUid: string;
}

export interface ContainerLogNames {
  namespace: string;
  pod: string;
  container: string;
  containerId: string;
}

/** `/var/log/pods/shop_checkout-0_d1a7…` → the pod; undefined for what is no such name */
export function parsePodLogDirectory(name: string): PodLogNames | undefined {
  const [namespace, pod, podUid, more] = name.split("_");
  if (namespace === undefined || pod === undefined || podUid === undefined || more !== undefined) return undefined;
  return namespace === "" || pod === "" || podUid === "" ? undefined : { namespace, pod, podUid };
}

const CONTAINER_LOG = /^([^_]+)_([^_]+)_([^_]+)-([0-9a-f]{64})\.log$/;

/** `/var/log/containers/checkout-0_shop_api-<id>.log` → its parts; undefined for what is no such name, or was cut */
export function parseContainerLogName(name: string): ContainerLogNames | undefined {
  const [, pod, namespace, container, containerId] = CONTAINER_LOG.exec(name) ?? [];
  if (pod === undefined || namespace === undefined || container === undefined || containerId === undefined)
    return undefined;
  return { namespace, pod, container, containerId };
}

const LOG_PATH = /\/([^/]+)\/([^/]+)\/(\d{1,9})\.log$/;

/** `…/shop_checkout-0_d1a7…/api/3.log` → the pod, the container, and how often it had been started before */
export function parseContainerLogPath(
  path: string,
): (PodLogNames & { container: string; restarts: number }) | undefined {
  const [, directory = "", container, restarts] = LOG_PATH.exec(path) ?? [];
  const pod = parsePodLogDirectory(directory);
  if (pod === undefined || container === undefined) return undefined;
  return { ...pod, container, restarts: Number(restarts) };
}
