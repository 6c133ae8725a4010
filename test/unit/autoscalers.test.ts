/** What scales a victim's owner: read from a namespace's list, asked for over a real connection, once for many kills. */
import { afterEach, describe, expect, test } from "vitest";
import {
  type AutoscalerOf,
  createAutoscalers,
  readAutoscalers,
  toAutoscalersPath,
} from "../../src/identify/autoscalers.ts";
import type { Who } from "../../src/identify/who.ts";
import { makeWho } from "../kills.ts";
import type { WrongAnswer } from "../kube-api.ts";
import { type ServedObjects, serveObjects } from "../served-objects.ts";

const PATH = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers";

/** As `kubectl get hpa -o json` has it. */
function hpa(name: string, more: { spec?: object; status?: object } = {}): object {
  const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "checkout" };
  return {
    metadata: { name, namespace: "shop" },
    spec: { scaleTargetRef, minReplicas: 2, maxReplicas: 5, ...more.spec },
    status: { currentReplicas: 3, desiredReplicas: 4, ...more.status },
  };
}

function listOf(...items: unknown[]): object {
  return { kind: "HorizontalPodAutoscalerList", apiVersion: "autoscaling/v2", metadata: {}, items };
}

describe("a list", () => {
  const read = (item: unknown) => readAutoscalers(listOf(item))?.autoscalers[0];
  const memory = (target: object) => ({ name: "memory", target });

  test("has whom each scales, and how far", () => {
    expect(readAutoscalers(listOf(hpa("web")))).toEqual({
      isWhole: true,
      autoscalers: [
        {
          name: "web",
          target: { kind: "Deployment", name: "checkout" },
          max: 5,
          current: 3,
          desired: 4,
          isAtMaximum: false,
          wantsMore: false,
        },
      ],
    });
  });

  test.each<[string, object, object]>([
    ["at its maximum", { currentReplicas: 5, desiredReplicas: 5 }, { isAtMaximum: true }],
    ["above it: the maximum was lowered", { currentReplicas: 7 }, { isAtMaximum: true, current: 7 }],
    ["on its way to it", { currentReplicas: 4, desiredReplicas: 5 }, { isAtMaximum: false }],
    ["of which nothing is known", { currentReplicas: undefined }, { isAtMaximum: false }],
    [
      "that wants more",
      { conditions: [{ type: "ScalingLimited", status: "True", reason: "TooManyReplicas" }] },
      { wantsMore: true },
    ],
    [
      "that wants fewer",
      { conditions: [{ type: "ScalingLimited", status: "True", reason: "TooFewReplicas" }] },
      { wantsMore: false },
    ],
    ["whose conditions are none", { conditions: [null, 5] }, { wantsMore: false }],
  ])("one %s", (_, status, expected) => {
    expect(read(hpa("web", { status }))).toMatchObject(expected);
  });

  test.each<[string, unknown, number | undefined]>([
    ["memory in percent", [{ type: "Resource", resource: memory({ averageUtilization: 80 }) }], 80],
    ["memory of a container", [{ containerResource: memory({ averageUtilization: 70 }) }], 70],
    ["memory in bytes", [{ resource: memory({ averageValue: "1Gi" }) }], undefined],
    ["CPU", [{ resource: { name: "cpu", target: { averageUtilization: 80 } } }], undefined],
    ["CPU, then memory", [{ resource: { name: "cpu" } }, { resource: memory({ averageUtilization: 60 }) }], 60],
    ["something else", [{ external: {} }, null, 7], undefined],
    ["nothing", null, undefined],
  ])("one that scales by %s", (_, metrics, percent) => {
    expect(read(hpa("web", { spec: { metrics } }))?.memoryPercent).toBe(percent);
  });

  test.each([
    [null],
    [5],
    [{}],
    [{ metadata: { name: "x" } }],
    [hpa("x", { spec: { maxReplicas: "5" } })],
    [hpa("x", { spec: { scaleTargetRef: null } })],
    [{ metadata: null, spec: null }],
  ])("%j in it is none", (item) => {
    expect(readAutoscalers(listOf(item))).toEqual({ isWhole: true, autoscalers: [] });
  });

  test.each([[null], [5], [{}], [{ items: {} }]])("%j is none", (json) => {
    expect(readAutoscalers(json)).toBeUndefined();
  });

  test("with a page to follow is not whole, nor one of too many", () => {
    expect(readAutoscalers({ ...listOf(hpa("a")), metadata: { continue: "x" } })?.isWhole).toBe(false);
    const many = readAutoscalers(listOf(...Array.from({ length: 501 }, (_, i) => hpa(`a${i}`))));
    expect([many?.isWhole, many?.autoscalers.length]).toEqual([false, 500]);
  });
});

describe("of an owner", () => {
  let served: ServedObjects<NonNullable<ReturnType<typeof readAutoscalers>>>;
  let nowMs: number;

  afterEach(() => served.close());

  async function serve(...wrong: WrongAnswer[]): Promise<AutoscalerOf> {
    nowMs = 0;
    served = await serveObjects(
      { path: PATH, json: listOf(hpa("web")), wrong },
      {
        read: readAutoscalers,
        toPath: toAutoscalersPath,
        foundMs: 180_000,
        now: () => nowMs,
      },
    );
    return createAutoscalers(served.objects);
  }
  const ownedBy = (kind: string, name: string, more: Partial<Who> = {}): Who =>
    makeWho({ owners: [{ kind, name, evidence: "api" }], ...more });

  test("is not known at first, then for three minutes; a namespace is asked for once for all its kills", async () => {
    const of = await serve();
    expect(of(makeWho())).toBe("unknown");
    for (let i = 0; i < 100; i++) of(ownedBy("Deployment", `other-${i}`));
    await expect.poll(() => of(makeWho())).toMatchObject({ name: "web", max: 5 });
    expect(of(ownedBy("Deployment", "other"))).toBe("none");
    expect(of(ownedBy("StatefulSet", "checkout"))).toBe("none");
    nowMs = 179_999;
    of(makeWho());
    expect(served.server.requests).toHaveLength(1);
    expect(served.server.requests[0]).toMatchObject({ path: PATH, query: { limit: "500", resourceVersion: "0" } });
    nowMs = 180_000;
    expect(of(makeWho())).toBe("unknown");
    await expect.poll(() => of(makeWho())).toMatchObject({ name: "web" });
  });

  test("of what cannot be scaled, and of nobody's pod, nothing is asked", async () => {
    const of = await serve();
    const nobodys = [ownedBy("DaemonSet", "x"), ownedBy("Job", "x"), ownedBy("Node", "x"), makeWho({ owners: [] })];
    for (const who of nobodys) expect(of(who)).toBeUndefined();
    const { namespace: _, ...nameless } = makeWho();
    expect(of(nameless)).toBeUndefined();
    expect(served.server.requests).toEqual([]);
  });

  test("beyond what was read is not known", async () => {
    const of = await serve();
    served.server.objects.set(PATH, { ...listOf(hpa("web")), metadata: { continue: "x" } });
    of(makeWho());
    await expect.poll(() => of(makeWho())).toMatchObject({ name: "web" });
    expect(of(ownedBy("Deployment", "other"))).toBe("unknown");
  });

  test.each<[string, WrongAnswer, number, string]>([
    ["forbidden", { status: 403 }, 600_000, "kubernetes_refused"],
    ["failing", { status: 500 }, 10_000, "kubernetes_object_failed"],
    ["expired", { status: 410 }, 10_000, "kubernetes_object_failed"],
    ["no list", { body: '{"items":5}' }, 10_000, "kubernetes_object_failed"],
    ["no JSON", { body: "<html>" }, 10_000, "kubernetes_object_failed"],
    ["cut", { body: '{"items":[', cutBody: true }, 10_000, "kubernetes_object_failed"],
    ["too slow", { hang: true }, 10_000, "kubernetes_object_failed"],
  ])("%s: not known, the right is named, and it is asked for again later", async (_, wrong, afterMs, trouble) => {
    const of = await serve(wrong);
    of(makeWho());
    await expect.poll(() => served.troubles).toEqual([[trouble, "list horizontalpodautoscalers.autoscaling"]]);
    nowMs = afterMs - 1;
    expect(of(makeWho())).toBe("unknown");
    expect(served.server.requests).toHaveLength(1);
    nowMs = afterMs;
    await expect.poll(() => of(makeWho())).toMatchObject({ name: "web" });
    expect(served.server.requests).toHaveLength(2);
  });
});
