/** Writes the pictures of the README: `node test/e2e/screenshot.ts`, where there is a Chromium. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { capture } from "../cli-process.ts";
import { openBrowser } from "./browser.ts";
import { makeReport } from "./reports.ts";

const FILES = [
  "v2-6.1/03-oom-group.kmsg",
  "v2-6.1/04-pod-level-limit-two-containers.kmsg",
  "v2-6.1/08-node-out-of-memory.kmsg",
];

const folder = mkdtempSync(join(tmpdir(), "oomscribe-screenshot-"));
const browser = await openBrowser();
try {
  const address = await makeReport(folder, "report", FILES.map(capture));
  for (const colorScheme of ["light", "dark"] as const) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 1020 }, colorScheme });
    await page.goto(address);
    await page.locator(".kills a", { hasText: "node-eater" }).click();
    await page.evaluate(() => scrollTo(0, 0));
    await page.mouse.move(0, 0);
    await page.screenshot({ path: fileURLToPath(new URL(`../../docs/report-${colorScheme}.png`, import.meta.url)) });
  }
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}
