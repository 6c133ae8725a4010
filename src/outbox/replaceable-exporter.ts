/** A backend that can be replaced while it is in use: SIGHUP may change its address, its keys, its certificates. */

import type { Outcome } from "../otlp/export-result.ts";
import type { OtlpExport } from "../otlp/exporter.ts";
import type { LogRecord } from "../record/log-record.ts";

export type Backend = Pick<OtlpExport, "target" | "export" | "close">;

export interface ReplaceableBackend extends Backend {
  /** From the next batch on; the one before is closed when its batch under way has come to an end. */
  replace(next: Backend): void;
}

export function createReplaceable(first: Backend): ReplaceableBackend {
  let current = first;
  let underWay: Promise<Outcome> | undefined;
  /** replaced, and not closed yet */
  const leaving = new Set<Backend>();

  return {
    get target() {
      return current.target;
    },
    export(batch: readonly LogRecord[]) {
      underWay = current.export(batch);
      return underWay;
    },
    replace(next) {
      const last = current;
      current = next;
      leaving.add(last);
      Promise.resolve(underWay).finally(() => {
        if (leaving.delete(last)) last.close();
      });
    },
    close() {
      for (const backend of [current, ...leaving]) backend.close();
      leaving.clear();
    },
  };
}
