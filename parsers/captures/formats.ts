/** The formats of one line a record, in the order in which a line is tried. A new one is a new row and its fixture. */
import { parseKmsgLine } from "../kmsg.ts";
import { dmesgCtimeFormat, dmesgDeltaFormat, dmesgFormat, dmesgIsoFormat, dmesgNoTimeFormat } from "./dmesg.ts";
import type { LineFormat } from "./format.ts";
import { shortMonotonicFormat, syslogFormat } from "./syslog.ts";

/** Raw records of /dev/kmsg, a line each. Their message's column is not shown: line breaks in it are escaped. */
export const kmsgFormat: LineFormat = {
  name: "/dev/kmsg",
  example: "4,16152,7398821898,-;java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
  lost: ["wall-time"],
  parse(line) {
    const record = parseKmsgLine(line);
    return record === undefined ? undefined : { record, textColumn: 0 };
  },
};

export const LINE_FORMATS: readonly LineFormat[] = [
  kmsgFormat,
  // Before dmesg: with a kernel's tag it is sure, and dmesg would take host and tag for the message.
  shortMonotonicFormat,
  dmesgFormat,
  dmesgCtimeFormat,
  dmesgDeltaFormat,
  dmesgIsoFormat,
  syslogFormat,
  dmesgNoTimeFormat,
];
