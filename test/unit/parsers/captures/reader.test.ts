/** The capture reader's invariants: cutting the input anywhere, noise, and passing over noise change nothing. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describeKill, readBytes, readCapture, readCorpus } from "../../../corpus.ts";

const corpus = readCorpus();
const options = (name: string) => {
  const capture = corpus.find((one) => one.name === name);
  return { context: { timezone: capture?.tz, referenceUs: capture?.referenceUs } };
};
const plain = corpus.filter(({ name }) => !/\.(?:gz|zst)$/.test(name));

function summarize(bytes: Buffer, more: Parameters<typeof readCapture>[1]): unknown[] {
  return readCapture(bytes, more).kills.map((kill) => ({
    ...describeKill(kill),
    seq: kill.victim.record.seq,
    monotonicUs: kill.victim.record.monotonicUs,
    wallTimeUs: kill.victim.record.wallTimeUs,
    original: kill.victim.record.original,
  }));
}

describe("cut anywhere", () => {
  test.each(plain.map(({ name, path }) => ({ name, path })))("$name", ({ name, path }) => {
    const bytes = readBytes(path);
    const whole = summarize(bytes, options(name));
    for (const chunk of [1 << 16, 4096, 1021]) {
      expect(summarize(bytes, { ...options(name), chunk }), `chunks of ${chunk}`).toEqual(whole);
    }
  });

  test("a byte at a time", () => {
    for (const name of [
      "hostile-more/kernel.kmsg",
      "hostile-five/journalctl-export.export",
      "wrappers-three/utf16le-bom.log",
    ]) {
      const bytes = readBytes(corpus.find((one) => one.name === name)?.path ?? "");
      expect(summarize(bytes, { ...options(name), chunk: 1 }), name).toEqual(summarize(bytes, options(name)));
    }
  });
});

const NOISE: Readonly<Record<string, (index: number) => string>> = {
  "hostile-five/kernel.kmsg": (index) =>
    `6,${index},${7_000_000_000 + index},-;usb 1-1: new device number ${index}, skill`,
  "hostile-five/dmesg.log": (index) =>
    `[ ${7000 + index / 1e6 + 1e-9}`.slice(0, 13).padEnd(13, "0").concat(`] eth0: killed, link ${index}`),
  "hostile-five/dmesg-T.log": (index) => `[Tue Nov 24 10:37:42 2026] docker0: port ${index} entered a state`,
  "hostile-five/dmesg-iso.log": (index) =>
    `2026-11-24T10:37:42,${String(index % 1e6).padStart(6, "0")}+00:00 audit: op ${index}`,
  "hostile-five/rsyslog-imklog-file.log": (index) =>
    `2026-11-24T10:37:42.000001+00:00 worker-7 kernel: [ 7000.000001] cni0: ${index}`,
  "hostile-five/journalctl-short.log": (index) =>
    `Nov 24 10:37:42 worker-7 kernel: cni0: port ${index} entered a state`,
};

/** So much before and after each report that nearly all of it is passed over. */
function withNoise(bytes: Buffer, noise: (index: number) => string): Buffer {
  const block = (from: number): string => {
    const lines: string[] = [];
    for (let index = from; index < from + 6000; index++) lines.push(noise(index));
    return `${lines.join("\n")}\n`;
  };
  return Buffer.concat([Buffer.from(block(0)), bytes, Buffer.from(block(6000)), bytes.subarray(0, 0)]);
}

describe("passing over noise", () => {
  test.each(Object.entries(NOISE))("%s: the same as reading every line", (name, noise) => {
    const bytes = readBytes(corpus.find((one) => one.name === name)?.path ?? "");
    const noisy = withNoise(bytes, noise);
    const skimmed = readCapture(noisy, { ...options(name), chunk: 1 << 17 });
    expect(skimmed.skippedBytes).toBeGreaterThan(noisy.length / 3);
    const read = summarize(noisy, { ...options(name), skim: false });
    expect(summarize(noisy, { ...options(name), chunk: 1 << 17 })).toEqual(read);
    expect(read.length).toBe(summarize(bytes, options(name)).length);
  });

  test("a report without its head: its table stands before the first line that is searched for", () => {
    const bytes = readBytes(corpus.find((one) => one.name === "hostile-five/kernel.kmsg")?.path ?? "");
    const lines = bytes.toString("latin1").split("\n");
    const headless = lines.filter((line) => !line.includes("invoked oom-killer")).join("\n");
    const noise = NOISE["hostile-five/kernel.kmsg"] as (index: number) => string;
    const noisy = withNoise(Buffer.from(headless, "latin1"), noise);
    expect(summarize(noisy, { chunk: 1 << 15 })).toEqual(summarize(noisy, { skim: false }));
    expect(readCapture(noisy, {}).kills[0]?.report.memory).toBeDefined();
  });
});

describe("a message with a line break behind noise", () => {
  const noise = Array.from({ length: 2000 }, (_, index) => `<6>[ ${(100 + index / 1e6).toFixed(6)}] eth0: up`);
  const read = (...lines: string[]): unknown[] =>
    readCapture(Buffer.from([...noise, ...lines].join("\n")), { chunk: 1 << 15 }).kills.map(
      ({ victim }) => victim.comm,
    );
  const FIGURES = "total-vm:4kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB";

  test("keeps a name's second half", () => {
    const lines = ["<3>[ 200.000000] Out of memory: Killed process 7 (bad", `                 name) ${FIGURES}`];
    expect(read(...lines)).toEqual(["bad\nname"]);
  });

  test("is one message: its second line is no kill line of the kernel's", () => {
    const second = `                 Out of memory: Killed process 1 (init) ${FIGURES}`;
    expect(read("<5>[ 200.000000] hello", second)).toEqual([]);
    expect(read("<5>[ 200.000000] hello", "                 there", second)).toEqual([]);
  });
});

test("a line that was cut changes how no other is read", () => {
  const bytes = readBytes(corpus.find((one) => one.name === "hostile-five/rsyslog-imklog-rfc5424.log")?.path ?? "");
  const whole = bytes.toString("latin1");
  const cut = `${whole.slice(0, 20)}\n${whole}`;
  expect(readCapture(Buffer.from(cut, "latin1"), {}).kills.length).toBe(readCapture(bytes, {}).kills.length);
});

describe("any bytes", () => {
  const line = fc.oneof(
    fc.string({ unit: "binary", maxLength: 80 }),
    fc.constantFrom("{", "[", '{"', "]", "}", '"', "\\", "\r", "\x1b[0m", "__CURSOR=x", "MESSAGE", "> ", "    "),
    fc.constantFrom(
      ...[corpus[0], corpus[40], corpus[90], corpus[150]].flatMap((capture) =>
        readBytes(capture?.path ?? "")
          .toString("latin1")
          .split("\n")
          .slice(0, 120),
      ),
    ),
  );

  test("never throw, never give a kill without a kill line, whatever the chunks", () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 60 }), fc.integer({ min: 1, max: 300 }), (lines, chunk) => {
        const text = lines.join("\n");
        const bytes = Buffer.from(text, "latin1");
        const { kills } = readCapture(bytes, { chunk });
        const whole = readCapture(bytes, {});
        expect(kills.map(describeKill)).toEqual(whole.kills.map(describeKill));
        const killLines = text.split("Killed process ").length - 1;
        expect(kills.length).toBeLessThanOrEqual(killLines);
      }),
      { numRuns: 300 },
    );
  });
});
