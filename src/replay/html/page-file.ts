/** The file of a page: written piece by piece under another name, so that a page under its own name is whole. */
import { closeSync, openSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";

export interface PageFile {
  /** @throws where the file cannot be written */
  write(text: string): void;
  /** Writes what is left and gives the file its name. @throws where that cannot be done */
  finish(): void;
  /** Leaves no file behind that is not whole. */
  discard(): void;
}

/** Characters that are written at once. */
const PIECE = 64 * 1024;

/** @throws where the file cannot be created */
export function openPageFile(path: string): PageFile {
  const existing = statSync(path, { throwIfNoEntry: false });
  // A device or a pipe is written to as it is.
  const isReplaced = existing === undefined || existing.isFile();
  const target = existing === undefined ? path : realpathSync(path);
  const name = isReplaced ? `${target}.part` : path;
  // Another file of that name is left over from a run that was stopped.
  if (isReplaced) rmSync(name, { force: true });
  const fd = openSync(name, isReplaced ? "wx" : "w", existing === undefined ? 0o666 : existing.mode & 0o777);
  let piece = "";
  let isOpen = true;

  function flush(): void {
    // From where the descriptor stands, until all is written.
    writeFileSync(fd, piece);
    piece = "";
  }

  function close(): void {
    if (isOpen) closeSync(fd);
    isOpen = false;
  }

  return {
    write(text) {
      piece += text;
      if (piece.length >= PIECE) flush();
    },
    finish() {
      flush();
      close();
      if (isReplaced) renameSync(name, target);
    },
    discard() {
      close();
      if (isReplaced) rmSync(name, { force: true });
    },
  };
}
