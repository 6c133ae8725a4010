/** Where records go: each endpoint is connected to and sent an empty request, with all that the agent would send it. */

import { type OtlpExportOptions, openOtlpExport } from "../../otlp/exporter.ts";
import { type OtlpSettings, readOtlpSettings } from "../../otlp/settings.ts";
import { toEndpoints } from "../../outbox/endpoints.ts";
import type { CheckContext, Finding } from "../check.ts";
import { judgeAnswer } from "./endpoint-advice.ts";
import type { EndpointFacts } from "./endpoint-facts.ts";
import { tryNetwork } from "./network.ts";
import { judgeNetwork } from "./network-advice.ts";

export async function checkEndpoints({
  config,
  version,
}: Pick<CheckContext, "config" | "version">): Promise<Finding[]> {
  if (config === undefined) return [{ status: "skipped", says: "the configuration cannot be read" }];
  if (config.settings.backend === "stdout") {
    return [{ status: "skipped", says: "records are printed on standard output, and sent nowhere" }];
  }
  let endpoints: OtlpExportOptions[];
  try {
    endpoints = toEndpoints(config, version);
  } catch {
    return [{ status: "skipped", says: "the configuration does not tell where records go" }];
  }
  return await Promise.all(endpoints.map(checkEndpoint));
}

async function checkEndpoint(options: OtlpExportOptions): Promise<Finding> {
  let settings: OtlpSettings;
  const warnings: string[] = [];
  try {
    settings = readOtlpSettings(options, () => {});
  } catch (error) {
    const says = error instanceof Error ? error.message : String(error);
    return { status: "failed", says, advice: "mend that setting: the agent does not start with it" };
  }
  const proxy = proxyOf(settings);
  const facts = { ...toFacts(settings), proxy };
  const detail: Record<string, unknown> = { ...facts, headers: Object.keys(settings.headers), warnings };
  // Behind a proxy there need be no way from here.
  if (proxy === undefined) {
    const network = await tryNetwork(settings, Math.min(settings.timeoutMs, MAX_STEP_MS));
    Object.assign(detail, { network });
    if (network.kind === "failed") return { ...judgeNetwork(network, facts), detail };
    const expires = judgeExpiry(network.certificateUntilMs, Date.now());
    if (expires !== undefined) warnings.push(expires);
  }
  return await sendNothing(options, facts, detail, warnings);
}

const MAX_STEP_MS = 5000;

async function sendNothing(
  options: OtlpExportOptions,
  facts: EndpointFacts,
  detail: Record<string, unknown>,
  warnings: string[],
): Promise<Finding> {
  const backend = openOtlpExport({ ...options, onWarning: (warning) => warnings.push(warning) });
  try {
    const startMs = performance.now();
    const outcome = await backend.export([]);
    const tookMs = Math.round(performance.now() - startMs);
    const { lastAnswer } = backend;
    const verdict = judgeAnswer(outcome, lastAnswer, facts);
    Object.assign(detail, { outcome, status: lastAnswer?.status, tookMs, ...clockAhead(lastAnswer?.date) });
    if (verdict.status !== "ok") return { ...verdict, detail };
    const says = `${verdict.says} (${tookMs} ms)`;
    const [warning] = warnings;
    if (warning === undefined) return { ...verdict, says, detail };
    return { status: "warning", says: `${says}; ${warning}`, advice: "records arrive; look at what it says", detail };
  } finally {
    backend.close();
  }
}

function toFacts({ url, protocol, tls, headers, headersFile }: OtlpSettings): EndpointFacts {
  const own = Object.keys(headers).filter((name) => !name.endsWith("-stream-fields"));
  return {
    target: `${url.origin}${url.pathname}`,
    path: url.pathname,
    protocol,
    hasCa: tls.ca !== undefined,
    hasHeaders: own.length > 0 || headersFile !== undefined,
  };
}

/** The variable that names it; NO_PROXY may still make an exception, which Node looks at. */
function proxyOf({ url, proxyEnv }: OtlpSettings): string | undefined {
  const wanted = url.protocol === "https:" ? "https_proxy" : "http_proxy";
  return Object.keys(proxyEnv).find((name) => name.toLowerCase() === wanted && proxyEnv[name] !== "");
}

const DAY_MS = 86_400_000;
const SOON_DAYS = 14;

function judgeExpiry(untilMs: number | undefined, nowMs: number): string | undefined {
  if (untilMs === undefined || untilMs - nowMs > SOON_DAYS * DAY_MS) return undefined;
  return `its certificate expires on ${new Date(untilMs).toISOString().slice(0, 10)}`;
}

/** Date is cut to whole seconds: half of one is the best guess. */
function clockAhead(date: string | undefined): { clockAheadSeconds?: number } {
  const theirsMs = Date.parse(date ?? "");
  return Number.isNaN(theirsMs) ? {} : { clockAheadSeconds: Math.round((Date.now() - theirsMs) / 1000 - 0.5) };
}
