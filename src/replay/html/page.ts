/** The file of a report: markup, style, script and data in one, with a policy that lets nothing else run or load. */
import { createHash } from "node:crypto";
import type { PageAssets } from "./assets.ts";

/** What stands before and after a page's data, which is JSON as toScriptJson writes it. */
export interface PageFrame {
  before: string;
  after: string;
}

export function renderFrame({ script, style }: PageAssets): PageFrame {
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const before = `<!doctype html>
<html lang="en" data-theme="system">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>OOM kills · Oomscribe</title>
<style>${style}</style>
</head>
<body>
<header>
<div class="top"><h1>Oomscribe: OOM kills</h1><div id="tools"></div></div>
<div id="summary"></div>
</header>
<main>
<noscript><p>This report needs scripts. The same as text: oomscribe replay FILE</p></noscript>
<div class="overview">
<section class="card" id="timeline"></section>
<section class="card" id="places"></section>
</div>
<div class="work" id="kills">
<section class="card" id="list"><h2>Kills</h2><div id="filters" role="search"></div></section>
<article class="card" id="detail" tabindex="-1" aria-label="The kill that is chosen"></article>
</div>
</main>
<footer id="made"></footer>
<script type="application/json" id="data">`;
  const after = `</script>
<script>${script}</script>
</body>
</html>
`;
  return { before, after };
}

/** The hash that a policy names a script or a style by. */
function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

/** JSON of any value without `<`: whatever names are in it, it can then neither end its element nor begin a comment in it. */
export function toScriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}
