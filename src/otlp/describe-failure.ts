/** Why a batch did not arrive, in one line: the HTTP status and what the backend said, or what the network did. */

/** Of an answer's body in a message; backends say why in the first line. */
const MAX_BODY = 300;
const UNPRINTABLE = /[\p{C}\p{Z}]+/gu;

/** @param lastStatus status of the last answer, which the exporter does not pass on where it has retried */
export function describeFailure(error: unknown, lastStatus: string | undefined, timeoutMs: number): string {
  if (!(error instanceof Error)) return "the exporter gives no reason";
  const { code, data } = error as { code?: unknown; data?: unknown };
  if (typeof code === "number") {
    const said = typeof data === "string" ? data.replace(UNPRINTABLE, " ").trim().slice(0, MAX_BODY) : "";
    return `HTTP ${lastStatus ?? code}${said === "" ? "" : `: ${said}`}`;
  }
  if (error.message === "Request timed out") return `no answer within ${timeoutMs} ms`;
  if (error.name === "OTLPExporterError" && lastStatus !== undefined) return `HTTP ${lastStatus}`;
  // Where a name has several addresses the error is the sum of each one's, without a message of its own.
  if (error instanceof AggregateError) return error.errors.map((one) => String(one?.message ?? one)).join("; ");
  return error.message === "" ? String(code ?? error.name) : error.message;
}
