/** What is known of an endpoint beside its answer, and what a check says of it. */
import type { OtlpProtocol } from "../../otlp/backends.ts";
import type { Finding } from "../check.ts";

export type Verdict = Pick<Finding, "status" | "says" | "advice">;

/** What is known of the endpoint beside its answer. */
export interface EndpointFacts {
  /** without credentials */
  target: string;
  path: string;
  protocol: OtlpProtocol;
  /** an authority of one's own is set */
  hasCa: boolean;
  /** headers are sent, by whatever setting */
  hasHeaders: boolean;
  /** the variable that names a proxy for it; NO_PROXY may still make an exception */
  proxy?: string | undefined;
}
