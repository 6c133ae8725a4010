/**
 * The tracepoint oom:mark_victim as trace_pipe prints it: `… 771.420779: mark_victim: pid=8104 comm=java total-vm=…`.
 * Source: include/trace/events/oom.h (from 4.13 on `pid=` alone, since 6.8, and in 6.1's later stable releases, the rest), mm/oom_kill.c mark_oom_victim.
 *
 * Names are printed raw, newlines included, so that an entry is found by what is too long for a name (15 bytes), and
 * not by lines. Figures are kB, as in the kill line.
 */
import { decodeBytes } from "../bytes.ts";
import { readCount, readPid, readScoreAdj, readUid } from "./figures.ts";
import { known } from "./wording.ts";

/**
 * A process, or a thread of one, to which the OOM killer gave access to its reserves. Not a count of kills: it is not
 * said again of the first victim of a group kill, and it is said of threads and processes that were ending by
 * themselves when they ran out of memory, for which there is no kill line and no counter.
 */
export interface MarkVictim {
  /** of the trace's clock, microseconds */
  atUs: number;
  /** as in the kill line, of the node's own pid namespace; may be a thread's */
  pid: number;
  /** this and all that follows: in newer kernels, together or not at all */
  comm?: string;
  totalVmKb?: number;
  anonRssKb?: number;
  fileRssKb?: number;
  shmemRssKb?: number;
  uid?: number;
  pgtablesKb?: number;
  oomScoreAdj?: number;
}

export interface MarkVictimReader {
  /** @param bytes of trace_pipe, a byte string, cut anywhere @returns the entries that it completes */
  push(bytes: string): MarkVictim[];
  /** Nothing more is there to be read: what is left is as complete as it gets. */
  flush(): MarkVictim[];
  /** entries that the kernel says it dropped, since the start; at least that many */
  readonly lost: number;
}

/** The seconds have a bound: a long run of digits is looked through once. */
const HEAD = /(\d{1,12})\.(\d{6}): mark_victim: pid=(\d{1,7})(?=[ \n])/g;
/** Longer than any entry, with room for more fields. */
const LONGEST_ENTRY = 1024;
const KB = "[=:](\\d+)kB";
const BODY = new RegExp(
  `^(?:\\n| comm=([^]{0,15}?) total-vm${KB} anon-rss${KB} file-rss${KB} shmem-rss${KB} uid[=:](\\d+) pgtables${KB} ` +
    "oom_score_adj[=:](-?\\d+)(?:[^\\d\\n][^\\n]*)?\\n)",
);
const LOST = /^CPU:\d+ \[LOST (?:(\d+) )?EVENTS\]$/gm;

export function createMarkVictimReader(): MarkVictimReader {
  let text = "";
  let lost = 0;

  function read(isAll: boolean): MarkVictim[] {
    const victims: MarkVictim[] = [];
    const heads = [...text.matchAll(HEAD)];
    let doneAt = 0;
    for (const [index, head] of heads.entries()) {
      const bodyAt = head.index + head[0].length;
      const bodyEnd = heads[index + 1]?.index ?? text.length;
      const body = BODY.exec(text.slice(bodyAt, bodyEnd));
      const isComplete = body !== null || isAll || index + 1 < heads.length || bodyEnd - bodyAt > LONGEST_ENTRY;
      if (!isComplete) {
        forget(head.index);
        return victims;
      }
      const victim = toVictim(head, body);
      if (victim !== undefined) victims.push(victim);
      doneAt = bodyAt + (body?.[0].length ?? 0);
    }
    // A line that has not ended may become the next entry's.
    forget(isAll ? text.length : Math.max(doneAt, text.lastIndexOf("\n") + 1));
    return victims;
  }

  function forget(end: number): void {
    for (const [, count] of text.slice(0, end).matchAll(LOST)) lost += readCount(count) ?? 1;
    text = text.slice(end);
  }

  return {
    push(bytes) {
      text += bytes;
      return read(false);
    },
    flush: () => read(true),
    get lost() {
      return lost;
    },
  };
}

function toVictim(
  [, seconds, micros, pidDigits]: RegExpExecArray,
  body: RegExpExecArray | null,
): MarkVictim | undefined {
  const [, comm, totalVm, anonRss, fileRss, shmemRss, uid, pgtables, oomScoreAdj] = body ?? [];
  const pid = readPid(pidDigits);
  if (pid === undefined) return undefined;
  return known<MarkVictim>({
    atUs: Number(seconds) * 1_000_000 + Number(micros),
    pid,
    comm: comm === undefined ? undefined : decodeBytes(comm),
    totalVmKb: readCount(totalVm),
    anonRssKb: readCount(anonRss),
    fileRssKb: readCount(fileRss),
    shmemRssKb: readCount(shmemRss),
    uid: readUid(uid),
    pgtablesKb: readCount(pgtables),
    oomScoreAdj: readScoreAdj(oomScoreAdj),
  });
}
