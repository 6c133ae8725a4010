/** The agent's own log: one line of JSON an event, on standard error. */
import { destination, type Logger, pino, stdTimeFunctions } from "pino";

export type { Logger } from "pino";

/**
 * Opens the log. There is one, made where the program starts and passed on; nothing logs to a global.
 * @param fd default 2; written to at once, so that nothing is lost when the process ends
 */
export function openLog(fd = 2): Logger {
  return pino(
    {
      // Who wrote the line is the container's or unit's own knowledge: no pid, no host name.
      base: null,
      messageKey: "message",
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    destination({ fd, sync: true }),
  );
}
