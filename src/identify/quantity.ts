/**
 * Kubernetes' quantities: `512Mi`, `1G`, `1500m`, `1e9`.
 * Spec: k8s.io/apimachinery/pkg/api/resource, Quantity: a decimal number, then a binary or a decimal suffix or an exponent.
 */
const QUANTITY = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?\d+))?$/;

const BINARY: Readonly<Record<string, number>> = {
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};
const DECIMAL: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
};

/** @returns the number, of memory bytes, rounded up to a whole one as the kubelet does; undefined where it is none */
export function parseQuantity(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? Math.ceil(value) : undefined;
  const match = typeof value === "string" ? QUANTITY.exec(value) : null;
  if (match === null) return undefined;
  const [, digits, binary, decimal, exponent] = match;
  const factor =
    binary !== undefined ? BINARY[binary] : decimal !== undefined ? DECIMAL[decimal] : 10 ** Number(exponent ?? 0);
  const number = Number(digits) * (factor ?? 1);
  // Decimal fractions are no binary ones: 1.1k is 1100, not 1100.0000000000002.
  const whole = Math.round(number);
  return Math.abs(number - whole) < 1e-6 ? whole : Math.ceil(number);
}
