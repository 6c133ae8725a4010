/** A backend that can be replaced while it is in use: SIGHUP may change its address, its keys, its certificates. */
import type { LogRecord } from "../ship/log-record.ts";
import type { OtlpExport } from "../ship/otlp-export.ts";
import type { Outcome } from "../ship/outcome.ts";

export type Backend = Pick<OtlpExport, "target" | "export" | "close">;

export interface ReplaceableBackend extends Backend {
  /** From the next batch on; the one before is closed when its batch under way has come to an end. */
  replace(next: Backend): void;
}

export function createReplaceable(first: Backend): ReplaceableBackend {
  let current = first;
  let underWay: Promise<Outcome> | undefined;

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
      Promise.resolve(underWay).finally(() => last.close());
    },
    close() {
      current.close();
    },
  };
}
