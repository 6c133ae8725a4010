/** `--stdout`: a shipper that prints each record as one line of JSON. */
import type { Writable } from "node:stream";
import type { LogRecord } from "./log-record.ts";
import type { Shipper, ShipResult } from "./shipper.ts";
import { toJson } from "./to-json.ts";

/** @param stream left open: it is the process's, not ours */
export function openStdoutShipper(stream: Writable = process.stdout): Shipper {
  const result: ShipResult = { exported: 0, failed: 0 };
  let unwritten = 0;
  let broken = false;
  let givenUp = false;
  const settled: (() => void)[] = [];

  // A reader that goes away (`| head`) must not end the process by an unhandled error.
  stream.on("error", onError);

  function onError(error: Error): void {
    broken = true;
    result.lastError = error.message;
  }

  function onWritten(error?: Error | null): void {
    unwritten--;
    if (givenUp) return;
    if (error === undefined || error === null) result.exported++;
    else {
      result.failed++;
      onError(error);
    }
    if (unwritten === 0 || broken || !stream.writableNeedDrain) settle();
  }

  function settle(): void {
    for (const resolve of settled.splice(0)) resolve();
  }

  function ship(record: LogRecord): void | Promise<void> {
    if (broken) {
      result.failed++;
      return;
    }
    unwritten++;
    if (stream.write(`${toJson(record)}\n`, onWritten)) return;
    return new Promise((resolve) => settled.push(resolve));
  }

  async function flush(): Promise<ShipResult> {
    while (unwritten > 0) await new Promise<void>((resolve) => settled.push(resolve));
    return { ...result };
  }

  return {
    ship,
    flush,
    async close({ timeoutMs } = {}) {
      let timer: NodeJS.Timeout | undefined;
      const deadline = new Promise<void>((resolve) => {
        if (timeoutMs !== undefined) timer = setTimeout(resolve, timeoutMs);
      });
      await Promise.race([flush(), deadline]);
      clearTimeout(timer);
      if (unwritten > 0) {
        givenUp = true;
        result.failed += unwritten;
        result.lastError = `nobody read standard output within ${timeoutMs} ms`;
      }
      return { ...result };
    },
  };
}
