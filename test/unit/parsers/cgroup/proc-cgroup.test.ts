/** Where a process stands by its /proc/<pid>/cgroup: v1, v2, hybrid, and what a dying one's says. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type ProcCgroup, parseProcCgroup } from "../../../../parsers/cgroup/proc-cgroup.ts";

test.each<[string, string, ProcCgroup | undefined]>([
  ["v2", "0::/kubepods.slice/a.scope\n", { version: "v2", path: "/kubepods.slice/a.scope" }],
  ["v2, gone", "0::/a/b (deleted)\n", { version: "v2", path: "/a/b", deleted: true }],
  ["v2, root", "0::/\n", { version: "v2" }],
  ["v1", "9:pids:/p\n4:memory:/kubelet/pod1/c\n1:cpu:/x\n", { version: "v1", path: "/kubelet/pod1/c" }],
  ["v1, dying", "4:memory:/\n1:name=systemd:/x\n", { version: "v1" }],
  ["v1, controllers together", "3:hugetlb,memory,perf_event:/a\n", { version: "v1", path: "/a" }],
  ["v1, a name like v2's", "3:memory:/a (deleted)\n", { version: "v1", path: "/a (deleted)" }],
  ["hybrid, memory on v1", "0::/user.slice\n4:memory:/docker/1\n", { version: "v1", path: "/docker/1" }],
  ["hybrid, v1 dying", "4:memory:/\n0::/system.slice/x\n", { version: "v1" }],
  ["hybrid, memory on v2", "9:name=systemd:/s\n1:cpu:/c\n0::/u\n", { version: "v2", path: "/u" }],
  ["hierarchies named like it", "2:name=memory:/x\n0::/u\n", { version: "v2", path: "/u" }],
  ["colons in a name", "0::/pod1:cri-containerd:abc\n", { version: "v2", path: "/pod1:cri-containerd:abc" }],
  ["out of the namespace", "0::/../../kubepods/x\n", { version: "v2" }],
  ["a name with dots", "0::/..a\n", { version: "v2", path: "/..a" }],
  ["v1 without memory", "1:cpu:/c\n", undefined],
  ["empty", "", undefined],
  ["no such lines", "0:\n:\nmemory\n", undefined],
])("%s", (_, text, expected) => {
  expect(parseProcCgroup(text)).toEqual(expected);
});

test("any text is read, without an error", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void parseProcCgroup(text)));
});
