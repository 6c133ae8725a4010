/** Opens the agent's own HTTP server where the configuration wants one. */
import { type AgentStatus, toHealth, toMetrics, toReadiness } from "./own-metrics.ts";
import { formatMetrics } from "./telemetry/metrics.ts";
import { openTelemetryServer, type TelemetryServer } from "./telemetry/server.ts";

/**
 * @param listen ADDRESS:PORT, as the schema has checked it; absent: none is wanted
 * @param status asked for at each request
 * @throws Error where the address cannot be had, with what to do in its message
 */
export async function openOwnServer(
  listen: string | undefined,
  status: () => AgentStatus,
): Promise<TelemetryServer | undefined> {
  if (listen === undefined) return undefined;
  const colon = listen.lastIndexOf(":");
  return openTelemetryServer({
    host: listen.slice(0, colon).replace(/^\[|\]$/g, "") || undefined,
    port: Number(listen.slice(colon + 1)),
    metrics: () => formatMetrics(toMetrics(status())),
    health: () => toHealth(status()),
    ready: () => toReadiness(status()),
  });
}
