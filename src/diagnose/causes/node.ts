/** The node's own memory: it was short as a whole, or on the memory nodes that were allowed, or only asked to kill. */

import type { Fact } from "../diagnosis.ts";
import { type Case, type Member, timeOf } from "../input.ts";
import type { Finding } from "./cause.ts";
import { nameOf } from "./neighbour.ts";

/** Of the RAM: below that the kernel's watermarks are near, whatever their setting. */
const SHORT = 0.05;
/** How many of those that used most are named. */
const MAX_NAMED = 3;

export function weighNodePressure(one: Case): Finding | undefined {
  const { kill, use } = one;
  const isLogged = kill.evidence.includes("kill_line");
  const isNodes = isLogged ? kill.report.constraint === "none" && kill.report.trigger?.order !== -1 : true;
  if (kill.scope !== "node" || !isNodes) return undefined;
  const facts: Fact[] = [];
  if (!isLogged) {
    const says = "no cgroup around it had come to its limit when its kill was counted: so it was for the node's memory";
    facts.push({ says, figures: {}, source: "counter" });
  }
  const { whole, used } = use;
  if (whole !== undefined && used !== undefined) {
    facts.push({
      says: "of the node's {total} there was {free} left",
      figures: { total: { bytes: whole }, free: { bytes: whole - used } },
      source: "report",
    });
  }
  facts.push(...pressureFacts(one), ...largestFacts(one), ...overRequestFacts(one.history?.members ?? []));
  if (isLogged) facts.push(whyThisVictim(one));
  const isShort = whole !== undefined && used !== undefined && whole - used <= SHORT * whole;
  // A kill line alone that anybody may have written proves little.
  const isBare = kill.record?.origin !== "kernel" && !kill.evidence.includes("report");
  return { score: isShort ? 0.95 : isBare ? 0.6 : 0.8, facts };
}

export function weighCpuset(one: Case): Finding | undefined {
  return weighConstraint(one, "cpuset", "the memory nodes that its cpuset allows had no memory left");
}

export function weighMemoryPolicy(one: Case): Finding | undefined {
  return weighConstraint(
    one,
    "memory_policy",
    "the memory nodes that its memory policy (NUMA) allows had no memory left",
  );
}

function weighConstraint(
  { kill, use }: Case,
  constraint: "cpuset" | "memory_policy",
  says: string,
): Finding | undefined {
  const { report } = kill;
  if (report.constraint !== constraint || report.trigger?.order === -1) return undefined;
  const { cpuset, nodemask, memsAllowed } = report.summary ?? {};
  const nodes = constraint === "cpuset" ? memsAllowed : nodemask;
  const facts: Fact[] = [{ says, figures: {}, source: "report" }];
  if (nodes !== undefined)
    facts.push({ says: "allowed are {nodes}", figures: { nodes: { name: nodes } }, source: "report" });
  if (constraint === "cpuset" && cpuset !== undefined) {
    facts.push({
      says: "who asked was in the cpuset {cpuset}",
      figures: { cpuset: { name: cpuset } },
      source: "report",
    });
  }
  if (use.whole !== undefined && use.used !== undefined) {
    facts.push({
      says: "the node as a whole had {free} of {total} left",
      figures: { free: { bytes: use.whole - use.used }, total: { bytes: use.whole } },
      source: "report",
    });
  }
  return { score: 0.95, facts };
}

export function weighSysrq({ kill }: Case): Finding | undefined {
  if (kill.report.trigger?.order !== -1) return undefined;
  const says = "a person or a program asked for the kill by SysRq-f: memory need not have been short";
  return { score: 0.95, facts: [{ says, figures: {}, source: "report" }] };
}

/** That it had none proves little: the kernel is faster than the kubelet, which looks every ten seconds. */
function pressureFacts(one: Case): Fact[] {
  const pressure = one.node?.memoryPressure;
  const killMs = timeOf(one);
  if (pressure?.isTrue !== true || killMs === undefined) return [];
  return [
    {
      says: "the node had been under MemoryPressure for {age}",
      figures: { age: { seconds: Math.max(0, killMs - pressure.sinceMs) / 1000 } },
      source: "kubernetes",
    },
  ];
}

/** By container where they were watched, else by process. */
function largestFacts({ tasks, history }: Case): Fact[] {
  const members = [...(history?.members ?? [])].sort((a, b) => b.usage - a.usage).slice(0, MAX_NAMED);
  if (members.length > 0) {
    return members.map((member) => ({
      says: "{other} used {used}",
      figures: { other: { name: nameOf(member) }, used: { bytes: member.usage } },
      source: "history",
    }));
  }
  return tasks.slice(0, MAX_NAMED).map(({ comm, pid, rss }) => ({
    says: "{comm} (pid {pid}) held {rss}",
    figures: { comm: { name: comm }, pid: { number: pid }, rss: { bytes: rss } },
    source: "report",
  }));
}

/** Containers that used more than they had asked for, those furthest over first. */
export function overRequests(members: readonly Member[]): { member: Member; over: number; request: number }[] {
  const over = members.flatMap((member) => {
    const facts = member.who?.containerFacts;
    if (facts === undefined) return [];
    const request = facts.memory.request ?? facts.memory.limit ?? 0;
    return member.usage > request ? [{ member, over: member.usage - request, request }] : [];
  });
  return over.sort((a, b) => b.over - a.over);
}

function overRequestFacts(members: readonly Member[]): Fact[] {
  return overRequests(members)
    .slice(0, MAX_NAMED)
    .map(({ member, over, request }) => ({
      says: "{other} used {over} more than its request of {request}",
      figures: { other: { name: nameOf(member) }, over: { bytes: over }, request: { bytes: request } },
      source: "history",
    }));
}

/** The kernel adds oom_score_adj thousandths of the RAM to what a process holds (mm/oom_kill.c oom_badness). */
function whyThisVictim({ kill, victimRss, tasks, who }: Case): Fact {
  const adj = kill.victim.oomScoreAdj;
  const qos = kill.identity?.qos ?? who?.podFacts?.qos;
  const isLargest = tasks[0] !== undefined && tasks[0].pid === kill.victim.pid;
  const says = [
    "it was chosen",
    isLargest ? " as the largest process" : victimRss === undefined ? "" : " though others held more than its {rss}",
    adj === undefined ? "" : ", with an oom_score_adj of {adj}",
    qos === undefined ? "" : " (QoS class {qos})",
  ].join("");
  return {
    says,
    figures: {
      ...(victimRss === undefined ? {} : { rss: { bytes: victimRss } }),
      ...(adj === undefined ? {} : { adj: { number: adj } }),
      ...(qos === undefined ? {} : { qos: { name: qos } }),
    },
    source: "report",
  };
}
