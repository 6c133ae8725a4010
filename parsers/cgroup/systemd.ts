/** systemd's names of cgroups: units with their escapes undone, users' slices, and requests that were not understood. */
import { decodeBytes } from "../bytes.ts";
import type { Layout } from "./layout.ts";

/** Spec: systemd.unit(5), and src/basic/unit-def.c for the suffixes; targets, timers and the like have no cgroup. */
const UNIT = /^[A-Za-z0-9:_.@\\-]+\.(?:service|scope|slice|socket|mount|swap)$/;
const ESCAPE = /\\x([0-9a-fA-F]{2})/g;

/**
 * A segment that names a unit, unescaped: `a\x2db.service` → `a-b.service`. A name that would clash with a file of the
 * kernel's has an underscore before it (src/basic/cgroup-util.c cg_escape): `_cpu.service` → `cpu.service`.
 * @returns undefined where it is not a unit's name
 */
export function readUnitName(segment: string): string | undefined {
  if (!UNIT.test(segment)) return undefined;
  const escaped = segment.startsWith("_") ? segment.slice(1) : segment;
  if (!escaped.includes("\\")) return escaped;
  return decodeBytes(escaped.replace(ESCAPE, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))));
}

/** A container's ID, and that of a step of dockerd's BuildKit. */
const CONTAINER_ID = /^[0-9a-f]{64}$/;
const BUILD_STEP_ID = /^[0-9a-z]{25}$/;

/**
 * `<slice>:<prefix>:<id>` is how a runtime is asked for the unit `<prefix>-<id>.scope` in that slice (runc
 * docs/systemd.md); with the cgroupfs driver it makes a directory of that very name, wherever it stands itself.
 * @returns the slice and the scope that were meant
 */
export function splitSliceRequest(segment: string): string[] | undefined {
  // Hardly any segment has one.
  if (!segment.includes(":")) return undefined;
  const [slice = "", prefix = "", id = "", ...more] = segment.split(":");
  if (more.length > 0 || prefix === "" || (slice !== "" && !slice.endsWith(".slice"))) return undefined;
  if (!CONTAINER_ID.test(id) && !(prefix === "docker" && BUILD_STEP_ID.test(id))) return undefined;
  const scope = `${prefix}-${id}.scope`;
  return slice === "" ? [scope] : [slice, scope];
}

export const USER_LAYOUTS: readonly Layout[] = [
  {
    name: "logind/user.slice",
    source: "systemd src/login/logind-user.c",
    example: "/user.slice",
    pattern: /^user\.slice$/,
    read: () => ({ kind: "user", driver: "systemd" }),
  },
  {
    name: "logind/before slices",
    source: "systemd 204 src/login/logind-user.c user_create_cgroup",
    example: "/user/1000.user",
    parent: /^user$/,
    pattern: /^\d+\.user$/,
    read: () => ({ kind: "user", driver: "systemd" }),
  },
];
