/** Resource attributes that OpenTelemetry's environment variables set: defaults for every record. */
import type { Attributes } from "./log-record.ts";

/**
 * Reads OTEL_RESOURCE_ATTRIBUTES (`key=value,key=value`, percent-encoded) and OTEL_SERVICE_NAME, which wins over a
 * service.name of the former. They belong into the records' context: what a record says itself stands above them.
 * Spec: https://opentelemetry.io/docs/specs/otel/resource/sdk/#specifying-resource-information-via-an-environment-variable
 * @param warn told why the variable is ignored; on any error all of it is, as the specification asks
 */
export function readResourceEnv(
  env: Readonly<Record<string, string | undefined>>,
  warn: (message: string) => void,
): Attributes {
  const attributes = parsePairs(env["OTEL_RESOURCE_ATTRIBUTES"] ?? "", warn);
  const serviceName = env["OTEL_SERVICE_NAME"]?.trim();
  if (serviceName !== undefined && serviceName !== "") attributes["service.name"] = serviceName;
  return attributes;
}

function parsePairs(list: string, warn: (message: string) => void): Attributes {
  const attributes: Attributes = {};
  for (const pair of list.split(",")) {
    if (pair.trim() === "") continue;
    const [key = "", value, ...more] = pair.split("=");
    const decoded = value === undefined || more.length > 0 ? undefined : decodePair(key, value);
    if (decoded === undefined) {
      warn(`OTEL_RESOURCE_ATTRIBUTES is ignored: "${pair.trim()}" is not key=value with , and = percent-encoded`);
      return {};
    }
    attributes[decoded[0]] = decoded[1];
  }
  return attributes;
}

function decodePair(key: string, value: string): [key: string, value: string] | undefined {
  try {
    const decoded = decodeURIComponent(key.trim());
    return decoded === "" ? undefined : [decoded, decodeURIComponent(value.trim())];
  } catch {
    return undefined;
  }
}
