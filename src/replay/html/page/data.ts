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
  /** how many more kills there are than the page holds */
  left: number;
  /** how many kills have only their kill line, since all lines together would be too long for a page */
  cut: number;
}
