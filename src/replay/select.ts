/** Which records are wanted: `--since`, `--until` and `--filter`. */
import type { LogRecord } from "../record/log-record.ts";

/** A time of day (microseconds since the epoch), or seconds of the kernel log's own clock. */
export type Moment = { wallUs: number } | { bootSeconds: number };

/** A word of a filter: what it looks at, and what has to be there or not. */
export interface FilterTerm {
  /** a record's key or a short name of one; undefined: whatever tells who was killed */
  key: string | undefined;
  /** equal, not equal, contains */
  test: "=" | "!=" | "~";
  /** lower case for `~` */
  value: string;
}

export interface SelectionOptions {
  since: Moment | undefined;
  until: Moment | undefined;
  filter: readonly FilterTerm[];
}

export interface Selection {
  wants(record: LogRecord): boolean;
  /** how many could not be compared with a time that was given, and were left out */
  readonly untimed: number;
}

/** What people call the keys. */
export const SHORT_KEYS: Readonly<Record<string, readonly string[]>> = {
  comm: ["process.executable.name"],
  pid: ["process.pid"],
  uid: ["log.record.uid"],
  scope: ["oom.scope"],
  container: ["k8s.container.name", "container.id"],
  pod: ["k8s.pod.name", "k8s.pod.uid"],
  namespace: ["k8s.namespace.name"],
  node: ["k8s.node.name", "host.name"],
  cgroup: ["oom.victim.cgroup"],
};

/** Where a word without a key is looked for. */
const SEARCHED = [...Object.values(SHORT_KEYS).flat(), "oom.limit.cgroup", "oom.trigger.comm"];

/** A choice of kills keeps the records of what the log lacks: they say how far the choice can be trusted. */
export function createSelection({ since, until, filter }: SelectionOptions): Selection {
  let untimed = 0;
  return {
    wants(record) {
      if (record.eventName === "oom.kill" && !filter.every((term) => matches(term, record))) return false;
      const fromStart = since === undefined ? 0 : compare(record, since);
      const fromEnd = until === undefined ? -1 : compare(record, until);
      if (fromStart === undefined || fromEnd === undefined) {
        untimed++;
        return false;
      }
      return fromStart >= 0 && fromEnd < 0;
    },
    get untimed() {
      return untimed;
    },
  };
}

/** @returns negative: the record is before it; undefined: the log does not tell */
function compare({ timestampUs, attributes }: LogRecord, moment: Moment): number | undefined {
  if ("wallUs" in moment) return timestampUs === undefined ? undefined : timestampUs - moment.wallUs;
  const monotonic = attributes["oom.kernel.monotonic"];
  return typeof monotonic === "number" ? monotonic - moment.bootSeconds : undefined;
}

function matches({ key, test, value }: FilterTerm, record: LogRecord): boolean {
  const keys = key === undefined ? SEARCHED : (SHORT_KEYS[key] ?? [key]);
  const found = keys.map((one) => record.attributes[one] ?? record.resource[one]).filter((one) => one !== undefined);
  // A list matches where one of it does.
  const texts = found.flat().map(String);
  if (test === "~") return texts.some((text) => text.toLowerCase().includes(value));
  // The twelve digits of a container that every tool shows, a UID that was cut short in a table.
  const isPrefixed = key === "container" || key === "uid" || key === "pod";
  const isThere = texts.some((text) => text === value || (isPrefixed && value.length >= 6 && text.startsWith(value)));
  return isThere === (test === "=");
}

/** `scope=node`, `comm!=java`, `pod~8f7d`, `java`; quotes hold what has blanks in it. */
const TERM = /(?:([\w.]+)(!=|=|~))?(?:"([^"]*)"|(\S+))(?:\s+|$)/y;

/** @returns undefined where it cannot be read */
export function parseFilter(text: string): FilterTerm[] | undefined {
  const terms: FilterTerm[] = [];
  const trimmed = text.trim();
  TERM.lastIndex = 0;
  while (TERM.lastIndex < trimmed.length) {
    const match = TERM.exec(trimmed);
    if (match === null) return undefined;
    const [, key, operator, quoted, bare = ""] = match;
    const value = quoted ?? bare;
    if (bare.includes('"')) return undefined;
    if (operator === undefined) terms.push({ key: undefined, test: "~", value: value.toLowerCase() });
    else if (operator === "~") terms.push({ key, test: "~", value: value.toLowerCase() });
    else terms.push({ key, test: operator as "=" | "!=", value });
  }
  return terms;
}
