/**
 * containerd's bundle of a container: the annotations of its CRI plugin, or nerdctl's.
 * Source: containerd internal/cri/annotations/annotations.go; nerdctl pkg/labels/labels.go, which
 * pkg/cmd/container/create.go copies into the annotations (propagateInternalContainerdLabelsToOCIAnnotations).
 */

import { known, text } from "../loose-json.ts";
import type { ContainerNames } from "./container-names.ts";
import { parseOciBundle } from "./oci-bundle.ts";

const CRI = "io.kubernetes.cri.";

/** @returns with no name in it where neither Kubernetes nor nerdctl made it; undefined where the text is no bundle */
export function parseContainerdBundle(json: string): ContainerNames | undefined {
  const bundle = parseOciBundle(json);
  if (bundle === undefined) return undefined;
  const { annotations, memoryLimit } = bundle;
  const cri = (key: string): string | undefined => text(annotations[CRI + key]);
  const isSandbox = cri("container-type") === "sandbox";
  return known<ContainerNames>({
    source: "containerd",
    runtime: "containerd",
    namespace: cri("sandbox-namespace"),
    pod: cri("sandbox-name"),
    podUid: cri("sandbox-uid"),
    container: isSandbox ? undefined : cri("container-name"),
    name: text(annotations["nerdctl/name"]),
    image: cri(isSandbox ? "podsandbox.image-name" : "image-name"),
    imageId: undefined,
    isSandbox: isSandbox ? true : undefined,
    sandboxId: cri("sandbox-id"),
    memoryLimit,
    restarts: undefined,
    composeProject: text(annotations["com.docker.compose.project"]),
    composeService: text(annotations["com.docker.compose.service"]),
  });
}
