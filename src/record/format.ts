/** Names, cgroup paths and sizes as a sentence can hold them: nothing in them can break the line or pose as the text. */

const PLAIN_NAME = /^[\w.:/@+-]+$/;
/** A backslash is plain here: systemd writes `a\x2db.service`. */
const PLAIN_PATH = /^[\w.:/@+\\-]+$/;
/** Control and format characters (bidirectional ones too), lone surrogates, line separators, and what quoting needs. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}"\\]/gu;
/** A path in a sentence; longer ones keep their end, which says most. */
const MAX_PATH = 160;

/** A process's name: as it is where it is plain, else quoted, unprintable characters escaped. */
export function readableName(name: string): string {
  return PLAIN_NAME.test(name) ? name : quote(name);
}

/** A cgroup path: as it is where it is plain, else quoted; its beginning is left out where it is long. */
export function readablePath(path: string): string {
  const shown = path.length > MAX_PATH ? `…${path.slice(-MAX_PATH)}` : path;
  return PLAIN_PATH.test(shown.startsWith("…") ? shown.slice(1) : shown) ? shown : quote(shown);
}

function quote(text: string): string {
  return `"${text.replace(UNSAFE, escapeCharacter)}"`;
}

function escapeCharacter(character: string): string {
  return character === '"' || character === "\\" ? `\\${character}` : escapeByNumber(character);
}

/** `\x1b`, `\u{202e}`: what cannot be shown as it is. */
export function escapeByNumber(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}

const UNITS = ["KiB", "MiB", "GiB", "TiB"] as const;

/** A size with one decimal where there is one. @param bytes bytes */
export function readableSize(bytes: number): string {
  let size = bytes / 1024;
  let unit = 0;
  // 1023.95 would be rounded to 1024.0.
  while (size >= 1023.95 && unit < UNITS.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${Math.round(size * 10) / 10} ${UNITS[unit]}`;
}

const DURATIONS = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
] as const;

/** A duration in one unit: `12.5 s`, `3.4 h`. @param seconds seconds @param decimals of seconds; larger units have one */
export function readableDuration(seconds: number, decimals: 0 | 1 = 1): string {
  for (const [unit, size] of DURATIONS) {
    if (seconds >= 2 * size) return `${Math.round((seconds / size) * 10) / 10} ${unit}`;
  }
  const scale = 10 ** decimals;
  return `${Math.round(seconds * scale) / scale} s`;
}
