/** The part of a page that is made by `npm run docs`, between two comments. */
import { readFileSync } from "node:fs";

export interface GeneratedPart {
  /** of the repository */
  path: string;
  begin: string;
  end: string;
}

export function pageOf({ path }: GeneratedPart): URL {
  return new URL(`../${path}`, import.meta.url);
}

/** The page as it should be: its prose as it stands, the part made anew. */
export function renderPart(part: GeneratedPart, text: string): string {
  const page = readFileSync(pageOf(part), "utf8");
  const begin = page.indexOf(part.begin);
  const end = page.indexOf(part.end);
  if (begin === -1 || end < begin)
    throw new Error(`${part.path}: put the lines "${part.begin}" and "${part.end}" back`);
  return `${page.slice(0, begin)}${part.begin}\n\n${text}\n${page.slice(end)}`;
}
