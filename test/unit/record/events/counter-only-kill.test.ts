/** Records of kills that the kernel counted and its log does not hold. */
import { expect, test } from "vitest";
import { toUnloggedRecord } from "../../../../src/record/events/counter-only-kill.ts";
import { toLogRecord } from "../../../../src/record/kill-record.ts";
import {
  BOOT_ID,
  CONTAINER_CGROUP,
  CONTAINER_ID,
  makeKill,
  makeUnloggedKill,
  POD_CGROUP,
  POD_UID,
} from "../../../kills.ts";

const CONTEXT = { resource: { "host.id": "fedcba9876543210fedcba9876543210" }, bootId: BOOT_ID };
const toWallUs = (ms: number): number => 1_767_225_600_000_000 + ms * 1000;

test("the container is known, the process is not", () => {
  const record = toUnloggedRecord(makeUnloggedKill(), CONTEXT, toWallUs);
  expect(record).toMatchObject({
    timestampUs: 1_767_225_601_250_000,
    severityText: "ERROR",
    eventName: "oom.kill",
    body:
      `a process in container ${CONTAINER_ID.slice(0, 12)} of pod ${POD_UID} was OOM-killed: ` +
      "the kernel counted it, its log does not hold it",
    resource: { "container.id": CONTAINER_ID, "k8s.pod.uid": POD_UID },
    attributes: {
      "oom.attribution": "exact",
      "oom.evidence": ["counter"],
      "oom.victim.cgroup": CONTAINER_CGROUP,
      "oom.counter.cgroup": CONTAINER_CGROUP,
      "oom.counter.value": 3,
      "oom.counter.uncertainty": 0.25,
      "oom.kernel.boot_id": BOOT_ID,
    },
  });
  expect(record.attributes).not.toHaveProperty("process.pid");
});

test.each([
  ["container", CONTAINER_CGROUP, true, "memcg", "ERROR", "the container's memory limit was reached; "],
  ["pod", POD_CGROUP, true, "memcg", "ERROR", "the pod's memory limit was reached; "],
  ["node", undefined, false, "unknown", "FATAL", "no cgroup around it had come to its limit; "],
] as const)(
  "the counts tell whose memory ran out: %s",
  (scope, limitCgroup, isLimit, constraint, severityText, why) => {
    const kill = makeUnloggedKill({ scope, isLimit, ...(limitCgroup === undefined ? {} : { limitCgroup }) });
    const record = toUnloggedRecord(kill, CONTEXT, toWallUs);
    expect(record).toMatchObject({ severityText, attributes: { "oom.scope": scope, "oom.constraint": constraint } });
    expect(record.attributes["oom.limit.cgroup"]).toBe(limitCgroup);
    expect(record.body).toContain(`was OOM-killed: ${why}the kernel counted it`);
  },
);

test("its diagnosis goes with it", () => {
  const diagnosis = {
    cause: "leak" as const,
    confidence: 0.7,
    facts: [{ says: "it grew", figures: {}, source: "history" as const }],
    advice: ["true"],
  };
  expect(toUnloggedRecord(makeUnloggedKill(), CONTEXT, toWallUs, { diagnosis }).attributes).toMatchObject({
    "oom.cause": "leak",
    "oom.cause.confidence": 0.7,
    "oom.cause.facts": ["it grew [history]"],
    "oom.advice": ["true"],
  });
});

test("the tracepoint names the process", () => {
  const victim = { pid: 77, comm: "java\n", anonRssKb: 2, uid: 1000 };
  const record = toUnloggedRecord(makeUnloggedKill({ victim, pid1: true }), CONTEXT, toWallUs);
  expect(record.attributes).toMatchObject({
    "process.pid": 77,
    "process.executable.name": "java\n",
    "process.user.id": 1000,
    "oom.victim.anon_rss": 2048,
    "oom.container.pid1": true,
  });
  expect(record.body).toMatch(/^"java\\x0a" \(pid 77\) in container /);
  expect(record.body).not.toContain("\n");
});

test("one of several containers: none is named", () => {
  const { victimCgroup: _, identity: __, ...rest } = makeUnloggedKill({ attribution: "unknown" });
  const record = toUnloggedRecord({ ...rest, candidates: ["/a", "/b"] }, CONTEXT, toWallUs);
  expect(record.attributes["oom.attribution.candidates"]).toEqual(["/a", "/b"]);
  expect(record.attributes).not.toHaveProperty("oom.victim.cgroup");
  expect(record.resource).not.toHaveProperty("container.id");
});

test("the same count is the same record; another count, boot or node is not", () => {
  const uid = (kill = makeUnloggedKill(), context = CONTEXT) =>
    toUnloggedRecord(kill, context, toWallUs).attributes["log.record.uid"];
  expect(uid(makeUnloggedKill({ untilMs: 9999 }))).toBe(uid());
  const others = [
    uid(makeUnloggedKill({ value: 4 })),
    uid(makeUnloggedKill({ counter: "node" })),
    uid(makeUnloggedKill(), { ...CONTEXT, bootId: "f".repeat(32) }),
    uid(makeUnloggedKill(), { ...CONTEXT, resource: { "host.id": "0".repeat(32) } }),
  ];
  expect(new Set([uid(), ...others]).size).toBe(5);
});

test("a line that comes later makes a record of the same name", () => {
  const counted = makeUnloggedKill();
  const late = toLogRecord(makeKill({ kill: { toldBefore: counted } }), CONTEXT);
  expect(late.attributes["log.record.uid"]).toBe(
    toUnloggedRecord(counted, CONTEXT, toWallUs).attributes["log.record.uid"],
  );
});
