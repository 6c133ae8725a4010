/** Headers in a file of their own, read again when it changes: a key that is rotated needs no restart. */
import { readFileSync, statSync } from "node:fs";
import { validateHeaderName, validateHeaderValue } from "node:http";

export interface HeadersFile {
  /** Names in lower case. Where the file cannot be read any more, the last that could; never throws. */
  read(): Readonly<Record<string, string>>;
}

/** More than any server takes of headers. */
const MAX_BYTES = 65_536;

/**
 * @param warn told why what the file has now is not used, once for each state of it
 * @throws Error where it cannot be read at the start
 */
export function openHeadersFile(path: string, warn: (message: string) => void): HeadersFile {
  let seen = identify(path);
  let headers = parseHeadersFile(path);

  return {
    read() {
      const now = identify(path);
      if (now === seen) return headers;
      seen = now;
      try {
        headers = parseHeadersFile(path);
      } catch (error) {
        warn(`${(error as Error).message}; the headers that were read last are used`);
      }
      return headers;
    },
  };
}

/** Of a Secret that Kubernetes mounts, another file stands behind the same path after a change. */
function identify(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join();
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

/** `name: value` a line, as HTTP has them; blank lines and those that begin with # are passed over. */
function parseHeadersFile(path: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [index, line] of readLines(path).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const colon = line.indexOf(":");
    try {
      const name = line.slice(0, Math.max(colon, 0)).trim().toLowerCase();
      const value = line.slice(colon + 1).trim();
      validateHeaderName(name);
      validateHeaderValue(name, value);
      headers[name] = value;
    } catch {
      // No word of the line: it is a secret.
      throw new Error(`the file of headers ${path}: line ${index + 1} is not "name: value"`);
    }
  }
  return headers;
}

function readLines(path: string): string[] {
  try {
    const text = readFileSync(path, "utf8");
    if (text.length > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES} bytes`);
    return text.split(/\r?\n/);
  } catch (error) {
    throw new Error(`the file of headers ${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
