/** A saved web page: tags taken off, entities undone. */

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'", nbsp: " " };

/** Whether a capture's beginning is a web page's. */
export function isHtml(sample: string): boolean {
  return /^\s*(?:<!doctype html|<html|<\?xml[^>]*>\s*<!doctype html)/i.test(sample);
}

/** One line of a page → its text. */
export function stripHtml(line: string): string {
  const text = stripTags(line);
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-z]{2,4}));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    // Bytes of a byte string; what is above is left as it stands.
    return code < 128 ? String.fromCharCode(code) : whole;
  });
}

const TAG_START = /<(?:\/?[a-zA-Z]|!)/g;

/** A tag that does not end on its line stays; the search for its end would begin again at every other one. */
function stripTags(line: string): string {
  let text = "";
  let from = 0;
  for (const { index } of line.matchAll(TAG_START)) {
    // A bracket in the value of another tag's attribute.
    if (index < from) continue;
    const end = line.indexOf(">", index);
    if (end === -1) break;
    text += line.slice(from, index);
    from = end + 1;
  }
  return from === 0 ? line : text + line.slice(from);
}
