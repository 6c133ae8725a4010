/** HTTP's header Retry-After: how long a server asks to be left alone. */

/**
 * `120` or an HTTP date, https://www.rfc-editor.org/rfc/rfc9110#field.retry-after.
 * @returns milliseconds from `nowMs` on; undefined: neither of the two
 */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000;
  const dateMs = Date.parse(value);
  return Number.isNaN(dateMs) ? undefined : Math.max(dateMs - nowMs, 0);
}
