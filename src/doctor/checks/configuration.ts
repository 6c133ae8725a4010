/** The configuration: whether the agent would start with it, and what of it is ignored. */

import { readNodeResource } from "../../agent/node-resource.ts";
import { readOtlpSettings } from "../../otlp/settings.ts";
import { toEndpoints } from "../../outbox/endpoints.ts";
import type { CheckContext, Finding } from "../check.ts";

export function checkConfiguration({ config, configError, version }: CheckContext): Finding {
  if (config === undefined) {
    return {
      status: "failed",
      says: configError ?? "the configuration cannot be read",
      advice: "mend it: the agent does not start with it; every setting is in docs/configuration.md",
    };
  }
  const warnings: string[] = [];
  const warn = (message: string): void => void warnings.push(message);
  try {
    for (const endpoint of toEndpoints(config, version)) readOtlpSettings(endpoint, warn);
  } catch (error) {
    return {
      status: "failed",
      says: error instanceof Error ? error.message : String(error),
      advice: "mend it: the agent does not start with it",
    };
  }
  const resource = readNodeResource(config, warn);
  const from = config.from;
  const detail = { from, resource, warnings };
  const [first] = warnings;
  if (first !== undefined) {
    return { status: "warning", says: first, advice: "mend it, or take it out: it is ignored", detail };
  }
  const count = Object.keys(from).length;
  const set = count === 0 ? "nothing is set: all by default" : `valid: ${count} set (${Object.keys(from).join(", ")})`;
  const { "node-name": nodeName } = config.settings;
  if (nodeName === undefined && config.env["KUBERNETES_SERVICE_HOST"] !== undefined) {
    return {
      status: "warning",
      says: `${set}; but the node has no name: records say host.name ${resource["host.name"]}`,
      advice: "set K8S_NODE_NAME by the downward API (fieldRef spec.nodeName)",
      detail,
    };
  }
  return { status: "ok", says: set, detail };
}
