/** What a test has opened, closed after it in the opposite order, whether it passed or not. */
import { afterEach } from "vitest";

export type Cleanup = () => void | Promise<void>;

/** To be called once, at the top of a test file. */
export function useCleanups(): Cleanup[] {
  const cleanups: Cleanup[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  return cleanups;
}
