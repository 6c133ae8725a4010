/** Text encodings of a capture, told by its first bytes: UTF-16 (PowerShell's redirection), a UTF-8 byte order mark. */

/** Bytes of a capture, in any encoding → the same text in UTF-8, or bytes as they are where nothing tells more. */
export interface CaptureDecoder {
  /** Chunks may be cut anywhere. */
  push(chunk: Buffer): Buffer;
  end(): Buffer;
}

const EMPTY = Buffer.alloc(0);

export function createCaptureDecoder(): CaptureDecoder {
  let head: Buffer | undefined = EMPTY;
  let utf16: InstanceType<typeof TextDecoder> | undefined;

  /** Until the encoding is known nothing is handed on. */
  function decide(bytes: Buffer): Buffer {
    head = undefined;
    const encoding = detectEncoding(bytes);
    if (encoding === undefined) return bytes;
    if (encoding === "utf-8") return bytes.subarray(3);
    utf16 = new TextDecoder(encoding);
    return decode(bytes);
  }

  function decode(bytes: Buffer): Buffer {
    return utf16 === undefined ? bytes : Buffer.from(utf16.decode(bytes, { stream: true }), "utf8");
  }

  return {
    push(chunk) {
      if (head === undefined) return decode(chunk);
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
      return head.length >= SAMPLE ? decide(head) : EMPTY;
    },
    end() {
      if (head !== undefined) return decide(head);
      return utf16 === undefined ? EMPTY : Buffer.from(utf16.decode(), "utf8");
    },
  };
}

/** Bytes that are looked at where there is no byte order mark. */
const SAMPLE = 64;

function detectEncoding(bytes: Buffer): "utf-16le" | "utf-16be" | "utf-8" | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return "utf-8";
  // ASCII in UTF-16: every other byte is zero.
  const zeros = [0, 0];
  const length = Math.min(bytes.length, SAMPLE) & ~1;
  for (let at = 0; at < length; at++) if (bytes[at] === 0) zeros[at & 1] = (zeros[at & 1] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  if (length < 16) return undefined;
  if (odd > length * 0.45 && even === 0) return "utf-16le";
  return even > length * 0.45 && odd === 0 ? "utf-16be" : undefined;
}
