/** The body of a record: one sentence, whatever the process called itself. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Who } from "../../../src/identify/container-metadata.ts";
import { killSentence } from "../../../src/record/body.ts";
import { readablePath, readableSize } from "../../../src/record/format.ts";
import { CONTAINER_CGROUP, type KillParts, makeBareKill, makeKill, makeWho, POD_CGROUP, POD_UID } from "../../kills.ts";

const IN_CONTAINER = `java (pid 1234) in container 7c1d0b9f3a5e of pod ${POD_UID} was OOM-killed`;

function sentence(parts: KillParts, who?: Who): string {
  return killSentence(makeKill(parts), 4096, who);
}

test.each<[string, KillParts, string]>([
  ["a container", {}, `${IN_CONTAINER}: the container's 48 MiB limit was reached (46.8 MiB anon)`],
  [
    "a container whose report is lost",
    { report: { memory: undefined as never } },
    `${IN_CONTAINER}: the container's memory limit was reached (46.8 MiB anon)`,
  ],
  [
    "a group",
    { victim: { groupKill: true } },
    `${IN_CONTAINER} with its whole cgroup (memory.oom.group): the container's 48 MiB limit was reached (46.8 MiB anon)`,
  ],
  [
    "a container on cgroup v1 with less memory than memory and swap",
    { report: { memory: { usageKb: 40_000, limitKb: 49_152 }, memsw: { usageKb: 65_536, limitKb: 65_536 } } },
    `${IN_CONTAINER}: the container's 64 MiB memory and swap limit was reached (46.8 MiB anon)`,
  ],
  [
    "a container full of tmpfs",
    { victim: { shmemRssKb: 3_145_728 } },
    `${IN_CONTAINER}: the container's 48 MiB limit was reached (3 GiB shmem)`,
  ],
  [
    "a container by inference",
    { kill: { attribution: "inferred" } },
    `java (pid 1234), probably in container 7c1d0b9f3a5e of pod ${POD_UID}, was OOM-killed: the container's 48 MiB limit was reached (46.8 MiB anon)`,
  ],
  [
    "what no count confirms",
    { kill: { attribution: "unverified" } },
    `the kernel's log says that ${IN_CONTAINER}, but no counter of the kernel confirms it: the line may be forged`,
  ],
  [
    "a pod",
    { kill: { scope: "pod", limitCgroup: POD_CGROUP } },
    `${IN_CONTAINER}: the pod's 48 MiB limit was reached (46.8 MiB anon)`,
  ],
  [
    "the node's pods",
    { kill: { scope: "kubepods", limitCgroup: "/kubepods" } },
    `${IN_CONTAINER}: the 48 MiB limit of the node's pods (/kubepods) was reached (46.8 MiB anon)`,
  ],
  [
    "a systemd service",
    {
      kill: {
        scope: "cgroup",
        limitCgroup: "/system.slice/sshd.service",
        identity: { kind: "unit", unit: "sshd.service" },
      },
    },
    "java (pid 1234) in sshd.service was OOM-killed: the 48 MiB limit of /system.slice/sshd.service was reached (46.8 MiB anon)",
  ],
  [
    "a cgroup of nobody's",
    { kill: { scope: "cgroup", victimCgroup: "/a b", limitCgroup: "/a b", identity: { kind: "other" } } },
    'java (pid 1234) in cgroup "/a b" was OOM-killed: the 48 MiB limit of "/a b" was reached (46.8 MiB anon)',
  ],
  [
    "a static pod",
    { kill: { scope: "pod", identity: { kind: "pod", podUid: "52c7c29c336a733ae3bc99f62ea70cb6", staticPod: true } } },
    "java (pid 1234) in static pod 52c7c29c336a733ae3bc99f62ea70cb6 was OOM-killed: the pod's 48 MiB limit was reached (46.8 MiB anon)",
  ],
  ["the node", { kill: { scope: "node" } }, `${IN_CONTAINER}: the node ran out of memory (46.8 MiB anon)`],
  [
    "the node, with what it had left",
    { kill: { scope: "node" }, report: { nodeMemory: { pages: { free: 608 }, totalPages: 65_406 } } },
    `${IN_CONTAINER}: the node ran out of memory, with 2.4 MiB of 255.5 MiB free (46.8 MiB anon)`,
  ],
  [
    "the node's memory that a cpuset may use",
    { kill: { scope: "node" }, report: { constraint: "cpuset" } },
    `${IN_CONTAINER}: the memory nodes of its cpuset ran out (46.8 MiB anon)`,
  ],
  [
    "the node's memory that a policy may use",
    { kill: { scope: "node" }, report: { constraint: "memory_policy" } },
    `${IN_CONTAINER}: the memory nodes of its memory policy ran out (46.8 MiB anon)`,
  ],
  [
    "SysRq-f",
    { kill: { scope: "node" }, report: { constraint: "none", trigger: { comm: "kworker/0:1", order: -1 } } },
    `${IN_CONTAINER}: SysRq-f asked for it, the node need not be short of memory (46.8 MiB anon)`,
  ],
])("%s", (_, parts, expected) => {
  expect(sentence(parts)).toBe(expected);
});

test("nothing but a kill line", () => {
  expect(killSentence(makeBareKill({ kill: { scope: "container" } }), 4096)).toBe(
    "java (pid 1234) was OOM-killed: the container's memory limit was reached",
  );
});

describe("names", () => {
  test.each([
    ["kworker/u8:1", "kworker/u8:1 (pid 1234)"],
    ["Web Content", '"Web Content" (pid 1234)'],
    ["", "a process without a name (pid 1234)"],
    ["a\nb\tc", '"a\\x0ab\\x09c" (pid 1234)'],
    ["x (pid 1)", '"x (pid 1)" (pid 1234)'],
    ['q"\\', '"q\\"\\\\" (pid 1234)'],
    ["\u202egnp.exe", '"\\u{202e}gnp.exe" (pid 1234)'],
    ["\u001b[31mred", '"\\x1b[31mred" (pid 1234)'],
    ["中文🙂", '"中文🙂" (pid 1234)'],
    ["bad\ufffdbytes", '"bad\ufffdbytes" (pid 1234)'],
  ])("%j", (comm, expected) => {
    expect(sentence({ victim: { comm } }).slice(0, expected.length)).toBe(expected);
  });

  test("can neither break the line nor pose as the text", () => {
    const hostile = fc.string({ unit: "binary", maxLength: 15 });
    fc.assert(
      fc.property(hostile, hostile, (comm, cgroup) => {
        const kill = {
          scope: "cgroup",
          victimCgroup: cgroup,
          limitCgroup: cgroup,
          identity: { kind: "other" },
        } as const;
        const body = sentence({ victim: { comm }, kill });
        expect(body).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(body.isWellFormed()).toBe(true);
        // A word of plain characters, or quotes that nothing in them can end.
        const name = String.raw`(?:…?[\w.:/@+\\-]+|"(?:[^"\\]|\\.)*"|a process without a name)`;
        const whole = `${name} \\(pid 1234\\) in cgroup ${name} was OOM-killed: the 48 MiB limit of ${name} was reached`;
        expect(body).toMatch(new RegExp(`^${whole} \\(46\\.8 MiB anon\\)$`, "u"));
      }),
    );
  });
});

test("a long cgroup path keeps its end", () => {
  const path = `/${"very-long-slice.slice/".repeat(40)}end.service`;
  expect(readablePath(path)).toHaveLength(161);
  expect(readablePath(path)).toMatch(/^….*\/end\.service$/);
  expect(readablePath(CONTAINER_CGROUP)).toBe(CONTAINER_CGROUP);
  expect(readablePath("/system.slice/a\\x2db.service")).toBe("/system.slice/a\\x2db.service");
});

test.each([
  [0, "0 KiB"],
  [512, "0.5 KiB"],
  [1_048_575, "1 MiB"],
  [50_331_648, "48 MiB"],
  [49_020_928, "46.8 MiB"],
  [1_073_741_824, "1 GiB"],
  [1_649_267_441_664, "1.5 TiB"],
  [4_503_599_627_370_496, "4096 TiB"],
])("%i bytes read as %s", (bytes, expected) => {
  expect(readableSize(bytes)).toBe(expected);
});

describe("with names", () => {
  const pod = { configHash: undefined } as unknown as Partial<Who>;
  test.each<[string, Who, string]>([
    ["a container", makeWho(pod), "in container api of pod shop/checkout-54b94897df-9s5wg"],
    ["a sidecar", makeWho({ ...pod, containerKind: "sidecar" }), "in sidecar container api of pod shop/checkout"],
    ["a static pod's", makeWho(), "in container api of static pod shop/checkout-54b94897df-9s5wg"],
    ["a sandbox", makeWho({ ...pod, containerKind: "sandbox" }), "in the sandbox of pod shop/checkout"],
    [
      "a pod of which the container is not known",
      { sources: ["kubernetes_api"], missing: ["container"], owners: [], namespace: "shop", pod: "web-0" },
      "in container 7c1d0b9f3a5e of pod shop/web-0",
    ],
    [
      "a hostile name",
      { sources: ["docker"], missing: [], owners: [], container: 'a" was fine\n' },
      'in container "a\\" was fine\\x0a" of pod',
    ],
  ])("%s", (_, who, expected) => {
    expect(sentence({}, who)).toContain(`java (pid 1234) ${expected}`);
  });
});
