/** A headless Chromium for tests: Debian's package, driven by playwright-core, which brings no browser of its own. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const given = process.env["OOMSCRIBE_CHROMIUM"];
const path = (given === undefined ? ["/usr/bin/chromium", "/usr/bin/google-chrome"] : [given]).find((one) =>
  existsSync(one),
);

/** undefined: there is one */
export function whyNoBrowser(): string | undefined {
  return path === undefined ? "there is no Chromium: apt-get install chromium, or set OOMSCRIBE_CHROMIUM" : undefined;
}

export async function openBrowser(): Promise<Browser> {
  // Root may not use Chromium's own sandbox; the pages are our own files.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ ...(path === undefined ? {} : { executablePath: path }), args });
}
