/**
 * A node that kills: what happens on it, second by second, and what a reader of its log and counters gets to see.
 * Random, from a seed; the truth is kept beside what is shown.
 */
import { parseKmsgRecord } from "../parsers/kmsg.ts";
import { parseKillLine } from "../parsers/oom/killed.ts";
import type { OomReport, Victim } from "../parsers/oom/report.ts";
import { type CorrelatorState, createCorrelator, type ToldKill } from "../src/correlate/correlator.ts";
import type { LineWindow } from "../src/correlate/match.ts";
import type { CounterReading } from "../src/sources/cgroup-counters.ts";

export interface TrueKill {
  pid: number;
  cgroup: string;
  atMs: number;
  seq: number;
  /** its report names the cgroup */
  hasReport: boolean;
  /** its line was overwritten before it was read */
  lost: boolean;
}

export interface KillPlan {
  afterMs: number;
  container: number;
  hasReport: boolean;
  lost: boolean;
  removes: boolean;
  /** for so long /proc tells its cgroup after the kill */
  procMs: number;
  /** it was seen in its cgroup before */
  isSeen: boolean;
}

/** A kill line of the kernel's facility for which nobody was killed. */
export interface Forgery {
  /** after the kill with that index, or before all */
  afterKill: number;
  afterMs: number;
  /**
   * `line`: nothing but a kill line; `proc`: it names a living process of the container; `report`: a whole report that
   * names the container; `group`: a report of a group kill there, with two members
   */
  kind: "line" | "proc" | "report" | "group";
  container: number;
}

export interface Plan {
  version: "v1" | "v2";
  /** milliseconds between kills, and which container */
  kills: KillPlan[];
  /** milliseconds between looks */
  looks: number[];
  /** looks after which the agent is killed and started again, with what it saved last */
  restarts: number[];
  /** a kill of the whole group at that index: so many members */
  group?: { at: number; members: number } | undefined;
  forgeries?: readonly Forgery[];
}

/** A kill is counted before its line is printed, by that at most. */
const PRINT_MS = 100;
/** A stamp of the log against the clock of those who look. */
const STAMP_SLACK_MS = 200;

export interface Outcome {
  kills: TrueKill[];
  told: ToldKill[];
  /** pids of the kill lines that were forged */
  forged: number[];
  /** pids of the lines that were read at each look, which had been printed since the one before */
  batches: { afterMs: number; untilMs: number; pids: number[] }[];
}

const POD = "/kubepods/burstable/pod1f3c9d1e-8b7a-4b55-9c1a-0d6f2f5e7a10";
const containerPath = (index: number): string => `${POD}${index % 2}/${String(index).repeat(64).slice(0, 64)}`;

/** Runs the plan: kills happen while looks are made, each at its time. */
export function runNode(plan: Plan): Outcome {
  const own = new Map<string, number>();
  const tree = new Map<string, number>();
  /** group kills: of each cgroup that is there, and where all were */
  const groups = new Map<string, number>();
  const groupsEver: string[] = [];
  let node = 0;
  let seq = 100;
  const kills: TrueKill[] = [];
  const told: ToldKill[] = [];
  /** lines that were printed and not read yet */
  let log: { kill: TrueKill; printedMs: number; member: boolean; group: string | undefined }[] = [];
  const forged: number[] = [];
  const batches: Outcome["batches"] = [];
  const everything: typeof log = [];
  const proc = new Map<number, { cgroup: string; goneMs: number }>();
  const seen = new Map<number, string>();
  let known = new Map<string, string>();
  let nowMs = 1000;
  let startMs = nowMs;
  /** when the log had last been read to its end; undefined: not yet, since the start */
  let drainedMs: number | undefined = nowMs;
  let saved: { state: CorrelatorState; position: number } | undefined;
  let position = seq - 1;
  let correlator = createCorrelator({ startMs, hasCounters: true });
  const removed = new Set<string>();

  const events: { atMs: number; run: () => void }[] = [];
  let atMs = nowMs + 50;
  for (const [index, kill] of plan.kills.entries()) {
    atMs += kill.afterMs;
    const cgroup = containerPath(kill.container);
    const members = plan.group?.at === index ? plan.group.members : 0;
    events.push({ atMs, run: () => killOne(cgroup, kill, members) });
    if (kill.removes) events.push({ atMs: atMs + 5, run: () => remove(cgroup) });
    for (const forgery of plan.forgeries ?? []) {
      if (forgery.afterKill === index) events.push({ atMs: atMs + forgery.afterMs, run: () => forge(forgery) });
    }
  }
  events.sort((one, other) => one.atMs - other.atMs);

  function count(cgroup: string): void {
    node++;
    own.set(cgroup, (own.get(cgroup) ?? 0) + 1);
    for (const above of [cgroup, POD.concat(cgroup.charAt(POD.length)), "/kubepods/burstable", "/kubepods"]) {
      tree.set(above, (tree.get(above) ?? 0) + 1);
    }
  }

  function killOne(cgroup: string, kill: KillPlan, members: number): void {
    removed.delete(cgroup);
    const group = members > 0 ? cgroup : undefined;
    for (let member = 0; member < Math.max(1, members); member++) {
      const pid = 10_000 + kills.length;
      const truth: TrueKill = {
        pid,
        cgroup,
        atMs: nowMs,
        seq: seq++,
        hasReport: kill.hasReport && member === 0,
        lost: kill.lost,
      };
      kills.push(truth);
      count(cgroup);
      const line = { kill: truth, printedMs: nowMs, member: member > 0, group };
      if (!kill.lost) log.push(line);
      everything.push(line);
      if (kill.isSeen) seen.set(pid, cgroup);
      if (kill.procMs > 0) proc.set(pid, { cgroup, goneMs: nowMs + kill.procMs });
    }
    // The kernel's own double count of the first victim.
    if (members > 0) {
      count(cgroup);
      groups.set(cgroup, (groups.get(cgroup) ?? 0) + 1);
      groupsEver.push(cgroup);
    }
  }

  function forge({ kind, container }: Forgery): void {
    const cgroup = containerPath(container);
    const group = kind === "group" ? cgroup : undefined;
    for (let member = 0; member < (kind === "group" ? 2 : 1); member++) {
      const pid = 20_000 + forged.length;
      forged.push(pid);
      const hasReport = kind === "report" || (kind === "group" && member === 0);
      const kill: TrueKill = { pid, cgroup, atMs: nowMs, seq: seq++, hasReport, lost: false };
      const line = { kill, printedMs: nowMs, member: member > 0, group };
      log.push(line);
      everything.push(line);
      if (kind === "proc") proc.set(pid, { cgroup, goneMs: Number.POSITIVE_INFINITY });
    }
  }

  function remove(cgroup: string): void {
    removed.add(cgroup);
    own.delete(cgroup);
    tree.delete(cgroup);
    groups.delete(cgroup);
  }

  /** What the hierarchical count of a cgroup says: of one that was made anew, its own. */
  function groupsIn(cgroup: string): number {
    if (own.has(cgroup)) return groups.get(cgroup) ?? 0;
    return groupsEver.filter((one) => one.startsWith(`${cgroup}/`)).length;
  }

  function sweep(): void {
    correlator.node({ oomKill: node, atMs: nowMs });
    const paths = plan.version === "v1" ? [...own.keys()] : [...new Set([...own.keys(), ...tree.keys()])];
    for (const [path] of known) if (!own.has(path) && !tree.has(path)) tellCounter(path, "removed");
    for (const path of paths) tellCounter(path, known.has(path) ? "changed" : "found");
    correlator.allRead(nowMs - 0.001);
  }

  function tellCounter(cgroup: string, why: CounterReading["why"]): void {
    const reading: CounterReading = { cgroup, atMs: nowMs, why, fromZero: why === "found" && nowMs > startMs };
    if (own.has(cgroup) || plan.version === "v1")
      reading.local = {
        oomKill: own.get(cgroup) ?? 0,
        ...(plan.version === "v2" ? { oomGroupKill: groups.get(cgroup) ?? 0 } : {}),
      };
    if (plan.version === "v2") reading.tree = { oomKill: tree.get(cgroup) ?? 0, oomGroupKill: groupsIn(cgroup) };
    const text = JSON.stringify([reading.local, reading.tree]);
    if (why === "removed") {
      known.delete(cgroup);
      correlator.counter({ cgroup, atMs: nowMs, why, fromZero: false });
    } else if (known.get(cgroup) !== text) {
      known.set(cgroup, text);
      correlator.counter(reading);
    }
  }

  function readLog(): void {
    const lines = log;
    log = [];
    if (lines.length > 0)
      batches.push({ afterMs: drainedMs ?? 0, untilMs: nowMs, pids: lines.map(({ kill }) => kill.pid) });
    for (const { kill } of lines) {
      const still = proc.get(kill.pid);
      const seenCgroup = seen.get(kill.pid);
      const isThere = still !== undefined && still.goneMs >= nowMs;
      const read = {
        ...(isThere ? { cgroup: still.cgroup, comm: "java" } : {}),
        ...(seenCgroup === undefined ? {} : { seenCgroup }),
      };
      if (Object.keys(read).length > 0) correlator.proc(kill.pid, read, nowMs);
    }
    if (lines.length > 0) sweep();
    const windowOf = (kill: TrueKill): LineWindow =>
      drainedMs === undefined
        ? { afterMs: kill.atMs - STAMP_SLACK_MS, untilMs: Math.min(nowMs, kill.atMs + STAMP_SLACK_MS) }
        : { afterMs: drainedMs - PRINT_MS, untilMs: nowMs, likelyAfterMs: drainedMs };
    for (const [index, line] of lines.entries()) {
      if (line.member) continue;
      const after = lines.slice(index + 1);
      const end = after.findIndex(({ member }) => !member);
      const members = end < 0 ? after : after.slice(0, end);
      correlator.report(toReport([line, ...members]), () => windowOf(line.kill));
      position = line.kill.seq;
    }
    for (const line of lines) position = Math.max(position, line.kill.seq);
    drainedMs = nowMs;
  }

  function save(): void {
    const from = correlator.oldestSeq === undefined ? position : correlator.oldestSeq - 1;
    saved = { state: correlator.state(from, nowMs), position: from };
  }

  function restart(): void {
    startMs = nowMs;
    known = new Map();
    correlator = createCorrelator({ startMs, hasCounters: true, restored: saved?.state });
    drainedMs = undefined;
    const from = saved?.position ?? 0;
    log = everything.filter(({ kill }) => !kill.lost && kill.seq > from && kill.atMs <= nowMs);
    position = from;
    sweep();
  }

  function look(): void {
    readLog();
    sweep();
    told.push(...correlator.tick(nowMs));
    save();
  }

  sweep();
  save();
  for (let index = 0, idle = 0; idle < 40; index++) {
    const pause = plan.looks[index] ?? 400;
    if (index >= plan.looks.length && events.length === 0) idle++;
    const untilMs = nowMs + pause;
    for (let next = events[0]; next !== undefined && next.atMs <= untilMs; next = events[0]) {
      events.shift();
      nowMs = Math.max(nowMs, next.atMs);
      next.run();
    }
    nowMs = untilMs;
    if (plan.restarts.includes(index)) restart();
    look();
  }
  return { kills, told, forged, batches };
}

/** The report of one kill, or of a group's. */
function toReport(lines: readonly { kill: TrueKill; group: string | undefined }[]): OomReport {
  const [first] = lines as [{ kill: TrueKill; group: string | undefined }];
  const victims = lines.map(({ kill, group }) => toVictim(kill, group !== undefined));
  const { hasReport, cgroup, pid } = first.kill;
  return {
    victims,
    constraint: "memcg",
    outcome: "killed",
    missing: [],
    records: victims.map(({ record }) => record),
    ...(first.group === undefined ? {} : { groupKillCgroup: first.group }),
    ...(hasReport
      ? {
          victimCgroup: cgroup,
          limitCgroup: cgroup,
          summary: {
            constraint: "memcg",
            globalOom: false,
            comm: "java",
            pid,
            uid: 0,
            taskMemcg: cgroup,
            oomMemcg: cgroup,
          },
          tasks: victims.map((victim) => ({ pid: victim.pid, comm: "java" })),
        }
      : {}),
  };
}

function toVictim(kill: TrueKill, groupKill: boolean): Victim {
  const text = `Memory cgroup out of memory: Killed process ${kill.pid} (java) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:0kB oom_score_adj:0`;
  const record = parseKmsgRecord(`3,${kill.seq},${Math.round(kill.atMs * 1000)},-;${text}`);
  const line = parseKillLine(text);
  if (record === undefined || line === undefined) throw new Error("the model's own line cannot be read");
  const { constraint: _, ...victim } = line;
  return { ...victim, groupKill, record };
}
