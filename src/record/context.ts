/** What every record of a run shares: the node, the boot, and how sizes are counted. */
import type { Attributes } from "./log-record.ts";

export interface RecordContext {
  /**
   * Resource attributes of the node and of every record alike: `host.name`, `host.id`, `k8s.node.name`,
   * `k8s.cluster.name`, those of OTEL_RESOURCE_ATTRIBUTES. What a record says itself stands above them.
   */
  resource: Attributes;
  /** boot ID of the kernel whose log is read, with or without dashes; a record's own stands above it */
  bootId?: string;
  /** bytes; default 4096 */
  pageSize?: number;
  /** bytes of `log.record.original`; default 8192 */
  originalLimitBytes?: number;
}

export const DEFAULT_PAGE_SIZE = 4096;
export const DEFAULT_ORIGINAL_LIMIT_BYTES = 8192;

/** The boot that a record belongs to: 32 hex digits. */
export function bootIdOf(recordsOwn: string | undefined, context: RecordContext): string | undefined {
  const bootId = recordsOwn ?? context.bootId;
  // An empty one (an unreadable file) is none.
  return bootId === undefined || bootId === "" ? undefined : bootId.replaceAll("-", "");
}
