/** OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME. */
import { expect, test } from "vitest";
import { readResourceEnv } from "../../../src/record/resource-env.ts";

test.each<[string, Record<string, string>, Record<string, string>]>([
  ["nothing", {}, {}],
  ["empty ones", { OTEL_RESOURCE_ATTRIBUTES: "", OTEL_SERVICE_NAME: " " }, {}],
  ["pairs", { OTEL_RESOURCE_ATTRIBUTES: "a=1, b = two ,,c=" }, { a: "1", b: "two", c: "" }],
  ["percent-encoding", { OTEL_RESOURCE_ATTRIBUTES: "k%2Ce=v%3D1%20%C3%B6" }, { "k,e": "v=1 ö" }],
  ["a service's name", { OTEL_SERVICE_NAME: "mine" }, { "service.name": "mine" }],
  [
    "the service's name before the attribute",
    { OTEL_RESOURCE_ATTRIBUTES: "service.name=theirs,a=1", OTEL_SERVICE_NAME: "mine" },
    { "service.name": "mine", a: "1" },
  ],
])("%s", (_, env, expected) => {
  const warnings: string[] = [];
  expect(readResourceEnv(env, (message) => warnings.push(message))).toEqual(expected);
  expect(warnings).toEqual([]);
});

test.each(["a", "a=1=2", "=1", "a=%zz", "a=1,b"])("%s is ignored as a whole, with a warning", (list) => {
  const warnings: string[] = [];
  const env = { OTEL_RESOURCE_ATTRIBUTES: `x=1,${list}`, OTEL_SERVICE_NAME: "mine" };
  expect(readResourceEnv(env, (message) => warnings.push(message))).toEqual({ "service.name": "mine" });
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/^OTEL_RESOURCE_ATTRIBUTES is ignored: /);
});
