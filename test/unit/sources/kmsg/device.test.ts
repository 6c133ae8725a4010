/** What people are told where the kernel's log cannot be opened. */
import { expect, test } from "vitest";
import { KmsgOpenError, type KmsgRights, kmsgAdvice, openKmsgDevice } from "../../../../src/sources/kmsg/device.ts";

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

const RIGHTS: KmsgRights = { printkDevkmsg: "ratelimit", isRestricted: true, hasSyslog: true };

test.each<[string, string, Partial<KmsgRights>, RegExp]>([
  ["not mounted", "ENOENT", {}, /hostPath/],
  ["another user", "EACCES", {}, /run as root/],
  ["the device cgroup", "EPERM", {}, /^the container may not use the device/],
  ["the device cgroup of a kernel before 4.8", "EPERM", { printkDevkmsg: undefined }, /device cgroup/],
  [
    "no restriction, so that SYSLOG is not asked for",
    "EPERM",
    { isRestricted: false, hasSyslog: false },
    /device cgroup/,
  ],
  ["restricted", "EPERM", { hasSyslog: false }, /dmesg_restrict is 1.*capability SYSLOG/],
  ["switched off for all", "EPERM", { printkDevkmsg: "off" }, /nobody may open it.*printk\.devkmsg=off/],
  ["switched off, whatever else is missing", "EPERM", { printkDevkmsg: "off", hasSyslog: false }, /nobody may open it/],
  ["something else", "EIO", {}, /open\(2\)/],
])("%s (%s)", (_, code, rights, advice) => {
  expect(kmsgAdvice(code, { ...RIGHTS, ...rights })).toMatch(advice);
});
