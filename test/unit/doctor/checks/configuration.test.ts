/** What `oomscribe doctor` says of how the agent is set up: state directory, configuration, files that name containers. */
import { mkdirSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { type ConfigSources, readConfig } from "../../../../src/config/read.ts";
import { checkConfiguration } from "../../../../src/doctor/checks/configuration.ts";
import { checkContainerNames, judgeNames } from "../../../../src/doctor/checks/container-names.ts";
import { checkStateDirectory } from "../../../../src/doctor/checks/state-directory.ts";
import { OUTBOX_FILE } from "../../../../src/outbox/sqlite-file.ts";
import { makeHostRoot } from "../../../host-root.ts";
import { cleanUp, makeDirectory, onCleanUp, openTestOutbox } from "../../../outbox-fixture.ts";

afterEach(cleanUp);

const config = (settings: Record<string, string>, env: ConfigSources["env"] = {}) =>
  readConfig({ flags: new Map(Object.entries(settings).map(([name, value]) => [name, [value]])), env });

describe("state directory", () => {
  const check = (directory: string, env: ConfigSources["env"] = {}) =>
    checkStateDirectory({ config: config({ "state-dir": directory }, env) });

  test("none is set", () => {
    expect(checkStateDirectory({ config: config({}) })).toMatchObject({
      status: "warning",
      advice: expect.stringContaining("--state-dir"),
    });
  });

  test("no configuration", () => {
    expect(checkStateDirectory({ config: undefined }).status).toBe("skipped");
  });

  test("not there yet: it can be made, and is not", () => {
    const parent = makeDirectory();
    expect(check(join(parent, "a/b"))).toMatchObject({
      status: "ok",
      says: expect.stringContaining("made when the agent starts"),
      detail: { exists: false, outbox: { kind: "absent" } },
    });
    expect(readdirSync(parent)).toEqual([]);
  });

  test("there and empty: nothing is left in it", () => {
    const directory = makeDirectory();
    expect(check(directory)).toMatchObject({ status: "ok", says: expect.stringContaining("no outbox in it yet") });
    expect(readdirSync(directory)).toEqual([]);
  });

  test("with what waits in its outbox", () => {
    const directory = makeDirectory();
    const outbox = openTestOutbox(directory);
    const record = {
      severityText: "ERROR",
      severityNumber: 17,
      eventName: "oom.kill",
      body: "a",
      resource: {},
      attributes: {},
    };
    outbox.commit([record], { position: 7 });
    outbox.close();
    expect(check(directory)).toMatchObject({
      status: "ok",
      says: expect.stringContaining("1 record waits in its outbox"),
      detail: { outbox: { kind: "usable", records: 1 } },
    });
    const again = openTestOutbox(directory);
    expect({ restored: again.restored, size: again.size.records, troubles: again.troubles }).toEqual({
      restored: { position: 7 },
      size: 1,
      troubles: [],
    });
  });

  test("in use by an agent, which is not disturbed", () => {
    const directory = makeDirectory();
    const outbox = openTestOutbox(directory);
    expect(check(directory)).toMatchObject({
      status: "ok",
      says: expect.stringContaining("in use by a running agent"),
    });
    outbox.commit([], { position: 8 });
    expect(outbox.troubles).toEqual([]);
    outbox.close();
    expect(openTestOutbox(directory).restored).toEqual({ position: 8 });
  });

  test("an outbox that is none is told of, and left where it is", () => {
    const directory = makeDirectory();
    writeFileSync(join(directory, OUTBOX_FILE), "x".repeat(5000));
    expect(check(directory)).toMatchObject({
      status: "warning",
      says: expect.stringContaining("cannot be used"),
      advice: expect.stringContaining("set-aside"),
    });
    expect(readdirSync(directory)).toEqual([OUTBOX_FILE]);
  });

  test("a file", () => {
    const path = join(makeDirectory(), "file");
    writeFileSync(path, "");
    expect(check(path)).toMatchObject({ status: "failed", says: `${path} is no directory` });
  });

  test("less room than the outbox may take", () => {
    const env = { OOMSCRIBE_OUTBOX_MAX_BYTES: String(2 ** 50) };
    expect(check(makeDirectory(), env)).toMatchObject({
      status: "warning",
      advice: expect.stringContaining("outbox-max-bytes"),
    });
  });

  test("where nothing can be written", () => {
    expect(check("/proc/oomscribe")).toMatchObject({
      status: "failed",
      says: expect.stringMatching(/^\/proc cannot be written to \(.*\), so \/proc\/oomscribe cannot be made$/),
    });
  });

  test("on a file system that forgets", ({ skip }) => {
    try {
      mkdirSync("/dev/shm/oomscribe-doctor-test");
    } catch {
      skip("/dev/shm cannot be written to");
    }
    onCleanUp(() => rmdirSync("/dev/shm/oomscribe-doctor-test"));
    const finding = check("/dev/shm/oomscribe-doctor-test");
    expect(finding).toMatchObject({ status: "warning", says: expect.stringContaining("tmpfs") });
  });
});

describe("configuration", () => {
  const check = (settings: Record<string, string>, env: ConfigSources["env"] = {}) =>
    checkConfiguration({
      config: config(settings, env),
      configError: undefined,
      hostRoot: "/",
      kmsgPath: "/dev/kmsg",
      version: "0",
    });

  test("it says what is set, without secrets", () => {
    const finding = check({ otlp: "http://b:4318" }, { OOMSCRIBE_OTLP_HEADERS: "key=secret" });
    expect(finding).toMatchObject({ status: "ok", says: "valid: 2 set (otlp, otlp-headers)" });
    expect(JSON.stringify(finding)).not.toContain("secret");
  });

  test.each<[string, Record<string, string>, Record<string, string>, string, RegExp]>([
    ["nothing", {}, {}, "ok", /all by default/],
    ["a key without its backend", {}, { OOMSCRIBE_ACCESS_KEY: "k" }, "failed", /access-key is of backend cubeapm/],
    [
      "a protocol that is not sent",
      {},
      { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
      "failed",
      /only http\/protobuf and http\/json/,
    ],
    ["what is ignored", {}, { OTEL_EXPORTER_OTLP_COMPRESSION: "zip" }, "warning", /only gzip and none are known/],
    ["a pod without its node's name", {}, { KUBERNETES_SERVICE_HOST: "10.0.0.1" }, "warning", /the node has no name/],
    ["a pod with it", {}, { KUBERNETES_SERVICE_HOST: "10.0.0.1", K8S_NODE_NAME: "n1" }, "ok", /node-name/],
  ])("%s", (_, settings, env, status, says) => {
    expect(check(settings, env)).toMatchObject({ status, says: expect.stringMatching(says) });
  });
});

describe("container names", () => {
  const ID = "9bca8d63d5fa610783847915bcff0ecac1273e5b4bed3f6fa1b07350e0135961";
  const OTHER = "b".repeat(64);
  const POD = "cb5f2e5c-bcb0-42df-92bc-28e301331a12";
  const BUNDLE = `run/containerd/io.containerd.runtime.v2.task/k8s.io/${ID}/config.json`;
  const ANNOTATIONS = {
    "io.kubernetes.cri.container-type": "container",
    "io.kubernetes.cri.container-name": "api",
    "io.kubernetes.cri.sandbox-name": "a-0",
    "io.kubernetes.cri.sandbox-namespace": "shop",
    "io.kubernetes.cri.sandbox-uid": POD,
  };

  function makeHost(files: Record<string, string>): string {
    const host = makeHostRoot();
    onCleanUp(host.delete);
    for (const [path, text] of Object.entries(files)) host.write(path, text);
    return host.path;
  }

  test("all named", () => {
    const host = makeHost({ [BUNDLE]: JSON.stringify({ annotations: ANNOTATIONS }) });
    expect(judgeNames(host, new Map([[ID, POD]]))).toMatchObject({
      status: "ok",
      says: "files of the node name 1 of 1 container (containerd)",
      detail: { sources: { containerd: 1 } },
    });
  });

  test("some not: what to mount", () => {
    const host = makeHost({ [BUNDLE]: JSON.stringify({ annotations: ANNOTATIONS }) });
    const containers = new Map<string, string | undefined>([
      [ID, POD],
      [OTHER, undefined],
    ]);
    expect(judgeNames(host, containers)).toMatchObject({
      status: "warning",
      says: "files of the node name 1 of 2 containers (containerd)",
      advice: expect.stringContaining("/run/containerd"),
    });
  });

  test("a file that is there and cannot be read", () => {
    const host = makeHost({ [`${BUNDLE}/a-directory`]: "" });
    expect(judgeNames(host, new Map([[ID, POD]]))).toMatchObject({
      status: "warning",
      says: expect.stringMatching(/^files of the node name 0 of 1 container; .*config\.json: /),
    });
  });

  test("no container", () => {
    expect(checkContainerNames({ hostRoot: makeHost({}) }).status).toBe("skipped");
  });
});
