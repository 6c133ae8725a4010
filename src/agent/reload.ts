/** SIGHUP: the configuration is read again, and what can change without a restart does. */
import { ConfigError } from "../config/config-error.ts";
import type { Config } from "../config/read.ts";
import { SETTING_NAMES, settingOf } from "../config/settings.ts";
import type { Backend, ReplaceableBackend } from "../outbox/replaceable-exporter.ts";
import type { Events } from "../telemetry/events.ts";

export interface ReloadOptions {
  /** what the agent runs with */
  config: Config;
  /** @throws ConfigError */
  readConfig(): Config;
  backends: readonly ReplaceableBackend[];
  /** @throws Error where a setting would send records nowhere */
  openBackends(config: Config): Backend[];
  /** Called when there are new backends, which may take what the old ones did not. */
  onReloaded(): void;
  events: Events;
}

/** Reads the configuration again; where it is wrong, all stays as it is, which the events say. */
export function reload(options: ReloadOptions): void {
  const { config: last, backends, events } = options;
  try {
    const config = options.readConfig();
    sayFixed(last, config, events);
    if (config.settings.backend === "stdout" || last.settings.backend === "stdout") {
      if (config.settings.backend !== last.settings.backend) throw new ConfigError("backend stdout needs a restart");
      return;
    }
    const next = options.openBackends(config);
    if (next.length !== backends.length) {
      for (const backend of next) backend.close();
      throw new ConfigError("another number of endpoints needs a restart, as each has an outbox of its own");
    }
    for (const [index, backend] of next.entries()) backends[index]?.replace(backend);
    options.onReloaded();
    events.report("config_reloaded", { target: next.map(({ target }) => target).join(", ") });
  } catch (error) {
    events.report("config_reload_failed", { error: error instanceof Error ? error.message : String(error) });
  }
}

function sayFixed(last: Config, next: Config, events: Events): void {
  const fixed = SETTING_NAMES.filter(
    (name) =>
      settingOf(name).reload !== true && JSON.stringify(last.settings[name]) !== JSON.stringify(next.settings[name]),
  );
  if (fixed.length === 0) return;
  events.report("setting_ignored", { reason: `of ${fixed.join(", ")} a new value takes effect with a restart only` });
}
