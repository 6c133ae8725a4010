/** Every kustomization of daemonset/, as kubectl builds it: valid by Kubernetes' schemas, and whole. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { buildKustomization } from "./kustomize.ts";
import { type Manifest, validateManifest } from "./manifests.ts";
import { whyNoPrograms } from "./programs.ts";
import { daemonSetOf, findLooseReferences } from "./references.ts";

const ROOT = fileURLToPath(new URL("../../daemonset/", import.meta.url));
const reason = whyNoPrograms();
if (reason !== undefined) process.stderr.write(`test/deploy is skipped: ${reason}\n`);

const folders = (await readdir(ROOT, { recursive: true, encoding: "utf8" }))
  .filter((path) => path.endsWith("/kustomization.yaml"))
  .map((path) => path.slice(0, -"/kustomization.yaml".length))
  .sort();
const components = folders.filter((folder) => folder.startsWith("components/"));
const whole = folders.filter((folder) => !folder.startsWith("components/"));

/** @returns what is wrong with it, a sentence each */
function findFaults(manifests: readonly Manifest[]): string[] {
  return [...manifests.flatMap(validateManifest), ...findLooseReferences(manifests)];
}

async function build(kustomization: string, more: Record<string, string> = {}): Promise<Manifest[]> {
  const directory = await mkdtemp(join(tmpdir(), "oomscribe-kustomization-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  for (const [name, text] of Object.entries({ ...more, "kustomization.yaml": kustomization })) {
    await writeFile(join(directory, name), text.replaceAll("DAEMONSET", relative(directory, ROOT)));
  }
  return buildKustomization(directory);
}

test("there are kustomizations", () => {
  expect(whole).toEqual(expect.arrayContaining(["base", "overlays/cubeapm"]));
  expect(components).toContain("components/unprivileged");
});

describe.skipIf(reason !== undefined)("kustomizations", () => {
  test.each(whole)("%s", async (folder) => {
    const manifests = await buildKustomization(join(ROOT, folder));
    expect(manifests.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(["Namespace", "DaemonSet", "ClusterRole"]),
    );
    expect(findFaults(manifests)).toEqual([]);
  });

  test.each(components)("base with %s", async (folder) => {
    const manifests = await build(`resources: [DAEMONSET/base]\ncomponents: [DAEMONSET/${folder}]\n`);
    expect(findFaults(manifests)).toEqual([]);
  });

  test("one of a user's own, with the image's name", async () => {
    const images = "images: [{ name: oomscribe, newName: registry.example.com/oomscribe, newTag: 1.2.3 }]";
    const manifests = await build(`resources: [DAEMONSET/base]\n${images}\n`);
    expect(findFaults(manifests)).toEqual([]);
    expect(daemonSetOf(manifests).spec.template.spec.containers.map(({ image }) => image)).toEqual([
      "registry.example.com/oomscribe:1.2.3",
    ]);
  });

  test("one in another namespace: the rights go with it", async () => {
    const manifests = await build("namespace: monitoring\nresources: [DAEMONSET/base]\n");
    expect(findFaults(manifests)).toEqual([]);
  });

  test("a NetworkPolicy or a probe for a port that there is not is found", async () => {
    const patches = ["NetworkPolicy", "DaemonSet"].map((kind) => {
      const path =
        kind === "DaemonSet"
          ? "/spec/template/spec/containers/0/livenessProbe/httpGet/port"
          : "/spec/ingress/0/ports/0/port";
      const patch = JSON.stringify([{ op: "replace", path, value: "none" }]);
      return `{ target: { kind: ${kind} }, patch: '${patch}' }`;
    });
    const manifests = await build(`resources: [DAEMONSET/base]\npatches: [${patches.join(", ")}]\n`);
    expect(findFaults(manifests)).toEqual([
      "no port none of the container, for livenessProbe",
      "no port none of a container, for NetworkPolicy oomscribe",
    ]);
  });

  test("the patch of docs/security.md lets another namespace connect", async () => {
    const page = await readFile(join(ROOT, "../docs/security.md"), "utf8");
    const patch = /^```yaml\n(# a patch in your kustomization\.yaml[^]*?)^```$/m.exec(page)?.[1];
    const manifests = await build(`resources: [DAEMONSET/base]\n${patch}`);
    expect(findFaults(manifests)).toEqual([]);
    const matchLabels = { "kubernetes.io/metadata.name": "metrics" };
    expect(manifests.find(({ kind }) => kind === "NetworkPolicy")).toMatchObject({
      spec: { ingress: [{ from: [{ namespaceSelector: { matchLabels } }], ports: [{ port: "metrics" }] }] },
    });
  });

  test("a misspelt field of a patch is found", async () => {
    const patch = `
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: oomscribe, namespace: oomscribe }
spec: { template: { spec: { hostPid: false } } }
`;
    const manifests = await build("resources: [DAEMONSET/base]\npatches: [{ path: patch.yaml }]\n", {
      "patch.yaml": patch,
    });
    expect(findFaults(manifests)).toEqual(['DaemonSet oomscribe: /spec/template/spec has no field "hostPid"']);
  });

  test("what kustomize cannot build says why", async () => {
    await expect(build("resources: [nothing.yaml]\n")).rejects.toThrow(/nothing\.yaml/);
  });
});
