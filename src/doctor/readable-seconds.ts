/** A length of time in one unit that people know: `45 s`, `12 min`, `3.5 h`, `2 d`. */

const UNITS = [
  { name: "d", seconds: 86_400 },
  { name: "h", seconds: 3600 },
  { name: "min", seconds: 60 },
] as const;

export function readableSeconds(seconds: number): string {
  const unit = UNITS.find((one) => seconds >= 2 * one.seconds);
  if (unit === undefined) return `${Math.round(seconds)} s`;
  return `${Math.round((seconds / unit.seconds) * 10) / 10} ${unit.name}`;
}
