/**
 * Commits numbered records in a loop until it is killed: `node outbox-crash-child.ts DIRECTORY`.
 * Says on standard output, a line each: `committed N`, when the commit of everything below N has returned, and
 * `delivered N,N,…`, before those records are done, as a backend would have them.
 */
import { writeSync } from "node:fs";
import { openOutbox } from "../src/outbox/outbox.ts";
import { numbered, numbersOf, range } from "./outbox-fixture.ts";

const outbox = openOutbox<{ position: number }>({
  directory: process.argv[2] ?? "",
  onTrouble: (name, detail) => writeSync(1, `trouble ${name} ${JSON.stringify(detail)}\n`),
});
let position = outbox.restored?.position ?? 0;
for (let round = 0; ; round++) {
  // Some are read again, as after a crash in the middle of a report.
  const from = Math.max(position - (round % 4), 0);
  const to = position + 1 + (round % 3);
  const records = range(from, to).map((number) => numbered(number, (number * 977) % 20_000));
  outbox.commit(records, { position: to });
  position = to;
  writeSync(1, `committed ${to}\n`);
  if (round % 2 === 0) continue;
  // Faster than they come: those that are read again have been delivered as often as not.
  const out = outbox.take(1 + (round % 9));
  if (round % 7 === 0) {
    outbox.putBack(out.map(({ id }) => id));
    continue;
  }
  writeSync(1, `delivered ${numbersOf(out).join()}\n`);
  outbox.done(out.map(({ id }) => id));
}
