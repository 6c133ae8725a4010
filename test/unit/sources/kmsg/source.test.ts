/** The driver of /dev/kmsg with a device of the test's own: what is handed on, in which order, and how often it asks. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createKernelClock, type KernelClock } from "../../../../src/sources/clock.ts";
import { type KmsgOptions, type KmsgSource, openKmsg } from "../../../../src/sources/kmsg/source.ts";

/** A record by its text, or a read's error by its code. */
type Scripted = { text: string } | { code: string } | { bytes: string };

interface Bench {
  source: KmsgSource;
  /** adds to what the device has to say */
  say(...more: Scripted[]): void;
  /** what was handed on, as one line each */
  heard: string[];
  reads: { size: number }[];
  isClosed(): boolean;
}

const opened: KmsgSource[] = [];

beforeEach(() => {
  vi.useFakeTimers({
    toFake: [
      "setTimeout",
      "clearTimeout",
      "setImmediate",
      "clearImmediate",
      "setInterval",
      "clearInterval",
      "Date",
      "hrtime",
    ],
  });
});

afterEach(() => {
  for (const source of opened.splice(0)) source.close();
  vi.useRealTimers();
});

/** CLOCK_MONOTONIC of the test: what its timers say, and two microseconds for each read of the device. */
interface TestClock extends KernelClock {
  afterRead(): void;
}

function createTestClock(): TestClock {
  let readUs = 0;
  let asked = 0;
  const clock = createKernelClock({
    monotonicUs: () => BOOTED_US + Number(process.hrtime.bigint() / 1000n) + readUs + asked++ / 100,
    realtimeMs: Date.now,
  });
  const afterRead = (): void => {
    readUs += 2;
  };
  return Object.assign(clock, { afterRead });
}

/** Thirty days. */
const BOOTED_US = 30 * 86_400e6;

interface TestOptions extends Partial<KmsgOptions> {
  clock?: TestClock;
}

function open(script: Scripted[], { clock = createTestClock(), ...more }: TestOptions = {}): Bench {
  const heard: string[] = [];
  const reads: { size: number }[] = [];
  let isClosed = false;
  const source = openKmsg({
    since: "boot",
    clock,
    onRecord: ({ text }) => heard.push(text),
    onGap: ({ lost, firstSeq, lastSeq }) => heard.push(`gap ${lost}: ${firstSeq}-${lastSeq}`),
    onTrouble: (name, detail) => heard.push(`${name} ${JSON.stringify(detail)}`),
    device: {
      read(into) {
        if (isClosed) throw new Error("read after close");
        reads.push({ size: into.length });
        clock.afterRead();
        const next = script.shift() ?? { code: "EAGAIN" };
        if ("code" in next) throw Object.assign(new Error(next.code), { code: next.code });
        return into.write("bytes" in next ? next.bytes : next.text, "latin1");
      },
      close() {
        isClosed = true;
      },
    },
    ...more,
  });
  opened.push(source);
  return { source, heard, reads, say: (...more) => script.push(...more), isClosed: () => isClosed };
}

/** @param stampUs on printk's clock */
function record(seq: number, stampUs = seq * 1000): Scripted {
  return { bytes: `6,${seq},${stampUs},-;r${seq}\n` };
}

function records(from: number, to: number): Scripted[] {
  return Array.from({ length: to - from + 1 }, (_, index) => record(from + index));
}

const names = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `r${from + index}`);

async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

describe("what is handed on", () => {
  test("a record with its boot and its wall time", async () => {
    const seen: unknown[] = [];
    const clock = createTestClock();
    const stampUs = Math.floor(clock.monotonicUs());
    const wallUs = Date.now() * 1000;
    const { source } = open([{ bytes: `3,7,${stampUs},-;Killed\n SUBSYSTEM=x\n` }], {
      clock,
      onRecord: (each, atMs) => seen.push([each, atMs]),
    });
    await pass(1);
    expect(source.bootId).toMatch(/^[0-9a-f]{32}$/);
    expect(seen).toEqual([
      [
        expect.objectContaining({
          text: "Killed",
          seq: 7,
          bootId: source.bootId,
          monotonicUs: stampUs,
          fields: { SUBSYSTEM: "x" },
          wallTimeUs: expect.closeTo(wallUs, -4),
        }),
        stampUs / 1000,
      ],
    ]);
  });

  test("gaps before the records that follow them, with EPIPE and without", async () => {
    const { heard } = open([record(1), { code: "EPIPE" }, record(11), record(13), record(14)]);
    await pass(1);
    expect(heard).toEqual(["r1", "gap 9: 2-10", "r11", "gap 1: 12-12", "r13", "r14"]);
  });

  test("a gap's boot and time", async () => {
    const onGap = vi.fn();
    const { source } = open([record(1), record(3)], { onGap });
    await pass(1);
    const gap = {
      lost: 1,
      firstSeq: 2,
      lastSeq: 2,
      bootId: source.bootId,
      noticedUs: expect.closeTo(Date.now() * 1000, -4),
    };
    expect(onGap).toHaveBeenCalledExactlyOnceWith(gap, 3);
  });

  test("bytes that are no record as trouble, quoted up to a bound", async () => {
    const { heard } = open([record(1), { bytes: `?${"x".repeat(5000)}` }, record(3)]);
    await pass(1);
    const quoted = { length: 5001, text: `?${"x".repeat(199)}` };
    expect(heard).toEqual([`kmsg_record_unreadable ${JSON.stringify(quoted)}`, "r1", "r3"]);
  });

  test("a record that does not fit: the buffer grows, and what the kernel dropped over it is a gap", async () => {
    const { heard, reads } = open([record(1), { code: "EINVAL" }, record(3)]);
    await pass(1);
    expect(heard).toEqual(['kmsg_buffer_grown {"buffer":16384}', "r1", "gap 1: 2-2", "r3"]);
    expect(reads.map(({ size }) => size)).toEqual([8192, 8192, 16384, 16384]);
  });

  test("a record that fits into no buffer: it is said, and the device is not asked without end", async () => {
    const { heard, reads, say } = open([]);
    say(...Array.from({ length: 10 }, () => ({ code: "EINVAL" })), record(3));
    await pass(500);
    expect(heard).toEqual([
      'kmsg_buffer_grown {"buffer":16384}',
      'kmsg_buffer_grown {"buffer":32768}',
      'kmsg_buffer_grown {"buffer":65536}',
      'kmsg_record_too_large {"buffer":65536}',
    ]);
    expect(reads).toHaveLength(4);
    await pass(10_000);
    expect(heard.at(-1)).toBe("r3");
  });

  test("an error that the device does not have: said once until it is over", async () => {
    const { heard, say } = open([{ code: "EIO" }, { code: "EIO" }, { code: "EIO" }, record(1)]);
    await pass(4000);
    expect(heard).toEqual(['kmsg_read_failed {"code":"EIO"}', "r1"]);
    say({ code: "EIO" }, record(2));
    await pass(4000);
    expect(heard.slice(2)).toEqual(['kmsg_read_failed {"code":"EIO"}', "r2"]);
  });
});

describe("how often the device is asked", () => {
  test("at once again after a record, then less and less often", async () => {
    const { reads, heard, say } = open([]);
    await pass(1000);
    say(record(1));
    for (let ms = 0; heard.length === 0 && ms < 100; ms++) await pass(1);
    say(record(2));
    await pass(2);
    expect(heard).toEqual(["r1", "r2"]);
    const before = reads.length;
    await pass(2 + 4 + 8 + 16 + 32);
    expect(reads.length - before).toBe(5);
  });

  test("a flood leaves the event loop its turns, and nothing is lost or swapped", async () => {
    const { heard } = open(records(1, 10_000));
    let turns = 0;
    let heardAtFirstTurn = 0;
    const count = (): void => {
      turns++;
      if (turns === 1) heardAtFirstTurn = heard.length;
      if (heard.length < 10_000) setImmediate(count);
    };
    setImmediate(count);
    await pass(100);
    expect(heard).toEqual(names(1, 10_000));
    expect(heardAtFirstTurn).toBeLessThan(500);
    expect(turns).toBeGreaterThan(30);
  });
});

describe("an idle log", () => {
  test("is polled 20 times a second for half a second after a record, then 10 times", async () => {
    const { reads } = open(records(1, 3));
    await pass(400);
    let before = reads.length;
    await pass(100);
    expect(reads.length - before).toBe(2);
    await pass(1500);
    before = reads.length;
    await pass(10_000);
    expect(reads.length - before).toBe(100);
  });

  test("a record that ends it is read within 100 ms, and what follows within 2 ms", async () => {
    const { heard, say } = open([record(1)]);
    await pass(2000);
    say(record(2));
    for (let ms = 0; heard.length === 1 && ms < 100; ms++) await pass(1);
    expect(heard).toEqual(["r1", "r2"]);
    say(record(3));
    await pass(2);
    expect(heard).toEqual(["r1", "r2", "r3"]);
  });

  test("begins ten seconds after a kill", async () => {
    const { source, reads, say } = open([record(1)]);
    await pass(2000);
    say(record(2));
    await pass(100);
    source.hurry();
    await pass(5000);
    let before = reads.length;
    await pass(4000);
    expect(reads.length - before).toBe(80);
    await pass(2000);
    before = reads.length;
    await pass(4000);
    expect(reads.length - before).toBe(40);
  });

  test("without any record is idle too", async () => {
    const { reads } = open([]);
    await pass(2000);
    const before = reads.length;
    await pass(1000);
    expect(reads.length - before).toBe(10);
  });
});

describe("the time of the reader", () => {
  test("is told once everything that was printed by then has been handed on", async () => {
    const order: string[] = [];
    const { say } = open(records(1, 600), {
      onRecord: ({ text }) => order.push(text),
      onDrained: () => order.push("drained"),
    });
    await pass(4);
    expect(order.slice(0, 601)).toEqual([...names(1, 600), "drained"]);
    say(record(601));
    await pass(50);
    const at = order.indexOf("r601");
    expect(order.slice(at - 1, at + 2)).toEqual(["drained", "r601", "drained"]);
  });

  test("is of the same clock as the records", async () => {
    const clock = createTestClock();
    const stampUs = Math.floor(clock.monotonicUs());
    const times: number[] = [];
    open([record(1, stampUs)], {
      clock,
      onRecord: (_, atMs) => times.push(atMs),
      onDrained: (nowMs) => times.push(nowMs),
    });
    await pass(100);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.at(-1)).toBeCloseTo(stampUs / 1000 + 100, -2);
  });
});

describe("pause", () => {
  test("hands nothing on, resume goes on where it was", async () => {
    const heard: string[] = [];
    const { source, say } = open(records(1, 5), {
      onRecord({ text }) {
        heard.push(text);
        if (text === "r3") source.pause();
      },
    });
    await pass(1000);
    expect(heard).toEqual(names(1, 3));
    say(record(6));
    source.resume();
    await pass(1);
    expect(heard).toEqual(names(1, 6));
  });

  test("reads nothing and tells no time", async () => {
    const drained = vi.fn();
    const { source, reads } = open([], { onDrained: drained });
    await pass(1000);
    source.pause();
    await pass(100);
    const [readsBefore, drainedBefore] = [reads.length, drained.mock.calls.length];
    await pass(1000);
    expect([reads.length, drained.mock.calls.length]).toEqual([readsBefore, drainedBefore]);
  });

  test("does not hold up drain", async () => {
    const { source, heard, say } = open(records(1, 300));
    source.pause();
    await pass(1);
    say(...records(301, 700));
    source.drain();
    expect(heard).toEqual(names(1, 700));
  });
});

describe("close", () => {
  test("ends it at once, within a callback too", async () => {
    const heard: string[] = [];
    const { source, isClosed } = open(records(1, 5), {
      onRecord({ text }) {
        heard.push(text);
        if (text === "r2") source.close();
      },
      onDrained: () => heard.push("drained"),
    });
    await pass(1000);
    expect(heard).toEqual(["r1", "r2"]);
    expect(isClosed()).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("before anything was read", async () => {
    const { source, heard } = open([record(1)]);
    source.close();
    source.close();
    source.resume();
    await pass(1000);
    expect(heard).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("since now", () => {
  // printk's clock may be off by much, either way: what is new must not depend on it.
  describe.each([0, 100_000_000, -3_000_000])("with printk's clock %i µs behind", (lagUs) => {
    /** @param oldUs when the last record before the start was printed, before the start */
    function script(clock: KernelClock, oldUs: number, fresh: number): Scripted[] {
      const startUs = Math.floor(clock.monotonicUs() - lagUs);
      const old = Array.from({ length: 3000 }, (_, seq) => record(seq, startUs - oldUs - (2999 - seq) * 100_000));
      const news = Array.from({ length: fresh }, (_, index) => record(3000 + index, startUs + 100 + index));
      return [...old, ...news];
    }

    test("what was there is not reported", async () => {
      const clock = createTestClock();
      const { heard } = open(script(clock, 3_600_000_000, 0), { clock, since: "now" });
      await pass(1000);
      expect(heard).toEqual([]);
    });

    test("the very last line of just before may be", async () => {
      const clock = createTestClock();
      const { heard } = open(script(clock, 50_000, 0), { clock, since: "now" });
      await pass(1000);
      expect(["", "r2999"]).toContain(heard.join());
    });

    test("what is printed while that is read, is", async () => {
      const clock = createTestClock();
      const { heard } = open(script(clock, 50_000, 3), { clock, since: "now" });
      await pass(1000);
      expect(heard).toEqual(names(3000, 3002));
    });
  });

  test("what comes later is, and a gap between", async () => {
    const { heard, say } = open(records(1, 10), { since: "now" });
    await pass(100);
    expect(heard).toEqual([]);
    say(record(13));
    await pass(100);
    expect(heard).toEqual(["gap 2: 11-12", "r13"]);
  });

  test("a flood at the start is read as it comes, and not for ever", async () => {
    const clock = createTestClock();
    const startUs = Math.floor(clock.monotonicUs());
    const flood = Array.from({ length: 12_000 }, (_, seq) => record(seq, startUs + seq));
    const { heard, reads } = open(flood, { clock, since: "now" });
    expect(reads.length).toBeLessThan(6000);
    await pass(100);
    expect(heard).toEqual(names(0, 11_999));
  });
});
