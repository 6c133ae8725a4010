/** What Kubernetes says around a kill, as facts and in the advice: only where it is known and telling. */
import { describe, expect, test } from "vitest";
import { advise } from "../../../src/diagnose/advice/table.ts";
import { diagnose } from "../../../src/diagnose/diagnose.ts";
import type { Cause } from "../../../src/diagnose/diagnosis.ts";
import { type Background, toCase } from "../../../src/diagnose/input.ts";
import type { Autoscaler } from "../../../src/identify/context/autoscalers.ts";
import { setDiagnosis } from "../../../src/record/attributes/diagnosis.ts";
import { makeKill, makeWho } from "../../kills.ts";

const NOW = 1_767_000_000_000 + 7_200_000;
const limitHit = makeKill({ kill: { scope: "container" }, report: { constraint: "memcg" } });

/** As the record has them, of those that hold the word. */
function factsOf(known: Background, word: string): string[] {
  const attributes = {} as Parameters<typeof setDiagnosis>[0];
  setDiagnosis(attributes, diagnose(limitHit, { atMs: NOW, ...known }));
  return (attributes["oom.cause.facts"] ?? []).filter((fact) => fact.includes(word));
}

function rolledOut(createdMs: number): Background["who"] {
  return makeWho({ owners: [{ kind: "ReplicaSet", name: "web-1", evidence: "api", createdMs }] });
}

function autoscaler(more: Partial<Autoscaler> = {}): Autoscaler {
  const target = { kind: "Deployment", name: "web" };
  return { name: "web", target, max: 5, current: 5, isAtMaximum: true, wantsMore: false, ...more };
}

function withMemory(memory: { request?: number; limit?: number }): Background["who"] {
  const who = makeWho();
  if (who.containerFacts === undefined) throw new Error("the sample has a container");
  return { ...who, containerFacts: { ...who.containerFacts, memory } };
}

describe("facts", () => {
  const repeats = (recent: number) => ({ recent, ofRevision: recent, countedSinceMs: 0 });
  test.each<[string, Background, string, string[]]>([
    [
      "a rollout just before",
      { who: rolledOut(NOW - 300_000) },
      "rolled out",
      ["what it runs was rolled out 5 min before: its ReplicaSet was made then [kubernetes]"],
    ],
    [
      "the first kill after it",
      { who: rolledOut(NOW - 60_000), isFirstOfRollout: true },
      "rolled out",
      [
        "what it runs was rolled out 60 s before: its ReplicaSet was made then, and this is the first kill of it on this node [kubernetes]",
      ],
    ],
    ["a rollout of long ago", { who: rolledOut(NOW - 3_601_000) }, "rolled out", []],
    ["no ReplicaSet", { who: makeWho({ owners: [] }) }, "rolled out", []],
    ["one kill", { repeats: repeats(1) }, "within ten minutes", []],
    [
      "kills that repeat",
      { repeats: repeats(3) },
      "within ten minutes",
      ["the same container of its workload was killed 3 times on this node within ten minutes [history]"],
    ],
    [
      "an autoscaler at its maximum",
      { autoscaler: autoscaler() },
      "maximum",
      ["its HorizontalPodAutoscaler web is at its maximum of 5 replicas [kubernetes]"],
    ],
    [
      "one that wants more",
      { autoscaler: autoscaler({ wantsMore: true }) },
      "maximum",
      ["its HorizontalPodAutoscaler web is at its maximum of 5 replicas, and its metrics ask for more [kubernetes]"],
    ],
    ["one with room", { autoscaler: autoscaler({ isAtMaximum: false }) }, "maximum", []],
    ["no autoscaler", {}, "Autoscaler", []],
    [
      "one by memory, of a request that is the limit",
      { autoscaler: autoscaler({ memoryPercent: 80 }), who: withMemory({ request: 100, limit: 100 }) },
      "requested memory",
      [
        "its HorizontalPodAutoscaler scales at 80 % of the requested memory, and the request is the limit: with a higher one it scales later [kubernetes]",
      ],
    ],
    [
      "one by memory, of a request of its own",
      { autoscaler: autoscaler({ memoryPercent: 80 }), who: withMemory({ request: 50, limit: 100 }) },
      "requested memory",
      [],
    ],
    [
      "one by memory, and no limit",
      { autoscaler: autoscaler({ memoryPercent: 80 }), who: withMemory({}) },
      "requested memory",
      [],
    ],
  ])("%s", (_, known, word, expected) => {
    expect(factsOf(known, word)).toEqual(expected);
  });
});

test.each<[Cause, Partial<Autoscaler> | undefined, boolean]>([
  ["limit_too_low", {}, true],
  ["leak", {}, true],
  ["spike", {}, true],
  ["tmpfs", {}, false],
  ["node_pressure", {}, false],
  ["spike", { isAtMaximum: false }, false],
  ["spike", undefined, false],
])("%s, an autoscaler %j: whether it is to be looked at", (cause, more, expected) => {
  const one = toCase(limitHit, {
    who: makeWho(),
    ...(more === undefined ? {} : { autoscaler: autoscaler({ name: "-web", ...more }) }),
  });
  expect(advise(one, cause).filter((command) => command.includes("hpa"))).toEqual(
    expected ? ["kubectl describe hpa/-web -n shop"] : [],
  );
});
