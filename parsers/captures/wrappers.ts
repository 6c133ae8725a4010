/** What other programs put around a kernel line: container log files, kubectl, log shippers. Taken off layer by layer. */
import { MAX_TEXT_LINE } from "./format.ts";

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
      const match = CRI.exec(line.slice(0, MAX_WRAPPER));
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
    unwrap(line) {
      const match = STERN.exec(line.slice(0, MAX_WRAPPER));
      return match === null ? undefined : { inner: line.slice((match[1] ?? "").length) };
    },
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
      const head = FLUENT_BIT.exec(line.slice(0, MAX_WRAPPER))?.[0];
      if (head === undefined) return undefined;
      for (let at = line.indexOf(KMSG_FIELDS, head.length); at !== -1; at = line.indexOf(KMSG_FIELDS, at + 1)) {
        const match = FLUENT_BIT_KMSG.exec(line.slice(at, at + MAX_WRAPPER));
        if (match === null) continue;
        const [all, priority, sequence, seconds, microseconds = ""] = match;
        const message = readQuoted(line, at + all.length);
        if (message === undefined) continue;
        // The plugin takes a record of /dev/kmsg apart: put together again, escapes and all, it is read as one.
        return {
          inner: `${priority},${sequence},${seconds}${microseconds.padStart(6, "0")},-;${message}`,
          facilityLost: true,
        };
      }
      return undefined;
    },
  },
  {
    name: "fluent-bit",
    source: 'fluent-bit stdout: [N] tag: [[time, {}], {"log"=>"line"}]',
    example: '[0] kmsg: [[1795501778.193770000, {}], {"log"=>"[ 7999.193770] Mem-Info:"}]',
    unwrap(line) {
      const head = FLUENT_BIT.exec(line.slice(0, MAX_WRAPPER))?.[0];
      if (head === undefined || line.charCodeAt(head.length) !== BRACKET_OPEN) return undefined;
      const brace = line.indexOf("{", head.length);
      if (brace === -1) return undefined;
      const key = /"(?:log|message|msg|MESSAGE)"=>"/g;
      for (const match of line.slice(brace, MAX_TEXT_LINE).matchAll(key)) {
        const inner = readQuoted(line, brace + match.index + match[0].length);
        if (inner !== undefined) return { inner };
      }
      return undefined;
    },
  },
  {
    name: "logfmt",
    source: "msg= of a logfmt line",
    example: 'time="2026-11-24T06:29:38Z" level=warning msg="[ 7999.193770] Mem-Info:"',
    unwrap(line) {
      const inner = findLogfmtMessage(line);
      return inner === undefined ? undefined : { inner };
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

/** No wrapper's own part of a line is longer, labels of Loki included. */
const MAX_WRAPPER = 4 * 1024;

const CRI = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) (?:stdout|stderr) ([FP])(?::\S+)? /;
const STERN = /^([a-z0-9][a-z0-9.-]* [a-z0-9][a-z0-9-]* )(?:\[ *\d+\.\d{6}\] |\d,\d+,\d+,[-c+])/;
const FLUENT_BIT = /^\[\d+\] [^\s:]+: /;
const KMSG_FIELDS = '{"priority"=>';
const FLUENT_BIT_KMSG = /^\{"priority"=>(\d+), "sequence"=>(\d+), "sec"=>(\d+), "usec"=>(\d+), "msg"=>"/;

/** @param pattern of what stands before the line, from its beginning */
function after(line: string, pattern: RegExp): Unwrapped | undefined {
  const match = pattern.exec(line.slice(0, MAX_WRAPPER));
  return match === null ? undefined : { inner: line.slice(match[0].length) };
}

const CARRIAGE_RETURN = 13;
const SPACE = 32;
const QUOTE = 34;
const EQUALS = 61;
const BRACKET_OPEN = 91;
const BACKSLASH = 92;

const MESSAGE_KEYS: ReadonlySet<string> = new Set(["msg", "message", "line", "log"]);

/** The last message among a line's pairs, `key=value` or `key="value"`, a space between; what is no pair ends them. */
function findLogfmtMessage(line: string): string | undefined {
  let message: string | undefined;
  for (let at = 0; ; ) {
    const equals = endOfKey(line, at);
    if (equals === at || line.charCodeAt(equals) !== EQUALS) return message;
    const valueAt = equals + 1;
    const close = line.charCodeAt(valueAt) === QUOTE ? endOfQuoted(line, valueAt + 1) : -1;
    if (close !== -1 && MESSAGE_KEYS.has(line.slice(at, equals))) message = unquote(line.slice(valueAt + 1, close));
    // A quote inside of a value that is none itself: `path=/a"b`, `error="x"y`.
    const space = close !== -1 && line.charCodeAt(close + 1) === SPACE ? close + 1 : line.indexOf(" ", valueAt);
    if (space === -1) return message;
    at = space + 1;
  }
}

function endOfKey(line: string, from: number): number {
  let at = from;
  while (isOfKey(line.charCodeAt(at))) at++;
  return at;
}

/** A letter, a digit, `_` or `.` */
function isOfKey(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    (code >= 48 && code <= 57) ||
    code === 95 ||
    code === 46
  );
}

/** The text of a quoted string from after its opening quote, its escapes undone; undefined where it is cut. */
function readQuoted(line: string, from: number): string | undefined {
  const close = endOfQuoted(line, from);
  return close === -1 ? undefined : unquote(line.slice(from, close));
}

function endOfQuoted(line: string, from: number): number {
  for (let at = from; at < line.length; at++) {
    const code = line.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE) return at;
  }
  return -1;
}

function unquote(text: string): string {
  return text.includes("\\") ? text.replace(/\\(["\\])/g, "$1") : text;
}

const ANSI = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])/g;

/** What colours begin with or end in. An ESC by itself in a line is a name's own, in a log that escapes nothing. */
const COLOURED = /^\r*\x1b|\x1b\[(?:0?m|K)/;

/** Takes colours and other terminal sequences off a line. An ESC of a process name came as `\x1b` and is still there. */
export function stripTerminal(line: string): string {
  // What stands further on is JSON, or is cut.
  return line.length > MAX_TEXT_LINE ? strip(line.slice(0, MAX_TEXT_LINE)) + line.slice(MAX_TEXT_LINE) : strip(line);
}

function strip(line: string): string {
  let stripped = line;
  if (stripped.includes("\x1b") && COLOURED.test(stripped)) stripped = stripped.replace(ANSI, "");
  stripped = trimCarriageReturns(stripped);
  if (stripped.charCodeAt(0) === 0) stripped = stripped.replace(/^\0+/, "");
  // What stands before a carriage return was overwritten on the console.
  if (stripped.charCodeAt(0) === 13) stripped = stripped.replace(/^\r+/, "");
  return stripped;
}

/** Takes carriage returns off a line's end. */
export function trimCarriageReturns(line: string): string {
  let end = line.length;
  while (line.charCodeAt(end - 1) === CARRIAGE_RETURN) end--;
  return line.slice(0, end);
}

/** Where a kernel message begins in a line that no format and no wrapper knows. */
const MESSAGE_START =
  /(?:Memory cgroup out of memory: |Out of [Mm]emory: )?Killed process \d+(?:,? UID \d+,)? \(|oom-kill:constraint=CONSTRAINT_|oom_reaper: (?:reaped|unable)|(?:memory(?:\+swap)?|swap|kmem): usage \d+kB/;
const GROUP_KILL_START = "Tasks in /";
const GROUP_KILL_END = " are going to be killed";

/** Cuts what stands before a kernel message, where the line holds one. */
export function cutForeignPrefix(line: string): string {
  const at = earlier(line.search(MESSAGE_START), findGroupKill(line));
  return at > 0 && /[\s:|>\])-]/.test(line.charAt(at - 1)) ? line.slice(at) : line;
}

function findGroupKill(line: string): number {
  const at = line.indexOf(GROUP_KILL_START);
  return at !== -1 && line.includes(GROUP_KILL_END, at + GROUP_KILL_START.length) ? at : -1;
}

/** Of two places in a line, either of which may be nowhere, −1. */
function earlier(a: number, b: number): number {
  return a === -1 || b === -1 ? Math.max(a, b) : Math.min(a, b);
}

/** What a record begins with, behind the end of a host's name, a prompt or whatever else stands before it. */
const RECORD_START =
  /[\s:|>\])](?:\[ *\d+\.\d{6}[\] ]|\d{1,3},\d+,\d+,[-c+][,;]|\[[^\s[]+ +[^\s[]+ +\d+ \d\d:\d\d:\d\d \d{4}\]|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d )/;
/** A prefix is not longer. */
const MAX_PREFIX = 200;

/** Where a record that a known format prints begins within a line; undefined where none does. */
export function findEmbeddedPrefix(line: string): number | undefined {
  const at = line.slice(0, MAX_PREFIX).search(RECORD_START);
  return at === -1 ? undefined : at + 1;
}
