/** What other programs put around a kernel line: container log files, kubectl, log shippers. Taken off layer by layer. */

/** What is inside. */
export interface Unwrapped {
  inner: string;
  /** CRI's `P`: the line goes on in the next one */
  partial?: boolean;
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

/** Takes colours and other terminal sequences off a line. An ESC of a process name came as `\x1b` and is still there. */
export function stripTerminal(line: string): string {
  let stripped = line;
  if (stripped.includes("\x1b")) stripped = stripped.replace(ANSI, "");
  const last = stripped.charCodeAt(stripped.length - 1);
  if (last === 13) stripped = stripped.replace(/\r+$/, "");
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
