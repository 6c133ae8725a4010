/** What other programs put around a kernel line: container log files, kubectl, log shippers. Taken off layer by layer. */

/** What is inside. */
export interface Unwrapped {
  inner: string;
  /** CRI's `P`: the line goes on in the next one */
  partial?: boolean;
  /** the program keeps the level and drops the facility */
  facilityLost?: boolean;
}

interface Wrapper {
  name: string;
  /** format's spec or the program that prints it */
  source: string;
  example: string;
  unwrap(line: string): Unwrapped | undefined;
}

export const WRAPPERS: readonly Wrapper[] = [
  {
    name: "cri",
    source: "kubernetes/pkg/kubelet/kuberuntime/logs: TIMESTAMP STREAM TAG CONTENT",
    example: "2026-11-24T06:29:38.000000000Z stdout F [ 7999.193770] Mem-Info:",
    unwrap(line) {
      const match = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) (?:stdout|stderr) ([FP])(?::\S+)? /.exec(line);
      if (match === null) return undefined;
      return { inner: line.slice(match[0].length), partial: match[1] === "P" };
    },
  },
  {
    name: "json-sse",
    source: "systemd journalctl -o json-sse",
    example: 'data: { "MESSAGE" : "Mem-Info:", "_TRANSPORT" : "kernel" }',
    unwrap: (line) => after(line, /^data: /),
  },
  {
    name: "json-seq",
    source: "RFC 7464, systemd journalctl -o json-seq",
    example: '\x1e{ "MESSAGE" : "Mem-Info:", "_TRANSPORT" : "kernel" }',
    unwrap: (line) => after(line, /^\x1e/),
  },
  {
    name: "markdown quote",
    source: "CommonMark 0.31 block quotes",
    example: "> [ 7999.193770] Mem-Info:",
    unwrap: (line) => after(line, /^ {0,3}> ?/),
  },
  {
    name: "markdown indent",
    source: "CommonMark 0.31 indented code blocks",
    example: "    [ 7999.193770] Mem-Info:",
    unwrap: (line) => after(line, /^(?: {4}|\t)/),
  },
  {
    name: "klog",
    source: "k8s.io/klog: Lmmdd hh:mm:ss.uuuuuu threadid file:line] msg",
    example: "I1124 06:29:38.123456    1 kmsg.go:12] [ 7999.193770] Mem-Info:",
    unwrap: (line) => after(line, /^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ [^\s\]]+:\d+\] /),
  },
  {
    name: "kubectl-prefix",
    source: "kubectl logs --prefix",
    example: "[pod/kmsg-x7k2p/reader] [ 7999.193770] Mem-Info:",
    unwrap: (line) => after(line, /^\[pod\/[^\]]+\] /),
  },
  {
    name: "compose",
    source: "docker compose logs",
    example: "kmsg-1  | [ 7999.193770] Mem-Info:",
    unwrap: (line) => after(line, /^[A-Za-z0-9][\w.-]* +\| /),
  },
  {
    name: "stern",
    source: "stern: POD CONTAINER › is not printed, `POD CONTAINER line`",
    example: "kmsg-x7k2p reader [ 7999.193770] Mem-Info:",
    unwrap: (line) => after(line, /^[a-z0-9][a-z0-9.-]* [a-z0-9][a-z0-9-]* (?=\[ *\d+\.\d{6}\] |\d,\d+,\d+,[-c+])/),
  },
  {
    name: "timestamp",
    source: "kubectl logs --timestamps, docker logs -t",
    example: "2026-11-24T06:29:38.000000000Z [ 7999.193770] Mem-Info:",
    unwrap: (line) => after(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d) /),
  },
  {
    name: "loki",
    source: "logcli: TIMESTAMP {labels} line",
    example: '2026-11-24T06:29:38Z {job="kmsg"} [ 7999.193770] Mem-Info:',
    unwrap: (line) => after(line, /^(?:\d{4}-\d\d-\d\dT\S+ )?\{(?:[\w.]+="(?:[^"\\]|\\.)*"(?:, ?)?)*\} +/),
  },
  {
    name: "fluent-bit kmsg",
    source: "fluent-bit plugins/in_kmsg, stdout output",
    example:
      '[0] kmsg.0: [[1795516664.3, {}], {"priority"=>4, "sequence"=>9, "sec"=>7398, "usec"=>821898, "msg"=>"Mem-Info:"}]',
    unwrap(line) {
      const match =
        /^\[\d+\] [^\s:]+: .*?\{"priority"=>(\d+), "sequence"=>(\d+), "sec"=>(\d+), "usec"=>(\d+), "msg"=>"((?:[^"\\]|\\.)*)"/.exec(
          line,
        );
      if (match === null) return undefined;
      const [, priority, sequence, seconds, microseconds = "", message = ""] = match;
      // The plugin takes a record of /dev/kmsg apart: put together again, escapes and all, it is read as one.
      return {
        inner: `${priority},${sequence},${seconds}${microseconds.padStart(6, "0")},-;${unquote(message)}`,
        facilityLost: true,
      };
    },
  },
  {
    name: "fluent-bit",
    source: 'fluent-bit stdout: [N] tag: [[time, {}], {"log"=>"line"}]',
    example: '[0] kmsg: [[1795501778.193770000, {}], {"log"=>"[ 7999.193770] Mem-Info:"}]',
    unwrap(line) {
      const match = /^\[\d+\] [^\s:]+: \[.*?\{.*?"(?:log|message|msg|MESSAGE)"=>"((?:[^"\\]|\\.)*)"/.exec(line);
      return match === null ? undefined : { inner: unquote(match[1] ?? "") };
    },
  },
  {
    name: "logfmt",
    source: "msg= of a logfmt line",
    example: 'time="2026-11-24T06:29:38Z" level=warning msg="[ 7999.193770] Mem-Info:"',
    unwrap(line) {
      const match = /^(?:[\w.]+=(?:"(?:[^"\\]|\\.)*"|\S*) )*(?:msg|message|line|log)="((?:[^"\\]|\\.)*)"/.exec(line);
      return match === null ? undefined : { inner: unquote(match[1] ?? "") };
    },
  },
];

/** Takes off one layer. @returns undefined where no wrapper is known */
export function unwrapLine(line: string): Unwrapped | undefined {
  for (const wrapper of WRAPPERS) {
    const unwrapped = wrapper.unwrap(line);
    if (unwrapped !== undefined) return unwrapped;
  }
  return undefined;
}

function after(line: string, pattern: RegExp): Unwrapped | undefined {
  const match = pattern.exec(line);
  return match === null ? undefined : { inner: line.slice(match[0].length) };
}

function unquote(text: string): string {
  return text.replace(/\\(["\\])/g, "$1");
}

const ANSI = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])/g;

/** What colours begin with or end in. An ESC by itself in a line is a name's own, in a log that escapes nothing. */
const COLOURED = /^\r*\x1b|\x1b\[(?:0?m|K)/;

/** Takes colours and other terminal sequences off a line. An ESC of a process name came as `\x1b` and is still there. */
export function stripTerminal(line: string): string {
  let stripped = line;
  if (stripped.includes("\x1b") && COLOURED.test(stripped)) stripped = stripped.replace(ANSI, "");
  const last = stripped.charCodeAt(stripped.length - 1);
  if (last === 13) stripped = stripped.replace(/\r+$/, "");
  if (stripped.charCodeAt(0) === 0) stripped = stripped.replace(/^\0+/, "");
  // What stands before a carriage return was overwritten on the console.
  if (stripped.charCodeAt(0) === 13) stripped = stripped.replace(/^\r+/, "");
  return stripped;
}

/** Where a kernel message begins in a line that no format and no wrapper knows. */
const MESSAGE_START =
  /(?:Memory cgroup out of memory: |Out of [Mm]emory: )?Killed process \d+(?:,? UID \d+,)? \(|oom-kill:constraint=CONSTRAINT_|oom_reaper: (?:reaped|unable)|(?:memory(?:\+swap)?|swap|kmem): usage \d+kB|Tasks in \/.* are going to be killed/;

/** Cuts what stands before a kernel message, where the line holds one. */
export function cutForeignPrefix(line: string): string {
  const at = line.search(MESSAGE_START);
  return at > 0 && /[\s:|>\])-]$/.test(line.slice(0, at)) ? line.slice(at) : line;
}

/** What a record begins with, behind a host's name, a prompt or whatever else stands before it. */
const RECORD_START =
  /(?<=[\s:|>\])])(?:\[ *\d+\.\d{6}[\] ]|\d{1,3},\d+,\d+,[-c+][,;]|\[\S+ +\S+ +\d+ \d\d:\d\d:\d\d \d{4}\]|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d )/;
/** A prefix is not longer. */
const MAX_PREFIX = 200;

/** Where a record that a known format prints begins within a line; undefined where none does. */
export function findEmbeddedPrefix(line: string): number | undefined {
  const at = line.slice(0, MAX_PREFIX).search(RECORD_START);
  return at > 0 ? at : undefined;
}
