/**
 * A bundle in containers/storage, which CRI-O and Podman share, and the storage's list of containers.
 * Source: CRI-O pkg/annotations/internal.go and internal/factory/container/container.go, SpecAddAnnotations: its own
 * annotations and the kubelet's labels (kubelet pkg/types/labels.go); Podman libpod/define/annotations.go;
 * containers/storage containers.go, type Container, with the metadata that Podman keeps in it
 * (libpod/storage.go, RuntimeContainerMetadata).
 */

import { count, isObject, known, type LooseObject, object, parseJson, parseObject, text } from "../loose-json.ts";
import type { ContainerNames } from "./container-names.ts";
import { parseOciBundle } from "./oci-bundle.ts";

const CRIO = "io.kubernetes.cri-o.";
const KUBELET = "io.kubernetes.";

/** @returns `source` says whose it is; Podman's has no name in it: the list has; undefined where it is no bundle */
export function parseStorageBundle(json: string): ContainerNames | undefined {
  const bundle = parseOciBundle(json);
  if (bundle === undefined) return undefined;
  const { annotations, memoryLimit } = bundle;
  if (annotations["io.container.manager"] === "libpod") {
    return known<Pick<ContainerNames, "source" | "runtime" | "memoryLimit">>({
      source: "podman",
      runtime: "podman",
      memoryLimit,
    });
  }
  return { ...readCrio(annotations), ...(memoryLimit === undefined ? {} : { memoryLimit }) };
}

/** The user asked for `Image`, which is often an ID by then; `ImageName` is some name of that image. */
function readCrio(annotations: LooseObject): ContainerNames {
  const isSandbox = annotations[`${CRIO}ContainerType`] === "sandbox";
  const names = known<Omit<ContainerNames, "memoryLimit" | "name" | "composeProject" | "composeService">>({
    source: "cri-o",
    runtime: "cri-o",
    namespace: text(annotations[`${KUBELET}pod.namespace`]),
    pod: text(annotations[`${KUBELET}pod.name`]),
    podUid: text(annotations[`${KUBELET}pod.uid`]),
    container: isSandbox ? undefined : text(annotations[`${KUBELET}container.name`]),
    image: text(annotations[`${CRIO}ImageName`]) ?? text(annotations[`${CRIO}Image`]),
    imageId: text(annotations[`${CRIO}ImageRef`]),
    isSandbox: isSandbox ? true : undefined,
    sandboxId: text(annotations[`${CRIO}SandboxID`]),
    restarts: count(annotations[`${KUBELET}container.restartCount`]),
  });
  return names;
}

/**
 * `containers.json`, or `volatile-containers.json` for containers that are removed when they end.
 * @returns undefined where the text is no such list; a name that is absent where the container is not in it
 */
export function parseStorageList(
  json: string,
  id: string,
): Pick<ContainerNames, "name" | "image" | "imageId"> | undefined {
  const list = parseJson(json);
  if (!Array.isArray(list)) return undefined;
  const entry: unknown = list.find((one) => isObject(one) && one["id"] === id);
  const { names, metadata } = object(entry);
  const { "image-name": image, "image-id": imageId } = parseObject(text(metadata) ?? "") ?? {};
  return known<Pick<ContainerNames, "name" | "image" | "imageId">>({
    name: Array.isArray(names) ? text(names[0]) : undefined,
    image: text(image),
    imageId: text(imageId),
  });
}
