/** Kills that a page does not hold, counted by time and place: in bounded memory, however many they are. */
import type { LogRecord } from "../../ship/log-record.ts";
import type { Row } from "../table/row.ts";
import type { CountedTime, OtherKills } from "./page/data.ts";

export interface OtherKillsCounter {
  add(record: LogRecord, row: Row): void;
  toData(): OtherKills;
}

/** Places that are named; kills in others are counted in the timeline alone. */
const MAX_PLACES = 10_000;

export function createOtherKills(): OtherKillsCounter {
  let count = 0;
  const places = new Map<string, number>();
  const wall = createHistogram();
  const boot = createHistogram();

  return {
    add({ attributes }, { place = "", wallUs, monotonic }) {
      count++;
      if (places.has(place) || places.size < MAX_PLACES) places.set(place, (places.get(place) ?? 0) + 1);
      const isNode = attributes["oom.scope"] === "node";
      if (wallUs !== undefined) wall.add(wallUs / 1e6, isNode);
      else if (monotonic !== undefined) boot.add(monotonic, isNode);
    },
    toData() {
      const times = [...wall.times(true), ...boot.times(false)];
      return { count, times, places: [...places].map(([place, kills]) => ({ place, kills })) };
    },
  };
}

/** Times that are told apart at most: a page draws some seventy. */
const MAX_TIMES = 4096;
/** Seconds, at first. */
const FINEST = 0.001;

interface Histogram {
  add(seconds: number, isNode: boolean): void;
  times(isWall: boolean): CountedTime[];
}

/** Its steps are as fine as the number of them allows. */
function createHistogram(): Histogram {
  let step = FINEST;
  let counts = new Map<number, { kills: number; node: number }>();

  function addTo(into: typeof counts, index: number, kills: number, node: number): void {
    const known = into.get(index);
    if (known === undefined) into.set(index, { kills, node });
    else {
      known.kills += kills;
      known.node += node;
    }
  }

  function widen(): void {
    step *= 2;
    const wider: typeof counts = new Map();
    for (const [index, { kills, node }] of counts) addTo(wider, Math.floor(index / 2), kills, node);
    counts = wider;
  }

  return {
    add(seconds, isNode) {
      addTo(counts, Math.floor(seconds / step), 1, isNode ? 1 : 0);
      while (counts.size > MAX_TIMES) widen();
    },
    times: (isWall) => [...counts].map(([index, { kills, node }]) => ({ seconds: index * step, isWall, kills, node })),
  };
}
