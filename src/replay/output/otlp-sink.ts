/** `--otlp URL`: sends the records, and says on standard error what became of them. */
import { type OtlpShipperOptions, openOtlpShipper } from "../../otlp/shipper.ts";
import { countOf } from "../input/captures.ts";
import type { Sink } from "../sink.ts";

/** Batches in a row that fail, each after its own retries, before the backend is taken to be gone. */
const MAX_FAILED_BATCHES = 3;

/** @throws Error where a setting would send records nowhere; see readOtlpSettings */
export function openDelivery(options: OtlpShipperOptions, warn: (message: string) => void): Sink {
  let failedInRow = 0;
  let untried = 0;
  const shipper = openOtlpShipper({
    env: options.env,
    endpoint: options.endpoint,
    protocol: options.protocol,
    version: options.version,
    onWarning: warn,
    onResult({ exported }) {
      failedInRow = exported > 0 ? 0 : failedInRow + 1;
    },
  });

  return {
    write(record) {
      if (failedInRow >= MAX_FAILED_BATCHES) {
        untried++;
        return undefined;
      }
      return shipper.ship(record) ?? undefined;
    },
    async end() {
      await shipper.flush();
      const { exported, failed, lastError } = await shipper.close();
      const lost = failed + untried;
      if (exported > 0 || lost === 0) warn(`sent ${countOf(exported, "record")} to ${shipper.target}`);
      if (lost === 0) return true;
      const given = untried === 0 ? "" : `, ${untried} of them not tried after ${MAX_FAILED_BATCHES} failed batches`;
      warn(`${countOf(lost, "record")} not delivered to ${shipper.target}${given}: ${lastError ?? "no reason given"}`);
      return false;
    },
    broken: false,
  };
}
