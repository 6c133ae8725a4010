/** What people are told where the kernel's log cannot be opened. */
import { expect, test } from "vitest";
import { KmsgOpenError, openKmsgDevice } from "../../src/sources/kmsg-device.ts";

test.each([
  ["/nonexistent/kmsg", "ENOENT", "privileged"],
  ["/dev/null", "ENODEV", "not the kernel's log"],
  [import.meta.filename, "ENODEV", "oomscribe replay"],
])("%s: %s", (path, code, advice) => {
  expect(() => openKmsgDevice(path)).toThrow(KmsgOpenError);
  expect(() => openKmsgDevice(path)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(advice) }),
  );
  expect(() => openKmsgDevice(path)).toThrow(path);
});
