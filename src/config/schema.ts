/** What values a setting takes: the schema that flags, variables and the file are held against together. */
import { isIP } from "node:net";
// As a namespace: by name, a bundle would hold all of zod (569 kB for 128).
import * as z from "zod";
import { SETTINGS, type SettingName } from "./settings.ts";

const text = z.string().trim().min(1, "is empty");
/** Nobody waits an hour for a batch, see otlp-settings.ts. */
const seconds = z.number("write a number of seconds").positive("write a number above 0");
const url = text.refine(isHttpUrl, "is not an http(s) URL; write for example http://localhost:4318");
const address = text.refine(isAddress, "write ADDRESS:PORT, such as 127.0.0.1:9464, [::1]:9464 or :9464");
/** In YAML a header or attribute that looks like a number is one. */
const map = z.record(z.string().trim().min(1), z.union([z.string(), z.number(), z.boolean()]).transform(String));

export const SCHEMA = z.strictObject({
  since: z.enum(SETTINGS.since.choices).default("boot"),
  backend: z.enum(SETTINGS.backend.choices).default("collector"),
  otlp: z.union([z.array(url).min(1, "is empty"), url.transform((one) => [one])]).optional(),
  "otlp-protocol": z.enum(SETTINGS["otlp-protocol"].choices).optional(),
  "otlp-headers": map.optional(),
  "otlp-headers-file": text.optional(),
  "otlp-timeout": seconds.max(3600, "write 3600 at most").optional(),
  "otlp-compression": z.enum(SETTINGS["otlp-compression"].choices).optional(),
  "otlp-ca-file": text.optional(),
  "otlp-cert-file": text.optional(),
  "otlp-key-file": text.optional(),
  "access-key": text.optional(),
  environment: text.optional(),
  "node-name": text.optional(),
  "cluster-name": text.optional(),
  kubernetes: z.enum(SETTINGS.kubernetes.choices).optional(),
  kubeconfig: text.optional(),
  kubelet: text.optional(),
  "kubelet-ca-file": text.optional(),
  "service-labels": z.enum(SETTINGS["service-labels"].choices).optional(),
  "resource-attributes": map.optional(),
  "state-dir": text.optional(),
  // Below, the outbox would hold no more than a few reports.
  "outbox-max-bytes": z.int("write a whole number of bytes").min(1_048_576, "write 1048576 at least").optional(),
  "outbox-max-age": seconds.optional(),
  "near-limit": z.number("write a number of percent").min(0, "write 0 at least").max(99, "write 99 at most").optional(),
  listen: address.optional(),
  "probe-listen": address.optional(),
  "host-root": text.optional(),
  kmsg: text.optional(),
} satisfies Record<SettingName, z.ZodType>);

export type Settings = z.output<typeof SCHEMA>;

/** What is wrong with a value. */
export interface Problem {
  /** the setting; where the name itself is wrong, that name */
  name: string;
  kind: "unknown" | "choice" | "other";
  message: string;
}

/** @param raw values by name, whoever has set them */
export function checkSettings(raw: Readonly<Record<string, unknown>>): { settings: Settings } | { problem: Problem } {
  const result = SCHEMA.safeParse(raw);
  if (result.success) return { settings: result.data };
  // The name that is wrong before values that are: it may be one and the same mistake.
  const unknown = result.error.issues.find(({ code }) => code === "unrecognized_keys");
  if (unknown?.code === "unrecognized_keys") {
    return { problem: { name: unknown.keys[0] ?? "", kind: "unknown", message: unknown.message } };
  }
  const [issue] = result.error.issues;
  const [name, ...inside] = issue?.path ?? [];
  const where = inside.length === 0 ? "" : `${inside.join(".")}: `;
  return {
    problem: {
      name: String(name),
      kind: issue?.code === "invalid_value" ? "choice" : "other",
      message: `${where}${firstMessage(issue)}`,
    },
  };
}

/** Of a value that may be of several kinds, what the kind says that comes nearest. */
function firstMessage(issue: z.core.$ZodIssue | undefined): string {
  if (issue?.code !== "invalid_union") return issue?.message ?? "is wrong";
  const inner = issue.errors.flat().find(({ code }) => code !== "invalid_type") ?? issue.errors.flat()[0];
  return inner?.message ?? issue.message;
}

function isAddress(value: string): boolean {
  const [, address = "", port = ""] = /^(.*):(\d{1,5})$/.exec(value) ?? [];
  const host = /^\[(.*)\]$/.exec(address)?.[1] ?? address;
  return (address === "" || isIP(host) !== 0) && port !== "" && Number(port) <= 65_535;
}

function isHttpUrl(value: string): boolean {
  return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
}
