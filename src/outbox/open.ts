/** Opens what the configuration says of where records go: the backends, and their outboxes. */
import type { Config } from "../config/read.ts";
import { openOtlpExport } from "../otlp/exporter.ts";
import type { RecordContext } from "../record/context.ts";
import { createUptimeClock } from "../sources/clock.ts";
import type { Events } from "../telemetry/events.ts";
import { type Deliveries, openDeliveries, type Progress, type ReadState } from "./deliveries.ts";
import { toEndpoints } from "./endpoints.ts";
import type { Backend } from "./replaceable-exporter.ts";

/** @throws Error where a setting would send records nowhere; then none is open */
export function openBackends(config: Config, version: string, events: Events): Backend[] {
  const onWarning = (warning: string): void => events.report("ship_warning", { warning });
  const opened: Backend[] = [];
  try {
    for (const endpoint of toEndpoints(config, version)) opened.push(openOtlpExport({ ...endpoint, onWarning }));
    return opened;
  } catch (error) {
    for (const backend of opened) backend.close();
    throw error;
  }
}

/** @throws OutboxInUseError */
export function openOutboxes<S extends Progress>(
  { settings }: Config,
  backends: readonly Backend[],
  context: RecordContext,
  events: Events,
  readState: ReadState<S>,
): Deliveries<S> {
  const maxAge = settings["outbox-max-age"];
  return openDeliveries<S>({
    backends,
    directory: settings["state-dir"],
    maxBytes: settings["outbox-max-bytes"],
    maxAgeMs: maxAge === undefined ? undefined : maxAge * 1000,
    context,
    events,
    readState,
    upMs: createUptimeClock(),
  });
}
