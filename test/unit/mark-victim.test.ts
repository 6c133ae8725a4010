/** The tracepoint's lines of old and new kernels, with hostile names, cut anywhere. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createMarkVictimReader, type MarkVictim } from "../../parsers/oom/mark-victim.ts";
import { openMarkVictim } from "../../src/sources/mark-victim.ts";

/** As Linux 6.18 printed it for real victims, whose names were set to these. */
function entry(comm: string, pid: number, trigger = comm): string {
  return (
    `${trigger.padStart(16)}-${pid}    [001] .N.1.   771.${String(pid).padStart(6, "0")}: mark_victim: pid=${pid} ` +
    `comm=${comm} total-vm=9829872kB anon-rss=37616kB file-rss:45332kB shmem-rss:0kB uid=1000 pgtables=704kB ` +
    "oom_score_adj=-997\n"
  );
}

function victim(comm: string, pid: number): MarkVictim {
  const sizes = { totalVmKb: 9829872, anonRssKb: 37616, fileRssKb: 45332, shmemRssKb: 0, pgtablesKb: 704 };
  return { atUs: 771_000_000 + pid, pid, comm, ...sizes, uid: 1000, oomScoreAdj: -997 };
}

const HOSTILE = [
  "java",
  "",
  "a\nb",
  "\noom_score_adj=",
  ": mark_victim: ",
  "x total-vm=1kB",
  "pid=1 comm=init",
  " uid=0",
  "a) total-vm:1kB",
  "\n\n\n",
  "1.000000: mark_",
];

function readAll(chunks: readonly string[]): { victims: MarkVictim[]; lost: number } {
  const reader = createMarkVictimReader();
  const victims = chunks.flatMap((chunk) => reader.push(chunk));
  return { victims: [...victims, ...reader.flush()], lost: reader.lost };
}

test.each(HOSTILE)("a victim called %j, that asked for the memory itself", (comm) => {
  expect(readAll([entry(comm, 8069)]).victims).toEqual([victim(comm, 8069)]);
});

test("a name in UTF-8 is bytes in the trace", () => {
  expect(readAll([entry(Buffer.from("é✓").toString("latin1"), 1)]).victims).toEqual([victim("é✓", 1)]);
});

test("4.13 to 6.7: the pid alone", () => {
  const text = "            java-123   [000] d..1  99999.000001: mark_victim: pid=123\n";
  expect(readAll([text + text]).victims).toEqual([
    { atUs: 99_999_000_001, pid: 123 },
    { atUs: 99_999_000_001, pid: 123 },
  ]);
});

test("fields to come are passed over, and of other wording the pid is read", () => {
  const more = entry("java", 5).replace("\n", " anon-swap=1kB\n");
  const other = "  a-6 [000] ..... 1.000006: mark_victim: pid=6 comm=a total_vm_pages=1\n";
  expect(readAll([more, other, other, more]).victims).toEqual([
    victim("java", 5),
    { atUs: 1_000_006, pid: 6 },
    { atUs: 1_000_006, pid: 6 },
    victim("java", 5),
  ]);
});

test("what the kernel dropped is counted, and entries of other events are passed over", () => {
  const other = "  a-6 [000] ..... 1.000006: sched_switch: prev_comm=a\n";
  const text = `CPU:1 [LOST 12 EVENTS]\n${entry("java", 5)}${other}CPU:0 [LOST EVENTS]\n`;
  expect(readAll([text])).toEqual({ victims: [victim("java", 5)], lost: 13 });
});

test("cut anywhere it reads the same", () => {
  const comm = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: "binary-ascii", maxLength: 15 }));
  const entries = fc.array(
    fc.record({ comm, trigger: comm, pid: fc.integer({ min: 1, max: 999_999 }), lost: fc.nat(2) }),
    { maxLength: 5 },
  );
  fc.assert(
    fc.property(entries, fc.infiniteStream(fc.integer({ min: 1, max: 200 })), (made, sizes) => {
      const text = made.map(({ comm, trigger, pid, lost }) => lostLine(lost) + entry(comm, pid, trigger)).join("");
      const chunks: string[] = [];
      for (let at = 0; at < text.length; at += (chunks.at(-1) as string).length) {
        chunks.push(text.slice(at, at + sizes.next().value));
      }
      expect(readAll(chunks)).toEqual({
        victims: made.map(({ comm, pid }) => victim(comm, pid)),
        lost: made.reduce((sum, { lost }) => sum + lost, 0),
      });
    }),
    { numRuns: 300 },
  );
});

function lostLine(lost: number): string {
  return lost === 0 ? "" : `CPU:3 [LOST ${lost} EVENTS]\n`;
}

describe("the source", () => {
  function open(script: (string | { code: string })[]) {
    const heard: string[] = [];
    let closed = 0;
    const source = openMarkVictim({
      onVictim: ({ pid }, atMs) => heard.push(`${pid} at ${atMs}`),
      onTrouble: (name, detail) => heard.push(`${name} ${JSON.stringify(detail)}`),
      instance: {
        read(into) {
          const next = script.shift() ?? { code: "EAGAIN" };
          if (typeof next !== "string") throw Object.assign(new Error(next.code), next);
          return into.write(next, "latin1");
        },
        close: () => closed++,
      },
    });
    return { source, heard, closed: () => closed };
  }

  test("hands on what is there until there is no more", () => {
    const { source, heard, closed } = open([entry("a", 1), entry("b", 2), { code: "EAGAIN" }, entry("c", 3)]);
    source?.read();
    expect(heard).toEqual(["1 at 771000.001", "2 at 771000.002"]);
    source?.read();
    expect(heard).toHaveLength(3);
    source?.close();
    source?.read();
    source?.close();
    expect(closed()).toBe(1);
  });

  test("tells of losses, and ends where it cannot be read", () => {
    const { source, heard, closed } = open([lostLine(4), { code: "ENODEV" }, entry("c", 3)]);
    source?.read();
    source?.read();
    expect(heard).toEqual(['mark_victim_lost {"lost":4}', 'mark_victim_read_failed {"code":"ENODEV"}']);
    expect(closed()).toBe(1);
  });

  test("without tracefs there is none, and the reason is told", () => {
    const heard: string[] = [];
    const source = openMarkVictim({
      hostRoot: "/nonexistent",
      onVictim: () => {},
      onTrouble: (name, { reason }) => heard.push(`${name}: ${reason}`),
    });
    expect(source).toBeUndefined();
    expect(heard).toEqual([
      expect.stringMatching(/^mark_victim_unavailable: tracefs is not mounted at .*mount -t tracefs/),
    ]);
  });
});
