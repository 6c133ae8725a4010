/** What `--follow` prints unless told otherwise: a line a record, with its time and its sentence. */
import { isoTime } from "../../record/json.ts";
import type { Output } from "../output/output.ts";
import type { Sink } from "../sink.ts";

export function openKillLines(output: Output): Sink {
  return {
    write(record) {
      const monotonic = record.attributes["oom.kernel.monotonic"];
      const time = isoTime(record) ?? (typeof monotonic === "number" ? `[${monotonic.toFixed(6).padStart(12)}]` : "-");
      return output.write(`${time}  ${record.body}\n`);
    },
    async end() {
      await output.end();
      return true;
    },
    get broken() {
      return output.broken;
    },
  };
}
