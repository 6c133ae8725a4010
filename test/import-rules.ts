/** The table of what may import what, and a scanner that finds the statements which break it. */
import { dirname, join } from "node:path/posix";

export interface ImportStatement {
  /** as it is written */
  specifier: string;
  /** `import type`, `export type … from`: nothing of it is left at run time */
  typeOnly: boolean;
}

/** The folders of src, from the bottom up: each imports only from those before it in this list. */
export const FOLDERS: readonly string[] = [
  "shared",
  "config",
  "telemetry",
  "sources",
  "correlate",
  "identify",
  "diagnose",
  "record",
  "otlp",
  "outbox",
  "pipeline",
  "replay",
  "agent",
  "doctor",
  "cli",
];

/** The stages that a kill passes: of each other they take types only, so that each can be read and tested alone. */
const STAGES: readonly string[] = ["sources", "correlate", "identify", "diagnose", "record"];

/** The folder that each npm package enters through. A package that is not here may not be imported at all. */
const DOORS: Readonly<Record<string, string>> = {
  "@opentelemetry/api": "src/otlp",
  "@opentelemetry/exporter-logs-otlp-http": "src/otlp",
  "@opentelemetry/exporter-logs-otlp-proto": "src/otlp",
  "@opentelemetry/resources": "src/otlp",
  "@opentelemetry/sdk-logs": "src/otlp",
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
  return whyWrongFolder(folderOf(file), folderOf(target), typeOnly);
}

function whyWrongDoor(file: string, specifier: string): string | undefined {
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  const door = DOORS[name];
  if (door === undefined) return `${name} has no door: add it to the table with the one folder that may import it`;
  return file.startsWith(`${door}/`) || file === `${door}.ts` ? undefined : `${name} enters through ${door}/ only`;
}

/** `src/otlp/exporter.ts` → `otlp`; undefined: the file is in no folder of src */
function folderOf(path: string): string | undefined {
  const [, folder, ...rest] = path.split("/");
  return rest.length === 0 ? undefined : folder;
}

function whyWrongFolder(from: string | undefined, to: string | undefined, typeOnly: boolean): string | undefined {
  if (from === undefined || to === undefined) return "no file lies directly in src/";
  if (from === to) return undefined;
  const [own, other] = [from, to].map((folder) => FOLDERS.indexOf(folder)) as [number, number];
  if (own === -1) return `src/${from} is not in the list of folders`;
  if (other === -1) return `src/${to} is not in the list of folders`;
  if (other > own) return `src/${to} comes after src/${from}`;
  const areStages = STAGES.includes(from) && STAGES.includes(to);
  return areStages && !typeOnly ? `of another stage, src/${from} takes types only` : undefined;
}

/**
 * The groups of files that import each other in a circle, types included: each sorted, the groups by their first file.
 * @param sources text of each file, by its path from the root of the repository
 */
export function findCycles(sources: ReadonlyMap<string, string>): string[][] {
  const targets = (file: string): string[] =>
    scanImports(sources.get(file) ?? "")
      .filter(({ specifier }) => specifier.startsWith("."))
      .map(({ specifier }) => join(dirname(file), specifier))
      .filter((target) => sources.has(target));
  return stronglyConnected([...sources.keys()], targets)
    .map((group) => group.toSorted())
    .toSorted(([one = ""], [other = ""]) => (one < other ? -1 : 1));
}

/** Tarjan's algorithm, groups of more than one only. */
function stronglyConnected(nodes: readonly string[], targets: (node: string) => string[]): string[][] {
  const order = new Map<string, number>();
  const stack: string[] = [];
  const groups: string[][] = [];

  function visit(node: string): number {
    const own = order.size;
    order.set(node, own);
    stack.push(node);
    let lowest = own;
    for (const target of targets(node)) {
      if (!order.has(target)) lowest = Math.min(lowest, visit(target));
      else if (stack.includes(target)) lowest = Math.min(lowest, order.get(target) ?? own);
    }
    if (lowest === own) {
      const group = stack.splice(stack.indexOf(node));
      if (group.length > 1) groups.push(group);
    }
    return lowest;
  }

  for (const node of nodes) if (!order.has(node)) visit(node);
  return groups;
}
