/** Every key that a record of ours can carry, once: records are typed by this list, docs/record.md is made from it. */
import type { Cause } from "../diagnose/diagnosis.ts";

export type AttributeType = "string" | "int" | "double" | "boolean" | "string[]";

export interface AttributeEntry {
  readonly type: AttributeType;
  /** UCUM, as OpenTelemetry writes units: `By` bytes, `s` seconds; none: a plain number or no number */
  readonly unit?: string;
  /** when the attribute is there; default: if known */
  readonly when?: string;
  readonly meaning: string;
  /** where the value comes from, if not where the group's others do */
  readonly from?: string;
}

export interface AttributeGroup {
  readonly title: string;
  /** on the resource (what was killed) or on the record (how) */
  readonly on: "resource" | "record";
  /** event names of the records that carry the group */
  readonly events: readonly EventName[];
  readonly from: string;
  readonly keys: Readonly<Record<string, AttributeEntry>>;
}

export type EventName =
  | "oom.kill"
  | "oom.follow_up"
  | "k8s.container.false_oom_killed"
  | "k8s.pod.evicted"
  | "k8s.node.memory_pressure"
  | "oom.near_limit"
  | "oom.unverified.suppressed"
  | "oom.report.suppressed"
  | "oom.kernel_log.gap"
  | "oom.outbox.dropped";

/** Every cause, as the docs list them: one that is missing here does not compile. */
const CAUSES: Readonly<Record<Cause, true>> = {
  limit_too_low: true,
  leak: true,
  spike: true,
  page_cache: true,
  tmpfs: true,
  kernel_memory: true,
  node_pressure: true,
  neighbour: true,
  cpuset: true,
  memory_policy: true,
  sysrq: true,
  unknown: true,
};

const KILL: readonly EventName[] = ["oom.kill"];
const FOLLOW_UP: readonly EventName[] = ["oom.follow_up"];
const FALSE_KILL: readonly EventName[] = ["k8s.container.false_oom_killed"];
const NEAR_LIMIT: readonly EventName[] = ["oom.near_limit"];
const EVICTED: readonly EventName[] = ["k8s.pod.evicted"];
const PRESSURE: readonly EventName[] = ["k8s.node.memory_pressure"];
/** Records that are about a container, or its pod. */
const OF_CONTAINER: readonly EventName[] = [...KILL, ...FOLLOW_UP, ...FALSE_KILL, ...NEAR_LIMIT, ...EVICTED];
const EVERY: readonly EventName[] = [
  ...OF_CONTAINER,
  ...PRESSURE,
  "oom.unverified.suppressed",
  "oom.report.suppressed",
  "oom.kernel_log.gap",
  "oom.outbox.dropped",
];

export const ATTRIBUTE_GROUPS = [
  {
    title: "The killed container or unit",
    on: "resource",
    events: OF_CONTAINER,
    from: "the victim's cgroup path",
    keys: {
      "container.id": { type: "string", meaning: "ID of the victim's container, 64 hex digits as a rule" },
      "container.runtime.name": { type: "string", meaning: "containerd, cri-o, docker, podman or lxc" },
      "k8s.pod.uid": { type: "string", meaning: "the pod's UID; of a static pod see oom.pod.static" },
      "service.name": {
        type: "string",
        when: "the victim belongs to a pod that has a name, or to a systemd service, or OTEL_SERVICE_NAME is set",
        meaning:
          "of a pod by OpenTelemetry's rules (annotation, owner, pod); of a systemd service its name without `.service`",
      },
    },
  },
  {
    title: "The killed container in Kubernetes",
    on: "resource",
    events: OF_CONTAINER,
    from: "the Kubernetes API; what of it is not known there, the files of the container runtime: see oom.identity.sources",
    keys: {
      "k8s.namespace.name": { type: "string", meaning: "the pod's namespace" },
      "k8s.pod.name": { type: "string", meaning: "the pod's name" },
      "k8s.container.name": { type: "string", meaning: "the container's name in its pod" },
      "k8s.container.restart_count": { type: "int", meaning: "how often it had been restarted when it was killed" },
      "k8s.deployment.name": { type: "string", meaning: "its owner, if that is a Deployment" },
      "k8s.replicaset.name": { type: "string", meaning: "its owner, or its Deployment's, if that is a ReplicaSet" },
      "k8s.statefulset.name": { type: "string", meaning: "its owner, if that is a StatefulSet" },
      "k8s.daemonset.name": { type: "string", meaning: "its owner, if that is a DaemonSet" },
      "k8s.job.name": { type: "string", meaning: "its owner, if that is a Job" },
      "k8s.cronjob.name": { type: "string", meaning: "its Job's owner, if that is a CronJob; see oom.owner.evidence" },
      "container.name": { type: "string", when: "it is no pod's", meaning: "the runtime's name of the container" },
      "container.image.name": { type: "string", meaning: "image, without tag and digest" },
      "container.image.tags": { type: "string[]", meaning: "the tag of it" },
      "container.image.id": { type: "string", meaning: "what the runtime has pulled, a digest as a rule" },
      "service.namespace": { type: "string", meaning: "its annotation, or the pod's namespace" },
      "service.version": { type: "string", meaning: "its annotation, or tag and digest of the image" },
      "service.instance.id": { type: "string", meaning: "its annotation, or `namespace.pod.container`" },
    },
  },
  {
    title: "The node",
    on: "resource",
    events: EVERY,
    from: "the agent's settings, or the log that is replayed",
    keys: {
      "host.name": { type: "string", meaning: "the node's name, or the host that a replayed log names" },
      "host.id": { type: "string", meaning: "machine ID, 32 hex digits" },
      "os.type": { type: "string", when: "always", meaning: "`linux`" },
      "k8s.node.name": { type: "string", meaning: "the node's name in Kubernetes" },
      "k8s.cluster.name": { type: "string", meaning: "the cluster's name" },
      "deployment.environment.name": { type: "string", when: "it is set", meaning: "environment of the node" },
      "cube.environment": {
        type: "string",
        when: "it is set, for CubeAPM",
        meaning: "the same, under the name that CubeAPM looks for",
      },
    },
  },
  {
    title: "Every record",
    on: "record",
    events: EVERY,
    from: "Oomscribe",
    keys: {
      "event.name": {
        type: "string",
        when: "always",
        meaning: "EventName once more, for backends that drop that field",
      },
      "log.record.uid": { type: "string", when: "always", meaning: "the same however often the kill is read or sent" },
    },
  },
  {
    title: "The kernel's own words",
    on: "record",
    events: ["oom.kill", "oom.report.suppressed"],
    from: "the kernel's log",
    keys: {
      "log.record.original": {
        type: "string",
        when: "the log holds it",
        meaning: "the lines, up to 8 KiB; most telling ones first",
      },
      "oom.origin": {
        type: "string",
        when: "always",
        meaning: "`kernel`; `unknown` where the capture has lost the facility",
      },
      "oom.kernel.line_start": {
        type: "string",
        when: "it is not sure",
        meaning: "where the message begins in its line: `assumed`, `unknown` (security.md)",
      },
      "oom.time.assumed": { type: "string[]", meaning: "what of the timestamp is assumed: year, timezone, seconds" },
      "oom.kernel.seq": { type: "int", meaning: "sequence number in the kernel's log; starts again at 0 on boot" },
      "oom.kernel.monotonic": {
        type: "double",
        unit: "s",
        meaning: "the kernel log's clock: since boot, not in suspend",
      },
    },
  },
  {
    title: "The boot",
    on: "record",
    events: ["oom.kill", "oom.unverified.suppressed", "oom.report.suppressed", "oom.kernel_log.gap"],
    from: "/proc/sys/kernel/random/boot_id, or the journal",
    keys: { "oom.kernel.boot_id": { type: "string", meaning: "32 hex digits, another one after each boot" } },
  },
  {
    title: "The victim",
    on: "record",
    events: KILL,
    from: "the line `Killed process`",
    keys: {
      "process.pid": { type: "int", meaning: "the victim, in the host's pid namespace" },
      "process.executable.name": { type: "string", meaning: "its COMM: up to 15 bytes of its choice" },
      "process.user.id": { type: "int", meaning: "its UID, in the host's user namespace" },
      "oom.victim.total_vm": { type: "int", unit: "By", meaning: "its address space" },
      "oom.victim.anon_rss": { type: "int", unit: "By", meaning: "its private memory: heap, stacks" },
      "oom.victim.file_rss": { type: "int", unit: "By", meaning: "its mapped files" },
      "oom.victim.shmem_rss": { type: "int", unit: "By", meaning: "its shared memory and mapped tmpfs files" },
      "oom.victim.pgtables": { type: "int", unit: "By", meaning: "its page tables" },
      "oom.victim.score_adj": { type: "int", meaning: "its oom_score_adj: −1000 never to 1000 first" },
      "oom.victim.cgroup": { type: "string", meaning: "its cgroup, as printed", from: "`task_memcg=` or `Task in`" },
      "oom.group_kill": {
        type: "boolean",
        when: "the log tells of the kill",
        meaning: "killed as a member of its cgroup (memory.oom.group)",
        from: "`Tasks in … are going to be killed`",
      },
      "oom.test": {
        type: "boolean",
        when: "true",
        meaning: "made by `oomscribe doctor --test-kill`: nobody's workload was hit",
        from: "the names of cgroup and process: `…/oomscribe-doctor-XXXXXXXX`, `oomscribe-test`",
      },
      "oom.reaper.outcome": { type: "string", meaning: "`reaped`, or `unable` to", from: "the lines of oom_reaper" },
    },
  },
  {
    title: "Whose memory ran out",
    on: "record",
    events: KILL,
    from: "the report",
    keys: {
      "oom.scope": {
        type: "string",
        when: "always",
        meaning: "`container`, `pod`, `kubepods` (all pods or a QoS class), `cgroup` (another), `node`, `unknown`",
      },
      "oom.constraint": {
        type: "string",
        when: "always",
        meaning: "`memcg`, `none`, `cpuset`, `memory_policy`, `unknown`",
      },
      "oom.limit.cgroup": {
        type: "string",
        meaning: "cgroup whose limit was hit",
        from: "`oom_memcg=` or `limit of`; without a report, on cgroup v2, whose count `oom` rose with the kill",
      },
      "oom.memory.usage": { type: "int", unit: "By", meaning: "memory of the cgroup whose limit was hit" },
      "oom.memory.limit": { type: "int", unit: "By", when: "there is a limit", meaning: "its memory limit" },
      "oom.memory.failcnt": { type: "int", meaning: "how often it has run into that limit" },
      "oom.swap.usage": { type: "int", unit: "By", meaning: "its swap (cgroup v2)" },
      "oom.swap.limit": { type: "int", unit: "By", when: "there is a limit", meaning: "its swap limit" },
      "oom.swap.failcnt": { type: "int", meaning: "how often it has run into that limit" },
      "oom.memsw.usage": { type: "int", unit: "By", meaning: "its memory and swap together (cgroup v1)" },
      "oom.memsw.limit": { type: "int", unit: "By", when: "there is a limit", meaning: "the limit of both together" },
      "oom.memsw.failcnt": { type: "int", meaning: "how often it has run into that limit" },
      "oom.kmem.usage": { type: "int", unit: "By", meaning: "its kernel memory (cgroup v1)" },
      "oom.kmem.limit": { type: "int", unit: "By", when: "there is a limit", meaning: "its kernel memory limit" },
      "oom.kmem.failcnt": { type: "int", meaning: "how often it has run into that limit" },
      "oom.kernel.release": { type: "string", meaning: "the kernel's version", from: "the line of the trigger" },
    },
  },
  {
    title: "The cgroup of the victim",
    on: "record",
    events: KILL,
    from: "the victim's cgroup path",
    keys: {
      "oom.cgroup.kind": {
        type: "string",
        meaning: "`container`, `pod`, `qos`, `kubepods`, `monitor` (conmon), `unit`, `user`, `other`, `root`",
      },
      "oom.cgroup.driver": { type: "string", meaning: "`cgroupfs` or `systemd`" },
      "oom.cgroup.qos": { type: "string", meaning: "`Guaranteed`, `Burstable` or `BestEffort`" },
      "oom.cgroup.unit": { type: "string", meaning: "innermost systemd unit" },
      "oom.cgroup.nested": { type: "string", meaning: "the part below the container's own cgroup" },
      "oom.pod.static": {
        type: "boolean",
        when: "true",
        meaning: "k8s.pod.uid is a static pod's config hash; the API shows its mirror pod under another UID",
      },
    },
  },
  {
    title: "Names, and how they are known",
    on: "record",
    events: OF_CONTAINER,
    from: "Oomscribe",
    keys: {
      "oom.identity.sources": {
        type: "string[]",
        when: "container or pod have names",
        meaning:
          "of `kubernetes_api`, `kubelet`, `pod_list`, `containerd`, `cri-o`, `docker`, `podman`, `log_directory`",
      },
      "oom.identity.missing": {
        type: "string[]",
        when: "of a pod something is not known",
        meaning: "of `namespace`, `pod`, `container`, `image`, `owner`, `limits`",
      },
      "oom.owner.evidence": {
        type: "string",
        when: "there is an owner",
        meaning:
          "what names the outermost: `owner_reference`, `template_hash` (label), `job_name` (its form: it may be another), `api`",
      },
    },
  },
  {
    title: "The container in Kubernetes, when it was killed",
    on: "record",
    events: OF_CONTAINER,
    from: "the Kubernetes API: the pod's specification and status",
    keys: {
      "oom.container.kind": {
        type: "string",
        meaning: "`container`, `init`, `sidecar`, `ephemeral`, `sandbox` (pause)",
      },
      "oom.container.memory.request": { type: "int", unit: "By", when: "it has one", meaning: "its memory request" },
      "oom.container.memory.limit": {
        type: "int",
        unit: "By",
        when: "it has one",
        meaning: "its memory limit in force",
      },
      "oom.container.memory.limit_wanted": {
        type: "int",
        unit: "By",
        when: "a resize is under way",
        meaning: "the limit that its specification wants",
      },
      "oom.container.age": { type: "double", unit: "s", meaning: "how long it had run" },
      "oom.container.last_exit.reason": { type: "string", meaning: "why it ended the last time: `OOMKilled`, `Error`" },
      "oom.container.last_exit.code": { type: "int", meaning: "its exit code then" },
      "oom.pod.memory.request": { type: "int", unit: "By", when: "the pod has one", meaning: "the pod's own request" },
      "oom.pod.memory.limit": { type: "int", unit: "By", when: "the pod has one", meaning: "the pod's own limit" },
      "oom.pod.qos": { type: "string", meaning: "`Guaranteed`, `Burstable` or `BestEffort`" },
      "oom.pod.priority": { type: "int", meaning: "the pod's priority" },
      "oom.pod.age": { type: "double", unit: "s", meaning: "since the pod was created" },
      "oom.pod.deleting": { type: "boolean", when: "true", meaning: "the pod was being deleted" },
      "oom.pod.config_hash": { type: "string", when: "it is a static pod", meaning: "what its cgroup has for a UID" },
      "oom.pod.template_hash": { type: "string", meaning: "revision of its Deployment: the label pod-template-hash" },
      "oom.rollout.age": {
        type: "double",
        unit: "s",
        when: "the API was asked about the ReplicaSet before",
        meaning: "since the ReplicaSet was created: since that rollout",
      },
    },
  },
  {
    title: "Who asked for the memory",
    on: "record",
    events: KILL,
    from: "the line `invoked oom-killer` and the next",
    keys: {
      "oom.trigger.comm": { type: "string", meaning: "COMM of the task that asked; often not the victim" },
      "oom.trigger.pid": { type: "int", meaning: "its thread ID" },
      "oom.trigger.gfp_flags": { type: "string", meaning: "what kind of memory: `GFP_KERNEL|__GFP_ZERO`" },
      "oom.trigger.order": { type: "int", meaning: "2^order pages at once; −1: asked for by SysRq-f" },
    },
  },
  {
    title: "The tasks table",
    on: "record",
    events: KILL,
    from: "`Tasks state`",
    keys: {
      "oom.tasks.count": { type: "int", meaning: "how many tasks the table lists" },
      "oom.tasks.top": { type: "string[]", meaning: "the largest ten, as `name pid rss_bytes`; read from the right" },
    },
  },
  {
    title: "What the knowledge rests on",
    on: "record",
    events: KILL,
    from: "Oomscribe",
    keys: {
      "oom.evidence": {
        type: "string[]",
        when: "always",
        meaning: "of `report`, `kill_line`, `counter`, `tracepoint`, `proc`",
      },
      "oom.attribution": {
        type: "string",
        when: "always",
        meaning:
          "of the cgroup: `exact`, `inferred`, `unknown`; `unverified`: the log has the kill and no count of the kernel confirms it, so that it may be forged",
      },
      "oom.attribution.candidates": {
        type: "string[]",
        when: "the attribution is unknown and the counters leave a choice",
        meaning: "cgroups of which one is the victim's",
        from: "the counters of the cgroups",
      },
      "oom.counter.cgroup": {
        type: "string",
        when: "the log does not hold the kill",
        meaning: "cgroup whose count of kills went up; `node`: only the node's count did",
      },
      "oom.counter.value": { type: "int", when: "the log does not hold the kill", meaning: "the count with this kill" },
      "oom.counter.uncertainty": {
        type: "double",
        unit: "s",
        when: "the log does not hold the kill",
        meaning: "the kill happened at the timestamp, or so much earlier at most",
      },
      "oom.report.missing": {
        type: "string[]",
        when: "parts are missing",
        meaning: "lines that a whole report would have: `invoked`, `summary`, `tasks`, `usage`, `kill_line`",
      },
      "oom.report.truncated": {
        type: "boolean",
        when: "true",
        meaning: "the kill line was cut before its end: figures are lost",
      },
    },
  },
  {
    title: "Why, and what to do",
    on: "record",
    events: KILL,
    from: "Oomscribe: docs/diagnosis.md has the rules",
    keys: {
      "oom.cause": {
        type: "string",
        when: "it was looked for: agent and replay do for every kill that is not unverified",
        meaning: Object.keys(CAUSES)
          .map((cause) => `\`${cause}\``)
          .join(", "),
      },
      "oom.cause.confidence": { type: "double", when: "the cause is known", meaning: "0 to 1: how much speaks for it" },
      "oom.cause.facts": {
        type: "string[]",
        meaning: "what speaks for it, and what else is telling; each ends with its source in brackets",
      },
      "oom.advice": {
        type: "string[]",
        when: "there is any",
        meaning:
          "commands for a shell, the first one first; one that begins with `# ` is a sentence in place of a command that is unsafe to paste",
      },
    },
  },
  {
    title: "The cgroup's memory before the kill",
    on: "record",
    events: KILL,
    from: "the cgroup's files, while it lived: of the one whose limit was hit, else the victim's",
    keys: {
      "oom.history.span": { type: "double", unit: "s", meaning: "from the first sample to the kill" },
      "oom.history.peak": { type: "int", unit: "By", meaning: "most that was seen used" },
      "oom.history.slope": {
        type: "int",
        unit: "By/s",
        meaning: "how fast what cannot be reclaimed grew, over the whole span",
      },
      "oom.history.points": {
        type: "string[]",
        meaning: "oldest first, as `-64.0s usage=BYTES anon=BYTES file=… shmem=… kernel=…`, up to 18 of them",
      },
    },
  },
  {
    title: "Memory near its limit",
    on: "record",
    events: NEAR_LIMIT,
    from: "the cgroup's files",
    keys: {
      "oom.near_limit.cgroup": { type: "string", when: "always", meaning: "whose limit it is" },
      "oom.near_limit.working_set": {
        type: "int",
        unit: "By",
        when: "always",
        meaning: "what it uses, without the page cache that is reclaimed first: as the kubelet counts",
      },
      "oom.near_limit.limit": { type: "int", unit: "By", when: "always", meaning: "its memory limit" },
      "oom.near_limit.percent": { type: "double", when: "always", meaning: "the one of the other" },
      "oom.near_limit.slope": {
        type: "int",
        unit: "By/s",
        when: "it was watched for a second or more",
        meaning: "how fast what cannot be reclaimed grew in the last minute",
      },
      "oom.near_limit.time_to_limit": {
        type: "double",
        unit: "s",
        when: "it grows",
        meaning: "until the limit is reached at that speed",
      },
    },
  },
  {
    title: "Memory of the cgroup whose limit was hit",
    on: "record",
    events: KILL,
    from: "`Memory cgroup stats`; names are those of memory.stat",
    keys: {
      "oom.memcg.stats.anon": { type: "int", unit: "By", meaning: "private memory (cgroup v2)" },
      "oom.memcg.stats.file": { type: "int", unit: "By", meaning: "page cache and tmpfs (cgroup v2)" },
      "oom.memcg.stats.kernel": { type: "int", unit: "By", meaning: "kernel memory of every kind (cgroup v2)" },
      "oom.memcg.stats.kernel_stack": { type: "int", unit: "By", meaning: "kernel stacks" },
      "oom.memcg.stats.pagetables": { type: "int", unit: "By", meaning: "page tables" },
      "oom.memcg.stats.percpu": { type: "int", unit: "By", meaning: "per-CPU data of the kernel" },
      "oom.memcg.stats.sock": { type: "int", unit: "By", meaning: "network buffers" },
      "oom.memcg.stats.vmalloc": { type: "int", unit: "By", meaning: "vmalloc areas" },
      "oom.memcg.stats.shmem": {
        type: "int",
        unit: "By",
        meaning: "tmpfs (emptyDir in memory, /dev/shm), shared memory",
      },
      "oom.memcg.stats.file_mapped": { type: "int", unit: "By", meaning: "mapped files" },
      "oom.memcg.stats.file_dirty": { type: "int", unit: "By", meaning: "page cache to be written" },
      "oom.memcg.stats.file_writeback": { type: "int", unit: "By", meaning: "page cache being written" },
      "oom.memcg.stats.anon_thp": { type: "int", unit: "By", meaning: "private memory in huge pages" },
      "oom.memcg.stats.unevictable": { type: "int", unit: "By", meaning: "memory that cannot be reclaimed" },
      "oom.memcg.stats.slab_reclaimable": {
        type: "int",
        unit: "By",
        meaning: "slab that can be reclaimed: dentries, inodes",
      },
      "oom.memcg.stats.slab_unreclaimable": { type: "int", unit: "By", meaning: "slab that cannot" },
      "oom.memcg.stats.slab": { type: "int", unit: "By", meaning: "slab" },
      "oom.memcg.stats.cache": { type: "int", unit: "By", meaning: "page cache and tmpfs (cgroup v1)" },
      "oom.memcg.stats.rss": { type: "int", unit: "By", meaning: "private memory (cgroup v1)" },
      "oom.memcg.stats.rss_huge": { type: "int", unit: "By", meaning: "private memory in huge pages (cgroup v1)" },
      "oom.memcg.stats.mapped_file": { type: "int", unit: "By", meaning: "mapped files (cgroup v1)" },
      "oom.memcg.stats.swap": { type: "int", unit: "By", meaning: "swap (cgroup v1)" },
      "oom.memcg.stats.total_cache": {
        type: "int",
        unit: "By",
        meaning: "cache of the cgroup and all below it (cgroup v1)",
      },
      "oom.memcg.stats.total_rss": {
        type: "int",
        unit: "By",
        meaning: "rss of the cgroup and all below it (cgroup v1)",
      },
      "oom.memcg.stats.total_shmem": {
        type: "int",
        unit: "By",
        meaning: "shmem of the cgroup and all below it (cgroup v1)",
      },
      "oom.memcg.stats.total_swap": {
        type: "int",
        unit: "By",
        meaning: "swap of the cgroup and all below it (cgroup v1)",
      },
    },
  },
  {
    title: "Memory of the node",
    on: "record",
    events: KILL,
    from: "`Mem-Info`, in reports of a node that ran out",
    keys: {
      "oom.node.total": { type: "int", unit: "By", meaning: "RAM" },
      "oom.node.reserved": { type: "int", unit: "By", meaning: "of it kept back by the kernel" },
      "oom.node.swap.total": { type: "int", unit: "By", meaning: "swap space" },
      "oom.node.swap.free": { type: "int", unit: "By", meaning: "of it free" },
      "oom.node.free": { type: "int", unit: "By", meaning: "free memory, every zone's" },
      "oom.node.active_anon": { type: "int", unit: "By", meaning: "private memory in recent use" },
      "oom.node.inactive_anon": { type: "int", unit: "By", meaning: "private memory not in recent use" },
      "oom.node.active_file": { type: "int", unit: "By", meaning: "page cache in recent use" },
      "oom.node.inactive_file": { type: "int", unit: "By", meaning: "page cache not in recent use" },
      "oom.node.unevictable": { type: "int", unit: "By", meaning: "memory that cannot be reclaimed" },
      "oom.node.dirty": { type: "int", unit: "By", meaning: "page cache to be written" },
      "oom.node.writeback": { type: "int", unit: "By", meaning: "page cache being written" },
      "oom.node.slab_reclaimable": { type: "int", unit: "By", meaning: "slab that can be reclaimed" },
      "oom.node.slab_unreclaimable": { type: "int", unit: "By", meaning: "slab that cannot" },
      "oom.node.mapped": { type: "int", unit: "By", meaning: "mapped files" },
      "oom.node.shmem": { type: "int", unit: "By", meaning: "tmpfs and shared memory" },
      "oom.node.pagetables": { type: "int", unit: "By", meaning: "page tables" },
    },
  },
  {
    title: "Kills of the same workload",
    on: "record",
    events: KILL,
    from: "the agent's own count, on its node",
    keys: {
      "oom.workload.kills": {
        type: "int",
        when: "the pod has a name",
        meaning: "kills of the same container of the same owner in the last ten minutes, this one included",
      },
      "oom.rollout.kills": {
        type: "int",
        when: "the pod has a name",
        meaning: "the same of this revision (template or image) since the agent began: 1 is the first that it saw",
      },
    },
  },
  {
    title: "The first kill of a rollout",
    on: "record",
    events: [...KILL, ...FOLLOW_UP],
    from: "the agent's own count, on its node, and the Kubernetes API",
    keys: {
      "oom.rollout.first_kill": {
        type: "boolean",
        when: "true",
        meaning:
          "the first kill of this revision on this node: its ReplicaSet is younger than the agent, which has missed none since",
      },
    },
  },
  {
    title: "What scales the workload",
    on: "record",
    events: [...KILL, ...FOLLOW_UP],
    from: "the Kubernetes API: the HorizontalPodAutoscaler of the owner, three minutes before at most",
    keys: {
      "k8s.hpa.name": { type: "string", when: "one scales the owner", meaning: "its name" },
      "oom.hpa.replicas.max": { type: "int", when: "one scales the owner", meaning: "replicas that it may have" },
      "oom.hpa.replicas.current": { type: "int", meaning: "replicas that there were" },
      "oom.hpa.replicas.desired": { type: "int", meaning: "replicas that it wanted, its maximum at most" },
      "oom.hpa.at_maximum": { type: "boolean", meaning: "there were as many as it may have" },
    },
  },
  {
    title: "What the Kubernetes API did not tell",
    on: "record",
    events: [...KILL, ...FOLLOW_UP],
    from: "Oomscribe",
    keys: {
      "oom.kubernetes.missing": {
        type: "string[]",
        when: "it was asked, and has not answered, or not yet",
        meaning: "of `node`, `autoscaler`, `events`",
      },
    },
  },
  {
    title: "A pod that was evicted",
    on: "record",
    events: EVICTED,
    from: "the pod's status",
    keys: {
      "k8s.pod.status.reason": { type: "string", when: "always", meaning: "`Evicted`" },
      "oom.eviction.message": { type: "string", meaning: "the kubelet's words: what the node was short of" },
    },
  },
  {
    title: "What Kubernetes made of it",
    on: "record",
    events: FOLLOW_UP,
    from: "the container's status in the half minute after the kill",
    keys: {
      "oom.kill.uids": {
        type: "string[]",
        when: "always",
        meaning: "log.record.uid of the kills that it is about, up to 64",
      },
      "oom.follow_up.kills": { type: "int", when: "always", meaning: "how many kills in the container that is" },
      "oom.follow_up.outcome": {
        type: "string",
        when: "always",
        meaning:
          "`oom_killed`, `terminated` (not as OOMKilled), `none` (it runs on: an invisible kill), `evicted`, `deleted`, `unknown`",
      },
      "oom.follow_up.next": {
        type: "string",
        when: "the container ended",
        meaning: "`restarted`, `crash_loop_back_off`, `waiting`, `finished`",
      },
      "oom.follow_up.waited": {
        type: "double",
        unit: "s",
        when: "always",
        meaning: "from the first kill until that was known",
      },
      "oom.follow_up.events": {
        type: "string[]",
        when: "there are any that tell of trouble",
        meaning: "events of the pod, as `2026-11-24T06:17:41Z Warning BackOff x12: …`; the newest first, up to 10",
        from: "the Kubernetes API; 50 events of the pod are read",
      },
      "oom.follow_up.unscheduled": {
        type: "string[]",
        when: "the pod was evicted or deleted, and pods of the same workload have found no node",
        meaning:
          "what the scheduler has noted of them, as `web-5d9c7b-x2x4z: 2026-11-24T06:17:41Z Warning FailedScheduling: …`; the newest first, up to 10",
        from: "the Kubernetes API; 50 such events of the namespace are read",
      },
    },
  },
  {
    title: "What Kubernetes says of the container's end",
    on: "record",
    events: [...FOLLOW_UP, ...FALSE_KILL],
    from: "the container's status",
    keys: {
      "k8s.container.status.last_terminated_reason": { type: "string", meaning: "`OOMKilled`, `Error`, `Completed`" },
      "process.exit.code": { type: "int", meaning: "exit code of the container: 137 where it was killed" },
    },
  },
  {
    title: "Whether Kubernetes tells of it",
    on: "record",
    events: [...KILL, ...FOLLOW_UP],
    from: "the container's status; of a kill, that it was PID 1",
    keys: {
      "oom.container.pid1": {
        type: "boolean",
        when: "/proc told before it was gone, of the victim or of its container's processes, or the container runs on",
        meaning: "it was PID 1 of its pid namespace: the container's own process",
        from: "/proc/<pid>/status of the victim, or of PID 1 while it lived; of a follow-up, the container's status",
      },
      "oom.kubernetes.visible": {
        type: "boolean",
        when: "it is known",
        meaning: "Kubernetes says, or will say, OOMKilled of the container",
      },
    },
  },
  {
    title: "The node in Kubernetes",
    on: "record",
    events: [...KILL, ...PRESSURE],
    from: "the Kubernetes API, as the node was last read: four minutes before as a rule, fifteen at most",
    keys: {
      "oom.kubernetes.node.capacity": { type: "int", unit: "By", meaning: "its memory, as the kubelet sees it" },
      "oom.kubernetes.node.allocatable": { type: "int", unit: "By", meaning: "of it for pods" },
    },
  },
  {
    title: "How the node stood",
    on: "record",
    events: KILL,
    from: "the same",
    keys: {
      "oom.kubernetes.node.conditions": {
        type: "string[]",
        when: "one tells of trouble",
        meaning: "`MemoryPressure`, `DiskPressure`, `PIDPressure`, `NotReady`, …",
      },
      "oom.kubernetes.node.memory_pressure": {
        type: "boolean",
        when: "the condition has not changed since the kill",
        meaning: "whether the node had the condition MemoryPressure",
      },
    },
  },
  {
    title: "The node's MemoryPressure",
    on: "record",
    events: PRESSURE,
    from: "the node's status; the record's time is that of the condition's last change",
    keys: {
      "k8s.node.condition.type": { type: "string", when: "always", meaning: "`MemoryPressure`" },
      "k8s.node.condition.status": {
        type: "string",
        when: "always",
        meaning: "`true`: the node is short of memory; `false`: it is no longer",
      },
      "oom.memory_pressure.reason": { type: "string", meaning: "the kubelet's: `KubeletHasInsufficientMemory`" },
      "oom.memory_pressure.message": { type: "string", meaning: "the kubelet's words" },
      "oom.memory_pressure.began": {
        type: "string",
        when: "it is over, and its beginning was told",
        meaning: "when it came, RFC 3339",
      },
      "oom.memory_pressure.duration": {
        type: "double",
        unit: "s",
        when: "it is over, and its beginning was told",
        meaning: "how long it lasted; the kubelet keeps the condition for some minutes after the shortage",
      },
    },
  },
  {
    title: "Unverified kill lines without a record of their own",
    on: "record",
    events: ["oom.unverified.suppressed"],
    from: "the agent's own count",
    keys: {
      "oom.unverified.suppressed.count": {
        type: "int",
        when: "always",
        meaning: "kill lines that no count confirms, beyond 100 and one in ten seconds",
      },
      "oom.unverified.suppressed.span": {
        type: "double",
        unit: "s",
        when: "always",
        meaning: "from the first of them to the last",
      },
    },
  },
  {
    title: "Reports that the kernel left out",
    on: "record",
    events: ["oom.report.suppressed"],
    from: "the line `callbacks suppressed`",
    keys: {
      "oom.report.suppressed.count": { type: "int", when: "always", meaning: "reports dropped by the rate limit" },
    },
  },
  {
    title: "Lines lost from the kernel's log",
    on: "record",
    events: ["oom.kernel_log.gap"],
    from: "a jump in the sequence numbers",
    keys: {
      "oom.kernel_log.gap.lost": { type: "int", when: "always", meaning: "how many records were overwritten unread" },
      "oom.kernel_log.gap.first_seq": { type: "int", when: "always", meaning: "sequence number of the first one lost" },
      "oom.kernel_log.gap.last_seq": { type: "int", when: "always", meaning: "sequence number of the last one lost" },
    },
  },
  {
    title: "Records that were dropped unsent",
    on: "record",
    events: ["oom.outbox.dropped"],
    from: "the outbox, told when the backend takes records again",
    keys: {
      "oom.outbox.dropped.count": { type: "int", when: "always", meaning: "how many" },
      "oom.outbox.dropped.bytes": { type: "int", unit: "By", when: "always", meaning: "what they took in the outbox" },
      "oom.outbox.dropped.since": { type: "string", when: "always", meaning: "when the first had come, RFC 3339" },
      "oom.outbox.dropped.until": { type: "string", when: "always", meaning: "when the last had come, RFC 3339" },
      "oom.outbox.dropped.reason": {
        type: "string",
        when: "always",
        meaning: "`too_much`: the outbox was full; `too_old`: they had waited too long",
      },
    },
  },
] as const satisfies readonly AttributeGroup[];

type Groups = (typeof ATTRIBUTE_GROUPS)[number];
type KeyOf<G> = G extends { readonly keys: infer K } ? keyof K & string : never;
type EntryOf<K extends string, G = Groups> = G extends { readonly keys: { readonly [P in K]: infer E } } ? E : never;
type ValueOf<E> = E extends { readonly type: "int" | "double" }
  ? number
  : E extends { readonly type: "boolean" }
    ? boolean
    : E extends { readonly type: "string[]" }
      ? string[]
      : string;

/** A key that stands on a record. */
export type RecordKey = KeyOf<Extract<Groups, { readonly on: "record" }>>;
/** Attributes of a record: keys and value types of the list above, checked where they are set. */
export type RecordAttributes = { [K in RecordKey]?: ValueOf<EntryOf<K>> };
/** A key of them whose value is a number. */
export type NumberKey = { [K in RecordKey]: RecordAttributes[K] extends number | undefined ? K : never }[RecordKey];

/** Sets a value that is known, and nothing otherwise. */
export function set<K extends RecordKey>(into: RecordAttributes, key: K, value: RecordAttributes[K] | undefined): void {
  if (value !== undefined) into[key] = value;
}
