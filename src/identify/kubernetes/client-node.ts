/**
 * The part of Kubernetes' own client that reads a kubeconfig, loaded only where there is one: it takes 25 MB. The build
 * packs it (scripts/build.ts), since it would take 13 MB of the agent's memory by standing in the program unused.
 */
import type { KubeConfig } from "@kubernetes/client-node";

/** @throws where the package cannot be loaded */
export async function loadKubeConfigClass(): Promise<typeof KubeConfig> {
  // The package as a whole has the models of every resource: 6.6 MB of code for the 1.9 that this file needs.
  return (await import("@kubernetes/client-node/dist/config.js")).KubeConfig;
}
