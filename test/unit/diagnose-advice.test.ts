/** Commands: the right one for who it was and why, with real names and figures, and no name that could do anything. */
import { describe, expect, test } from "vitest";
import { runtimeOf } from "../../src/diagnose/advice/runtime.ts";
import { quoteWord } from "../../src/diagnose/advice/shell.ts";
import { toQuantity } from "../../src/diagnose/advice/sizes.ts";
import { advise } from "../../src/diagnose/advice/table.ts";
import { toCase } from "../../src/diagnose/case.ts";
import type { Cause } from "../../src/diagnose/diagnosis.ts";
import type { Owner } from "../../src/identify/owners.ts";
import type { Who } from "../../src/identify/who.ts";
import { CONTAINER_ID, type KillParts, makeKill, POD_UID } from "../kills.ts";

const WEB: Who = {
  sources: ["kubernetes_api"],
  missing: [],
  namespace: "shop",
  pod: "web-0",
  container: "app",
  owners: [],
};
const DEPLOYMENT: Owner[] = [
  { kind: "ReplicaSet", name: "web-5d4f", evidence: "owner_reference" },
  { kind: "Deployment", name: "web", evidence: "template_hash" },
];

/** A process of no runtime that is known, at a limit of 512 MiB. */
function adviceOf(cause: Cause, who: Who | undefined, { kill, victim, report }: KillParts = {}): string[] {
  const memory = { usageKb: 524_288, limitKb: 524_288, failcnt: 1 };
  const whole = makeKill({ kill: kill ?? {}, victim: { comm: "app", ...victim }, report: { memory, ...report } });
  return advise(toCase(whole, { who }), cause);
}

describe("a higher limit", () => {
  test.each<[string, Owner[], string]>([
    ["a Deployment's", DEPLOYMENT, "kubectl set resources deployment/web -n shop -c app --limits=memory=768Mi"],
    [
      "a StatefulSet's",
      [{ kind: "StatefulSet", name: "web", evidence: "owner_reference" }],
      "kubectl set resources statefulset/web -n shop -c app --limits=memory=768Mi",
    ],
    [
      "a pod of its own",
      [],
      `kubectl patch pod web-0 -n shop --subresource resize -p '{"spec":{"containers":[{"name":"app","resources":{"limits":{"memory":"768Mi"}}}]}}'`,
    ],
    [
      "of a Job, whose template cannot be changed: the pod",
      [{ kind: "Job", name: "nightly", evidence: "owner_reference" }],
      `kubectl patch pod web-0 -n shop --subresource resize -p '{"spec":{"containers":[{"name":"app","resources":{"limits":{"memory":"768Mi"}}}]}}'`,
    ],
  ])("%s", (_, owners, command) => {
    expect(adviceOf("limit_too_low", { ...WEB, owners })).toEqual([command]);
  });

  test("none for a static pod, which is a file of the node", () => {
    expect(adviceOf("limit_too_low", { ...WEB, configHash: "0".repeat(32) })).toEqual([]);
  });

  test("the pod's own limit, where the pod has one", () => {
    const podFacts = { memory: { limit: 1 }, memoryVolumes: [], containers: [] } as unknown as NonNullable<
      Who["podFacts"]
    >;
    const who = { ...WEB, owners: DEPLOYMENT, podFacts };
    expect(adviceOf("unknown", who, { kill: { scope: "pod" } })).toEqual([
      `kubectl patch deployment/web -n shop -p '{"spec":{"template":{"spec":{"resources":{"limits":{"memory":"768Mi"}}}}}}'`,
    ]);
  });

  test("without names: which pod it is comes first", () => {
    expect(adviceOf("unknown", undefined)[0]).toContain(`grep -F -e ${POD_UID}`);
  });

  const id = CONTAINER_ID;
  test.each([
    [
      "a container of Docker",
      { identity: { kind: "container", runtime: "docker", containerId: id } },
      [`docker update --memory 768m --memory-swap 768m ${id}`],
    ],
    [
      "a unit",
      { scope: "cgroup", limitCgroup: "/system.slice/db.service", identity: { kind: "unit", unit: "db.service" } },
      ["systemctl set-property -- db.service MemoryMax=768M"],
    ],
    [
      "a unit whose name systemd has escaped",
      { scope: "cgroup", limitCgroup: "/a\\x2db.service", identity: { kind: "unit", unit: "a\\x2db.service" } },
      ["systemctl set-property -- a\\\\x2db.service MemoryMax=768M"],
    ],
    [
      "any other cgroup, v2",
      { scope: "cgroup", limitCgroup: "/build/job 7", identity: { kind: "other" } },
      ["echo 805306368 > '/sys/fs/cgroup/build/job 7/memory.max'"],
    ],
  ] satisfies [string, KillParts["kill"], string[]][])("%s", (_, kill, commands) => {
    expect(adviceOf("limit_too_low", undefined, { kill })).toEqual(commands);
  });

  test("a leak is looked into first, and gets a quarter more", () => {
    const commands = adviceOf("leak", { ...WEB, owners: DEPLOYMENT });
    expect(commands[0]).toContain("kubectl exec web-0 -n shop -c app -- cat");
    expect(commands.at(-1)).toContain("--limits=memory=640Mi");
  });

  test("of a node there is no limit to raise", () => {
    expect(
      adviceOf("node_pressure", { ...WEB, node: "node-7", owners: DEPLOYMENT }, { kill: { scope: "node" } }),
    ).toEqual(["kubectl describe node node-7", "kubectl top pods -A --sort-by=memory"]);
  });
});

describe("the runtime", () => {
  test.each<[string, string | undefined, string | undefined]>([
    ["java", undefined, "jvm"],
    ["GC Thread#0", undefined, "jvm"],
    ["node", undefined, "node"],
    ["MainThread", undefined, "node"],
    ["node-MainThread", undefined, "node"],
    ["python3.12", undefined, "python"],
    ["prometheus", undefined, "go"],
    ["server", "docker.io/library/golang", "go"],
    ["tini", "registry.example/base/openjdk-17", "jvm"],
    ["sh", "docker.io/library/node", "node"],
    // Written in Go.
    ["exporter", "quay.io/prometheus/node-exporter", undefined],
    ["app", "registry.example/shop/javascript-free", undefined],
    ["worker", undefined, undefined],
  ])("%s of %s: %s", (comm, image, runtime) => {
    const who = image === undefined ? undefined : { ...WEB, image: { name: image } };
    expect(runtimeOf(toCase(makeKill({ victim: { comm } }), { who }))).toBe(runtime);
  });

  test.each<[string, string]>([
    ["node", "kubectl set env deployment/web -n shop -c app NODE_OPTIONS=--max-old-space-size=576"],
    [
      "java",
      "kubectl set env deployment/web -n shop -c app 'JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=75 -XX:+ExitOnOutOfMemoryError'",
    ],
    ["etcd", "kubectl set env deployment/web -n shop -c app GOMEMLIMIT=691MiB"],
    ["python3", "kubectl set env deployment/web -n shop -c app MALLOC_ARENA_MAX=2"],
  ])("%s is told to stay within the new limit", (comm, command) => {
    expect(adviceOf("limit_too_low", { ...WEB, owners: DEPLOYMENT }, { victim: { comm } })).toContain(command);
  });
});

test("a volume in memory without a size gets one", () => {
  const podFacts = {
    memoryVolumes: [
      { name: "scratch", containers: ["app"] },
      { name: "other", containers: ["sidecar"] },
      { name: "sized", sizeLimit: 1, containers: ["app"] },
    ],
    containers: [],
  } as unknown as NonNullable<Who["podFacts"]>;
  expect(adviceOf("tmpfs", { ...WEB, owners: DEPLOYMENT, podFacts })[1]).toBe(
    `kubectl patch deployment/web -n shop -p '{"spec":{"template":{"spec":{"volumes":[{"name":"scratch","emptyDir":{"medium":"Memory","sizeLimit":"256Mi"}}]}}}}'`,
  );
});

test.each([
  [805_306_368, "768Mi"],
  [2 * 1024 ** 3, "2Gi"],
  [1_342_177_280, "1280Mi"],
])("%d bytes are %s", (bytes, quantity) => {
  expect(toQuantity(bytes)).toBe(quantity);
});

test.each([
  ["web-0", "web-0"],
  ["a b", "'a b'"],
  ["$(reboot)", "'$(reboot)'"],
  ["it's", "'it'\\''s'"],
  ["a\\x2db.service", "a\\\\x2db.service"],
  ["=ls", "'=ls'"],
  ["", "''"],
])("in a command %j is %s", (name, word) => {
  expect(quoteWord(name)).toBe(word);
});

test.each([
  [
    "limit_too_low",
    "# Write 805306368 to memory.max of the cgroup by hand: its name holds characters that are unsafe to paste",
  ],
  ["page_cache", "# Read memory.stat of the cgroup by hand: its name holds characters that are unsafe to paste"],
] as const)("%s of a cgroup whose name cannot be pasted: a sentence", (cause, sentence) => {
  const kill: KillParts["kill"] = { scope: "cgroup", limitCgroup: "/a\tb'; id #", identity: { kind: "other" } };
  expect(adviceOf(cause, undefined, { kill })[0]).toBe(sentence);
});

test("none for a path that is not below the root of the hierarchy", () => {
  const kill: KillParts["kill"] = { scope: "cgroup", limitCgroup: "/../../etc", identity: { kind: "other" } };
  expect([...adviceOf("limit_too_low", undefined, { kill }), ...adviceOf("page_cache", undefined, { kill })]).toEqual(
    [],
  );
});
