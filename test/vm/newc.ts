/** Writes a cpio archive in the newc format, which the kernel unpacks as its first file system. */

export interface ArchiveEntry {
  /** without a leading slash */
  readonly path: string;
  readonly content: Uint8Array | "directory";
  /** may be run */
  readonly executable?: boolean;
}

const REGULAR = 0o100000;
const DIRECTORY = 0o040000;

/**
 * Directories that an entry needs are added by themselves.
 * @see Documentation/driver-api/early-userspace/buffer-format.rst
 */
export function toNewc(entries: Iterable<ArchiveEntry>): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const made = new Set<string>();
  let inode = 0;

  function add(path: string, mode: number, content: Uint8Array): void {
    inode++;
    const name = Buffer.from(`${path}\0`);
    // magic, inode, mode, uid, gid, links, mtime, size, device (2), rdev (2), length of the name, checksum
    const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
    parts.push(Buffer.from(header), name, padding(header.length + name.length), content, padding(content.length));
  }

  function addDirectory(path: string): void {
    if (path === "" || made.has(path)) return;
    made.add(path);
    addDirectory(parentOf(path));
    add(path, DIRECTORY | 0o755, new Uint8Array());
  }

  for (const { path, content, executable } of entries) {
    addDirectory(content === "directory" ? path : parentOf(path));
    if (content !== "directory") add(path, REGULAR | (executable ? 0o755 : 0o644), content);
  }
  add("TRAILER!!!", 0, new Uint8Array());
  return parts;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}

function padding(length: number): Uint8Array {
  return new Uint8Array((4 - (length % 4)) % 4);
}
