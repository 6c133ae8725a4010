/** Whether something that was saved is a correlator's state: a disk may give back anything. */
import {
  type Check,
  fields,
  isCount,
  isFlag,
  isMoment,
  isText,
  listOf,
  mapOf,
  oneOf,
  optional,
  tuple,
} from "../../parsers/shape.ts";
import type { CorrelatorState } from "./correlator.ts";
import type { Seeker } from "./match.ts";

const WINDOW = { afterMs: isMoment, untilMs: isMoment };
const SEEKER = {
  ...WINDOW,
  likelyAfterMs: optional(isMoment),
  cgroup: optional(isText),
  isGroup: optional(isFlag),
  isOptional: optional(isFlag),
  isLoose: optional(isFlag),
  isUnverified: optional(isFlag),
  isUncounted: optional(isFlag),
} satisfies Record<keyof Required<Seeker>, Check>;
const COUNTS = fields({
  savedMs: isMoment,
  cgroups: mapOf(tuple(isCount, (value) => value === null || isCount(value))),
});

const check: Check = fields({
  began: fields({ fromMs: isMoment, untilMs: isMoment }),
  ledger: fields({
    counts: COUNTS,
    node: optional(isCount),
    increments: optional(listOf(fields(WINDOW))),
    open: listOf(fields({ ...WINDOW, cgroup: isText, of: oneOf("own", "below"), value: isCount })),
    owed: mapOf(listOf(isMoment)),
  }),
  doubles: fields({
    counts: COUNTS,
    open: listOf(fields({ ...SEEKER, cgroup: isText, log: isFlag, counter: isFlag })),
  }),
  unsettled: listOf(fields(SEEKER)),
  told: listOf(isCount),
  unwatched: optional(listOf(isText)),
} satisfies Record<keyof Required<CorrelatorState>, Check>);

export function isCorrelatorState(value: unknown): value is CorrelatorState {
  return check(value);
}
