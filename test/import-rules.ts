/** The table of what may import what, and a scanner that finds the statements which break it. */
import { dirname, join } from "node:path/posix";

export interface ImportStatement {
  /** as it is written */
  specifier: string;
  /** `import type`, `export type … from`: nothing of it is left at run time */
  typeOnly: boolean;
}

/** The layers of src, left to right; a file may take values only from its own, and types from those to the left. */
const STAGES = ["sources", "correlate", "identify", "diagnose", "ship"];
/** What any of them may take: no I/O, no clock, and nothing of src within. */
const FOR_ALL = ["backoff", "seldom"];
/** What stands on top of them: each takes what it likes of the stages, and of this list what stands to its left. */
const ON_TOP = [
  "version",
  "config",
  "telemetry",
  "node-facts",
  "pipeline",
  "live",
  "sources-of-node",
  "names-of-node",
  "deliveries",
  "reload",
  "kill-counts",
  "container-kill-counts",
  "agent-state",
  "own-metrics",
  "own-server",
  "stop",
  "replay",
  "doctor",
  "agent",
  "commands",
  "cli",
];

/** The folder that each npm package enters through. A package that is not here may not be imported at all. */
const DOORS: Readonly<Record<string, string>> = {
  "@opentelemetry/api": "src/ship",
  "@opentelemetry/exporter-logs-otlp-http": "src/ship",
  "@opentelemetry/exporter-logs-otlp-proto": "src/ship",
  "@opentelemetry/resources": "src/ship",
  "@opentelemetry/sdk-logs": "src/ship",
  "@kubernetes/client-node": "src/identify",
  esbuild: "src/replay/html",
  pino: "src/telemetry",
  yaml: "src/config",
  zod: "src/config",
};

const STATEMENT =
  /^[ \t]*(?:import|export)\s+(?:(type)\s+)?(?:[\w*$]+(?:\s+as\s+[\w$]+)?\s*,?\s*)?(?:\{[^}]*\}\s*)?from\s*["']([^"']+)["']/gm;
const SIDE_EFFECT = /^[ \t]*import\s*["']([^"']+)["']/gm;
const CALL = /\b(?:import|require)\s*\(\s*["'`]([^"'`]+)["'`]/g;

/** The import and re-export statements of a source text, `import(…)` and `require(…)` too. */
export function scanImports(source: string): ImportStatement[] {
  const code = source.replace(/\/\*[^]*?\*\//g, "").replace(/^[ \t]*\/\/.*$/gm, "");
  return [
    ...Array.from(code.matchAll(STATEMENT), ([whole, type, specifier = ""]) => ({
      specifier,
      typeOnly: type !== undefined || hasOnlyTypes(whole),
    })),
    ...[SIDE_EFFECT, CALL].flatMap((pattern) =>
      Array.from(code.matchAll(pattern), ([, specifier = ""]) => ({ specifier, typeOnly: false })),
    ),
  ];
}

/** `import { type A, type B } from …`: with verbatimModuleSyntax the module is still loaded, but no value is taken. */
function hasOnlyTypes(statement: string): boolean {
  const names = /^[ \t]*import\s*\{([^}]*)\}/.exec(statement)?.[1];
  return names?.split(",").every((name) => /^\s*(?:type\s|$)/.test(name)) ?? false;
}

/**
 * What is wrong with a file's imports, a sentence each.
 * @param file path from the root of the repository, with slashes
 */
export function findForbiddenImports(file: string, source: string): string[] {
  return scanImports(source).flatMap((statement) => {
    const reason = whyForbidden(file, statement);
    return reason === undefined ? [] : [`${file} imports ${statement.specifier}: ${reason}`];
  });
}

function whyForbidden(file: string, { specifier, typeOnly }: ImportStatement): string | undefined {
  const isParser = file.startsWith("parsers/");
  if (specifier.startsWith("node:")) return isParser ? "parsers are pure, without any module of Node" : undefined;
  if (!specifier.startsWith(".")) return isParser ? "parsers have no dependency" : whyWrongDoor(file, specifier);
  const target = join(dirname(file), specifier);
  if (isParser) return target.startsWith("parsers/") ? undefined : "parsers know nothing outside parsers/";
  if (target.startsWith("parsers/") || target === "package.json") return undefined;
  if (!target.startsWith("src/")) return "src imports src and parsers only";
  return whyWrongLayer(layerOf(file), layerOf(target), typeOnly);
}

function whyWrongDoor(file: string, specifier: string): string | undefined {
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  const door = DOORS[name];
  if (door === undefined) return `${name} has no door: add it to the table with the one folder that may import it`;
  return file.startsWith(`${door}/`) || file === `${door}.ts` ? undefined : `${name} enters through ${door}/ only`;
}

/** `src/ship/otlp.ts` → `ship`, `src/agent.ts` → `agent` */
function layerOf(path: string): string {
  return path.split("/")[1]?.replace(/\.ts$/, "") ?? "";
}

function whyWrongLayer(from: string, to: string, typeOnly: boolean): string | undefined {
  if (from === to) return undefined;
  if (FOR_ALL.includes(from)) return `${from} is for all stages: it knows nothing of src`;
  if (FOR_ALL.includes(to)) return undefined;
  if (!STAGES.includes(from)) return ON_TOP.includes(from) ? whyBelowTop(from, to) : `src/${from} is not in the table`;
  if (!STAGES.includes(to)) return `the stage ${from} knows nothing of ${to}`;
  if (STAGES.indexOf(to) > STAGES.indexOf(from)) return `${to} comes after ${from}`;
  return typeOnly ? undefined : `of a stage to its left, ${from} may take types only`;
}

function whyBelowTop(from: string, to: string): string | undefined {
  if (STAGES.includes(to) || ON_TOP.indexOf(from) > ON_TOP.indexOf(to)) return undefined;
  return `${to} is above ${from}`;
}
