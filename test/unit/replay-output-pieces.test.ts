/** Standard output in pieces that are used again: what a slow reader gets is what was written, and it makes us wait. */
import { Writable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { openOutput } from "../../src/replay/output.ts";

const LONG = 200_000;
/** Of all lengths, some of them longer than a piece, with characters of one to four bytes. */
const TEXTS = Array.from({ length: 500 }, (_, index) => `${index}é中🚀`.repeat(1 + ((index * 7919) % 900)));
TEXTS.push("x".repeat(LONG), "中".repeat(LONG));

/** Looks at what it was given only when it is done with it, as a kernel does. */
function openReader(isSlow: boolean): { stream: NodeJS.WriteStream; read(): string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      const take = (): void => {
        chunks.push(Buffer.from(chunk));
        done();
      };
      if (isSlow) setImmediate(take);
      else take();
    },
  });
  return { stream: stream as unknown as NodeJS.WriteStream, read: () => Buffer.concat(chunks).toString("utf8") };
}

test.each([
  ["slow", true, true],
  ["slow, and nobody waits for it", true, false],
  ["quick", false, true],
])("a reader that is %s", async (_, isSlow, isAwaited) => {
  const { stream, read } = openReader(isSlow);
  const output = openOutput(stream);
  let waits = 0;
  for (const text of TEXTS) {
    const room = output.write(text);
    if (room !== undefined) waits++;
    if (isAwaited) await room;
  }
  await output.end();
  while (stream.writableLength > 0) await turn();
  expect(read()).toBe(TEXTS.join(""));
  expect(waits > 0).toBe(isSlow);
});

test("a reader that goes away ends the writing", async () => {
  const stream = new Writable({ write: (_chunk, _encoding, done) => done(new Error("EPIPE")) });
  const output = openOutput(stream as unknown as NodeJS.WriteStream);
  for (const text of TEXTS) await output.write(text);
  await output.end();
  expect(output.broken).toBe(true);
});
