/**
 * JSON schemas of Kubernetes' objects, from the models of `@kubernetes/client-node`, which are generated from the
 * OpenAPI specification that Kubernetes publishes (release 1.36 in client 2.0.1): the fields and their types from the
 * models' tables, which of them are required from their declarations. Fields that there are not are errors.
 */
import { existsSync, readFileSync } from "node:fs";
import * as models from "@kubernetes/client-node/dist/gen/models/all.js";

export type Schema = Readonly<Record<string, unknown>>;

/** A row of a model's table. */
interface Attribute {
  /** in TypeScript; `_default` where the other is no name there */
  name: string;
  /** in JSON */
  baseName: string;
  type: string;
  format: string;
}

const GENERATED = new URL("../../node_modules/@kubernetes/client-node/dist/gen/", import.meta.url);
const MAP = /^\{ \[key: string\]: (.+); \}$/;
const ARRAY = /^Array<(.+)>$/;

/**
 * @param apiVersion as in a manifest, `v1` or `apps/v1`
 * @returns undefined: Kubernetes has no such kind in that group and version
 */
export function kubernetesSchema(apiVersion: string, kind: string): Schema | undefined {
  const model = findModel(apiVersion, kind);
  if (model === undefined) return undefined;
  const definitions: Record<string, Schema> = {};
  define(model, definitions);
  return { $ref: `#/definitions/${model}`, required: ["apiVersion", "kind", "metadata"], definitions };
}

/** A kind belongs to a group where that group's API can create one. */
function findModel(apiVersion: string, kind: string): string | undefined {
  const [version = "", group = "core"] = apiVersion.split("/").reverse();
  const words = group.replace(/\.k8s\.io$/, "").split(".");
  const api = new URL(`apis/${[...words, version].map(capitalize).join("")}Api.d.ts`, GENERATED);
  if (!existsSync(api)) return undefined;
  const create = new RegExp(`\\bcreate(?:Namespaced)?${kind}\\(.*?\\bbody: (\\w+)`);
  return create.exec(readFileSync(api, "utf8"))?.[1];
}

function define(model: string, definitions: Record<string, Schema>): void {
  if (model in definitions) return;
  const properties: Record<string, Schema> = {};
  const schema = { type: "object", properties, additionalProperties: false, required: [] as string[] };
  // Before its attributes: a model may hold itself.
  definitions[model] = schema;
  const attributes = readAttributes(model);
  const optional = readOptional(model);
  for (const { name, baseName, type, format } of attributes) {
    properties[baseName] = toSchema(type, format, definitions);
    if (!optional.has(name)) schema.required.push(baseName);
  }
}

function readAttributes(model: string): readonly Attribute[] {
  const found = (models as Record<string, unknown>)[model] as { attributeTypeMap?: readonly Attribute[] } | undefined;
  if (found?.attributeTypeMap === undefined) throw new Error(`the client has no model ${model}`);
  return found.attributeTypeMap;
}

function readOptional(model: string): ReadonlySet<string> {
  const declaration = readFileSync(new URL(`models/${model}.d.ts`, GENERATED), "utf8");
  return new Set(Array.from(declaration.matchAll(/^ {4}'([^']+)'\?:/gm), ([, name = ""]) => name));
}

function toSchema(type: string, format: string, definitions: Record<string, Schema>): Schema {
  const values = MAP.exec(type)?.[1];
  if (values !== undefined) {
    return { type: "object", additionalProperties: toSchema(values, format, definitions) };
  }
  const items = ARRAY.exec(type)?.[1];
  if (items !== undefined) return { type: "array", items: toSchema(items, format, definitions) };
  switch (type) {
    case "any":
      return {};
    case "IntOrString":
      return { type: ["integer", "string"] };
    case "Date":
    case "V1MicroTime":
    case "string":
      return format === "byte" ? { type: "string", pattern: "^[A-Za-z0-9+/]*={0,2}$" } : { type: "string" };
    case "number":
      return { type: format === "double" ? "number" : "integer" };
    case "boolean":
      return { type: "boolean" };
    default:
      define(type, definitions);
      return { $ref: `#/definitions/${type}` };
  }
}

function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
