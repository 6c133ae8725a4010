/**
 * Byte strings: text kept as Latin-1 code units, one a byte, so that hostile or broken UTF-8 survives matching
 * unharmed and is decoded once, leniently, where a name is taken out.
 */

const NON_ASCII = /[^\0-\x7f]/;

/** Byte string → text: UTF-8, invalid bytes as U+FFFD. */
export function decodeBytes(bytes: string): string {
  return NON_ASCII.test(bytes) ? Buffer.from(bytes, "latin1").toString("utf8") : bytes;
}

/** Text → byte string: its UTF-8 bytes. */
export function encodeBytes(text: string): string {
  return NON_ASCII.test(text) ? Buffer.from(text, "utf8").toString("latin1") : text;
}

const ESCAPE = /\\x([0-9a-f]{2})/g;

/**
 * Undoes the escapes of /dev/kmsg, exactly once: every byte outside 0x20–0x7e and the backslash stand as `\xNN`
 * (kernel/printk/printk.c, append_char).
 */
export function undoKmsgEscapes(bytes: string): string {
  if (!bytes.includes("\\")) return bytes;
  return bytes.replace(ESCAPE, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** A byte that the kernel would have escaped, or a backslash that starts none of its escapes. */
const UNESCAPED = /[^\x20-\x7e]|\\(?!x(?:[01][0-9a-f]|7f|5c|[89a-f][0-9a-f]))/;
/** An unprintable byte's escape, or an escaped backslash of one of systemd's (`a\x5cx2db` is its `a\x2db`). */
const SURELY_ESCAPED = /\\x(?:[01][0-9a-f]|7f|[89a-f][0-9a-f]|5cx[0-9a-f]{2})/;

/**
 * For text that may or may not have gone through /dev/kmsg's escaping (rsyslog's imkmsg keeps it, imjournal does
 * not): undoes the escapes only where nothing in the message is left unescaped and something is surely escaped. A
 * systemd name such as `a\x2db` is therefore left alone: the kernel never escapes a printable byte.
 */
export function undoKmsgEscapesIfEscaped(bytes: string): string {
  if (!bytes.includes("\\") || UNESCAPED.test(bytes) || !SURELY_ESCAPED.test(bytes)) return bytes;
  return undoKmsgEscapes(bytes);
}

const UNPRINTABLE_ESCAPE = /\\x([01][0-9a-f]|7f|[89a-f][0-9a-f])/g;

/**
 * For text whose writer undid the kernel's escapes and then made bytes that its locale cannot print visible again
 * (dmesg of util-linux, fwrite_hex): only unprintable bytes are undone, a backslash stands for itself.
 */
export function undoUnprintableEscapes(bytes: string): string {
  if (!bytes.includes("\\")) return bytes;
  return bytes.replace(UNPRINTABLE_ESCAPE, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
