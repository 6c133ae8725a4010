/** The licence texts of the npm packages that a bundle holds, which their licences want beside every copy. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Metafile } from "esbuild";

/** SPDX identifiers that allow what is done here: a bundle under Apache-2.0, with the texts beside it. */
const ALLOWED: readonly string[] = ["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"];

/** Licences, and the notices that Apache-2.0 wants passed on (4d). */
const TEXT_FILE = /^(?:(?:un)?licen[cs]e|copying|copyright|notice)/i;

/** Packages that hold code of other projects in files of their own, as no metafile of ours can tell. */
const CONTAINED: Readonly<Record<string, { packages?: readonly string[]; texts?: Readonly<Record<string, string>> }>> =
  {
    "jsonpath-plus": { packages: ["jsep", "@jsep-plugin/assignment", "@jsep-plugin/regex"] },
    // Its HTTP parser, as WebAssembly. The text is that of Node's LICENSE: undici has none.
    undici: { texts: { "llhttp (MIT)": "scripts/licences/llhttp.txt" } },
  };

export interface LicensedPackage {
  name: string;
  version: string;
  /** SPDX identifier */
  licence: string;
  texts: readonly string[];
}

/** @returns folders of the packages that have a part in an output of esbuild, relative to where it was run */
export function findBundledPackages(metafile: Metafile): string[] {
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  const folders = inputs.flatMap(([path, { bytesInOutput }]) => {
    const folder = /.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
    return folder === undefined || bytesInOutput === 0 ? [] : [folder];
  });
  return [...new Set(folders)];
}

/** @throws Error where the package has no text of its licence, or one that nobody has looked at */
export function readPackageLicence(folder: string): LicensedPackage {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const { name, version, license } = manifest as { name: string; version: string; license?: string };
  if (license === undefined || !ALLOWED.includes(license)) {
    throw new Error(
      `${name} ${version} is bundled, and its licence is ${license ?? "not named"}: if it may be, add it to ALLOWED in scripts/licences.ts`,
    );
  }
  const files = readdirSync(folder)
    .filter((file) => TEXT_FILE.test(file))
    .sort();
  const texts = files.map((file) => readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n").trim());
  if (!texts.some((text) => text !== "")) {
    throw new Error(`${name} ${version} is bundled, and its package has no text of its licence (${license})`);
  }
  return { name, version, licence: license, texts };
}

/**
 * @param folders of packages, relative to root
 * @returns a text for people: every package with its version and licence; a text that several have stands once
 * @throws Error as readPackageLicence
 */
export function formatLicences(root: string, folders: readonly string[]): string {
  const titlesByText = new Map<string, string[]>();
  const add = (title: string, text: string): void => {
    const titles = titlesByText.get(text);
    if (titles === undefined) titlesByText.set(text, [title]);
    else if (!titles.includes(title)) titles.push(title);
  };
  const addPackage = (folder: string): void => {
    const { name, version, licence, texts } = readPackageLicence(join(root, folder));
    for (const text of texts) add(`${name} ${version} (${licence})`, text);
    const { packages = [], texts: contained = {} } = CONTAINED[name] ?? {};
    for (const one of packages) addPackage(join("node_modules", one));
    for (const [title, path] of Object.entries(contained)) add(title, readFileSync(join(root, path), "utf8").trim());
  };
  for (const folder of [...folders].sort()) addPackage(folder);
  const sections = [...titlesByText].map(([text, titles]) => `${RULE}\n${titles.join("\n")}\n${RULE}\n\n${text}\n`);
  return `${HEAD}\n${sections.join("\n")}`;
}

const RULE = "-".repeat(80);
const HEAD = `oomscribe.mjs is licensed under the Apache License 2.0 (LICENSE). It holds code of the packages below, under
their own licences.
`;
