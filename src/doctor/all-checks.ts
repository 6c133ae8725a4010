/** The checks there are, in the order in which they run and are told. A new one is a file in checks/ and a row here. */
import type { Check } from "./check.ts";
import { checkCgroups } from "./checks/cgroups.ts";
import { checkClock } from "./checks/clock.ts";
import { checkConfiguration } from "./checks/configuration.ts";
import { checkContainerNames } from "./checks/container-names.ts";
import { checkEndpoints } from "./checks/endpoints.ts";
import { checkInotify } from "./checks/inotify.ts";
import { checkKernel } from "./checks/kernel.ts";
import { checkKernelLog } from "./checks/kernel-log.ts";
import { checkKubernetes } from "./checks/kubernetes.ts";
import { checkOwnProtection } from "./checks/own-protection.ts";
import { checkProcesses } from "./checks/processes.ts";
import { checkStateDirectory } from "./checks/state-directory.ts";
import { checkTracepoint } from "./checks/tracepoint.ts";

export const CHECKS: readonly Check[] = [
  { name: "configuration", run: checkConfiguration },
  { name: "kernel", run: checkKernel },
  { name: "kernel log", run: (context) => checkKernelLog(context) },
  { name: "cgroups", run: checkCgroups },
  { name: "inotify", run: checkInotify },
  { name: "processes", run: (context) => checkProcesses(context) },
  { name: "tracepoint", run: checkTracepoint },
  { name: "own protection", run: checkOwnProtection },
  { name: "state directory", run: checkStateDirectory },
  { name: "container names", run: checkContainerNames },
  { name: "kubernetes", run: (context) => checkKubernetes(context) },
  { name: "endpoint", run: checkEndpoints },
  // After the endpoints, with whose clocks it compares.
  { name: "clock", run: checkClock },
];
