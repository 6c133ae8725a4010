/** The cause of every kill in the corpus, as a person reads it from the capture: what the log alone tells, and no more. */
import { describe, expect, test } from "vitest";
import { toKills } from "../../../src/correlate/from-report.ts";
import { diagnose } from "../../../src/diagnose/diagnose.ts";
import { readBytes, readCapture, readCorpus } from "../../corpus.ts";
import { readKills } from "../../expected-kills.ts";

/**
 * Captures whose log tells why, kill by kill. All others hold kills at a limit of private memory, or kill lines alone:
 * nothing in them says whether it leaked, rose at once, or never fit.
 */
const TOLD: Readonly<Record<string, readonly string[]>> = {
  // `Out of Memory:` without a cgroup, and where there is a Mem-Info 2 % of the RAM or less free.
  "composed/2.4.log": ["node_pressure", "node_pressure"],
  "composed/2.6.18-el5.log": ["node_pressure"],
  "composed/2.6.32-el6.log": ["node_pressure", "unknown"],
  "composed/2.6.32.log": ["node_pressure"],
  "composed/2.6.35.log": ["node_pressure"],
  "composed/3.10.log": ["node_pressure"],
  // `order=-1`, CONSTRAINT_CPUSET, CONSTRAINT_MEMORY_POLICY, one after another.
  "composed/5.15-global.log": ["sysrq", "cpuset", "memory_policy"],
  // What filled the limit is in the report: total_shmem, kmem, total_cache without total_shmem.
  "generated/121-gen-tmpfs.kmsg": ["tmpfs"],
  "generated/123-gen-pipes.kmsg": ["kernel_memory"],
  "generated/125-gen-locked-page-cache.kmsg": ["page_cache"],
  "generated/301-vm-510-global.kmsg": ["node_pressure"],
  "generated/303-vm-510-cpuset.kmsg": ["cpuset"],
  "generated/307-vm-61-mempolicy.kmsg": ["memory_policy"],
  "generated/309-vm-61-sysrq-f.kmsg": ["sysrq"],
  "generated/315-vm-612-two-global-serial.log": ["node_pressure", "node_pressure"],
  "generated/317-vm-72-global-serial.log": ["node_pressure"],
  "generated/319-vm-72-mempolicy.kmsg": ["memory_policy"],
  "generated/321-vm-72-oom_dump_tasks-0.kmsg": ["node_pressure"],
  "generated/323-vm-72-sysrq-f-serial.log": ["sysrq"],
  "generated/325-vm-612-global-odd-comm-serial.log": ["node_pressure"],
};

describe("the corpus", () => {
  const corpus = readCorpus();

  test("every capture that is judged is there", () => {
    expect(Object.keys(TOLD).filter((name) => !corpus.some((one) => one.name === name))).toEqual([]);
  });

  test.each(corpus)("$name", ({ name, path, spoofPids, ambiguousPids }) => {
    const reports = new Set(readCapture(readBytes(path)).kills.map(({ report }) => report));
    // Lines of programs that pose as the kernel's have no cause to be judged.
    const kills = [...reports]
      .flatMap(toKills)
      .filter(({ victim }) => ![...spoofPids, ...ambiguousPids].includes(victim.pid));
    const causes = kills.map((kill) => diagnose(kill).cause);
    expect(causes).toEqual(TOLD[name] ?? causes.map(() => "unknown"));
  });
});

test("two containers that share a pod's limit about equally are no neighbours", () => {
  const causes = readKills("v2-6.12/04-pod-level-limit-two-containers.kmsg").map((kill) => diagnose(kill).cause);
  expect(causes).toEqual(["unknown", "unknown"]);
});

test("members of a group kill have the group's cause, whatever each held, and the group is told", () => {
  const kills = readKills("generated/311-vm-61-oomgroup.kmsg");
  expect(kills.length).toBeGreaterThan(1);
  for (const kill of kills) {
    const { cause, facts } = diagnose(kill);
    expect(cause).toBe("unknown");
    expect(facts.some(({ says }) => says.includes("memory.oom.group"))).toBe(true);
  }
});

test("of a process that never gave memory back that is told", () => {
  const [kill] = readKills("v1-6.18/01-container-limit.kmsg");
  const facts = kill === undefined ? [] : diagnose(kill).facts;
  expect(facts.find(({ says }) => says.includes("page faults"))?.figures).toEqual({
    faults: { number: 12_276 },
    pages: { number: 12_263 },
  });
});
