/**
 * The fast way through noise: where in a block of bytes the next line stands that can begin a report, or be all that
 * is left of one. Every kill has `Killed process `, every head and summary `oom-kill`, every dropped report
 * `oom_kill_process: … callbacks suppressed`; two searches of the whole block find them all.
 */
import { KILL_MARKER } from "../oom/killed.ts";

const KILLED_PROCESS = Buffer.from(KILL_MARKER);
/**
 * What is searched for: letters that are rare in kernel logs first, and at most seven bytes, for which Node lets the
 * C library look for the first one; with eight it searches by itself, three times slower.
 */
const KILLED = KILLED_PROCESS.subarray(0, 7);
/** The bytes before it are looked at. */
const KILL = Buffer.from("kill");
const LOWER_O = 0x6f;
const LOWER_M = 0x6d;
const DASH = 0x2d;
const UNDERSCORE = 0x5f;

/** In every message that begins a report or counts for itself, markers or not; hardly in others. */
const BEGINNING =
  /^(?:oom|(?:memory|memory\+swap|kmem|swap): usage|Memory |\[ *pid|Tasks? in)| invoked oom-killer: |[Kk]ill(?:ed)? process |killed as a result of limit|callbacks suppressed/;

/** Whether a message may change something where no report is under way; false is sure. */
export function mayBeginReport(text: string): boolean {
  return BEGINNING.test(text);
}

/** What may matter for the lines after it, without a marker: seven bytes at most to search for, then all of it. */
const BODIES: readonly { rare: Buffer; wholes: readonly Buffer[] }[] = [
  body("kB, lim", ["kB, limit "]),
  body("Memory ", ["Memory cgroup stats for ", "Memory limit reached of cgroup "]),
  body("_vm ", ["_vm "]),
  body("Task", ["Task in ", "Tasks in "]),
  body("killed ", ["killed as a result of limit of "]),
  body("Kill pr", ["Kill process "]),
  body("kill pr", ["kill process "]),
  // Not a report's: the time since the line before, which dmesg -e prints, and entries that span lines.
  body("+0.0", ["+0.0"]),
  body('": ', ['": ']),
  body('" : ', ['" : ']),
  body("_BOOT_I", ["_BOOT_ID="]),
];

function body(rare: string, wholes: readonly string[]): (typeof BODIES)[number] {
  return { rare: Buffer.from(rare), wholes: wholes.map((whole) => Buffer.from(whole)) };
}

/** Where the first line stands that may be a report's, its head lost, or that the next ones hang on; −1: none. */
export function findBody(bytes: Buffer): number {
  let first = -1;
  for (const { rare, wholes } of BODIES) {
    const searched = first === -1 ? bytes : bytes.subarray(0, first);
    for (let at = searched.indexOf(rare); at !== -1; at = searched.indexOf(rare, at + 1)) {
      if (!wholes.some((whole) => bytes.subarray(at, at + whole.length).equals(whole))) continue;
      first = at;
      break;
    }
  }
  return first;
}

export interface MarkerSearch {
  /** Where the first marker stands from `from` on, −1 where none does; `from` never goes back. */
  next(from: number): number;
}

/** Searches a block from its beginning to its end, each byte once for either marker. */
export function searchMarkers(block: Buffer): MarkerSearch {
  /** where the next `Killed process ` stands: far beyond many of the others, perhaps */
  let killed = -1;
  let isKnown = false;

  return {
    next(from) {
      if (!isKnown || (killed !== -1 && killed < from)) killed = findKilled(block, from);
      isKnown = true;
      const end = killed === -1 ? block.length : killed;
      for (let at = block.indexOf(KILL, from); at !== -1 && at < end; at = block.indexOf(KILL, at + 1)) {
        if (isAfterOom(block, at)) return at;
      }
      return killed;
    },
  };
}

function findKilled(block: Buffer, from: number): number {
  for (let at = block.indexOf(KILLED, from); at !== -1; at = block.indexOf(KILLED, at + 1)) {
    if (KILLED_PROCESS.compare(block, at, Math.min(at + KILLED_PROCESS.length, block.length)) === 0) return at;
  }
  return -1;
}

/** `oom-kill`, `oom_kill` */
function isAfterOom(block: Buffer, at: number): boolean {
  const separator = block[at - 1];
  return (
    (separator === DASH || separator === UNDERSCORE) &&
    block[at - 2] === LOWER_M &&
    block[at - 3] === LOWER_O &&
    block[at - 4] === LOWER_O
  );
}
