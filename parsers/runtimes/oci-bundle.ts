/**
 * The `config.json` that every OCI runtime is started with: annotations and the memory limit.
 * Spec: opencontainers/runtime-spec config.md, `annotations`; config-linux.md, `linux.resources.memory.limit`.
 */
import { bytes, type LooseObject, object, parseObject } from "../loose-json.ts";

export interface OciBundle {
  /** what stands there, which need not be text */
  annotations: LooseObject;
  /** bytes; absent where there is none */
  memoryLimit: number | undefined;
}

/** @returns undefined where the text is no JSON object */
export function parseOciBundle(json: string): OciBundle | undefined {
  const config = parseObject(json);
  if (config === undefined) return undefined;
  const { memory } = object(object(config["linux"])["resources"]);
  return { annotations: object(config["annotations"]), memoryLimit: bytes(object(memory)["limit"]) };
}
