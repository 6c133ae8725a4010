/** Bytes as they come → whole lines, as byte strings; a line without an end is not kept longer than a kernel's can be. */

export interface LineCutter {
  push(bytes: Buffer): void;
  /** What has no end will get none. */
  end(): void;
}

const MAX_LINE = 256 * 1024;

export function createLineCutter(onLine: (line: string) => void): LineCutter {
  let rest = "";
  return {
    push(bytes) {
      const text = bytes.toString("latin1");
      // A line that grows by a few bytes at a time is not put together anew each time.
      if (text.includes("\n")) {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) onLine(line.endsWith("\r") ? line.slice(0, -1) : line);
      } else rest += text;
      if (rest.length <= MAX_LINE) return;
      onLine(rest);
      rest = "";
    },
    end() {
      if (rest !== "") onLine(rest);
      rest = "";
    },
  };
}
