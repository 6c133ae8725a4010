/** What a file is, by its first bytes and never by its name. */

export type Compression = "gzip" | "zstd";

export type Found =
  | { kind: "text" | Compression }
  /** nothing to find in it as it is; the advice is a command for a file, quoted for a shell */
  | { kind: "foreign"; what: string; advice: (file: string) => string };

/** As many as the longest of them. */
export const MAGIC_BYTES = 8;

interface Magic {
  /** Latin-1 */
  bytes: string;
  found: Found;
}

const MAGICS: readonly Magic[] = [
  // RFC 1952; 8 is deflate, the only method there is.
  { bytes: "\x1f\x8b\x08", found: { kind: "gzip" } },
  // RFC 8878; pzstd and seekable files begin with or hold skippable frames (0x184D2A50 to …5F).
  { bytes: "\x28\xb5\x2f\xfd", found: { kind: "zstd" } },
  ...Array.from({ length: 16 }, (_, n) => ({
    bytes: `${String.fromCharCode(0x50 + n)}\x2a\x4d\x18`,
    found: { kind: "zstd" } as const,
  })),
  { bytes: "\xfd7zXZ\0", found: foreign("compressed with xz", (file) => `xz -dc ${file} | oomscribe replay -`) },
  { bytes: "BZh", found: foreign("compressed with bzip2", (file) => `bzip2 -dc ${file} | oomscribe replay -`) },
  {
    bytes: "\x04\x22\x4d\x18",
    found: foreign("compressed with lz4", (file) => `lz4 -dc ${file} | oomscribe replay -`),
  },
  { bytes: "PK\x03\x04", found: foreign("a zip archive", (file) => `unzip -p ${file} | oomscribe replay -`) },
  {
    // https://systemd.io/JOURNAL_FILE_FORMAT/
    bytes: "LPKSHHRH",
    found: foreign("a journal file", (file) => `journalctl --file ${file} -k -o export | oomscribe replay -`),
  },
  {
    bytes: "\x7fELF",
    found: foreign("a program or a core dump", () => "replay reads logs as text: dmesg, journalctl -k, kern.log"),
  },
];

/** @param head the first bytes, at least MAGIC_BYTES unless the file is shorter */
export function recognise(head: Buffer): Found {
  const start = head.toString("latin1", 0, MAGIC_BYTES);
  return MAGICS.find(({ bytes }) => start.startsWith(bytes))?.found ?? { kind: "text" };
}

function foreign(what: string, advice: (file: string) => string): Found {
  return { kind: "foreign", what, advice };
}
