/** What the tests of the kernel's lines share: names made to be misread, and which row of a table read a line. */
import { observeWordings } from "../parsers/oom/wording.ts";

/** COMMs that a process can give itself: up to 15 bytes of any but NUL. */
export const HOSTILE_NAMES: readonly string[] = [
  "x,pid=1,uid=0",
  ",pid=1,uid=0",
  "a,task=b",
  "a) total-vm:1kB",
  "a) total-vm:9kB",
  ") vsz:9kB, a",
  "a), UID 7, tot",
  "oom_memcg=/,tas",
  ",task_memcg=/a",
  "Killed process",
  "(sd-pam)",
  ")",
  "(",
  "",
  " ",
  "  lead and end ",
  "new\nline",
  "\n",
  "tab\t\\x0a\x1b[1m",
  "сервер",
  "日本語🔥",
  "[  1]     0   1",
  "a.",
  ").",
  "cgroup: mem: 1",
];

/** Names of the rows that matched while `read` ran. */
export function rowsThatRead(read: () => unknown): string[] {
  const names: string[] = [];
  observeWordings((name) => names.push(name));
  try {
    read();
  } finally {
    observeWordings(undefined);
  }
  return names;
}
