/** One layout of cgroups: a row of a table. A new runtime's layout is a new row, and a row of the test's table. */
import type { CgroupIdentity, PlaceKind } from "./identity.ts";

/** What a segment says of the place that it leads to. */
export type Finding = Pick<
  CgroupIdentity,
  "kind" | "driver" | "runtime" | "qos" | "podUid" | "staticPod" | "containerId"
>;

export interface Layout {
  name: string;
  /** where it is made: project, file and function, or where it was seen */
  source: string;
  /** a path whose last segment the row reads */
  example: string;
  /** the segment right above; any where absent */
  parent?: RegExp;
  /** the kinds of place that it can be found in; all where absent */
  within?: readonly PlaceKind[];
  /** the segment itself */
  pattern: RegExp;
  read(match: RegExpExecArray): Finding;
}

/** The first row that reads the segment, and what it says. */
export function findLayout(
  rows: readonly Layout[],
  segment: string,
  parent: string,
  place: CgroupIdentity,
): { row: Layout; found: Finding } | undefined {
  for (const row of rows) {
    if (row.within !== undefined && !row.within.includes(place.kind)) continue;
    if (row.parent !== undefined && !row.parent.test(parent)) continue;
    const match = row.pattern.exec(segment);
    if (match !== null) return { row, found: row.read(match) };
  }
  return undefined;
}
