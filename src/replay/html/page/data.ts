/** What a report's page is given: the records as they would be sent, and what was said of them together. */
import type { LogRecord } from "../../../ship/log-record.ts";

export interface ReportData {
  version: string;
  /** ISO 8601 */
  madeAt: string;
  /** the summary's sentences, the first of them the most telling */
  sentences: string[];
  /** how many were read */
  captures: number;
  kills: LogRecord[];
  /** those that the page does not hold, since it would be too large */
  others: OtherKills;
  /** how many kills have only their kill line, since all lines together would be too long for a page */
  cut: number;
}

/** Kills of which a page has only how many there were. */
export interface OtherKills {
  count: number;
  /** those whose time is known, in no order */
  times: CountedTime[];
  /** container, pod, unit or path; empty: not known */
  places: { place: string; kills: number }[];
}

/** Kills at about one time. */
export interface CountedTime {
  /** since the epoch, or since boot */
  seconds: number;
  isWall: boolean;
  kills: number;
  /** of these, as the node itself ran out */
  node: number;
}
