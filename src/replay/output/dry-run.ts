/** `--otlp URL --dry-run`: reads the settings as a delivery would, and says what it would send, where and how. */
import { type OtlpOptions, readOtlpSettings } from "../../otlp/settings.ts";
import { countOf } from "../input/captures.ts";
import type { Sink } from "../sink.ts";

/** @throws Error where a setting would send records nowhere; see readOtlpSettings */
export function openRehearsal(options: OtlpOptions, warn: (message: string) => void): Sink {
  const { url, protocol, headers, compression } = readOtlpSettings(options, warn);
  const events = new Map<string, number>();
  const resources = new Set<string>();

  return {
    write({ eventName, resource }) {
      events.set(eventName, (events.get(eventName) ?? 0) + 1);
      if (resources.size < MAX_RESOURCES) resources.add(JSON.stringify(resource));
      return undefined;
    },
    async end() {
      const records = [...events.values()].reduce((sum, count) => sum + count, 0);
      const kinds = [...events].map(([name, count]) => `${count} ${name}`).join(", ");
      const about = records === 0 ? "" : ` (${kinds}; of ${countOf(resources.size, "resource")})`;
      const names = Object.keys(headers);
      // Their values are secrets.
      const extra = [
        ...(names.length > 0 ? [`headers ${names.join(", ")}`] : []),
        ...(compression === "gzip" ? ["gzip"] : []),
      ];
      const how = [`as ${protocol}`, ...extra].join(", ");
      warn(`would send ${countOf(records, "record")}${about} to ${toTarget(url)} ${how}; nothing was sent`);
      return true;
    },
    broken: false,
  };
}

const MAX_RESOURCES = 100_000;

/** Without what the URL holds of a name and a password. */
function toTarget(url: URL): string {
  const target = new URL(url);
  target.username = "";
  target.password = "";
  return target.href;
}
