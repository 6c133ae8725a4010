/** Which kills are shown, in which order: the one state of the page, and who is told when it changes. */
import type { Kill } from "./kills.ts";

export type SortKey = "time" | "comm" | "scope" | "used" | "held";

export interface Choice {
  query: string;
  scope: string;
  /** container, pod, unit or path; undefined: all */
  place: string | undefined;
  /** seconds, the end not in it; undefined: all */
  range: { from: number; to: number; isWall: boolean } | undefined;
  sort: SortKey;
  isDescending: boolean;
  /** from 0 */
  page: number;
}

export const NO_CHOICE: Choice = {
  query: "",
  scope: "",
  place: undefined,
  range: undefined,
  sort: "time",
  isDescending: false,
  page: 0,
};

export interface View {
  readonly choice: Choice;
  /** chosen and sorted */
  readonly shown: readonly Kill[];
  /** Of what it does not name all stays, but the page of the list is the first again. */
  choose(change: Partial<Choice>): void;
  onChange(listener: () => void): void;
}

export function createView(kills: readonly Kill[]): View {
  const listeners: (() => void)[] = [];
  let choice = NO_CHOICE;
  let shown = select(kills, choice);
  return {
    get choice() {
      return choice;
    },
    get shown() {
      return shown;
    },
    choose(change) {
      const isPageOnly = Object.keys(change).every((key) => key === "page");
      choice = { ...choice, page: 0, ...change };
      if (!isPageOnly) shown = select(kills, choice);
      for (const listener of listeners) listener();
    },
    onChange(listener) {
      listeners.push(listener);
    },
  };
}

function select(kills: readonly Kill[], choice: Choice): Kill[] {
  const words = choice.query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const { scope, place, range } = choice;
  const chosen = kills.filter(
    (kill) =>
      words.every((word) => kill.searched.includes(word)) &&
      (scope === "" || kill.scope.split(" ")[0] === scope) &&
      (place === undefined || (kill.place ?? "") === place) &&
      (range === undefined ||
        (kill.isWall === range.isWall &&
          kill.seconds !== undefined &&
          kill.seconds >= range.from &&
          kill.seconds < range.to)),
  );
  const sign = choice.isDescending ? -1 : 1;
  const compare = COMPARE[choice.sort];
  // toSorted is stable: equal ones stay in the order of the log.
  return chosen.toSorted((a, b) => sign * compare(a, b));
}

const COMPARE: Record<SortKey, (a: Kill, b: Kill) => number> = {
  time: (a, b) => Number(b.isWall) - Number(a.isWall) || (a.seconds ?? 0) - (b.seconds ?? 0),
  comm: (a, b) => a.comm.localeCompare(b.comm),
  scope: (a, b) => a.scope.localeCompare(b.scope),
  used: (a, b) => limitOf(a) - limitOf(b),
  held: (a, b) => a.heldBytes - b.heldBytes,
};

function limitOf({ record: { attributes } }: Kill): number {
  const value = attributes["oom.memory.limit"] ?? attributes["oom.node.total"] ?? attributes["oom.memory.usage"];
  return typeof value === "number" ? value : -1;
}
