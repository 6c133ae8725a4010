/** Which record is taken for the test kill's. */
import { expect, test } from "vitest";
import { isOurs } from "../../../../src/doctor/test-kill/follow.ts";
import type { LogRecord } from "../../../../src/record/log-record.ts";

const CGROUP = "/oomscribe-doctor-0123abcd";

const record = (attributes: LogRecord["attributes"]): LogRecord => ({
  severityText: "ERROR",
  severityNumber: 17,
  eventName: "oom.kill",
  body: "",
  resource: {},
  attributes,
});

test.each<[string, LogRecord["attributes"], boolean]>([
  ["in its cgroup", { "oom.victim.cgroup": `/somewhere${CGROUP}` }, true],
  ["in another", { "oom.victim.cgroup": "/another" }, false],
  ["by its name, where the cgroup is not known", { "process.executable.name": "oomscribe-test" }, true],
  [
    "in its cgroup by a line that no count confirms",
    { "oom.victim.cgroup": CGROUP, "oom.attribution": "unverified" },
    false,
  ],
])("a kill %s", (_, attributes, isIts) => {
  expect(isOurs(record(attributes), CGROUP)).toBe(isIts);
});
