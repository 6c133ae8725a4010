/**
 * Docker's own files about a container: config.v2.json, and hostconfig.json with its limits.
 * Source: moby daemon/container/container.go, type Container; api/types/container, HostConfig. The labels of a pod's
 * container: kubelet pkg/types/labels.go; cri-dockerd core/docker_service.go (dockershim's are the same), which puts
 * `annotation.` before what the kubelet gives as annotations. Compose's: compose pkg/api/labels.go.
 */

import { bytes, count, known, object, parseObject, text } from "../loose-json.ts";
import type { ContainerNames } from "./container-names.ts";

const KUBELET = "io.kubernetes.";

/**
 * @param hostConfig absent where there is none to be read
 * @returns undefined where one of the texts is no JSON object
 */
export function parseDockerConfig(config: string, hostConfig?: string): ContainerNames | undefined {
  const container = parseObject(config);
  const host = hostConfig === undefined ? {} : parseObject(hostConfig);
  if (container === undefined || host === undefined) return undefined;
  const { Labels, Image } = object(container["Config"]);
  const labels = object(Labels);
  const pod = text(labels[`${KUBELET}pod.name`]);
  const isSandbox = labels[`${KUBELET}docker.type`] === "podsandbox";
  return known<ContainerNames>({
    source: "docker",
    runtime: "docker",
    namespace: text(labels[`${KUBELET}pod.namespace`]),
    pod,
    podUid: text(labels[`${KUBELET}pod.uid`]),
    container: isSandbox ? undefined : text(labels[`${KUBELET}container.name`]),
    // A pod's container is called k8s_<container>_<pod>_…, which says nothing more.
    name: pod === undefined ? text(container["Name"])?.replace(/^\//, "") : undefined,
    image: text(Image),
    imageId: text(container["Image"]),
    isSandbox: isSandbox ? true : undefined,
    sandboxId: text(labels[`${KUBELET}sandbox.id`]),
    memoryLimit: bytes(host["Memory"]),
    restarts: count(labels[`annotation.${KUBELET}container.restartCount`]),
    composeProject: text(labels["com.docker.compose.project"]),
    composeService: text(labels["com.docker.compose.service"]),
  });
}

/**
 * /etc/docker/daemon.json: where Docker keeps its files, if that was moved.
 * Spec: dockerd(8), `data-root`, until 17.05 `graph`.
 */
export function parseDockerDataRoot(daemon: string): string | undefined {
  const settings = parseObject(daemon) ?? {};
  const path = text(settings["data-root"]) ?? text(settings["graph"]);
  return path !== undefined && /^\/[^\0]*$/.test(path) ? path : undefined;
}
