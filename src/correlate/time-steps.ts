/**
 * When each step of a cgroup's count was made, by the node's count: a cgroup that is new, or was not looked at for long,
 * has wide windows, and the node's are short. Each step is one of the increments; which ones it can be depends on what
 * is left for the others.
 */
import { meets, type Window } from "./match.ts";

export interface TimedSteps<S extends Window> {
  /** each step's own window, as far as the increments that it can be narrow it */
  windowOf(step: S): Window;
  /** for each increment that no step is: when it was, which is when any of those was that can be left in its place */
  readonly hidden: readonly Window[];
}

export function timeSteps<S extends Window>(steps: readonly S[], increments: readonly Window[]): TimedSteps<S> {
  const edges = new Map(steps.map((step) => [step, increments.filter((one) => meets(one, step))]));
  const ownOf = new Map<S, Window>();
  const stepOf = new Map<Window, S>();

  function place(step: S, tried: Set<Window>): boolean {
    for (const one of edges.get(step) ?? []) {
      if (tried.has(one)) continue;
      tried.add(one);
      const owner = stepOf.get(one);
      if (owner !== undefined && !place(owner, tried)) continue;
      ownOf.set(step, one);
      stepOf.set(one, step);
      return true;
    }
    return false;
  }

  const ordered = steps.toSorted((one, other) => one.untilMs - other.untilMs);
  for (const step of ordered) place(step, new Set());
  const takers = new Map<Window, S[]>(increments.map((one) => [one, []]));
  for (const [step, all] of edges) for (const one of all) takers.get(one)?.push(step);

  /** Those that can be left over in place of one that is. */
  function leftFor(free: Window): Set<Window> {
    const reached = new Set([free]);
    for (const one of reached) {
      for (const step of takers.get(one) ?? []) {
        const own = ownOf.get(step);
        if (own !== undefined) reached.add(own);
      }
    }
    return reached;
  }

  const free = increments.filter((one) => !stepOf.has(one));
  const groups = free.map(leftFor);
  const canBeLeft = new Set(groups.flatMap((group) => [...group]));
  const circles = findCircles(steps, (step) => (edges.get(step) ?? []).flatMap((one) => stepOf.get(one) ?? []));
  // A step without an increment may have any of those that it meets, and so may whoever would have to make room.
  const isOpen = new Set(steps.filter((step) => !ownOf.has(step)));
  for (const step of isOpen)
    for (const one of edges.get(step) ?? []) for (const by of takers.get(one) ?? []) isOpen.add(by);

  return {
    windowOf(step) {
      const own = ownOf.get(step);
      const possible = (edges.get(step) ?? []).filter((one) => {
        const owner = stepOf.get(one);
        if (one === own || isOpen.has(step) || canBeLeft.has(one)) return true;
        return owner !== undefined && circles.get(owner) === circles.get(step);
      });
      const { afterMs, untilMs } = step;
      if (possible.length === 0) return { afterMs, untilMs };
      const whole = span(possible);
      return { afterMs: Math.max(afterMs, whole.afterMs), untilMs: Math.min(untilMs, whole.untilMs) };
    },
    // A step that has lost its increment to another's bookkeeping takes what that left, which is older.
    hidden: groups.slice(steps.length - ownOf.size).map((group) => span([...group])),
  };
}

function span(windows: readonly Window[]): Window {
  return {
    afterMs: windows.reduce((least, { afterMs }) => Math.min(least, afterMs), Number.POSITIVE_INFINITY),
    untilMs: windows.reduce((most, { untilMs }) => Math.max(most, untilMs), Number.NEGATIVE_INFINITY),
  };
}

/**
 * Groups of which each member can be reached from each other (Tarjan 1972): steps that can change places in a circle.
 * @returns the number of each one's group
 */
function findCircles<T>(all: readonly T[], next: (one: T) => readonly T[]): Map<T, number> {
  const groups = new Map<T, number>();
  const order = new Map<T, number>();
  const lowest = new Map<T, number>();
  const path: T[] = [];

  function visit(start: T): void {
    const work: { one: T; rest: T[] }[] = [];
    const enter = (one: T): void => {
      order.set(one, order.size);
      lowest.set(one, order.size - 1);
      path.push(one);
      work.push({ one, rest: [...next(one)] });
    };
    const lower = (one: T, to: number): void => void lowest.set(one, Math.min(lowest.get(one) ?? to, to));
    enter(start);
    for (let top = work.at(-1); top !== undefined; top = work.at(-1)) {
      const { one, rest } = top;
      const to = rest.pop();
      if (to !== undefined) {
        if (!order.has(to)) enter(to);
        else if (!groups.has(to)) lower(one, order.get(to) ?? 0);
        continue;
      }
      work.pop();
      const low = lowest.get(one) ?? 0;
      const above = work.at(-1);
      if (above !== undefined) lower(above.one, low);
      if (low !== order.get(one)) continue;
      for (let member = path.pop(); member !== undefined; member = path.pop()) {
        groups.set(member, low);
        if (member === one) break;
      }
    }
  }

  for (const one of all) if (!order.has(one)) visit(one);
  return groups;
}
