/** RBAC manifests held against the calls that are made: what is missing, and what is granted and never used. */
import { parseAllDocuments } from "yaml";
import type { ApiCall, Verb } from "../src/identify/kubernetes/calls.ts";

interface Rule {
  apiGroups?: string[];
  resources?: string[];
  verbs?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}

interface Right {
  group: string;
  /** with its subresource */
  resource: string;
  verb: string;
}

/**
 * @param manifests YAML, any number of documents; the rules of all ClusterRoles count, as the agent has them all
 * @param calls what is made with these manifests: optional ones only where the setting that needs them is on
 * @returns a sentence for each difference
 */
export function findRbacDifferences(manifests: string, calls: readonly ApiCall[]): string[] {
  const rules = readRules(manifests);
  const needed = calls.flatMap(toRights);
  const missing = needed
    .filter((right) => !rules.some((rule) => grants(rule, right)))
    .map((right) => `missing: ${say(right)}`);
  const unused = rules.flatMap((rule) => [
    ...toGranted(rule)
      .filter((granted) => !needed.some((right) => say(right) === say(granted)))
      .map((granted) => `never used: ${say(granted)}`),
    ...(rule.nonResourceURLs ?? []).map((url) => `never used: ${url}`),
  ]);
  return [...missing, ...unused];
}

/** @throws where it is no YAML */
function readRules(manifests: string): Rule[] {
  return parseAllDocuments(manifests).flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    const { kind, rules } = (document.toJS() ?? {}) as { kind?: string; rules?: Rule[] };
    return kind === "ClusterRole" ? (rules ?? []) : [];
  });
}

function toRights({ group, resource, subresource, verbs }: ApiCall): Right[] {
  const name = subresource === undefined ? resource : `${resource}/${subresource}`;
  return verbs.map((verb: Verb) => ({ group, resource: name, verb }));
}

/** A rule for some names only grants no list, and no object whose name is not known before. Wildcards are no grant here: they are too much. */
function grants({ apiGroups = [], resources = [], verbs = [], resourceNames }: Rule, right: Right): boolean {
  const isWhole = resourceNames === undefined || resourceNames.length === 0;
  return isWhole && apiGroups.includes(right.group) && resources.includes(right.resource) && verbs.includes(right.verb);
}

function toGranted({ apiGroups = [], resources = [], verbs = [] }: Rule): Right[] {
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) => verbs.map((verb) => ({ group, resource, verb }))),
  );
}

function say({ group, resource, verb }: Right): string {
  return `${verb} ${group === "" ? resource : `${resource}.${group}`}`;
}
