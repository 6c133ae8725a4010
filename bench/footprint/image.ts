/** How the image starts the agent. */
import { readFileSync } from "node:fs";

/** What the image gives Node, in its ENTRYPOINT and ENV. */
export function readImage(): { flags: string[]; env: Record<string, string> } {
  const text = readFileSync(new URL("../../Dockerfile", import.meta.url), "utf8");
  const entrypoint: string[] = JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(text)?.[1] ?? "[]");
  const set = [...text.matchAll(/^ENV (MALLOC_\w+)=(.*)$/gm)].map(([, name = "", value = ""]) => [name, value]);
  return { flags: entrypoint.slice(1, -1), env: Object.fromEntries(set) };
}
