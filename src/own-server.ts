/** Opens the agent's own HTTP servers where the configuration wants them: one for scrapes, one for probes. */
import type { Settings } from "./config/schema.ts";
import { type AgentStatus, toHealth, toMetrics, toReadiness } from "./own-metrics.ts";
import { formatMetrics } from "./telemetry/metrics.ts";
import { openTelemetryServer, type TelemetryServer } from "./telemetry/server.ts";

export interface OwnServers {
  /** of `listen`: /metrics, /healthz and /readyz */
  metrics: TelemetryServer | undefined;
  /** of `probe-listen`: /healthz and /readyz, so that whoever uses up the other's connections cannot fail a probe */
  probes: TelemetryServer | undefined;
  close(): void;
}

type ListenSetting = "listen" | "probe-listen";

/**
 * @param settings each ADDRESS:PORT, as the schema has checked it; absent: it is not wanted
 * @param status asked for at each request
 * @param onDropped a connection was closed since the setting's listener had too many
 * @throws Error where an address cannot be had, with what to do in its message
 */
export async function openOwnServers(
  settings: Pick<Settings, ListenSetting>,
  status: () => AgentStatus,
  onDropped: (setting: ListenSetting, peer: string | undefined) => void,
): Promise<OwnServers> {
  const open = async (setting: ListenSetting, metrics?: () => string): Promise<TelemetryServer | undefined> => {
    const address = settings[setting];
    if (address === undefined) return undefined;
    const colon = address.lastIndexOf(":");
    return openTelemetryServer({
      host: address.slice(0, colon).replace(/^\[|\]$/g, "") || undefined,
      port: Number(address.slice(colon + 1)),
      setting,
      metrics,
      health: () => toHealth(status()),
      ready: () => toReadiness(status()),
      onDropped: (peer) => onDropped(setting, peer),
    });
  };
  const metrics = await open("listen", () => formatMetrics(toMetrics(status())));
  const probes = await open("probe-listen").catch((error) => {
    metrics?.close();
    throw error;
  });
  return {
    metrics,
    probes,
    close() {
      metrics?.close();
      probes?.close();
    },
  };
}
