/** Headers in a file: how they are written, and that a new key is used with the next batch. */
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openOtlpExport } from "../../../src/otlp/exporter.ts";
import { openHeadersFile } from "../../../src/otlp/headers-file.ts";
import { openOtlpReceiver } from "../../otlp-receiver.ts";
import { numbered } from "../../outbox-fixture.ts";

let folder: string;
let path: string;
let warnings: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "oomscribe-headers-"));
  path = join(folder, "headers");
  warnings = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = () => openHeadersFile(path, (warning) => warnings.push(warning));

test("a line each, names in any case, blanks around, colons inside", () => {
  writeFileSync(path, "# keys\nAuthorization: Bearer a:b=c\r\n\n  X-Scope-OrgID :  one  \nempty:");
  expect(open().read()).toEqual({ authorization: "Bearer a:b=c", "x-scope-orgid": "one", empty: "" });
});

test.each(["secret", ": secret", "a b: secret", "a: secr\u0001et", "a=secret"])(
  "%j is an error without its words",
  (line) => {
    writeFileSync(path, `ok: 1\n${line}\n`);
    expect(open).toThrow(/line 2 is not "name: value"$/);
    expect(open).not.toThrow(/secr/);
  },
);

test("a file that is not there is an error at the start", () => {
  expect(open).toThrow(/^the file of headers .* cannot be read: ENOENT/);
});

test("replaced, as Kubernetes replaces a Secret: a link to another folder", () => {
  for (const version of ["1", "2"]) writeFileSync(join(folder, `v${version}`), `key: ${version}`);
  symlinkSync("v1", path);
  const file = open();
  expect(file.read()).toEqual({ key: "1" });
  symlinkSync("v2", join(folder, "next"));
  renameSync(join(folder, "next"), path);
  expect(file.read()).toEqual({ key: "2" });
});

test("broken or gone: the last ones are used, and it is said once", () => {
  writeFileSync(path, "key: 1");
  const file = open();
  writeFileSync(path, "key secret");
  expect([file.read(), file.read()]).toEqual([{ key: "1" }, { key: "1" }]);
  rmSync(path);
  expect([file.read(), file.read()]).toEqual([{ key: "1" }, { key: "1" }]);
  expect(warnings).toHaveLength(2);
  expect(warnings.join()).not.toContain("secret");
  writeFileSync(path, "key: 3");
  expect(file.read()).toEqual({ key: "3" });
});

test("a key that is rotated: refused with the old one, taken with the new", async () => {
  const receiver = await openOtlpReceiver({
    respond: ({ headers }) => (headers["authorization"] === "new" ? undefined : { status: 401 }),
  });
  try {
    writeFileSync(path, "authorization: old");
    const env = { OTEL_EXPORTER_OTLP_HEADERS: "authorization=lower,other=1" };
    const backend = openOtlpExport({ endpoint: receiver.url, env, version: "0", headersFile: path });
    expect(await backend.export([numbered(1)])).toMatchObject({ kind: "blocked" });
    writeFileSync(path, "authorization: new");
    expect(await backend.export([numbered(1)])).toEqual({ kind: "delivered" });
    expect(receiver.requests().at(-1)?.headers).toMatchObject({ authorization: "new", other: "1" });
    backend.close();
  } finally {
    await receiver.close();
  }
});
