/**
 * The fast way through noise: where in a block of bytes the next line stands that can begin a report, or be all that
 * is left of one. Every kill has `Killed process `, every head and summary `oom-kill`, every dropped report
 * `oom_kill_process: … callbacks suppressed`; two searches of the whole block find them all.
 */

const KILLED = Buffer.from("Killed process ");
/** Its first letter is rare in kernel logs, which is what makes a search fast; the bytes before it are looked at. */
const KILL = Buffer.from("kill");
const LOWER_O = 0x6f;
const LOWER_M = 0x6d;
const DASH = 0x2d;
const UNDERSCORE = 0x5f;

/** Where the first marker in a block stands from `from` on, −1 where it holds none. */
export function findMarker(block: Buffer, from: number): number {
  const killed = block.indexOf(KILLED, from);
  const end = killed === -1 ? block.length : killed;
  for (let at = block.indexOf(KILL, from); at !== -1 && at < end; at = block.indexOf(KILL, at + 1)) {
    if (isAfterOom(block, at)) return at;
  }
  return killed;
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
