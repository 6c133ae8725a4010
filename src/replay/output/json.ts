/** `--output json` and `ndjson`: records as they are found, in the shape in which they would be sent. */
import { toJson } from "../../record/json.ts";
import type { Sink } from "../sink.ts";
import type { Output } from "./output.ts";

/** `json`: one array, a record a line in it, whole even where there is none; `ndjson`: one object a line. */
export function openJson(output: Output, format: "json" | "ndjson"): Sink {
  const isArray = format === "json";
  let isFirst = true;
  return {
    write(record) {
      const before = isArray ? (isFirst ? "[\n" : ",\n") : "";
      isFirst = false;
      return output.write(`${before}${toJson(record)}${isArray ? "" : "\n"}`);
    },
    async end() {
      if (isArray) await output.write(isFirst ? "[]\n" : "\n]\n");
      await output.end();
      return true;
    },
    get broken() {
      return output.broken;
    },
  };
}
