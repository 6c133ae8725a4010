/** The page of --html in a browser: sorted, filtered, linked to, in both themes; what a process calls itself stays text. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { toScriptJson } from "../../src/replay/html/page.ts";
import { capture } from "../cli-process.ts";
import { openBrowser, whyNoBrowser } from "./browser.ts";
import { makeReport, repeatReport } from "./reports.ts";

const reason = whyNoBrowser();
if (reason !== undefined) process.stderr.write(`test/e2e is skipped: ${reason}\n`);

const NODE = capture("v2-6.1/08-node-out-of-memory.kmsg");
/** Kills of NODE in the order of the log. */
const PIDS = [460, 461, 462, 463, 503];

describe.skipIf(reason !== undefined)("a report in Chromium", () => {
  let folder: string;
  let browser: Browser;
  let address: string;
  /** what the page said was wrong */
  let errors: string[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "oomscribe-e2e-"));
    browser = await openBrowser();
    address = await makeReport(folder, "node", [NODE]);
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true });
  });
  afterEach(() => expect(errors).toEqual([]));

  async function open(url = address, options: { width?: number; dark?: boolean } = {}): Promise<Page> {
    errors = [];
    const page = await browser.newPage({
      viewport: { width: options.width ?? 1280, height: 900 },
      colorScheme: options.dark ? "dark" : "light",
    });
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("dialog", (dialog) => errors.push(`dialog: ${dialog.message()}`));
    page.on("request", (request) => request.url().startsWith("file:") || errors.push(`asked for ${request.url()}`));
    await page.goto(url);
    await page.waitForSelector("html[data-ready]");
    return page;
  }

  async function pidsIn(page: Page): Promise<number[]> {
    return (await page.locator(".kills .pid").allTextContents()).map(Number);
  }

  test("lists the kills in the order of their time, and tells of the first", async () => {
    const page = await open();
    expect(await pidsIn(page)).toEqual(PIDS);
    expect(await page.locator("#summary").textContent()).toContain("5 kills in 1 capture");
    expect(await page.locator("#detail h2").textContent()).toMatch(/^worker-0 \(pid 460\)/);
    expect(await page.locator("#timeline button").count()).toBeGreaterThan(0);
  });

  test("sorts by its heads, and says so", async () => {
    const page = await open();
    await page.getByRole("button", { name: "Held", exact: true }).click();
    expect((await pidsIn(page))[0]).toBe(503);
    expect(await page.locator(".kills th.c-held").getAttribute("aria-sort")).toBe("descending");
    await page.getByRole("button", { name: "Killed", exact: true }).click();
    expect(await pidsIn(page)).toEqual([503, 460, 461, 462, 463]);
    await page.getByRole("button", { name: "Killed", exact: true }).click();
    expect(await pidsIn(page)).toEqual([463, 462, 461, 460, 503]);
  });

  test("filters by words, by limit, by place and by time, and shows all again", async () => {
    const page = await open();
    await page.fill("#search", "worker a1a1");
    await page.waitForFunction(() => document.querySelectorAll(".kills tbody tr").length === 1);
    expect(await pidsIn(page)).toEqual([461]);
    await page.click("#reset");
    await page.selectOption("#scope", "node");
    expect(await pidsIn(page)).toEqual([503]);
    await page.click("#reset");
    await page.locator(".place", { hasText: "free.slice" }).click();
    expect(await pidsIn(page)).toEqual([503]);
    await page.click("#reset");
    await page.locator("#timeline button").first().click();
    expect((await pidsIn(page))[0]).toBe(460);
    expect(await pidsIn(page)).not.toContain(503);
    await page.click("#reset");
    expect(await pidsIn(page)).toEqual(PIDS);
  });

  test("a deep link opens its kill; a row is one", async () => {
    const page = await open();
    await page.locator(".kills a", { hasText: "node-eater" }).click();
    expect(await page.locator("#detail h2").textContent()).toMatch(/^node-eater \(pid 503\)/);
    const linked = await open(page.url());
    expect(linked.url()).toMatch(/#[0-9a-f]{32}$/);
    expect(await linked.locator("#detail h2").textContent()).toMatch(/^node-eater \(pid 503\)/);
    expect(await linked.locator(".kills [aria-current]").textContent()).toBe("node-eater");
    expect(await linked.locator(".lines pre").textContent()).toContain(
      "Out of memory: Killed process 503 (node-eater)",
    );
  });

  test("the tasks are sorted by their heads, the victim is marked", async () => {
    const page = await open();
    await page.locator(".kills a", { hasText: "node-eater" }).click();
    const names = page.locator(".tasks tbody th");
    expect(await names.allTextContents()).toEqual(["node-eaterkilled", "init"]);
    await page.locator(".tasks").getByRole("button", { name: "Task" }).click();
    expect(await names.allTextContents()).toEqual(["init", "node-eaterkilled"]);
  });

  test("the switch goes from the system's theme to light to dark, and it is remembered", async () => {
    const page = await open(address, { dark: true });
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await background();
    await page.click("#theme");
    const light = await background();
    expect(light).not.toBe(dark);
    await page.click("#theme");
    expect(await background()).toBe(dark);
    await page.reload();
    expect(await page.textContent("#theme")).toBe("Theme: dark");
  });

  test.each([1280, 390])("nothing is wider than %i columns of pixels", async (width) => {
    const page = await open(address, { width });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
  });

  test.each([
    ["light", 1280],
    ["dark", 1280],
    ["light", 390],
    ["dark", 390],
  ] as const)("axe finds nothing to mend: %s, %i pixels wide", async (theme, width) => {
    const page = await open(address, { width, dark: theme === "dark" });
    await page.locator(".kills a", { hasText: "node-eater" }).click();
    await page.evaluate(() => {
      for (const details of document.querySelectorAll("details")) details.open = true;
    });
    await page.evaluate(axe.source);
    const found = await page.evaluate(async () => {
      const { violations } = await (globalThis as unknown as { axe: typeof import("axe-core") }).axe.run();
      return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
    });
    expect(found).toEqual([]);
  });

  /** The same page, with attributes of its kills replaced. */
  async function openWith(name: string, own: Record<string, unknown>, body?: string): Promise<Page> {
    const path = join(folder, name);
    const page = readFileSync(fileURLToPath(address), "utf8");
    const told = page.replace(
      /(<script type="application\/json" id="data">)([^<]*)/,
      (_, head: string, text: string) => {
        const data = JSON.parse(text);
        for (const kill of data.kills) {
          Object.assign(kill.attributes, own);
          if (body !== undefined) kill.body = body;
        }
        return head + toScriptJson(data);
      },
    );
    writeFileSync(path, told);
    return open(`file://${path}`);
  }

  test("the diagnosis: cause, facts, commands to copy, whatever is in them as text", async () => {
    const advised = await openWith("advised.html", {
      "oom.cause": "a leak <b>",
      "oom.cause.confidence": 0.8,
      "oom.cause.facts": ["it grew <u>"],
      "oom.advice": ["kubectl top pod <i>", "# Read <s> by hand"],
    });
    // A sentence is no command: there is nothing to copy.
    expect(await advised.locator(".diagnosis").textContent()).toBe(
      "DiagnosisThe cause: a leak <b> (80 % sure).it grew <u>kubectl top pod <i>CopyRead <s> by hand.",
    );
    expect(await (await open()).locator(".diagnosis").textContent()).toContain("The cause: ");
  });

  test("counts kills that it does not hold, by time and place", async () => {
    const path = join(folder, "others.html");
    const page = readFileSync(fileURLToPath(address), "utf8").replace(
      /(<script type="application\/json" id="data">)([^<]*)/,
      (_, head: string, text: string) => {
        const data = JSON.parse(text);
        const seconds: number = data.kills[0].attributes["oom.kernel.monotonic"];
        data.others = {
          count: 3000,
          times: [
            { seconds, isWall: false, kills: 2000, node: 0 },
            { seconds: seconds + 600, isWall: false, kills: 900, node: 900 },
          ],
          places: [{ place: "elsewhere", kills: 3000 }],
        };
        return head + toScriptJson(data);
      },
    );
    writeFileSync(path, page);
    const opened = await open(`file://${path}`);
    expect(await opened.locator("#summary").textContent()).toContain(
      "This page shows the first 5 kills. The other 3,000 are counted in its timeline and its places",
    );
    expect(await opened.locator("#timeline .hint").first().textContent()).toMatch(
      /the highest 2[0-9]{3} kills.*Striped/,
    );
    expect(await opened.locator("#timeline").textContent()).toContain("100 more without a time");
    const first = opened.locator(".places tbody tr").first();
    expect(await first.textContent()).toBe("elsewhere3,000not in this page–");
    await first.getByRole("button").click();
    expect(await opened.locator(".count").textContent()).toBe("No kill is like that.");
  });

  test("copies the kernel's lines as they stand in the log", async () => {
    const page = await open();
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.locator(".kills a", { hasText: "node-eater" }).click();
    await page.getByRole("button", { name: "Copy lines" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    const log = readFileSync(NODE, "utf8").split("\n");
    expect(copied.split("\n").length).toBeGreaterThan(10);
    expect(copied.split("\n").filter((line) => !log.includes(line))).toEqual([]);
  });

  test("nothing that is copied holds what a terminal acts upon, or cannot be seen", async () => {
    const hostile = "a\u001b[201~\rb\u009bc\u202ed\u{e0041}e\u007f";
    const own = { "oom.advice": [`cat ${hostile}`], "oom.cause": "leak", "log.record.original": `x ${hostile}\ny` };
    const page = await openWith("copied.html", own, hostile);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.locator(".kills a").first().click();
    for (const name of ["Copy link", "Copy sentence", "Copy JSON", "Copy", "Copy lines"]) {
      await page.getByRole("button", { name, exact: true }).click();
      const said = page.getByRole("button", { name: "Copied" });
      await said.waitFor();
      const copied = await page.evaluate(() => navigator.clipboard.readText());
      expect(copied.replaceAll("\n", ""), name).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      if (name === "Copy JSON") expect(JSON.parse(copied).body).toBe(hostile);
      await said.waitFor({ state: "detached" });
    }
  });

  test("works by keyboard alone", async () => {
    const page = await open();
    await page.locator("#search").focus();
    await page.keyboard.type("node-eater");
    await page.waitForFunction(() => document.querySelectorAll(".kills tbody tr").length === 1);
    await page.locator(".kills a").focus();
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector("#detail h2")?.textContent?.startsWith("node-eater"));
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("detail");
  });

  test("what a process calls itself stays text", async () => {
    const names = ["<script>a=1//", "<img onerror=a>", "</script><b>", '"><svg onload=x', "<!--<script>"];
    const page = await open(await makeReport(folder, "hostile", [repeatReport(folder, names)]));
    expect(await page.locator(".kills tbody tr").count()).toBe(names.length);
    const markup = "#kills script, #kills img, #kills b:not(.legend b), #kills svg, header script";
    expect(await page.locator(markup).count()).toBe(0);
    for (const [index, name] of names.entries()) {
      await page.locator(".kills a").nth(index).click();
      await page.waitForFunction(
        (pid) => document.querySelector("#detail h2")?.textContent?.includes(pid),
        `${20_000 + index}`,
      );
      expect(await page.locator(".lines").textContent()).toContain(name);
      expect(await page.locator(markup).count()).toBe(0);
    }
  });

  test("the policy stops a script that is put into the page all the same", async () => {
    const page = await open();
    const ran = await page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "window.ran = true";
      document.body.append(script);
      return "ran" in window;
    });
    expect(ran).toBe(false);
    expect(errors.join()).toContain("Content Security Policy");
    errors = [];
  });

  test("ten thousand kills: it is there, sorts and filters in a moment", { timeout: 120_000 }, async () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `worker-${index % 97}`);
    const url = await makeReport(folder, "many", [repeatReport(folder, names)]);
    const page = await open(url);
    expect(await page.locator(".count").textContent()).toBe("1–50 of 10,000");
    const milliseconds = await page.evaluate(() => {
      const start = performance.now();
      document.querySelector<HTMLButtonElement>(".kills th.c-comm button")?.click();
      // Reading a size makes the browser lay it out.
      return document.body.offsetHeight > 0 ? performance.now() - start : Number.NaN;
    });
    expect(milliseconds).toBeLessThan(2000);
    await page.fill("#search", "29999");
    await page.waitForFunction(() => document.querySelectorAll(".kills tbody tr").length === 1);
    expect(await pidsIn(page)).toEqual([29_999]);
  });
});
