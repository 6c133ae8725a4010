/** What a kustomization comes to, as `kubectl apply -k` would send it. */
import { type Manifest, readManifests } from "./manifests.ts";
import { runProgram } from "./programs.ts";

/**
 * @param directory with a kustomization.yaml
 * @throws with kustomize's words where it cannot be built
 */
export async function buildKustomization(directory: string): Promise<Manifest[]> {
  return readManifests(await runProgram("kubectl", ["kustomize", directory]));
}
