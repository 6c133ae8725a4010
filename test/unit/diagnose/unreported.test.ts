/** Kills without a report: what the history and the counts tell of them, how sure that is, and what is said to be missing. */
import { describe, expect, test } from "vitest";
import type { UnloggedKill } from "../../../src/correlate/kill.ts";
import { diagnose } from "../../../src/diagnose/diagnose.ts";
import type { Diagnosis } from "../../../src/diagnose/diagnosis.ts";
import type { Background } from "../../../src/diagnose/input.ts";
import { historyOf } from "../../../src/diagnose/kill-history.ts";
import { toUnreportedKill } from "../../../src/diagnose/unreported.ts";
import { toPodFacts } from "../../../src/identify/pods/pod.ts";
import type { MemoryHistory, MemorySample } from "../../../src/sources/memory-history/sample.ts";
import { CONTAINER_CGROUP, makeBareKill, makeKill, makeUnloggedKill, makeWho, POD_CGROUP } from "../../kills.ts";
import { plainPod } from "../../pods.ts";

const MIB = 1024 ** 2;
const LIMIT = 100 * MIB;

/** A sample each second, of so much private memory, in percent of the limit. */
function life(shares: readonly number[], more: (share: number) => Partial<MemorySample> = () => ({})): MemoryHistory {
  const samples = shares.map((share, second) => {
    const bytes = (share / 100) * LIMIT;
    return { atMs: second * 1000, usage: bytes, anon: bytes, file: 0, shmem: 0, kernel: 0, ...more(bytes) };
  });
  return { cgroup: CONTAINER_CGROUP, limit: LIMIT, isFromStart: true, samples, peak: Math.max(...shares) * MIB };
}

const leaking = life(Array.from({ length: 100 }, (_, second) => second));
const steady = life(Array.from({ length: 100 }, () => 92));
const low = life(Array.from({ length: 100 }, () => 30));
/** tmpfs in place of private memory, as much as it says */
const filling = life(
  Array.from({ length: 100 }, (_, second) => (second < 90 ? 10 : 60)),
  (bytes) => ({ anon: 4 * MIB, shmem: bytes - 4 * MIB }),
);

const ofContainer: Partial<UnloggedKill> = { scope: "container", limitCgroup: CONTAINER_CGROUP, isLimit: true };
const ofNode: Partial<UnloggedKill> = { scope: "node", isLimit: false };

function say(kill: Partial<UnloggedKill>, own: MemoryHistory | undefined, more: Background = {}): Diagnosis {
  const history = own === undefined ? undefined : { killMs: 100_000, own };
  return diagnose(toUnreportedKill(makeUnloggedKill(kill)), { history, ...more });
}

const sourcesOf = ({ facts }: Diagnosis): string[] => [...new Set(facts.map(({ source }) => source))];

describe("told by a count alone", () => {
  test.each<[string, Partial<UnloggedKill>, MemoryHistory | undefined, string]>([
    ["it leaked into its limit", ofContainer, leaking, "leak"],
    ["it leaked, and was near its limit", {}, leaking, "leak"],
    ["it was steady at its limit", ofContainer, steady, "limit_too_low"],
    ["it was steady near its limit", {}, steady, "limit_too_low"],
    ["it was low, and its limit was hit a second later", ofContainer, low, "spike"],
    ["it was low, and what was hit is not known", {}, low, "unknown"],
    ["tmpfs held half of its limit", ofContainer, filling, "tmpfs"],
    ["tmpfs held half of its limit, and what was hit is not known", {}, filling, "unknown"],
    ["some limit was hit, not known whose, and its own was not near", { isLimit: true }, low, "unknown"],
    ["no limit was hit, near as it was", ofNode, steady, "node_pressure"],
    ["no limit was hit, and nothing was watched", ofNode, undefined, "node_pressure"],
    ["nothing was watched", ofContainer, undefined, "unknown"],
    ["nothing is known", {}, undefined, "unknown"],
  ])("%s: %s", (_, kill, own, cause) => {
    const diagnosis = say(kill, own);
    expect(diagnosis.cause).toBe(cause);
    expect(diagnosis.facts.some(({ says }) => says.includes("no line of it"))).toBe(true);
    expect(sourcesOf(diagnosis)).not.toContain("report");
    expect(diagnosis.history !== undefined).toBe(own !== undefined);
  });

  test.each([
    ["leak", leaking],
    ["limit_too_low", steady],
  ])("%s: less sure than by a report, and less still where the limit is only near", (cause, own) => {
    const memory = { usageKb: LIMIT / 1024, limitKb: LIMIT / 1024 };
    const report = { memory, memcgStats: { path: CONTAINER_CGROUP, values: { anon: LIMIT } } };
    const reported = diagnose(makeKill({ report }), { history: { killMs: 100_000, own } });
    const told = say(ofContainer, own);
    const likely = say({}, own);
    for (const diagnosis of [reported, told, likely]) expect(diagnosis.cause).toBe(cause);
    expect(told.confidence).toBeCloseTo(0.9 * (reported.confidence ?? 0), 1);
    expect(likely.confidence).toBeCloseTo(0.8 * (reported.confidence ?? 0), 1);
  });

  test("what was found out is told where the cause is not", () => {
    const { facts } = say({}, low);
    const look = facts.find(({ says }) => says.includes("not known"));
    expect(look).toMatchObject({
      source: "history",
      figures: { seconds: { seconds: 1 }, held: { bytes: 30 * MIB }, limit: { bytes: LIMIT } },
    });
  });

  test("whose limit its count tells is named", () => {
    const { facts } = say(ofContainer, leaking);
    expect(facts.find(({ figures }) => "cgroup" in figures)).toMatchObject({
      source: "counter",
      figures: { cgroup: { name: CONTAINER_CGROUP } },
    });
  });

  test("of a pod's limit the neighbour that used it up", () => {
    const own = { ...low, cgroup: POD_CGROUP };
    const members = [
      { cgroup: CONTAINER_CGROUP, usage: 10 * MIB },
      { cgroup: `${POD_CGROUP}/${"b".repeat(64)}`, usage: 80 * MIB },
    ];
    const kill = { scope: "pod", limitCgroup: POD_CGROUP, isLimit: true } as const;
    const { cause } = say(kill, undefined, { history: { killMs: 100_000, own, members } });
    expect(cause).toBe("neighbour");
  });

  test("a pod's limit ends no container's history", () => {
    expect(say({ scope: "pod", limitCgroup: POD_CGROUP, isLimit: true }, low).cause).toBe("unknown");
  });

  test("killed in its start, as before", () => {
    const killMs = 1_767_225_600_000;
    const podFacts = toPodFacts(
      plainPod({
        containers: [
          {
            limit: "100Mi",
            restarts: 4,
            state: { running: { startedAt: new Date(killMs - 12_000).toISOString() } },
            lastState: { terminated: { reason: "OOMKilled" } },
          },
        ],
      }),
    );
    const containerFacts = podFacts?.containers[0];
    if (podFacts === undefined || containerFacts === undefined) throw new Error("no pod");
    const who = makeWho({ podFacts, containerFacts });
    expect(say(ofContainer, undefined, { who, atMs: killMs })).toMatchObject({
      cause: "limit_too_low",
      confidence: 0.72,
    });
    expect(say({}, undefined, { who, atMs: killMs })).toMatchObject({ cause: "unknown" });
  });

  test("advice is for the limit that was hit, and for none that may not have been", () => {
    const { configHash: _, ...who } = makeWho();
    const advice = (kill: Partial<UnloggedKill>, own: MemoryHistory): string[] => say(kill, own, { who }).advice;
    expect(advice(ofContainer, steady)).toContain(
      "kubectl set resources deployment/checkout -n shop -c api --limits=memory=160Mi",
    );
    expect(advice({}, low)).toEqual([]);
    expect(advice(ofNode, steady).join()).not.toContain("set resources");
  });

  test("the tracepoint's victim is known by its name", () => {
    const { advice } = say({ ...ofContainer, victim: { pid: 7, comm: "java" } }, steady);
    expect(advice.join()).toContain("JAVA_TOOL_OPTIONS");
  });
});

describe("a kill line alone", () => {
  const bare = makeBareKill({ kill: { victimCgroup: CONTAINER_CGROUP }, report: { constraint: "memcg" } });
  const say = (own: MemoryHistory): Diagnosis => diagnose(bare, { history: { killMs: 100_000, own } });

  test.each([
    ["leak", leaking],
    ["limit_too_low", steady],
    ["unknown", low],
  ])("%s, and that there is no report", (cause, own) => {
    const diagnosis = say(own);
    expect(diagnosis.cause).toBe(cause);
    expect(diagnosis.facts.find(({ source }) => source === "kernel log")?.says).toContain("no report");
  });
});

test("how the node's pods moved together is no history of a container's", () => {
  const pods = { ...steady, cgroup: "/kubepods" };
  const histories = {
    of: (path: string) => (path === "/kubepods" ? pods : undefined),
    lastOf: () => undefined,
    containersIn: () => [],
  };
  expect(
    historyOf(toUnreportedKill(makeUnloggedKill()), { aliveMs: 100_000, killMs: 100_000 }, histories, () => undefined),
  ).toBeUndefined();
});
