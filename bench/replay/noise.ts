/** What a node's kernel says all day, as messages without a time: written by a seed, in the kernel's own wordings. */
import type { Random } from "../random.ts";

type Message = (random: Random) => string;

/** A wording and how often it comes, by what busy nodes of a cluster print: networks and audits most. */
const MESSAGES: readonly (readonly [weight: number, message: Message])[] = [
  [14, (r) => `cni0: port ${port(r)}(veth${r.hex(8)}) entered ${r.pick(PORT_STATES)} state`],
  [6, (r) => `device veth${r.hex(8)} ${r.pick(["entered", "left"])} promiscuous mode`],
  [6, (r) => `IPv6: ADDRCONF(NETDEV_CHANGE): veth${r.hex(8)}: link becomes ready`],
  [4, (r) => `eth0: renamed from tmp${r.hex(5)}`],
  [
    12,
    (r) =>
      `audit: type=1400 audit(${epoch(r)}.${r.below(900) + 100}:${r.below(900_000)}): apparmor="DENIED" operation="open" profile="cri-containerd.apparmor.d" name="/proc/${pid(r)}/mem" pid=${pid(r)} comm="${name(r)}" requested_mask="r" denied_mask="r" fsuid=0 ouid=0`,
  ],
  [
    6,
    (r) =>
      `audit: type=1334 audit(${epoch(r)}.${r.below(900) + 100}:${r.below(900_000)}): prog-id=${r.below(9000)} op=${r.pick(["LOAD", "UNLOAD"])}`,
  ],
  [
    10,
    (r) =>
      `[UFW BLOCK] IN=eth0 OUT= MAC=${mac(r)}:${mac(r)}:08:00 SRC=${ip(r)} DST=${ip(r)} LEN=${r.below(1400) + 40} TOS=0x00 PREC=0x00 TTL=${r.below(200) + 20} ID=${r.below(65_535)} DF PROTO=TCP SPT=${port(r)} DPT=${port(r)} WINDOW=64240 RES=0x00 SYN URGP=0`,
  ],
  [
    5,
    (r) =>
      `IPVS: rr: ${r.pick(["TCP", "UDP"])} ${ip(r)}:${port(r)} - no destination available ${r.pick(["", "(again)"])}`,
  ],
  [4, (r) => `TCP: request_sock_TCP: Possible SYN flooding on port ${ip(r)}:${port(r)}. Sending cookies.`],
  [
    4,
    (r) =>
      `${name(r)}[${pid(r)}]: segfault at ${r.below(4096).toString(16)} ip 00007f${r.hex(8)} sp 00007f${r.hex(8)} error 4 in libc.so.6[7f${r.hex(8)}+195000] likely on CPU ${r.below(64)} (core ${r.below(32)}, socket 0)`,
  ],
  [3, (r) => `traps: ${name(r)}[${pid(r)}] general protection fault ip:7f${r.hex(8)} sp:7f${r.hex(8)} error:0`],
  [
    5,
    (r) => `EXT4-fs (dm-${r.below(90)}): mounted filesystem ${uuid(r)} r/w with ordered data mode. Quota mode: none.`,
  ],
  [
    4,
    (r) =>
      `XFS (nvme${r.below(24)}n1): ${r.pick(["Mounting V5 Filesystem", "Ending clean mount", "Unmounting Filesystem"])} ${uuid(r)}`,
  ],
  [
    3,
    (r) =>
      `overlayfs: ${r.pick(["upperdir", "lowerdir"])} is in-use as upperdir/workdir of another mount, accessing files from both mounts will result in undefined behavior.`,
  ],
  [
    4,
    (r) =>
      `nvme nvme${r.below(24)}: I/O tag ${r.below(1023)} (${r.hex(4)}) opcode 0x${r.hex(1)} (I/O Cmd) QID ${r.below(64)} timeout, completion polled`,
  ],
  [
    3,
    (r) =>
      `blk_update_request: I/O error, dev sd${r.pick([..."abcdef"])}, sector ${r.below(4e9)} op 0x0:(READ) flags 0x80700 phys_seg ${r.below(30)} prio class 2`,
  ],
  [
    3,
    (r) =>
      `systemd[1]: ${r.pick(UNITS)}: ${r.pick(["Scheduled restart job, restart counter is at 3.", "Killing process with signal SIGKILL.", "Deactivated successfully."])}`,
  ],
  [
    3,
    (r) =>
      `systemd-journald[${pid(r)}]: ${r.pick(["Received client request to flush runtime journal.", "/dev/kmsg buffer overrun, some messages lost."])}`,
  ],
  [
    2,
    (r) =>
      `perf: interrupt took too long (${r.below(9000)} > ${r.below(9000)}), lowering kernel.perf_event_max_sample_rate to ${r.below(90_000)}`,
  ],
  [2, (r) => `watchdog: BUG: soft lockup - CPU#${r.below(64)} stuck for ${r.below(90)}s! [${name(r)}:${pid(r)}]`],
  [2, (r) => `INFO: task ${name(r)}:${pid(r)} blocked for more than 120 seconds.`],
  [3, (r) => ` ${r.pick(FUNCTIONS)}+0x${r.hex(2)}/0x${r.hex(3)}`],
  [2, (r) => `mce: [Hardware Error]: Machine check events logged on CPU ${r.below(64)}`],
  [2, (r) => `net_ratelimit: ${r.below(300)} callbacks suppressed`],
  [1, (r) => `${name(r)} (${pid(r)}): drop_caches: 3`],
  [
    1,
    (r) =>
      `${name(r)} (${pid(r)}): /proc/${pid(r)}/oom_adj is deprecated, please use /proc/${pid(r)}/oom_score_adj instead.`,
  ],
];

const PORT_STATES = ["blocking", "forwarding", "disabled", "learning"];
const UNITS = ["kubelet.service", "containerd.service", "ssh.service", "chrony.service"];
const NAMES = ["java", "nginx", "python3", "node", "postgres", "containerd-shim", "envoy", "runc:[2:INIT]", "kubelet"];
const FUNCTIONS = ["schedule", "do_syscall_64", "io_schedule", "wait_on_page_bit", "__schedule", "ext4_sync_file"];

const name = (r: Random) => r.pick(NAMES);
const pid = (r: Random) => r.below(4_000_000) + 300;
const port = (r: Random) => r.below(60_000) + 1024;
const epoch = (r: Random) => 1_790_000_000 + r.below(9_000_000);
const ip = (r: Random) => `10.${r.below(256)}.${r.below(256)}.${r.below(256)}`;
const mac = (r: Random) => `02:${r.hex(2)}:${r.hex(2)}:${r.hex(2)}:${r.hex(2)}:${r.hex(2)}`;
const uuid = (r: Random) => `${r.hex(8)}-${r.hex(4)}-4${r.hex(3)}-a${r.hex(3)}-${r.hex(8)}${r.hex(4)}`;

/** So many different messages that nothing can be gained from seeing one again. */
const DIFFERENT = 50_000;

/** @returns gives a message each time it is called */
export function createNoise(random: Random): () => string {
  const byWeight = MESSAGES.flatMap(([weight, message]) => Array<Message>(weight).fill(message));
  const messages = Array.from({ length: DIFFERENT }, () => random.pick(byWeight)(random));
  return () => random.pick(messages);
}
