/** /dev/kmsg: opened and read as the agent does it, and how much of the past it still holds. */
import { readKillLine } from "../../../parsers/oom/killed.ts";
import { countOf } from "../../replay/captures.ts";
import { readableDuration } from "../../ship/readable.ts";
import { createKernelClock, type KernelClock } from "../../sources/clock.ts";
import { readText } from "../../sources/host-files.ts";
import { type KmsgDevice, KmsgOpenError, openKmsgDevice } from "../../sources/kmsg-device.ts";
import { createSliceReader } from "../../sources/kmsg-slice.ts";
import type { CheckContext, Finding } from "../check.ts";

/** What reading may take while somebody floods the log. */
const MAX_READ_MS = 2000;
/** So little a storm of kills overwrites before an agent that was restarted reads it. */
const SHORT_SECONDS = 300;

/** @param open for tests, as is the clock; default the device and the node's own */
export function checkKernelLog(
  { kmsgPath }: Pick<CheckContext, "kmsgPath">,
  open: (path: string) => KmsgDevice = openKmsgDevice,
  clock = createKernelClock(),
): Finding {
  const sysctls = {
    dmesgRestrict: readText("/proc/sys/kernel/dmesg_restrict")?.trim(),
    printkDevkmsg: readText("/proc/sys/kernel/printk_devkmsg")?.trim(),
  };
  let device: KmsgDevice;
  try {
    device = open(kmsgPath);
  } catch (error) {
    if (!(error instanceof KmsgOpenError)) throw error;
    const { code, says, advice } = error;
    return { status: "failed", says, advice, detail: { path: kmsgPath, code, ...sysctls } };
  }
  try {
    return judge(kmsgPath, readAll(device, clock), sysctls);
  } finally {
    device.close();
  }
}

interface LogFacts {
  records: number;
  /** kill lines of the kernel */
  kills: number;
  firstSeq: number | undefined;
  /** since the oldest record */
  seconds: number;
  failed: string | undefined;
}

function readAll(device: KmsgDevice, clock: KernelClock): LogFacts {
  const facts: LogFacts = { records: 0, kills: 0, firstSeq: undefined, seconds: 0, failed: undefined };
  const slices = createSliceReader(device, clock, (name, { code }) => {
    if (name === "kmsg_read_failed") facts.failed = String(code);
  });
  const untilUs = clock.monotonicUs() + MAX_READ_MS * 1000;
  let oldestUs: number | undefined;
  for (let end = "full"; end === "full" && clock.monotonicUs() < untilUs; ) {
    const slice = slices.read();
    end = slice.end;
    for (const { record } of slice.readings) {
      facts.records++;
      facts.firstSeq ??= record.seq;
      oldestUs ??= record.monotonicUs;
      if (record.origin === "kernel" && readKillLine(record) !== undefined) facts.kills++;
    }
  }
  if (oldestUs !== undefined) facts.seconds = Math.max(clock.monotonicUs() - oldestUs, 0) / 1e6;
  return facts;
}

function judge(path: string, facts: LogFacts, sysctls: Readonly<Record<string, unknown>>): Finding {
  const { records, kills, firstSeq = 0, seconds, failed } = facts;
  const detail = { path, records, kills, overwritten: firstSeq, seconds: Math.round(seconds), ...sysctls };
  if (failed !== undefined) {
    return {
      status: "failed",
      says: `${path} can be opened and not read (${failed})`,
      advice: "run as root; in a container privileged",
      detail,
    };
  }
  const holds = `${path} holds ${countOf(records, "record")}, ${kills} of them kills, and goes back ${readableDuration(seconds, 0)}`;
  if (firstSeq > 0 && seconds < SHORT_SECONDS) {
    return {
      status: "warning",
      says: `${holds}; older ones are overwritten`,
      advice: "a larger buffer keeps more over a restart of the agent: log_buf_len=4M on the kernel's command line",
      detail,
    };
  }
  return { status: "ok", says: holds, detail };
}
