/** `node test/vm/run.ts KERNEL [SCENARIO…]`: plays scenarios in a VM and prints what the guest sent, a line of JSON each. */
import { fileURLToPath } from "node:url";
import type { KernelVersion } from "./kernels.ts";
import { runVm } from "./vm.ts";

const [kernel = "6.1", ...args] = process.argv.slice(2);
const script = fileURLToPath(new URL("guest/main.ts", import.meta.url));
const result = await runVm({ kernel: kernel as KernelVersion, script, args });
for (const line of result.lines) process.stdout.write(`${JSON.stringify(line)}\n`);
process.stderr.write(
  `${result.console}built in ${result.seconds.build.toFixed(1)} s, ran ${result.seconds.vm.toFixed(1)} s\n`,
);
