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

/** One count that went up by one between two looks. */
export interface Step extends Window {
  cgroup: string;
  /**
   * `own`: of this very cgroup; `below`: of one below it that is gone, or of itself where it has no count of its own;
   * `hidden`: the node counted it and no cgroup shows it, so it can be of any
   */
  of: "own" | "below" | "hidden";
}

/** A kill that has a step somewhere. */
export interface Seeker extends Window {
  /** where it is known */
  cgroup?: string | undefined;
  /** member of a group kill: may be in a cgroup below */
  isGroup?: boolean | undefined;
  /** there may be no step for it */
  isOptional?: boolean | undefined;
}

export interface Matching<K extends Seeker, S extends Step> {
  stepOf(seeker: K): S | undefined;
  /** steps that none has */
  readonly left: readonly S[];
  /** Whether its step is the only one that is shown for it, and can be no other's. */
  isForced(seeker: K): boolean;
  /** Cgroups of the steps that it can be, with every other kill still matched; a hidden step counts as `undefined`. */
  choicesOf(seeker: K): (string | undefined)[];
  /** Cgroups of the steps that can be the one that is left in place of this one, itself included. */
  choicesOfLeft(step: S): string[];
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
  return step.of === "hidden" || (meets(seeker, step) && isPlace(seeker, step));
}

/** Whether a step is of the kill's cgroup, as far as that is known. */
export function isPlace({ cgroup, isGroup }: Seeker, step: Step): boolean {
  if (cgroup === undefined || cgroup === step.cgroup) return true;
  return step.of === "below" ? isWithin(cgroup, step.cgroup) : isGroup === true && isWithin(step.cgroup, cgroup);
}

/** @param seekers in the order of their importance: of a matching that cannot hold all, the first are in it */
export function matchSteps<K extends Seeker, S extends Step>(
  seekers: readonly K[],
  steps: readonly S[],
): Matching<K, S> {
  const shown = steps.filter(({ of }) => of !== "hidden");
  const hidden = steps.filter(({ of }) => of === "hidden");
  const edges = new Map<K, S[]>(seekers.map((seeker) => [seeker, shown.filter((step) => fits(seeker, step))]));
  const stepOf = new Map<K, S>();
  const seekerOf = new Map<S, K>();

  function join(seeker: K, step: S): void {
    stepOf.set(seeker, step);
    seekerOf.set(step, seeker);
  }

  /** Finds a step for a seeker, moving others to other steps of theirs. */
  function place(seeker: K, tried: Set<S>): boolean {
    for (const step of edges.get(seeker) ?? []) {
      if (tried.has(step)) continue;
      tried.add(step);
      const owner = seekerOf.get(step);
      if (owner !== undefined && !place(owner, tried)) continue;
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
  for (const seeker of seekers) place(seeker, new Set());
  for (const own of edges.values()) own.push(...hidden);
  for (const seeker of seekers) if (!stepOf.has(seeker)) place(seeker, new Set());

  return {
    stepOf: (seeker) => stepOf.get(seeker),
    get left() {
      return steps.filter((step) => !seekerOf.has(step));
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
      const takers = seekers.filter((seeker) => stepOf.has(seeker) && (edges.get(seeker) ?? []).includes(left));
      const others = takers.flatMap((seeker) => stepOf.get(seeker)?.cgroup ?? []);
      return [...new Set([left.cgroup, ...others])];
    },
  };
}
