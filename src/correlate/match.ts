/**
 * Which kill is which step of the counters: a maximum matching, and what it leaves open.
 *
 * A kill is counted just before its line is printed. Both are only seen between two looks, so a line and a step can be
 * one kill where their windows meet and, where the kill's cgroup is known, in that cgroup. All kills of a time are
 * matched together: what a kill can be depends on what is left for the others.
 */

/** CLOCK_MONOTONIC in milliseconds: something happened after the one and not after the other. */
export interface Window {
  afterMs: number;
  untilMs: number;
}

/** When a kill line was printed, between two looks at the log. */
export interface LineWindow extends Window {
  /** its kill was counted after that as a rule: a line is printed microseconds after its count */
  likelyAfterMs?: number | undefined;
}

/** One count that went up by one between two looks. */
export interface Step extends Window {
  cgroup: string;
  /**
   * `own`: of this very cgroup; `below`: of one below it that is gone, or of itself where it has no count of its own;
   * `hidden`: the node counted it then and no cgroup shows it, so it can be of any
   */
  of: "own" | "below" | "hidden";
  /** when that was by the cgroup's own looks, where its window is narrower: what has been reported keeps its step */
  wide?: Window;
}

/** A kill that has a step somewhere. */
export interface Seeker extends LineWindow {
  /** where it is known */
  cgroup?: string | undefined;
  /** member of a group kill: may be in a cgroup below */
  isGroup?: boolean | undefined;
  /** there may be no step for it */
  isOptional?: boolean | undefined;
  /** the node's increments do not bind it: it may be any that the node alone has counted, whenever that was */
  isLoose?: boolean | undefined;
  /** reported as not confirmed by any count: it has no step, or it cannot be told apart from one that has none */
  isUnverified?: boolean | undefined;
  /** it had no step when it was reported, and nothing could be said against it */
  isUncounted?: boolean | undefined;
}

export interface Matching<K extends Seeker, S extends Step> {
  stepOf(seeker: K): S | undefined;
  /** steps that none has */
  readonly left: readonly S[];
  /** Whether there is a step that it can be. */
  hasAny(seeker: K): boolean;
  /** Whether all can have steps but one, and that one may be this seeker as well as another. */
  isDoubtful(seeker: K): boolean;
  /** Whether its step is the only one that is shown for it, and can be no other's. */
  isForced(seeker: K): boolean;
  /** Cgroups of the steps that it can be, with every other kill still matched; a hidden step counts as `undefined`. */
  choicesOf(seeker: K): (string | undefined)[];
  /** The same of the steps that can be the one that is left in place of this one, itself the first. */
  choicesOfLeft(step: S): (string | undefined)[];
}

/** Whether two windows meet. */
export function meets(one: Window, other: Window): boolean {
  return one.afterMs < other.untilMs && other.afterMs < one.untilMs;
}

/** Whether a cgroup is another one or below it. */
export function isWithin(cgroup: string, above: string): boolean {
  return cgroup === above || above === "/" || cgroup.startsWith(`${above}/`);
}

/** The paths above a cgroup, the nearest first, the root last. */
export function ancestors(cgroup: string): string[] {
  const above: string[] = [];
  for (let at = cgroup.lastIndexOf("/"); at > 0; at = cgroup.lastIndexOf("/", at - 1)) above.push(cgroup.slice(0, at));
  if (cgroup !== "/") above.push("/");
  return above;
}

/** Whether a step can be a kill's. */
export function fits(seeker: Seeker, step: Step): boolean {
  return meets(seeker, seeker.isLoose === true ? (step.wide ?? step) : step) && isPlace(seeker, step);
}

/** Whether a count that can be a kill's is likely to be. */
export function isLikely({ likelyAfterMs = Number.NEGATIVE_INFINITY }: LineWindow, { untilMs }: Window): boolean {
  return likelyAfterMs < untilMs;
}

/** Whether a step is of the kill's cgroup, as far as that is known. */
export function isPlace({ cgroup, isGroup }: Seeker, step: Step): boolean {
  if (cgroup === undefined || cgroup === step.cgroup || step.of === "hidden") return true;
  return step.of === "below" ? isWithin(cgroup, step.cgroup) : isGroup === true && isWithin(step.cgroup, cgroup);
}

/**
 * @param rankOf how little speaks for a seeker: of a matching that cannot hold all, those of the lowest rank are in it,
 *   and of those of one rank the first
 */
export function matchSteps<K extends Seeker, S extends Step>(
  unordered: readonly K[],
  steps: readonly S[],
  rankOf: (seeker: K) => number = () => 0,
): Matching<K, S> {
  const ranks = new Map(unordered.map((seeker) => [seeker, rankOf(seeker)]));
  const rank = (seeker: K): number => ranks.get(seeker) ?? 0;
  const seekers = unordered.toSorted((one, other) => rank(one) - rank(other));
  const shown = steps.filter(({ of }) => of !== "hidden");
  const hidden = steps.filter(({ of }) => of === "hidden");
  const edges = new Map<K, S[]>(seekers.map((seeker) => [seeker, shown.filter((step) => fits(seeker, step))]));
  const stepOf = new Map<K, S>();
  const seekerOf = new Map<S, K>();

  function join(seeker: K, step: S): void {
    stepOf.set(seeker, step);
    seekerOf.set(step, seeker);
  }

  /** Steps that are likely come first: nobody is moved from his own for one that is likelier another's. */
  function placeAll(): void {
    for (const onlyLikely of [true, false]) {
      for (const seeker of seekers) if (!stepOf.has(seeker)) place(seeker, onlyLikely);
    }
  }

  /** Finds a step for a seeker, moving others to other steps of theirs. */
  function place(seeker: K, onlyLikely: boolean, tried = new Set<S>()): boolean {
    for (const step of edges.get(seeker) ?? []) {
      if (tried.has(step) || (onlyLikely && !isLikely(seeker, step))) continue;
      tried.add(step);
      const owner = seekerOf.get(step);
      if (owner !== undefined && !place(owner, onlyLikely, tried)) continue;
      join(seeker, step);
      return true;
    }
    return false;
  }

  /** Whether all others keep a step where this seeker has that one; changes nothing. */
  function canHave(seeker: K, step: S): boolean {
    const owner = seekerOf.get(step);
    if (owner === undefined || owner === seeker || owner.isOptional) return true;
    const own = stepOf.get(seeker);
    return canMove(owner, new Set([step]), own);
  }

  /** Whether a seeker can take another step, `free` being one that is let go. */
  function canMove(seeker: K, tried: Set<S>, free: S | undefined): boolean {
    for (const step of edges.get(seeker) ?? []) {
      if (tried.has(step)) continue;
      tried.add(step);
      if (step === free) return true;
      const owner = seekerOf.get(step);
      if (owner === undefined || owner.isOptional || canMove(owner, tried, free)) return true;
    }
    return false;
  }

  // A step that is shown has its kill among those that were told, as a rule: hidden ones are for who is left over.
  placeAll();
  // First, so that nobody is moved from a step that is shown to one that is hidden without need.
  for (const [seeker, own] of edges) own.unshift(...hidden.filter((step) => fits(seeker, step)));
  placeAll();
  // What the bookkeeping has left of other times is for who has nothing of his own: it frees nobody's step for another.
  for (const seeker of seekers) {
    if (stepOf.has(seeker) || seeker.isLoose !== true) continue;
    edges.set(seeker, [...new Set([...(edges.get(seeker) ?? []), ...hidden])]);
    place(seeker, false);
  }
  let doubtful: ReadonlySet<K> | undefined;

  /** Those without a step, and whoever could be without one in their place. */
  function findDoubtful(): ReadonlySet<K> {
    const found = new Set<K>();
    const reached = new Set<K>();
    for (const without of seekers) {
      if (stepOf.has(without) || without.isOptional) continue;
      found.add(without);
      const queue = [without];
      for (const one of queue) {
        for (const step of edges.get(one) ?? []) {
          const owner = seekerOf.get(step);
          if (owner === undefined || reached.has(owner)) continue;
          // It is likelier the owner's.
          if (!isLikely(one, step) && isLikely(owner, step)) continue;
          reached.add(owner);
          queue.push(owner);
          if (rank(owner) >= rank(without)) found.add(owner);
        }
      }
    }
    return found;
  }

  return {
    stepOf: (seeker) => stepOf.get(seeker),
    get left() {
      return steps.filter((step) => !seekerOf.has(step));
    },
    hasAny: (seeker) => (edges.get(seeker) ?? []).length > 0,
    isDoubtful(seeker) {
      doubtful ??= findDoubtful();
      return doubtful.has(seeker);
    },
    isForced(seeker) {
      const step = stepOf.get(seeker);
      const own = (edges.get(seeker) ?? []).filter(({ of }) => of !== "hidden");
      if (step === undefined || own.length !== 1 || own[0] !== step) return false;
      return seekers.every((other) => other === seeker || !(edges.get(other) ?? []).includes(step));
    },
    choicesOf(seeker) {
      const possible = (edges.get(seeker) ?? []).filter((step) => canHave(seeker, step));
      return [...new Set(possible.map((step) => (step.of === "hidden" ? undefined : step.cgroup)))];
    },
    choicesOfLeft(left) {
      // What an unverified one holds is left as well.
      const takers = seekers.filter((seeker) => !seeker.isUnverified && (edges.get(seeker) ?? []).includes(left));
      const others = takers.flatMap((seeker) => stepOf.get(seeker) ?? []);
      return [...new Set([left, ...others].map((step) => (step.of === "hidden" ? undefined : step.cgroup)))];
    },
  };
}
