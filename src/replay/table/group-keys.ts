/** What kills can be grouped by; apart, since the command line needs no more of the table than this. */

export const GROUP_KEYS = ["container", "pod", "scope", "victim", "node", "hour", "day"] as const;
export type GroupKey = (typeof GROUP_KEYS)[number];
