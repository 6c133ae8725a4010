/** One log record as it is sent and as replay prints it: OTLP's fields with flat attributes. */

export type AttributeValue = string | number | boolean | string[];
export type Attributes = Record<string, AttributeValue>;

export interface LogRecord {
  /** when the kernel said it, microseconds since the Unix epoch; absent where the text does not tell */
  timestampUs?: number;
  severityText: string;
  severityNumber: number;
  eventName: string;
  body: string;
  resource: Attributes;
  attributes: Attributes;
}
