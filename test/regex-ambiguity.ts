/**
 * Whether a pattern can take more than linear time in a backtracking engine: a proof, for any text.
 *
 * The engine tries every way in which a pattern can read a text. Their number grows with the text only where the
 * pattern's automaton is ambiguous within or between its loops (Weber and Seidl, On the degree of ambiguity of finite
 * automata, 1991):
 *
 * - exponential: a loop that reads some text back to where it began in two ways: `(a|aa)*`, `(a*)*`;
 * - polynomial: two loops and a text that the first reads back to where it began, that leads from the first to the
 *   second, and that the second reads back as well: `a*a*`. A search that is not anchored is a loop of its own before
 *   the pattern, as it starts anew at each place: `\r+$`.
 *
 * Only a text that matches in the end nowhere makes the engine try all ways. So states from which a match is certain
 * count as none: after `[^]*` at a pattern's end nothing is tried again.
 *
 * What cannot be judged so is refused: backreferences, and lookarounds that hold a loop. A lookaround without one
 * costs a fixed number of steps, and leaving it out lets the pattern match more, never less ambiguously.
 */
import { type AST, RegExpParser } from "@eslint-community/regexpp";

export type Verdict =
  | { kind: "linear" }
  | { kind: "exponential" | "polynomial"; loops: string }
  | { kind: "undecided"; why: string };

/** A set of code units as bits: each byte, and all others as one. */
type Units = bigint;
const OTHERS = 256;
const ALL: Units = (1n << BigInt(OTHERS + 1)) - 1n;
const NONE: Units = 0n;

/** An edge without a unit; `start` and `end` are taken only at the text's own. */
type Free = { to: number; when: "always" | "start" | "end" };

/** A place in the pattern that reads one unit: the automaton's states are those that were read last. */
interface Position {
  reads: Units;
  raw: string;
  from: number;
  to: number;
  /** what can be read next, and in how many ways the pattern gets there: 1, or 2 for more */
  next: Map<number, number>;
  /** the pattern can end behind it, anywhere or at the text's end */
  accepts: boolean;
  acceptsAtEnd: boolean;
}

class Undecided extends Error {}

/** More than any pattern has; counted groups are written out. */
const MAX_POSITIONS = 4000;
/** Steps through edges without a unit from one place. */
const MAX_STEPS = 100_000;

export function judge(pattern: RegExp): Verdict {
  try {
    return findAmbiguity(toAutomaton(pattern), pattern.global);
  } catch (error) {
    if (error instanceof Undecided) return { kind: "undecided", why: error.message };
    throw error;
  }
}

/** The pattern's automaton; where it is searched for, with the loop of the search as its last position. */
function toAutomaton({ source, flags, multiline, ignoreCase, dotAll, sticky }: RegExp): Position[] {
  const ast = new RegExpParser().parsePattern(source, 0, source.length, {
    unicode: flags.includes("u"),
    unicodeSets: flags.includes("v"),
  });
  const free: Free[][] = [];
  const positions: Position[] = [];

  function place(): number {
    return free.push([]) - 1;
  }

  function link(from: number, to: number, when: Free["when"] = "always"): void {
    free[from]?.push({ to, when });
  }

  function read(from: number, reads: Units, raw: string): number {
    const to = place();
    if (positions.length >= MAX_POSITIONS) throw new Undecided("too long");
    positions.push({ reads, raw, from, to, next: new Map(), accepts: false, acceptsAtEnd: false });
    return to;
  }

  function addAlternatives(from: number, alternatives: readonly AST.Alternative[]): number {
    const to = place();
    for (const { elements } of alternatives) {
      let at = place();
      link(from, at);
      for (const element of elements) at = add(at, element);
      link(at, to);
    }
    return to;
  }

  function add(from: number, element: AST.Element): number {
    switch (element.type) {
      case "Group":
      case "CapturingGroup":
        return addAlternatives(from, element.alternatives);
      case "Quantifier":
        return addQuantifier(from, element);
      case "Assertion":
        return addAssertion(from, element);
      case "Character":
      case "CharacterSet":
      case "CharacterClass":
      case "ExpressionCharacterClass":
        return read(from, unitsOf(element), element.raw);
      case "Backreference":
        throw new Undecided("backreference");
    }
  }

  function addQuantifier(from: number, { min, max, element }: AST.Quantifier): number {
    let at = from;
    for (let count = 0; count < min; count++) at = add(at, element);
    const to = place();
    if (max === Number.POSITIVE_INFINITY) {
      const loop = place();
      link(at, loop);
      link(add(loop, element), loop);
      link(loop, to);
      return to;
    }
    for (let count = min; count < max; count++) {
      link(at, to);
      at = add(at, element);
    }
    link(at, to);
    return to;
  }

  function addAssertion(from: number, assertion: AST.Assertion): number {
    if (assertion.kind === "lookahead" || assertion.kind === "lookbehind") {
      if (assertion.alternatives.some(holdsLoop)) throw new Undecided(`${assertion.kind} with a loop`);
      return from;
    }
    if (assertion.kind === "word" || multiline) return from;
    const to = place();
    link(from, to, assertion.kind);
    return to;
  }

  function unitsOf(
    element:
      | AST.Character
      | AST.CharacterSet
      | AST.CharacterClassElement
      | AST.ExpressionCharacterClass
      | AST.CharacterClass,
  ): Units {
    switch (element.type) {
      case "Character":
        return withCase(unit(element.value));
      case "CharacterClassRange": {
        let units = NONE;
        for (let value = element.min.value; value <= Math.min(element.max.value, OTHERS); value++) units |= unit(value);
        return withCase(units);
      }
      case "CharacterSet":
        return setOf(element);
      case "CharacterClass": {
        const units = element.elements.map(unitsOf).reduce((all, one) => all | one, NONE);
        // Of the others some may be in it and some not.
        return element.negate ? (ALL & ~units) | unit(OTHERS) : units;
      }
      default:
        return ALL;
    }
  }

  function setOf(set: AST.CharacterSet): Units {
    if (set.kind === "any") return dotAll ? ALL : ALL & ~(unit(10) | unit(13));
    if (set.kind === "property") return ALL;
    const matcher = { digit: /\d/, space: /\s/, word: /\w/ }[set.kind];
    let units = set.kind === "space" || set.negate ? unit(OTHERS) : NONE;
    for (let value = 0; value < OTHERS; value++) {
      if (matcher.test(String.fromCharCode(value)) !== set.negate) units |= unit(value);
    }
    return units;
  }

  function withCase(units: Units): Units {
    if (!ignoreCase) return units;
    let both = units;
    for (let lower = 97; lower <= 122; lower++) {
      if (units & (unit(lower) | unit(lower - 32))) both |= unit(lower) | unit(lower - 32);
    }
    return both;
  }

  const start = place();
  const end = addAlternatives(start, ast.alternatives);
  const byPlace = Map.groupBy(positions.keys(), (index) => positions[index]?.from);

  /** What can be read, or ended, from a place on; each edge is taken once, as an empty round of a loop is none. */
  function follow(from: number, isStart: boolean): Pick<Position, "next" | "accepts" | "acceptsAtEnd"> {
    const found = { next: new Map<number, number>(), accepts: false, acceptsAtEnd: false };
    const taken = new Set<Free>();
    let steps = 0;
    const go = (at: number, isEnd: boolean): void => {
      if (++steps > MAX_STEPS) throw new Undecided("too many ways through empty parts");
      if (at === end) {
        if (isEnd) found.acceptsAtEnd = true;
        else found.accepts = true;
      }
      if (!isEnd) {
        for (const index of byPlace.get(at) ?? []) found.next.set(index, Math.min(2, (found.next.get(index) ?? 0) + 1));
      }
      for (const edge of free[at] ?? []) {
        if (taken.has(edge) || (edge.when === "start" && !isStart)) continue;
        taken.add(edge);
        go(edge.to, isEnd || edge.when === "end");
        taken.delete(edge);
      }
    };
    go(from, false);
    return found;
  }

  for (const position of positions) Object.assign(position, follow(position.to, false));
  // A search starts anew at every place but the first without what only the text's start has.
  const { next } = follow(start, false);
  if (sticky || next.size === 0) return positions;
  next.set(positions.length, 1);
  positions.push({ reads: ALL, raw: "search", from: start, to: start, next, accepts: false, acceptsAtEnd: false });
  return positions;
}

function unit(value: number): Units {
  return 1n << BigInt(Math.min(value, OTHERS));
}

function holdsLoop({ elements }: AST.Alternative): boolean {
  return elements.some((element) => {
    if (element.type === "Quantifier") return element.max > 1;
    return "alternatives" in element && element.alternatives.some(holdsLoop);
  });
}

function findAmbiguity(positions: readonly Position[], isGlobal: boolean): Verdict {
  const certain = isGlobal ? findKept(positions) : findCertain(positions);
  const next = positions.map(({ next }, from) =>
    certain.has(from) ? [] : [...next].filter(([to]) => !certain.has(to)).map(([to, ways]) => ({ to, ways })),
  );
  const targets = next.map((edges) => edges.map(({ to }) => to));
  const loops = findLoops(targets);
  const reads = (index: number): Units => positions[index]?.reads ?? NONE;
  const name = (loop: readonly number[]): string => loop.map((index) => positions[index]?.raw).join("");

  for (const loop of loops) {
    const inLoop = new Set(loop);
    const isTwofold = loop.some((from) => next[from]?.some(({ to, ways }) => ways > 1 && inLoop.has(to)));
    if (isTwofold || isAmbiguous(loop, targets, reads)) return { kind: "exponential", loops: name(loop) };
  }
  for (const first of loops) {
    const reachable = reach(first, targets);
    for (const second of loops) {
      if (first === second || !second.some((index) => reachable.has(index))) continue;
      if (sharesWord(first, second, targets, reads)) {
        return { kind: "polynomial", loops: `${name(first)} and ${name(second)}` };
      }
    }
  }
  return { kind: "linear" };
}

/** Positions behind which a match is certain: the pattern may end there, or reads all the rest whatever it is. */
function findCertain(positions: readonly Position[]): Set<number> {
  const readsAll = (index: number): boolean => {
    const { reads, next, acceptsAtEnd } = positions[index] as Position;
    return reads === ALL && acceptsAtEnd && next.has(index);
  };
  const certain = new Set<number>();
  for (const [index, { accepts, acceptsAtEnd, next }] of positions.entries()) {
    if (accepts || (acceptsAtEnd && [...next.keys()].some(readsAll))) certain.add(index);
  }
  return certain;
}

/**
 * Positions behind which all that is read is a part of the match. A search for all matches goes on behind each, so that
 * there it is not enough that the match is certain: what was read in vain is read again by the next one.
 */
function findKept(positions: readonly Position[]): Set<number> {
  const targets = positions.map(({ next }) => [...next.keys()]);
  const accepts = (index: number): boolean => positions[index]?.accepts === true;
  return new Set([...positions.keys()].filter((index) => [...reach([index], targets)].every(accepts)));
}

type Edges = readonly (readonly number[])[];

/** Positions that lead back to themselves, those of one loop together: strongly connected components (Tarjan). */
function findLoops(targets: Edges): number[][] {
  const order = new Map<number, number>();
  const low = new Map<number, number>();
  const stack: number[] = [];
  const loops: number[][] = [];

  function visit(at: number): void {
    order.set(at, order.size);
    low.set(at, order.get(at) ?? 0);
    stack.push(at);
    for (const to of targets[at] ?? []) {
      if (!order.has(to)) {
        visit(to);
        low.set(at, Math.min(low.get(at) ?? 0, low.get(to) ?? 0));
      } else if (stack.includes(to)) low.set(at, Math.min(low.get(at) ?? 0, order.get(to) ?? 0));
    }
    if (low.get(at) !== order.get(at)) return;
    const loop = stack.splice(stack.indexOf(at));
    if (loop.length > 1 || targets[at]?.includes(at)) loops.push(loop);
  }

  for (const at of targets.keys()) if (!order.has(at)) visit(at);
  return loops;
}

function reach(from: readonly number[], targets: Edges): Set<number> {
  const reached = new Set(from);
  for (const at of reached) for (const to of targets[at] ?? []) reached.add(to);
  return reached;
}

/** Whether a text leads from a place in the loop back to it in two ways. */
function isAmbiguous(loop: readonly number[], targets: Edges, reads: (index: number) => Units): boolean {
  const inLoop = new Set(loop);
  const key = (a: number, b: number): string => `${a},${b}`;
  const forth = new Map<string, string[]>();
  for (const a of loop) {
    for (const b of loop) {
      const to: string[] = [];
      for (const nextA of targets[a] ?? []) {
        for (const nextB of targets[b] ?? []) {
          if (inLoop.has(nextA) && inLoop.has(nextB) && reads(nextA) & reads(nextB)) to.push(key(nextA, nextB));
        }
      }
      forth.set(key(a, b), to);
    }
  }
  const pairs = [...forth.keys()];
  const numbers = new Map(pairs.map((pair, index) => [pair, index]));
  const graph = pairs.map((pair) => (forth.get(pair) ?? []).map((to) => numbers.get(to) ?? -1));
  const isSame = (index: number): boolean => new Set(pairs[index]?.split(",")).size === 1;
  return findLoops(graph).some((component) => component.some(isSame) && !component.every(isSame));
}

/** Whether one text goes round in the first loop, leads from it to the second, and goes round in that. */
function sharesWord(
  first: readonly number[],
  second: readonly number[],
  targets: Edges,
  reads: (index: number) => Units,
): boolean {
  const inFirst = new Set(first);
  const inSecond = new Set(second);
  for (const from of first) {
    for (const to of second) {
      const seen = new Set<string>();
      const open: [number, number, number][] = [[from, from, to]];
      for (let triple = open.pop(); triple !== undefined; triple = open.pop()) {
        const [a, middle, b] = triple;
        for (const nextA of targets[a] ?? []) {
          if (!inFirst.has(nextA)) continue;
          for (const nextB of targets[b] ?? []) {
            const both = inSecond.has(nextB) ? reads(nextA) & reads(nextB) : NONE;
            if (both === NONE) continue;
            for (const nextMiddle of targets[middle] ?? []) {
              if ((both & reads(nextMiddle)) === NONE) continue;
              if (nextA === from && nextMiddle === to && nextB === to) return true;
              const key = `${nextA},${nextMiddle},${nextB}`;
              if (seen.has(key)) continue;
              seen.add(key);
              open.push([nextA, nextMiddle, nextB]);
            }
          }
        }
      }
    }
  }
  return false;
}
