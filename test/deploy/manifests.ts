/** Kubernetes manifests: read from YAML, and held against Kubernetes' own schemas and against each other. */
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { parseAllDocuments } from "yaml";
import { customSchema } from "./custom-schemas.ts";
import { kubernetesSchema } from "./kubernetes-schema.ts";

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
}

// Not strict about the schemas: `required` stands beside a `$ref` there.
const ajv = new Ajv({ allErrors: true, strict: false });
const validators = new Map<string, ValidateFunction | undefined>();

/**
 * @param text any number of YAML documents; empty ones count for nothing
 * @throws where it is no YAML, where a key stands twice, and where a document is no object with a kind
 */
export function readManifests(text: string): Manifest[] {
  return parseAllDocuments(text, { uniqueKeys: true }).flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    const value: unknown = document.toJS();
    if (value === null) return [];
    if (!isManifest(value)) throw new Error(`no manifest: ${JSON.stringify(value).slice(0, 100)}`);
    return [value];
  });
}

/** @returns what is wrong, a sentence each: unknown and missing fields, values of another type, a kind that there is not */
export function validateManifest(manifest: object): string[] {
  if (!isManifest(manifest)) return ["apiVersion, kind or metadata.name is missing"];
  const { apiVersion, kind, metadata } = manifest;
  const name = `${kind} ${metadata.name}`;
  const validate = validatorOf(apiVersion, kind);
  if (validate === undefined) return [`${name}: there is no ${kind} in ${apiVersion}`];
  return validate(manifest) ? [] : (validate.errors ?? []).map((error) => `${name}: ${say(error)}`);
}

function isManifest(value: unknown): value is Manifest {
  const { apiVersion, kind, metadata } = (value ?? {}) as Partial<Manifest>;
  return typeof apiVersion === "string" && typeof kind === "string" && typeof metadata?.name === "string";
}

function validatorOf(apiVersion: string, kind: string): ValidateFunction | undefined {
  const key = `${apiVersion} ${kind}`;
  if (!validators.has(key)) {
    const schema = kubernetesSchema(apiVersion, kind) ?? customSchema(apiVersion, kind);
    validators.set(key, schema === undefined ? undefined : ajv.compile(schema));
  }
  return validators.get(key);
}

/** `/spec/template has no field "volums"` */
function say({ instancePath, keyword, params, message }: ErrorObject): string {
  const place = instancePath === "" ? "the object" : instancePath;
  if (keyword === "additionalProperties") return `${place} has no field "${params["additionalProperty"]}"`;
  if (keyword === "required") return `${place} lacks "${params["missingProperty"]}"`;
  return `${place} ${message}`;
}
