/** COMM, the name that a process gives itself, within what the kernel can print. */

/** TASK_COMM_LEN − 1 of include/linux/sched.h */
const COMM_BYTES = 15;
/** What one byte of a name can look like where a log's writer has escaped it or made U+FFFD of it. */
const ESCAPED_BYTE = /\\x[0-9a-f]{2}|#[0-7]{3}|\xef\xbf\xbd/g;
/** The longest form of an escaped byte: `\xNN`. */
const ESCAPED_LENGTH = 4;

/** Bytes of the text in which a name of legal length ends, whatever a log's writer has escaped. */
export const LONGEST_COMM = COMM_BYTES * ESCAPED_LENGTH;

/** Whether a byte string can be a name: the kernel keeps 15 bytes, of kernel threads too. */
export function isComm(bytes: string): boolean {
  if (bytes.length <= COMM_BYTES) return true;
  return bytes.length <= LONGEST_COMM && bytes.replace(ESCAPED_BYTE, "?").length <= COMM_BYTES;
}
