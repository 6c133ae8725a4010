/**
 * Figures as the kernel prints them, within what a kernel can print. A figure beyond that is read as absent: it says
 * nothing about the kill, and the records that hold it would not fit an int64.
 */

/** PID_MAX_LIMIT of include/linux/threads.h: pids are smaller */
const PID_MAX_LIMIT = 4_194_304;
/** uid_t is 32 bits wide */
const UID_RANGE = 2 ** 32;
/** OOM_SCORE_ADJ_MAX of include/uapi/linux/oom.h */
const SCORE_ADJ_MAX = 1000;

/** Digits, or what was read of them already. */
type Printed = string | number | undefined;

/** A count, or a size in the kernel's own unit. In kB the highest is 8 EiB: in bytes it still fits an int64. */
export function readCount(digits: Printed): number | undefined {
  const value = Number(digits ?? Number.NaN);
  return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** @param lowest 1 for a process that was killed; the trigger may be the idle task, 0 */
export function readPid(digits: Printed, lowest = 1): number | undefined {
  const pid = readCount(digits);
  return pid !== undefined && pid >= lowest && pid <= PID_MAX_LIMIT ? pid : undefined;
}

/** Some lines print it with %d: a UID above 2^31 comes out negative. */
export function readUid(digits: Printed): number | undefined {
  const value = Number(digits ?? Number.NaN);
  if (!Number.isInteger(value) || value >= UID_RANGE || value < -UID_RANGE / 2) return undefined;
  return value < 0 ? value + UID_RANGE : value;
}

export function readScoreAdj(digits: Printed): number | undefined {
  const value = Number(digits ?? Number.NaN);
  return Number.isInteger(value) && Math.abs(value) <= SCORE_ADJ_MAX ? value : undefined;
}
